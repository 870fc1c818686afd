"""Work on every core; the processes that do it end with their parent."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import parent_process
from multiprocessing.context import (
    BaseContext,
    ForkContext,
    ForkProcess,
    SpawnContext,
    SpawnProcess,
)
from multiprocessing.resource_tracker import ensure_running
from pathlib import Path
from signal import (
    SIG_BLOCK,
    SIG_DFL,
    SIG_IGN,
    SIG_SETMASK,
    SIG_UNBLOCK,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGTERM,
    getsignal,
    pthread_sigmask,
    raise_signal,
    signal,
)
from subprocess import PIPE, CompletedProcess, Popen
from threading import active_count, current_thread, main_thread
from typing import Any, TypeVar

__all__ = [
    "CONTEXT",
    "FORKING",
    "call",
    "die_with",
    "each",
    "is_alone",
    "leave_interrupts_to_the_parent",
    "mapped",
    "output_of",
    "stop",
    "worker_started",
    "workers",
]

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_SAFE = "PYTHONSAFEPATH"
_ENDING_SIGNALS = (SIGINT, SIGTERM, SIGHUP)
_LEAVING = 0.1
"""Seconds for which the kernel may still show a thread that Python has joined."""
_shared: Any = None
"""What a worker was started with."""


def workers(jobs: int, shared: Any = None) -> ProcessPoolExecutor:
    """A pool of that many processes, each of which gets ``shared`` once, for `call`.

    They live no longer than the thread that first gives them work.  Forked, they have all that
    is loaded here, at once; that is safe only while nothing else runs in this process.
    """
    context: BaseContext = FORKING if is_alone() else CONTEXT
    with _safe_path():  # Python's own resource tracker is started here
        return ProcessPoolExecutor(jobs, context, _start, (shared,))


def is_alone() -> bool:
    """Whether no other thread runs in this process, be it of Python or of a library."""
    until = time.monotonic() + _LEAVING
    try:
        while len(os.listdir("/proc/self/task")) > 1:
            if active_count() > 1 or time.monotonic() > until:
                return False
            time.sleep(0.001)
    except OSError:
        return False
    return True


@contextmanager
def _safe_path() -> Iterator[None]:
    """What is started meanwhile looks for no module in the working directory."""
    before = os.environ.get(_SAFE)
    os.environ[_SAFE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE]
        else:
            os.environ[_SAFE] = before


@contextmanager
def _later(*, forked: bool) -> Iterator[None]:
    """Signals that Python handles come afterwards: a process is started wholly or not at all.

    One that is half told what to do would say so with a traceback.

    Args:
        forked: the new process has the handlers that are set meanwhile, and no resource tracker
            of Python's is started for it.
    """
    came: list[int] = []
    if current_thread() is not main_thread():
        yield
        return
    handled = {each: getsignal(each) for each in _ENDING_SIGNALS}
    handled = {each: handler for each, handler in handled.items() if callable(handler)}
    for each in handled:
        signal(each, lambda number, _: came.append(number))
    if not forked:
        ensure_running()  # it would undo the next lines
    # The new process has it so until it is ready, in `worker_started`.
    before = pthread_sigmask(SIG_BLOCK, _ENDING_SIGNALS if forked else {SIGINT})
    try:
        yield
    finally:
        pthread_sigmask(SIG_SETMASK, before)
        for each, handler in handled.items():
            signal(each, handler)
        for number in came:
            raise_signal(number)


class _Process(SpawnProcess):
    def start(self) -> None:
        with _safe_path(), _later(forked=False):
            super().start()


class _Context(SpawnContext):
    Process = _Process


CONTEXT = _Context()
"""What makes processes: fresh interpreters, in which no file of the working directory is run."""


class _ForkedProcess(ForkProcess):
    def start(self) -> None:
        with _later(forked=True):
            super().start()


class _ForkingContext(ForkContext):
    Process = _ForkedProcess


FORKING = _ForkingContext()
"""What makes processes that have all that is loaded here; only where `is_alone`."""


def worker_started() -> None:
    """Prepare a process to work for the one that started it: they end together."""
    leave_interrupts_to_the_parent()
    pthread_sigmask(SIG_UNBLOCK, _ENDING_SIGNALS)
    os.environ.pop(_SAFE, None)
    if parent := parent_process():
        die_with(parent.pid or 0)


def leave_interrupts_to_the_parent() -> None:
    """Have Ctrl-C do nothing here; what ends a process does, whatever the parent catches."""
    signal(SIGINT, SIG_IGN)
    for each in (SIGTERM, SIGHUP):
        if callable(getsignal(each)):  # of the parent, if this process was forked
            signal(each, SIG_DFL)


def die_with(parent: int) -> None:
    """Have this process end with the parent of that number, however that ends.

    The kernel sees to it (prctl(2), PR_SET_PDEATHSIG): a process that is inside a solver
    would notice nothing by itself.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it ended before the kernel was asked


