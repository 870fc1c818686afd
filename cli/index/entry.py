"""A name, its kind, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from textwrap import indent, wrap
from typing import Any

from memhp.spec.language import System, Variant

__all__ = ["Entry", "Subject", "Told", "first_sentence", "wrapped"]

_WIDTH = 96
"""Lines are as long as a docstring's, whatever the terminal: they are copied into mails."""


@dataclass(frozen=True)
class Subject:
    """What is explained: a specification with its wrong designs.

    `of_hotplug` says that it is memhp's own, or a design on it, of which cures, costs, Linux and
    its users are known; it is not where somebody specifies something else.
    """

    system: System
    variants: tuple[Variant, ...]
    of_hotplug: bool = True


@dataclass(frozen=True)
class Told:
    """What is told of a name, beside its words.

    `head` is how it is declared, and `where`; `logic` is in logic, line by line; `related` says
    for each relation, such as *written by*, the names that stand in it.
    """

    head: str
    where: str = ""
    logic: tuple[str, ...] = ()
    related: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A name of one kind with what its docstring says; the rest is told when it is asked for.

    `others` are names that it is found by, too.
    """

    kind: str
    name: str
    doc: str
    tell: Callable[[], Told]
    others: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The first sentence of what is said of it, on one line."""
        return first_sentence(self.doc)

    def lines(self) -> list[str]:
        """All that is told, for a person."""
        told = self.tell()
        lines = [f"{told.head}   {told.where}" if told.where else told.head]
        lines += [indent(self.doc, "  ")] if self.doc else []
        lines += [f"  {line}" if line else "" for line in told.logic]
        for relation, names in told.related.items():
            if names:
                lines += wrapped(f"{relation}: {', '.join(names)}", "  ")
        return lines

    def document(self) -> dict[str, Any]:
        """All that is told, for a program."""
        told = self.tell()
        return {
            "kind": self.kind,
            "name": self.name,
            "head": told.head,
            "where": told.where,
            "doc": self.doc,
            "logic": list(told.logic),
            "related": {relation: list(names) for relation, names in told.related.items() if names},
        }


def first_sentence(text: str) -> str:
    """The first sentence of a docstring, on one line.

    >>> first_sentence("A block\\nleaves. It is gone.")
    'A block leaves.'
    """
    first = " ".join(text.partition("\n\n")[0].split()).partition(". ")[0].removesuffix(".")
    return f"{first}." if first else ""


def wrapped(text: str, margin: str) -> list[str]:
    """The text in lines that no name is broken in, all but the first further in."""
    return wrap(
        text,
        _WIDTH,
        initial_indent=margin,
        subsequent_indent=f"{margin}  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
