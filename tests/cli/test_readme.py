"""README: every command that it names is one, with options that there are."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from memhp.cli.commands import parser
from memhp.cli.main import main
from memhp.spec.variants import VARIANTS

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "docs/findings.md",
    "docs/kernels.md",
    "docs/plan.md",
    "docs/requirements.md",
    "docs/tutorial.md",
    "docs/what-if.md",
    "tests/README.md",
)
VALUES = {
    "NAME…": "x86_64-6.1",
    "NAME": VARIANTS[0].name,
    "ROW": "U1",
    "DIR": "out",
    "FILE": "out.json",
    "…": "engine",
}


def commands(text: str) -> list[str]:
    """What stands in the text as a command of memhp, inline or at a prompt."""
    inline = re.findall(r"`memhp ([^`]+)`", re.sub(r"\s*\n\s*", " ", text))
    return inline + re.findall(r"(?m)^\$ (?:sudo )?memhp (.+)$", text)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_that_a_document_names_can_be_given(name: str) -> None:
    found = commands((ROOT / name).read_text())
    assert found
    for command in found:
        words = [VALUES.get(word, word) for word in shlex.split(command)]
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                parser().parse_args(words)
        except SystemExit:
            bare = len(words) == 1 and "are required" in said.getvalue()
            assert bare, f"memhp {command}: {said.getvalue().splitlines()[-1]}"


SUMMARY = re.compile(
    r"(\d+) properties: (\d+) proved, (\d+) holds; (\d+) obligations, (\d+) by rewriting"
)


@pytest.mark.xdist_group("the whole specification")
@pytest.mark.slow
def test_the_summary_in_the_readme_is_that_of_make_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check"]) == 0
    printed = SUMMARY.search(capsys.readouterr().out)
    shown = SUMMARY.search((ROOT / "README.md").read_text())
    assert printed
    assert shown
    assert shown.groups() == printed.groups()


def test_every_file_that_the_readme_of_the_tests_names_is_there() -> None:
    text = (ROOT / "tests" / "README.md").read_text()
    named = re.findall(r"\b(?:checks|cli|docs|machines|reference|spec|tests)/[\w/]+\.\w+", text)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_a_command_that_is_none_is_seen() -> None:
    assert commands("see `memhp frob\n  --x`\n$ memhp check --only U1\n") == [
        "frob --x",
        "check --only U1",
    ]
