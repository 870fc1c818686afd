"""How fast this machine is at what removing memory takes, measured in a fraction of a second.

Nothing changes by it.  Pages of this process go to another node and back, as those of a leaving
block do; where there is no other node, they are touched and copied.  A grace period of RCU is
waited for, of which taking a block offline has several.  And the page words of one block are read,
which has the kernel look at each of its page structures.

Sources: move_pages(2), membarrier(2); mm/migrate.c (do_pages_move), fs/proc/page.c,
kernel/sched/membarrier.c.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Speed", "measured_speed"]

_CALLS = {
    "x86_64": (279, 324),
    "aarch64": (239, 283),
    "ppc64le": (301, 365),
    "s390x": (310, 356),
}
"""The numbers of move_pages and membarrier, by architecture."""

_PAGES = 256
_ENOUGH, _ROUNDS = 0.05, 16
"""Measuring one thing ends after so many seconds, or so many rounds."""
_MOVE, _GLOBAL = 2, 1
"""MPOL_MF_MOVE, MEMBARRIER_CMD_GLOBAL."""


@dataclass(frozen=True)
class Speed:
    """Seconds that this machine takes for one of each.

    ``page``: a base page that is mapped once moves to another node, all steps of a migration
    included; None: it could not be tried. ``fresh``: a base page is given out, cleared and filled
    from another one. ``grace``: a grace period of RCU; 0 where one CPU is alone, None: not told.
    ``frame``: one page structure is looked at; None: only root may. ``process``: one is forked and
    ends, as for each write of `memhp apply`.
    """

    page: float | None
    fresh: float
    grace: float | None
    frame: float | None
    process: float


def measured_speed(nodes: Sequence[int], block: int, *, block_size: int, page_size: int) -> Speed:
    """The speed of this machine.

    Args:
        nodes: those that have free memory.
        block: the number of an online block.
        block_size: bytes.
        page_size: bytes of a base page.
    """
    calls = _CALLS.get(os.uname().machine)
    return Speed(
        page=_page(calls[0], nodes, page_size) if calls and len(nodes) > 1 else None,
        fresh=_fresh(page_size),
        grace=_grace(calls[1]) if calls else None,
        frame=_frame(block, block_size // page_size),
        process=_process(),
    )


def _mean(once: Callable[[], bool], units: int) -> float | None:
    """Seconds for a unit, by the mean of some rounds after the first; None if a round fails."""
    if not once():
        return None
    begun, rounds = time.perf_counter(), 0
    while rounds < _ROUNDS and (seconds := time.perf_counter() - begun) < _ENOUGH:
        if not once():
            return None
        rounds += 1
    seconds = time.perf_counter() - begun
    return seconds / (rounds * units)


def _area(page_size: int) -> mmap.mmap:
    area = mmap.mmap(-1, _PAGES * page_size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        try:
            area.madvise(mmap.MADV_NOHUGEPAGE)
        except OSError as error:  # the kernel has no huge pages at all
            if error.errno != errno.EINVAL:
                raise
    return area


def _page(number: int, nodes: Sequence[int], page_size: int) -> float | None:
    """Seconds for a page that moves from node to node."""
    libc = ctypes.CDLL(None, use_errno=True)
    area = _area(page_size)
    for at in range(0, len(area), page_size):
        area[at] = 1
    begins = ctypes.addressof(ctypes.c_char.from_buffer(area))
    pages = (ctypes.c_void_p * _PAGES)(*range(begins, begins + len(area), page_size))
    status = (ctypes.c_int * _PAGES)()
    wanted = {node: (ctypes.c_int * _PAGES)(*[node] * _PAGES) for node in nodes[:2]}
    turn = 0

    def once() -> bool:
        nonlocal turn
        node = nodes[turn % 2]
        turn += 1
        count = ctypes.c_ulong(_PAGES)
        failed = libc.syscall(
            ctypes.c_long(number), 0, count, pages, wanted[node], status, ctypes.c_int(_MOVE)
        )
        return not failed and all(place == node for place in status)

    once()  # wherever they are, they are on the first node now
    turn = 1
    return _mean(once, _PAGES)


def _fresh(page_size: int) -> float:
    """Seconds for a page that is given out and filled."""
    source = bytes(_PAGES * page_size)

    def once() -> bool:
        with _area(page_size) as area:
            area[:] = source
        return True

    return _mean(once, _PAGES) or 0.0


def _grace(number: int) -> float | None:
    """Seconds for a grace period of RCU."""
    libc = ctypes.CDLL(None, use_errno=True)
    wait = (ctypes.c_long(number), ctypes.c_int(_GLOBAL), ctypes.c_int(0), ctypes.c_int(0))
    return _mean(lambda: libc.syscall(*wait) == 0, 1)


def _process() -> float:
    """Seconds for a process that is forked and ends."""

    def once() -> bool:
        child = os.fork()
        if not child:
            os._exit(0)
        return os.waitpid(child, 0) == (child, 0)

    return _mean(once, 1) or 0.0


def _frame(block: int, frames: int) -> float | None:
    """Seconds for one page structure of a block."""
    try:
        handle = os.open("/proc/kpageflags", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        count = min(frames, 1 << 15)
        at = block * frames * 8
        return _mean(lambda: len(os.pread(handle, count * 8, at)) == count * 8, count)
    except OSError:
        return None
    finally:
        os.close(handle)
