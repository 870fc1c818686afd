"""The page of a plan: the waves in which blocks go, and where their contents move to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from memhp.machines.planning.runs import in_order, runs_of

from .document import page

__all__ = ["plan_page"]

_HIGH, _GAP, _THINNEST = 140.0, 14.0, 2.0
_LEFT, _RIGHT = 150, 450


@dataclass(frozen=True)
class _Run:
    """Steps that are alike: their blocks in words."""

    blocks: str
    steps: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Wave:
    """Steps that may be prepared together, those that are alike joined."""

    number: int
    runs: Sequence[_Run]


@dataclass(frozen=True)
class _End:
    """A node at one side of the flow: its name, and from where to where it reaches, in pixels."""

    name: str
    size: int
    top: float
    bottom: float


@dataclass(frozen=True)
class _Band:
    """What moves from a node to another."""

    path: str
    width: float
    said: tuple[str, int, str]


def plan_page(document: Mapping[str, Any], title: str) -> str:
    """The page of a plan, as an HTML file that loads nothing.

    Args:
        document: what `memhp plan --json` prints: of schema ``memhp-plan/1``.
        title: of the page.
    """
    sources, targets, bands, height = _flow(document["steps"])
    return page(
        "plan",
        title,
        data=document,
        plan=document,
        waves=list(_waves(document["steps"])),
        sources=sources,
        targets=targets,
        bands=bands,
        height=height,
        left=_LEFT,
        right=_RIGHT,
    )


def _waves(steps: Sequence[Mapping[str, Any]]) -> Iterator[_Wave]:
    for number, runs in groupby(runs_of(steps), key=lambda run: run[0]["wave"]):
        yield _Wave(number, [_Run(in_order([s["block"] for s in run]), run) for run in runs])


def _flow(
    steps: Sequence[Mapping[str, Any]],
) -> tuple[list[_End], list[_End], list[_Band], float]:
    """The nodes that contents leave, those that they go to, and what moves between them."""
    moved: Counter[tuple[str, str]] = Counter()
    for step in steps:
        for to in step["to"]:
            moved[_node(step["node"]), _node(to["node"])] += to["bytes"]
        if step["reclaims"]:
            moved[_node(step["node"]), "is reclaimed"] += step["reclaims"]
    whole = sum(moved.values())
    if not whole:
        return [], [], [], 0.0
    scale = _HIGH / whole
    out: Counter[str] = Counter()
    into: Counter[str] = Counter()
    for (source, target), size in moved.items():
        out[source] += size
        into[target] += size
    sources, targets = _ends(out, scale), _ends(into, scale)
    at = {("out", end.name): end.top for end in sources}
    at |= {("into", end.name): end.top for end in targets}
    bands = []
    for (source, target), size in sorted(moved.items()):
        width = max(_THINNEST, size * scale)
        y, to_y = at["out", source] + width / 2, at["into", target] + width / 2
        at["out", source] += width
        at["into", target] += width
        middle = (_LEFT + _RIGHT) / 2
        ends = f"{middle:.0f} {to_y:.1f} {_RIGHT} {to_y:.1f}"
        path = f"M{_LEFT} {y:.1f}C{middle:.0f} {y:.1f} {ends}"
        bands.append(_Band(path, width, (source, size, target)))
    return sources, targets, bands, max(end.bottom for end in (*sources, *targets)) + _GAP


def _ends(sizes: Mapping[str, int], scale: float) -> list[_End]:
    ends, top = [], _GAP
    for name, size in sorted(sizes.items()):
        bottom = top + max(_GAP, size * scale)
        ends.append(_End(name, size, top, bottom))
        top = bottom + _GAP
    return ends


def _node(number: int | None) -> str:
    return "a node" if number is None else f"node {number}"
