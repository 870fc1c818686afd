"""Steps of a plan's document, joined where the same is said of each: for tables and pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

__all__ = ["in_order", "runs_of"]

Step = Mapping[str, Any]
_ALIKE = ("wave", "node", "zone", "device", "sure")


def runs_of(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """The steps in their order, those that follow each other and are alike together.

    Alike are steps of one wave, from one place and device, that are as sure, whose contents go to
    the same places, and that need memory taken back, or do not.
    """
    for _, run in groupby(steps, key=_same):
        yield list(run)


def _same(step: Step) -> tuple[Any, ...]:
    to = tuple((each["node"], each["zone"]) for each in step["to"])
    return (*(step[name] for name in _ALIKE), to, bool(step["reclaims"]))


def in_order(blocks: Sequence[int]) -> str:
    """Blocks in the order in which they go; those that count down or up together.

    >>> in_order([13, 12, 11, 35, 3, 4])
    '13-11, 35, 3-4'
    """
    runs: list[list[int]] = []
    for block in blocks:
        run = runs[-1] if runs else []
        step = block - run[-1] if run else 0
        if step in (1, -1) and (len(run) == 1 or step == run[-1] - run[-2]):
            run.append(block)
        else:
            runs.append([block])
    words = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return ", ".join(words)
