"""docs/tutorial.md: its parts make examples/last_block.py, and its outputs are the real ones."""

from __future__ import annotations

import doctest
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "tutorial.md"
EXAMPLE = ROOT / "examples" / "last_block.py"


def blocks(language: str, text: str) -> list[str]:
    """The code blocks of that language, in order."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)


def failures(text: str) -> list[str]:
    """Run the sessions of a text as one; what each example that fails should have said."""
    session = "".join(blocks("pycon", text))
    test = doctest.DocTestParser().get_doctest(session, {}, TUTORIAL.name, None, None)
    assert test.examples
    reports: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=reports.append)
    return reports


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's folder, with the file that the tutorial has them write."""
    text = TUTORIAL.read_text()
    (tmp_path / EXAMPLE.name).write_text("\n\n".join(blocks("python", text)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, EXAMPLE.stem, raising=False)
    return tmp_path


def test_the_parts_are_the_shipped_example(reader: Path) -> None:
    parts = [part.strip("\n") for part in blocks("python", TUTORIAL.read_text())]
    assert "\n\n\n".join(parts) + "\n" == EXAMPLE.read_text()


def test_every_output_is_the_real_one(reader: Path) -> None:
    assert failures(TUTORIAL.read_text()) == []


def test_another_output_would_be_noticed(reader: Path) -> None:
    wrong = TUTORIAL.read_text().replace("another_online)\n", "online)\n").replace("\n3\n", "\n4\n")
    assert len(failures(wrong)) == 2


def test_every_block_is_of_a_kind_that_is_run() -> None:
    kinds = re.findall(r"(?m)^```(\w*)\n(?=.)", TUTORIAL.read_text())
    assert {kind for kind in kinds if kind} == {"python", "pycon"}
