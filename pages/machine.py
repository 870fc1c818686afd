"""The page of a real machine: each node's memory as a strip, coloured by what can be said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .document import page

__all__ = ["machine_page"]

_MOST = 4_000
"""So many stretches of blocks are shown, at most."""


@dataclass(frozen=True)
class _Stretch:
    """Neighbouring blocks of which the same is said."""

    first: int
    last: int
    address: int | None
    end: int | None
    said: Mapping[str, Any]

    @property
    def count(self) -> int:
        """How many blocks."""
        return self.last - self.first + 1

    @property
    def name(self) -> str:
        """Its numbers."""
        return f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"


def machine_page(document: Mapping[str, Any], title: str) -> str:
    """The page of a machine, as an HTML file that loads nothing.

    Args:
        document: what `memhp inspect --json` prints: of schema ``memhp-inspect/2``.
        title: of the page.
    """
    size = document["block_size"]
    nodes: dict[Any, list[_Stretch]] = {}
    left, more = _MOST, 0
    for stretch in _stretches(document["blocks"], size):
        if left:
            nodes.setdefault(stretch.said["node"], []).append(stretch)
            left -= 1
        else:
            more += stretch.count
    return page(
        "machine",
        title,
        data=document if not more else None,
        machine=document,
        nodes=nodes,
        size=size,
        more=more,
    )


def _stretches(blocks: Sequence[Mapping[str, Any]], size: int | None) -> Iterator[_Stretch]:
    """The blocks, joined where they follow each other and all else is the same."""
    run: list[Mapping[str, Any]] = []
    for block in blocks:
        if run and (block["number"] != run[-1]["number"] + 1 or _said(block) != _said(run[0])):
            yield _stretch(run, size)
            run = []
        run.append(block)
    if run:
        yield _stretch(run, size)


def _stretch(run: Sequence[Mapping[str, Any]], size: int | None) -> _Stretch:
    address, last = run[0]["address"], run[-1]["address"]
    end = last + size if last is not None and size else None
    return _Stretch(run[0]["number"], run[-1]["number"], address, end, run[0])


def _said(block: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in block.items() if name not in ("number", "address")}