_ENDING = """
exec 3<&0 </dev/null
(read _ <&3; kill -KILL 0) >/dev/null 2>&1 &
exec "$@" 3<&-
"""
"""For sh: do the command; when standard input ends, end all that is in this process group."""


def output_of(command: Sequence[str], folder: Path) -> CompletedProcess[bytes]:
    """What a program printed, and how it ended; it, and all that it starts, end with this process.

    A compiler starts others, which nobody would end if this process were killed.

    Args:
        command: the program, and its arguments.
        folder: where its temporary files go.

    Raises:
        OSError: no process can be started.
    """
    theirs, ours = os.pipe()
    try:
        with Popen(
            ["/bin/sh", "-c", _ENDING, "sh", *command],
            stdin=theirs,
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, "TMPDIR": str(folder)},
            process_group=0,
        ) as process:
            try:
                out, err = process.communicate()
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, SIGKILL)
    finally:
        os.close(theirs)
        os.close(ours)
    return CompletedProcess(command, process.returncode, out, err)


def each(
    function: Callable[[Shared, Item], Result],
    shared: Shared,
    items: Sequence[Item],
    jobs: int | None = None,
    *,
    together: int = 1,
) -> Generator[Result, None, None]:
    """``function(shared, item)`` for every item, in their order, as the results become known.

    Args:
        function: can be sent to another process, as can all that it gets and returns.
        shared: each process gets it once, and may keep things in it.
        items: what is worked on.
        jobs: the number of processes; all cores without it.
        together: how many items that follow each other go to the same process.

    Raises:
        Exception: whatever the function raises.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(items))
    if jobs <= 1:
        yield from (function(shared, item) for item in items)
        return
    pool = workers(jobs, shared)
    try:
        yield from mapped(pool, partial(call, function), items, together)
    except BaseException:  # also if nobody wants the rest
        stop(pool)
        raise
    pool.shutdown()


def mapped(
    pool: ProcessPoolExecutor,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    together: int,
) -> Iterator[Result]:
    """``function(item)`` for every item, in their order.

    Python's own `map` cancels what is left when it is interrupted, which its pool does not take
    well if the processes end then.

    Args:
        pool: does it.
        function: can be sent to another process.
        items: what is worked on.
        together: how many items that follow each other go to the same process.
    """
    parts = [items[at : at + together] for at in range(0, len(items), together)]
    started = [pool.submit(_all, function, part) for part in parts][::-1]
    while started:
        yield from started.pop().result()


def _all(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(item) for item in items]


def stop(pool: ProcessPoolExecutor) -> None:
    """End the processes of a pool, whatever they are at: Python itself would wait for that."""
    for process in list((pool._processes or {}).values()):
        process.kill()
    pool.shutdown()


def _start(shared: Any) -> None:
    global _shared
    worker_started()
    _shared = shared


def call(function: Callable[[Any, Item], Result], item: Item) -> Result:
    """``function(shared, item)``, in a process of `workers`, with what that was started with."""
    return function(_shared, item)
