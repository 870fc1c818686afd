"""How far a long run is: one line that changes on a terminal, a line every few minutes in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import TextIO

__all__ = ["counted"]

_ON_A_TERMINAL, _IN_A_LOG = 1.0, 180.0
"""Seconds between two lines."""


def counted(
    numbers: Iterable[int],
    total: int,
    failed: Callable[[], int],
    to: TextIO,
    clock: Callable[[], float] = monotonic,
) -> Iterator[int]:
    """The same numbers; as they are taken, ``to`` is told how many of ``total`` were."""
    terminal = to.isatty()
    every = _ON_A_TERMINAL if terminal else _IN_A_LOG
    before, end = ("\r", "\x1b[K") if terminal else ("", "\n")
    told = started = clock()
    for done, number in enumerate(numbers):
        if (now := clock()) - told >= every:
            told = now
            rate = done / (now - started)
            print(
                f"{before}{done:,} of {total:,} inputs, {rate:.0f} a second, {failed():,} failed",
                end=end,
                file=to,
                flush=True,
            )
        yield number
    if terminal:
        print(before, end=end, file=to, flush=True)
