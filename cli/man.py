"""`memhp man`: the manual page, made of what each command's help says."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from .completion import parsers_within

__all__ = ["add_parser"]

_WIDTH = "80"
_EPILOG = """examples:
  memhp man | man -l -                                   read it
  memhp man > ~/.local/share/man/man1/memhp.1            keep it for man memhp
"""
_HEAD = """.TH MEMHP 1 "" "memhp {version}" "User Commands"
.SH NAME
memhp \\- a proven, executable specification of Linux memory hotplug
.SH SYNOPSIS
.B memhp
.I COMMAND
\\&..."""


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "man",
        help="the manual page",
        description="Prints the manual page of all commands, for man(1).",
        epilog=_EPILOG,
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the page; the exit code is 0."""
    with _columns():
        print("\n".join(_page(dict(args.every().choices))))
    return 0


@contextmanager
def _columns() -> Iterator[None]:
    """Within, help is as wide as a page, whatever the terminal is."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = _WIDTH
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def _page(tops: dict[str, argparse.ArgumentParser]) -> Iterator[str]:
    yield _HEAD.format(version=version("memhp"))
    yield ".SH COMMANDS"
    for parser in tops.values():
        for each in (parser, *parsers_within(parser).values()):
            yield f'.SS "{each.prog}"'
            yield ".nf"
            yield from map(_verbatim, each.format_help().splitlines())
            yield ".fi"
    yield ".SH EXIT STATUS"
    yield "0 proved or holds, 1 refuted, 2 usage or malformed input, 3 undetermined,"
    yield "4 internal error"


def _verbatim(line: str) -> str:
    """The line as roff shows it as it is."""
    escaped = line.replace("\\", "\\e").replace("-", "\\-")
    escaped = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
