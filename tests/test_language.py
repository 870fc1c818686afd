"""docs/language.md: its parts are a system, what it shows comes, and it names everything."""

from __future__ import annotations

import doctest
import re
import shlex
import sys
from pathlib import Path

import pytest

import memhp.spec.language
from memhp.cli.main import main

TEXT = (Path(__file__).parents[1] / "docs" / "language.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks of that language, in order."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", TEXT)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's folder, with the file that the page has them write."""
    (tmp_path / "library.py").write_text("\n\n".join(blocks("python")))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "library", raising=False)
    return tmp_path


def session_failures(session: str) -> list[str]:
    """What each example of a session that fails should have said."""
    test = doctest.DocTestParser().get_doctest(session, {}, "language.md", None, None)
    assert test.examples
    reports: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=reports.append)
    return reports


def test_every_session_says_what_is_shown(reader: Path) -> None:
    assert session_failures("".join(blocks("pycon"))) == []


def test_another_output_would_be_noticed(reader: Path) -> None:
    session = "".join(blocks("pycon"))
    assert len(session_failures(session.replace("\n8\n", "\n9\n"))) == 1


def shown() -> list[tuple[str, list[str]]]:
    """Each command of the page, and lines of what it prints, in order."""
    (block,) = blocks("console")
    commands = block.removeprefix("$ ").split("\n$ ")
    return [(each.splitlines()[0], each.splitlines()[1:]) for each in commands]


@pytest.mark.parametrize("command", [command for command, _ in shown()])
def test_every_command_prints_what_is_shown(
    reader: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    code = main(shlex.split(command)[1:])
    printed = capsys.readouterr().out.splitlines()
    assert code == (1 if "--variant" in command else 0)
    at = 0
    for line in dict(shown())[command]:
        at = next(n for n in range(at, len(printed)) if printed[n].startswith(line)) + 1


def test_every_construct_is_there() -> None:
    code = "".join((*blocks("python"), *blocks("pycon"), TEXT))
    names = set(memhp.spec.language.__all__)
    what_a_reader_meets = {"Action", "Axiom", "Definition", "Guard", "Property", "Variable", "Map"}
    missing = {name for name in names - what_a_reader_meets if not re.search(rf"\b{name}\b", code)}
    assert missing == {"designed"}


def test_every_block_is_of_a_kind_that_is_run() -> None:
    kinds = re.findall(r"(?m)^```(\w*)\n(?=.)", TEXT)
    assert {kind for kind in kinds if kind} == {"python", "pycon", "console"}
