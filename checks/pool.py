"""Many queries at once: the cache first, then every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from types import TracebackType
from typing import TypeVar

from .cache import Cache
from .parallel import call, workers
from .solvers import Answer, Query, answer

__all__ = ["Pool"]

Shared = TypeVar("Shared")
Subject = TypeVar("Subject")
Item = TypeVar("Item")
Result = TypeVar("Result")

_WORTH_A_PROCESS = 40
"""Starting the workers takes as long as answering about this many queries here."""
_WORTH_PROCESSES = 12
"""Likewise, of items of which each is many queries."""
_CHUNK = 8
_FEW = 2


class Pool:
    """Asks queries; use it as a context manager, so that workers end and answers are kept.

    Parameters: ``jobs``, the number of processes (all cores by default);
    ``progress``, called with the number of answers so far.
    """

    def __init__(
        self, cache: Cache, jobs: int | None = None, progress: Callable[[int], None] | None = None
    ) -> None:
        self._cache = cache
        self._jobs = jobs or os.cpu_count() or 1
        self._progress = progress
        self._answered = 0
        self._workers: ProcessPoolExecutor | None = None
        self._shared: object = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_workers(wait=kind is None)
        self._cache.save()

    @property
    def answered(self) -> int:
        """The number of answers so far."""
        return self._answered

    def ask(self, queries: Sequence[Query]) -> list[Answer]:
        """The answers, in the order of the queries; equal queries are asked once."""
        answers = {query: self._cache.get(query) for query in queries}
        unknown = [query for query, known in answers.items() if known is None]
        for query, new in zip(unknown, self._solve(unknown), strict=True):
            answers[query] = new
            self._cache.put(query, new)
            self._count(1)
        return [found for query in queries if (found := answers[query]) is not None]

    def batches(
        self,
        function: Callable[[Shared, tuple[Subject, tuple[int, ...]]], list[Answer]],
        shared: Shared,
        batches: Mapping[Subject, Sequence[Query]],
    ) -> Iterator[list[Answer]]:
        """The answers to the queries of each batch; those of one that are unknown go together.

        Args:
            function: answers the queries of a batch at some places.
            shared: its first argument, which each process is given once, and may keep things in.
        """
        known = {name: [self._cache.get(q) for q in asked] for name, asked in batches.items()}
        items = [
            (name, tuple(at for at, answer in enumerate(answers) if answer is None))
            for name, answers in known.items()
        ]
        new = self._mapped(function, shared, [item for item in items if item[1]])
        for name, places in items:
            answers = known[name]
            for at, found in zip(places, next(new) if places else (), strict=True):
                answers[at] = found
                self._cache.put(batches[name][at], found)
            self._count(len(places))
            yield [found for found in answers if found]

    def _mapped(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item]
    ) -> Iterator[Result]:
        if self._jobs == 1 or len(items) < _WORTH_PROCESSES:
            return (function(shared, item) for item in items)
        if self._shared is not shared:
            self._end_workers()
            self._shared = shared
        return self._started().map(partial(call, function), items, chunksize=_FEW)

    def _count(self, new: int) -> None:
        self._answered += new
        if new and self._progress:
            self._progress(self._answered)

    def _solve(self, queries: Sequence[Query]) -> Iterable[Answer]:
        if self._jobs == 1 or (self._workers is None and len(queries) < _WORTH_A_PROCESS):
            return map(answer, queries)
        return self._started().map(answer, queries, chunksize=_CHUNK)

    def _started(self) -> ProcessPoolExecutor:
        if self._workers is None:
            self._workers = workers(self._jobs, self._shared)
        return self._workers

    def _end_workers(self, *, wait: bool = True) -> None:
        if self._workers:
            self._workers.shutdown(wait=wait, cancel_futures=True)
        self._workers = None
