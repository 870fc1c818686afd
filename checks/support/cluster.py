"""Pieces of work on a cluster of dask.distributed, as `workers` does them on this machine."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from importlib import import_module
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from .workers import Lost, Pool, Workers

__all__ = ["Cluster", "ClusterError", "pool", "shard_of"]

_WAIT = 10
"""Seconds for which a scheduler is waited for."""


class ClusterError(RuntimeError):
    """There is no such cluster, or it has gone; the message is one line and says what to do."""


def shard_of(text: str) -> tuple[int, int]:
    """The number of a shard, from 1, and how many there are, in a text such as 3/8.

    Raises:
        ValueError: it is no such text.

    >>> shard_of("3/8")
    (3, 8)
    """
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text, re.ASCII)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError(f"{text[:40]!r} is not a shard such as 3/8: the third of eight")
    return int(match[1]), int(match[2])


def pool(where: str | None, jobs: int, do: Callable[..., Any]) -> Pool:
    """Who does pieces of work: processes of this machine, or a cluster's.

    Args:
        where: None: `Workers`; ``local`` or the address of a scheduler: a `Cluster`.
        jobs: how many processes on this machine.
        do: what is called for each piece; on a cluster a function that others can import.
    """
    return Workers(jobs, do) if where is None else Cluster(where, jobs, do)


class Cluster:
    """A cluster, each thread of which does a piece at a time.

    It is entered with ``with``, and left with what is in work taken back; a local one ends then.

    Args:
        where: ``local``: processes of this machine; else the address of a scheduler.
        jobs: how many processes, if it is local.
        do: what is called for each piece, by its name: workers import it.
    """

    def __init__(self, where: str, jobs: int, do: Callable[..., Any]) -> None:
        self._where, self._jobs, self._do = where, jobs, do
        self._work: dict[int, Any] = {}
        self._ending = ExitStack()
        self._library: Any = None

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            ClusterError: the library is missing, or no scheduler answers.
        """
        try:
            dask: Any = import_module("dask")
            self._library = import_module("distributed")
        except ModuleNotFoundError:
            raise ClusterError("--cluster needs dask: pip install 'memhp[cluster]'") from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a lost piece is told here
        # Whether a piece is done again is decided here, too; and nobody looks at a dashboard.
        alone = {"distributed.scheduler.allowed-failures": 0, "distributed.diagnostics.nvml": False}
        with dask.config.set(alone), ExitStack() as so_far:
            try:
                address: Any = self._where
                if self._where == "local":
                    address = self._library.LocalCluster(
                        n_workers=self._jobs,
                        threads_per_worker=1,
                        dashboard_address=None,
                        silence_logs=logging.CRITICAL,
                    )
                    so_far.callback(address.close)
                client = self._library.Client(address, timeout=_WAIT)
                so_far.callback(client.close)
            except (OSError, ValueError, RuntimeError) as error:
                why = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise ClusterError(f"no cluster at {self._where}: {why}") from None
            self._client, self._ending = client, so_far.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with suppress(Exception):  # it may have gone: there is nothing to take back then
            self._client.cancel(list(self._work.values()), force=True)
        with suppress(Exception):
            self._ending.close()

    @property
    def busy(self) -> int:
        """How many pieces are in work."""
        return len(self._work)

    @property
    def free(self) -> bool:
        """Whether a thread of the cluster has no piece yet."""
        return len(self._work) < (self._jobs if self._where == "local" else self._threads())

    def _threads(self) -> int:
        return sum(self._client.nthreads().values()) or 1

    def give(self, number: int, *work: Any) -> None:
        """Have a worker call ``do(*work)`` for the piece of that number."""
        key = f"memhp-{number}-{uuid4().hex}"  # one that is lost is given again, by another key
        future = self._client.submit(self._do, *work, key=key, pure=False, retries=0)
        self._work[number] = future

    def finished(self) -> Iterator[tuple[int, Any]]:
        """Wait for one piece at least to finish.

        Yields:
            The number of each piece that has, and what ``do`` returned, or `Lost`.

        Raises:
            ClusterError: the cluster has gone.
            Exception: whatever ``do`` raises.
        """
        every = list(self._work.values())
        done, _ = self._library.wait(every, return_when="FIRST_COMPLETED")
        for number, future in [each for each in self._work.items() if each[1] in done]:
            del self._work[number]
            if future.status == "finished":
                yield number, future.result()
                continue
            error = future.exception() if future.status == "error" else None
            if isinstance(error, self._library.KilledWorker):
                yield number, Lost("a worker of the cluster was ended")
            elif error is None:
                raise ClusterError(f"the cluster at {self._where} has gone")
            else:
                raise error
