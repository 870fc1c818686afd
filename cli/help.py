"""How `--help` is laid out: as wide as the terminal, no name broken, examples in columns."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from textwrap import wrap

__all__ = ["Help"]

_IN_COLUMNS = re.compile(r"( *\S.*?  +)\S")
"""An example and what it does, or a word and what it means."""
_LEAST = 30
"""A second column is as wide at least, or begins on a line of its own."""
_DEEP = 8
"""What has a deeper margin stands in a second column."""


class Help(argparse.HelpFormatter):
    """Lays out texts of several paragraphs.

    A paragraph without margin is filled. One that has lines with a margin is a list: each line
    without one begins an item, which is filled, too; below a line that ends in a colon each line
    stands for itself.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = (line for part in re.split(r"\n\s*\n", text.strip("\n")) for line in
                 ("", *_paragraph(part, width - len(indent))))  # fmt: skip
        return "\n".join(f"{indent}{line}".rstrip() for line in lines).strip("\n")

    def _split_lines(self, text: str, width: int) -> list[str]:
        return _filled(text, width)


def _paragraph(text: str, width: int) -> Iterator[str]:
    lines = text.splitlines()
    if lines[0].endswith(":"):
        for line in lines:
            yield from _in_columns(line, width)
    elif any(line.startswith(" ") for line in lines):
        for item in re.split(r"\n(?! )", text):
            yield from _filled(item, width, "  ")
    else:
        yield from _filled(text, width)


def _in_columns(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    margin = " " * (len(line) - len(line.lstrip()))
    match = _IN_COLUMNS.match(line)
    if match and len(match[1]) + _LEAST <= width:
        rest = _filled(line[len(match[1]) :], width - len(match[1]))
        return [match[1] + rest[0], *(" " * len(match[1]) + each for each in rest[1:])]
    if match:
        return [match[1].rstrip(), *_filled(line[len(match[1]) :], width, margin * 3, margin * 3)]
    hanging = margin if len(margin) > _DEEP else margin + "    "
    return _filled(line.strip(), width, hanging, margin)


def _filled(text: str, width: int, margin: str = "", first: str | None = None) -> list[str]:
    """The text in lines, with that margin; the first with its own, or none at its beginning."""
    return wrap(
        " ".join(text.split()),
        max(width, _LEAST),
        initial_indent="" if first is None else first,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
