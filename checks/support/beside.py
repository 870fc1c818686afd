"""Work whose results are wanted later, in a process beside this one."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from .parallel import FORKING, is_alone, worker_started

__all__ = ["beside"]

_ROOM = 1 << 20
"""Bytes of results that may wait to be taken."""


@contextmanager
def beside(work: Callable[[Callable[[Any], None]], None]) -> Iterator[Iterator[Any]]:
    """The results of the work, made by a process that ends with the context at the latest.

    They end where that process does, whatever ended it: to make the rest is left to the caller.
    There are none where this process cannot be forked.

    Args:
        work: is called there with a function that takes each result, which can be pickled.
    """
    if not is_alone():
        yield iter(())
        return
    here, there = Pipe(duplex=False)
    with suppress(OSError):
        fcntl.fcntl(there.fileno(), fcntl.F_SETPIPE_SZ, _ROOM)
    process = FORKING.Process(target=_worked, args=(work, here, there))
    try:
        process.start()
        there.close()
        yield _taken(here)
    finally:  # also if an interrupt comes while it starts
        if process.pid is not None:
            process.kill()
            process.join()
        here.close()


def _worked(
    work: Callable[[Callable[[Any], None]], None], theirs: Connection, ours: Connection
) -> None:
    worker_started()
    theirs.close()
    with suppress(Exception):  # the caller does it again, and meets it there
        work(ours.send)


def _taken(results: Connection) -> Iterator[Any]:
    with suppress(EOFError, OSError):
        while True:
            yield results.recv()
