"""Processes that do pieces of work: when one is killed, only what it was doing is lost."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Protocol, Self

from .parallel import CONTEXT, worker_started

__all__ = ["Lost", "Pool", "Workers", "all_of"]


@dataclass(frozen=True)
class Lost:
    """The process that did a piece has ended before the piece was finished: ``why``."""

    why: str


class Pool(Protocol):
    """Whoever does pieces of work, each named by a number: `Workers`, or a cluster's."""

    @property
    def busy(self) -> int:
        """How many pieces are in work."""

    @property
    def free(self) -> bool:
        """Whether another piece would be done at once."""

    def give(self, number: int, *work: Any) -> None:
        """Have the piece of that number done, with what it needs."""

    def finished(self) -> Iterator[tuple[int, Any]]:
        """Wait for one piece at least; the number of each that is done, and what came of it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: Any) -> None: ...


def all_of(pool: Pool, pieces: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
    """Have all pieces done; the number of each and what came of it, as they become known.

    Args:
        pool: does them.
        pieces: what each needs; their numbers are their places.
    """
    for number, work in enumerate(pieces):
        while not pool.free:
            yield from pool.finished()
        pool.give(number, *work)
    while pool.busy:
        yield from pool.finished()


class Workers:
    """At most ``jobs`` processes, each of which calls ``do`` for one piece at a time.

    They end with the ``with``, and with the process that started them.
    """

    def __init__(self, jobs: int, do: Callable[..., Any]) -> None:
        self._jobs, self._do = jobs, do
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for worker in (*self._idle, *self._busy):
            worker.end()

    @property
    def busy(self) -> int:
        """How many pieces are in work."""
        return len(self._busy)

    @property
    def free(self) -> bool:
        """Whether a process is free for another piece."""
        return len(self._busy) < self._jobs

    def give(self, number: int, *work: Any) -> None:
        """Have a process call ``do(*work)`` for the piece of that number."""
        worker = self._idle.pop() if self._idle else _Worker(self._do)
        self._busy.append(worker)
        worker.begin(number, work)

    def finished(self) -> Iterator[tuple[int, Any]]:
        """Wait for one piece at least to finish.

        Yields:
            The number of each piece that has, and what ``do`` returned, or `Lost`.

        Raises:
            Exception: whatever ``do`` raises.
        """
        ready = wait([worker.connection for worker in self._busy])
        for worker in [each for each in self._busy if each.connection in ready]:
            self._busy.remove(worker)
            result = worker.result()
            if isinstance(result, Lost):
                worker.end()
            else:
                self._idle.append(worker)
            yield worker.number, result


class _Worker:
    def __init__(self, do: Callable[..., Any]) -> None:
        self.number = -1
        self.connection, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=_work, args=(theirs, do), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, number: int, work: tuple[Any, ...]) -> None:
        self.number = number
        with suppress(ConnectionError):  # it has ended: `result` says so
            self.connection.send(work)

    def result(self) -> Any:
        try:
            result, error = self.connection.recv()
        except (EOFError, ConnectionError):
            self._process.join()
            code = self._process.exitcode or 0
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return Lost(f"a process of memhp was ended ({how})")
        if error is not None:
            raise error
        return result

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self.connection.close()


def _work(theirs: Connection, do: Callable[..., Any]) -> None:
    worker_started()
    with suppress(EOFError, ConnectionError):
        while True:
            work = theirs.recv()
            reply: tuple[Any, Exception | None]
            try:
                reply = (do(*work), None)
            except Exception as error:
                reply = (None, error)
            theirs.send(reply)
