"""Many queries at once: the cache first, then every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain, islice
from types import TracebackType
from typing import Protocol, TypeVar

from ..support.parallel import call, mapped, stop, workers
from .cache import Cache
from .solvers import Answer, Query, answer

__all__ = ["Pool"]

Shared = TypeVar("Shared")
Subject = TypeVar("Subject")
Item = TypeVar("Item")
Result = TypeVar("Result")
Asked = TypeVar("Asked")
_Asked = TypeVar("_Asked", contravariant=True)

_WORTH_A_PROCESS = 40
"""Starting the workers takes as long as answering about this many queries here."""
_WORTH_PROCESSES = 12
"""Likewise, of items of which each is many queries."""
_CHUNK = 8


class Before(Protocol[_Asked]):
    """The answers from before."""

    def get(self, asked: _Asked, /) -> Answer | None:
        """The answer; None if it is not known."""

    def put(self, asked: _Asked, answer: Answer, /) -> None:
        """Remember an answer."""


class Pool:
    """The workers that answer queries; a context manager, so that they end and answers are kept.

    Args:
        cache: is looked at first, and gets the new answers.
        jobs: processes; as many as there are cores by default.
        progress: called with the number of answers so far.
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
        self._end_workers(at_once=kind is not None)
        self._cache.save()

    @property
    def cache(self) -> Cache:
        """The cache that it looks at, and writes when it ends."""
        return self._cache

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
        return [answer for query in queries if (answer := answers[query]) is not None]

    def batches(
        self,
        function: Callable[[Shared, tuple[Subject, tuple[int, ...]]], list[Answer]],
        shared: Shared,
        batches: Iterable[tuple[Subject, Sequence[Asked]]],
        before: Before[Asked],
    ) -> Iterator[tuple[Subject, list[Answer]]]:
        """The answers to what each batch asks, with its subject.

        The unknown ones of a batch are answered together; work on the first batches begins
        while the others are being made.

        Args:
            function: answers what is asked about a subject, at some places.
            shared: its first argument, which each process gets once, and may keep things in.
            batches: subjects, each with what is asked.
            before: the answers from before, which gets the new ones.
        """
        known: dict[Subject, tuple[Sequence[Asked], list[Answer | None]]] = {}

        def unknown() -> Iterator[tuple[Subject, tuple[int, ...]]]:
            for name, asked in batches:
                answers = [before.get(each) for each in asked]
                known[name] = asked, answers
                if places := tuple(at for at, each in enumerate(answers) if each is None):
                    yield name, places

        for (name, places), replies in self._mapped(function, shared, unknown()):
            asked, answers = known[name]
            for at, new in zip(places, replies, strict=True):
                answers[at] = new
                before.put(asked[at], new)
            self._count(len(places))
            while name in known:  # and those before it, of which all was known
                first = next(iter(known))
                yield first, _answered(known.pop(first)[1])
        for other, (_, answers) in known.items():
            yield other, _answered(answers)

    def _mapped(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Each item with its result; worked on here if they are few."""
        rest = iter(items)
        first = tuple(islice(rest, _WORTH_PROCESSES))
        if self._jobs == 1 or len(first) < _WORTH_PROCESSES:
            return ((item, function(shared, item)) for item in chain(first, rest))
        if self._shared is not shared:
            self._end_workers()
            self._shared = shared
        work, started = partial(call, function), self._started()
        asked = [(item, started.submit(work, item)) for item in chain(first, rest)]
        return ((item, future.result()) for item, future in asked)

    def _count(self, new: int) -> None:
        self._answered += new
        if new and self._progress:
            self._progress(self._answered)

    def _solve(self, queries: Sequence[Query]) -> Iterable[Answer]:
        if self._jobs == 1 or (self._workers is None and len(queries) < _WORTH_A_PROCESS):
            return map(answer, queries)
        chunk = max(1, min(_CHUNK, len(queries) // self._jobs))
        return mapped(self._started(), answer, queries, chunk)

    def _started(self) -> ProcessPoolExecutor:
        if self._workers is None:
            self._workers = workers(self._jobs, self._shared)
        return self._workers

    def _end_workers(self, *, at_once: bool = False) -> None:
        """End them after what they are at, or whatever they are at."""
        if self._workers and at_once:
            stop(self._workers)
        elif self._workers:
            self._workers.shutdown(cancel_futures=True)
        self._workers = None


def _answered(answers: Sequence[Answer | None]) -> list[Answer]:
    return [answer for answer in answers if answer]
