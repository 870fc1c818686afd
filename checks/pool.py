"""Many queries at once: the cache first, then every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType

from .cache import Cache
from .parallel import workers
from .solvers import Answer, Query, answer

__all__ = ["Pool"]

_WORTH_A_PROCESS = 40
"""Starting the workers takes as long as answering about this many queries here."""
_CHUNK = 8


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

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._workers:
            self._workers.shutdown(wait=kind is None, cancel_futures=True)
        self._cache.save()

    def ask(self, queries: Sequence[Query]) -> list[Answer]:
        """The answers, in the order of the queries; equal queries are asked once."""
        answers = {query: self._cache.get(query) for query in queries}
        unknown = [query for query, known in answers.items() if known is None]
        for query, new in zip(unknown, self._solve(unknown), strict=True):
            answers[query] = new
            self._cache.put(query, new)
            self._answered += 1
            if self._progress:
                self._progress(self._answered)
        return [found for query in queries if (found := answers[query]) is not None]

    def _solve(self, queries: Sequence[Query]) -> Iterable[Answer]:
        if self._jobs == 1 or (self._workers is None and len(queries) < _WORTH_A_PROCESS):
            return map(answer, queries)
        if self._workers is None:
            self._workers = workers(self._jobs)
        return self._workers.map(answer, queries, chunksize=_CHUNK)
