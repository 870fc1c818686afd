"""Many independent judgements of one system, on every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from signal import SIG_IGN, SIGINT, signal
from typing import Any, TypeVar

__all__ = ["each"]

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

_shared: Any = None
"""What a worker was started with."""


def each(
    function: Callable[[Shared, Item], Result],
    shared: Shared,
    items: Sequence[Item],
    jobs: int | None = None,
) -> Iterator[Result]:
    """``function(shared, item)`` for every item, in their order, as they become known.

    Parameters: ``shared``, which each process gets once, and may keep things in;
    ``jobs``, the number of processes (all cores by default).  Function, shared
    and items must be such that they can be sent to another process.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(items))
    if jobs <= 1:
        yield from (function(shared, item) for item in items)
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _start, (shared,))
    try:
        yield from pool.map(partial(_call, function), items)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _start(shared: Any) -> None:
    global _shared
    _shared = shared
    signal(SIGINT, SIG_IGN)  # interrupts are the parent's business


def _call(function: Callable[[Any, Item], Result], item: Item) -> Result:
    return function(_shared, item)
