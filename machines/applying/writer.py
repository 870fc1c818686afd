"""One write to a block's state, in a process of its own, within its time.

An offline goes on for as long as pages refuse to move, until a signal ends it (EINTR).  One that
waits for a store hears no signal: then its process is left alone, and what it waits for is told.

Sources: mm/memory_hotplug.c (offline_pages), Documentation/admin-guide/mm/memory-hotplug.rst.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DONE", "STUCK", "Written", "write_within", "write_word"]

DONE, STUCK = "done", "stuck"

_PDEATHSIG = 1
"""PR_SET_PDEATHSIG: what a process hears when the one that began it ends (linux/prctl.h)."""
_PAUSE = 0.05
"""Seconds between looks at a process."""
_GRACE = 10.0
"""Seconds that a write has to end after a signal."""


@dataclass(frozen=True)
class Written:
    """How a write ended: ``done``, the name of an errno, or ``stuck``; ``why`` says what else.

    ``seconds`` is how long it took.
    """

    result: str
    seconds: float
    why: str = ""


def write_word(path: Path, word: str) -> None:
    """Write a word to a file of sysfs.

    Raises:
        OSError: the kernel refuses.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(handle, word.encode())
    finally:
        os.close(handle)


def write_within(
    path: Path,
    word: str,
    limit: float,
    *,
    write: Callable[[Path, str], None] = write_word,
    watch: Callable[[], str] = str,
    grace: float = _GRACE,
) -> Written:
    """How a write ended, that had so long.

    Args:
        path: the file.
        word: what is written.
        limit: seconds.
        write: does it, in a process of its own.
        watch: asked again and again meanwhile; a reason that it gives ends the write.
        grace: seconds that a write has to end after a signal.
    """
    begun = time.monotonic()
    child = _begin(path, word, write)
    why = ""
    status = None
    with _end_of(child) as wait:
        while status is None and not why:
            wait(_PAUSE)
            status = _ended(child)
            if status is None:
                late = time.monotonic() - begun > limit
                why = f"it took more than {limit:g} s" if late else watch()
    if status is None:
        status = _interrupt(child, grace)
    seconds = time.monotonic() - begun
    if status is None:
        return Written(STUCK, seconds, f"{why}; {_what_it_waits_for(child)}")
    return Written(_result(status), seconds, why)


def _begin(path: Path, word: str, write: Callable[[Path, str], None]) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = errno.EIO
    try:
        os.setpgid(0, 0)  # a Ctrl-C is for who applies, not for the write
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == parent:
            write(path, word)
            code = 0
    except OSError as error:
        code = error.errno or errno.EIO
    finally:
        os._exit(min(code, 255))


@contextlib.contextmanager
def _end_of(child: int) -> Iterator[Callable[[float], object]]:
    """What waits for the end of a process, so many seconds at most."""
    try:
        handle = os.pidfd_open(child)
    except OSError:  # before Linux 5.3
        yield time.sleep
        return
    try:
        yield lambda seconds: select.select([handle], [], [], seconds)
    finally:
        os.close(handle)


def _ended(child: int) -> int | None:
    """The status of a process that has ended; None if it has not."""
    done, status = os.waitpid(child, os.WNOHANG)
    return status if done else None


def _interrupt(child: int, grace: float) -> int | None:
    """The status of a process after a signal that ends its write; None if it does not end."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.kill(child, number)
        until = time.monotonic() + grace
        while time.monotonic() < until:
            status = _ended(child)
            if status is not None:
                return status
            time.sleep(_PAUSE / 10)
    return None


def _result(status: int) -> str:
    if os.WIFSIGNALED(status):
        return errno.errorcode[errno.EINTR]
    code = os.waitstatus_to_exitcode(status)
    return errno.errorcode.get(code, str(code)) if code else DONE


def _what_it_waits_for(child: int) -> str:
    """What the kernel says of a process that hears no signal."""
    try:
        place = Path(f"/proc/{child}/wchan").read_text(errors="replace")[:100]
    except OSError:
        place = ""
    told = place if place not in ("", "0") else "it is not told where"
    return (
        f"process {child} hears no signal and is left alone; it waits in the kernel: {told}"
        " (writeback: a store that does not answer)"
    )
