"""On 80 columns no name is broken, and each column is explained in the help of its command."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rich.console
from rich.table import Table

from memhp.cli.commands import parser
from memhp.cli.main import main

DATA = Path(__file__).parents[1] / "data"
LOCK = "the_lock_is_held_while_a_block_changes"
BLOCKS = ["--scope", "block=2", "--machine", "1", "--actions", "blocks", "--depth", "2"]

COMMANDS: list[list[str]] = [
    ["check", "--only", LOCK, "--scope", "block=1", "--depth", "1"],
    ["check", "--scope", "block=1", "--depth", "1"],
    ["check", "--only", LOCK],
    ["check", "--variant", "lock-left-held"],
    ["variants"],
    ["explain"],
    ["explain", "N2"],
    ["explain", "begin_offline"],
    ["explain", "--kind", "function"],
    ["explore", *BLOCKS],
    ["replay", "{0}/trace.json"],
    ["fuzz", "--list"],
    ["inspect", str(DATA / "arm64-nodes.tar.gz")],
    ["inspect", str(DATA / "busy.tar.gz"), "--reboot", "90..120", "-v"],
    ["why", "32", "--machine", str(DATA / "gigantic.tar.gz")],
    ["plan", "128MiB", "--machine", str(DATA / "arm64-nodes.tar.gz")],
    ["sections", "--size", "1PiB", "--arch", "ia64-16k"],
    ["kconfig", "{0}/config"],
    ["lab", "list"],
    ["lab", "conform", "--show"],
    ["schema"],
]
"""Commands that show what fits no narrow terminal by itself."""
NUMBER = re.compile(r"[\d.,+%x-]+")
"""These differ from run to run, and may be rounded."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace, and a kernel's configuration."""
    made = tmp_path_factory.mktemp("inputs")
    assert main(["check", "--variant", "lock-left-held", "--trace", str(made / "trace.json")]) == 1
    assert main(["check", "--only", LOCK, "-q"]) == 0
    (made / "config").write_text("# Linux/x86 6.12.0 Kernel Configuration\nCONFIG_X86_64=y\n")
    return made


class Terminal(io.StringIO):
    """A terminal that keeps what it shows."""

    def isatty(self) -> bool:
        return True


def shown(
    argv: list[str], folder: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, list[Table]]:
    """What a command shows on a terminal of that width, and the tables in it."""
    tables: list[Table] = []
    printed = rich.console.Console.print

    def noted(self: rich.console.Console, *parts: Any, **more: Any) -> None:
        tables.extend(part for part in parts if isinstance(part, Table))
        printed(self, *parts, **more)

    below = Terminal()
    with monkeypatch.context() as patched:
        patched.setattr(rich.console.Console, "print", noted)
        patched.setenv("COLUMNS", str(width))
        patched.setenv("TERM", "dumb")
        patched.setattr(sys, "stdout", below)
        patched.setattr(sys, "stderr", io.StringIO())
        main([word.format(folder) for word in argv])
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", below.getvalue()), tables


def broken(narrow: str, wide: str) -> list[str]:
    """The words on a narrow terminal that are none on a wide one."""
    words = {*wide.split()}
    return [word for word in narrow.split() if word not in words and not NUMBER.fullmatch(word)]


@pytest.mark.parametrize("argv", COMMANDS, ids=[" ".join(argv)[:40] for argv in COMMANDS])
def test_no_name_is_broken_and_every_column_is_explained(
    argv: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow, tables = shown(argv, folder, 80, monkeypatch)
    wide, _ = shown(argv, folder, 1000, monkeypatch)
    assert broken(narrow, wide) == []
    assert [line for line in narrow.splitlines() if len(line) > 80 and " " in line.strip()] == []
    text = " ".join(parsers()[command_of(argv)].format_help().split())
    legend = text.partition("columns")[2]
    for table in tables:
        headings = [str(column.header).replace("-\n", "").replace("\n", " ") for column in
                    table.columns if table.show_header]  # fmt: skip
        assert [heading for heading in headings if heading not in legend] == []


def command_of(argv: list[str]) -> str:
    words = " ".join(argv[:2])
    return words if words in parsers() else argv[0]


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command, by its words."""
    return {each.prog.removeprefix("memhp").strip(): each for each in _within(parser())}


def _within(each: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield each
    for action in each._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _within(inner)


@pytest.mark.parametrize("command", parsers())
def test_no_line_of_help_is_too_long_and_no_word_broken(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    wide = parsers()[command].format_help()
    for width in (80, 60):
        monkeypatch.setenv("COLUMNS", str(width))
        narrow = parsers()[command].format_help()
        assert broken(narrow, wide) == []
        assert max(map(len, narrow.splitlines())) <= 80


def test_a_broken_name_is_found() -> None:
    assert broken("pgdat_section_\nleaves_last", "pgdat_section_leaves_last 1") == [
        "pgdat_section_",
        "leaves_last",
    ]
