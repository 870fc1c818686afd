"""The page of what kernels have shown: each scenario with who plays it, each kernel's steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memhp.spec.rows import ROWS

from .document import page

__all__ = ["Played", "kernels_page"]

_KINDS = ("determined", "allowed", "changed", "deviating", "disagreed")


@dataclass(frozen=True)
class Played:
    """A scenario: what it shows, of which rows; ``deviates``: Linux does otherwise than these."""

    name: str
    sentence: str
    rows: Sequence[str]
    deviates: bool = False


@dataclass(frozen=True)
class _Answers:
    """A scenario, and the kernels that did as was predicted, and those that did not."""

    scenario: Played
    agree: Sequence[str]
    differ: Sequence[str]


@dataclass(frozen=True)
class _Share:
    """How many steps went one way, in a bar of all."""

    kind: str
    count: int
    start: float
    width: float


@dataclass(frozen=True)
class _Operation:
    """An operation on one kernel: its steps, how they went, whether that is well."""

    name: str
    steps: int
    shares: Sequence[_Share]
    seconds: float


def kernels_page(
    document: Mapping[str, Any], scenarios: Sequence[Played], bad: Sequence[str], title: str
) -> str:
    """The page of what kernels have shown, as an HTML file that loads nothing.

    Args:
        document: what ``memhp lab conform --json`` prints: of schema ``memhp-kernels/1``.
        scenarios: those that are known.
        bad: the kernels that have shown what the specification does not explain.
        title: of the page.
    """
    kernels = document["kernels"]
    return page(
        "kernels",
        title,
        data=document,
        results=document,
        scenarios=list(_answers(kernels, scenarios)),
        operations={each["kernel"]: list(_operations(each)) for each in kernels},
        bad=list(bad),
        concerns={row.id: row.concern for row in ROWS},
    )


def _answers(
    kernels: Sequence[Mapping[str, Any]], scenarios: Sequence[Played]
) -> Iterator[_Answers]:
    """The scenarios that somebody played, those not as predicted first."""
    known = {each.name: each for each in scenarios}
    names = dict.fromkeys([*known, *(name for each in kernels for name in each["scenarios"])])
    found = []
    for name in names:
        agree, differ = (
            [k["kernel"] for k in kernels if k["scenarios"].get(name) is flag]
            for flag in (True, False)
        )
        if agree or differ:
            found.append(_Answers(known.get(name) or Played(name, "", ()), agree, differ))
    return iter(sorted(found, key=lambda each: not each.differ))


def _operations(kernel: Mapping[str, Any]) -> Iterator[_Operation]:
    for name, tally in kernel["operations"].items():
        steps = sum(tally[kind] for kind in _KINDS)
        shares, start = [], 0.0
        for kind in _KINDS:
            if count := tally[kind]:
                width = 100 * count / steps
                shares.append(_Share(kind, count, start, width))
                start += width
        yield _Operation(name, steps, shares, tally["seconds"])
