"""The scenarios of memory with errors: found while it is in use, or before it fails.

The kernel is told of an error as an administrator tells it (hard_offline_page, soft_offline_page
of sysfs); the reference has one of the same kind in a block of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.shapes import Shape
from memhp.spec.language.system import System

from ..guest.guest import Guest
from ..tools.errors import LabError, whole_number
from .follow import Follower
from .look import frames_of
from .steps import FIRST, MEMORY, Check, contents_kept, hold, plug, take

__all__ = [
    "contents_leave_memory_that_is_about_to_fail",
    "memory_with_an_error_goes_and_does_not_come_back",
]


def _with_an_error(system: System, *, user: bool) -> Operations:
    """Two blocks of a frame each, of which the second may fail; somebody uses it, or nobody."""
    machine = Machine(system, Shape(blocks=2, tables=(("may_fail", (0, 1)),)).build(system))
    if user:
        take(machine, "alloc_folio", 0, 1, "anonymous")
    return Operations(machine)


def _corrupted(guest: Guest) -> int:
    """How many KiB of memory the kernel knows to have an error."""
    found = re.search(r"(?m)^HardwareCorrupted: +(\d+) kB", guest.read("/proc/meminfo"))
    if found is None:
        raise LabError("the kernel keeps no record of memory with errors (CONFIG_MEMORY_FAILURE)")
    return whole_number(found[1])


def _known(user: Operations, page: int) -> str:
    """What `_corrupted` says where each frame of the reference that has an error is a page."""
    frames = range(user.machine.topology.sizes["Frame"])
    return str(sum(bool(user.machine.get("hwpoison", f)) for f in frames) * page // 1024)


def memory_with_an_error_goes_and_does_not_come_back(follower: Follower) -> Iterator[Check]:
    """A block with an error goes offline, and from 6.2 on it does not come back (U3, A1).

    An error is found in a free page of the first block of node 1.  The block then is told to go
    offline, and to come back.  Seen must be: what the reference answers each time, and the error
    counted.
    """
    guest, board = plug(follower, "online_movable"), follower.target.board
    user = _with_an_error(follower.system, user=False)
    number = board.numbers()[FIRST]
    address = number * board.block + board.block // 2
    yield Check("KiB with an error at first", "0", str(_corrupted(guest)))
    answer = guest.write(f"{MEMORY}/hard_offline_page", hex(address))
    predicted = user.hard_offline_page(1).errno or 0
    yield Check("errno of an error in a free page", str(predicted), str(answer))
    known = _known(user, follower.target.page)
    yield Check("KiB with an error", known, str(_corrupted(guest)))
    for word in ("offline", "online_movable"):
        answer = guest.write(f"{MEMORY}/memory{number}/state", word)
        predicted = user.write_state(1, word).errno or 0
        yield Check(f"errno of {word}", str(predicted), str(answer))


def contents_leave_memory_that_is_about_to_fail(follower: Follower) -> Iterator[Check]:
    """A page that is about to fail is set aside, and what it contained goes on elsewhere (U3).

    A process has memory of node 1, and one of its pages is to go.  Seen must be: the errno, whether
    the process has that page still, and the error counted, as the reference has it; and the
    contents unchanged.
    """
    guest, page = plug(follower, "online_movable"), follower.target.page
    user = _with_an_error(follower.system, user=True)
    holder = hold(guest, "anon", 64 * page)
    frame = min(frames_of(guest, holder, page))
    answer = guest.write(f"{MEMORY}/soft_offline_page", hex(frame * page))
    predicted = user.soft_offline_page(1).errno or 0
    yield Check("errno of a page that is to go", str(predicted), str(answer))
    stays = str(user.machine.get("home", 0) == 1)
    yield Check("the process has it still", stays, str(frame in frames_of(guest, holder, page)))
    yield Check("KiB with an error", _known(user, page), str(_corrupted(guest)))
    yield contents_kept(guest, holder)
