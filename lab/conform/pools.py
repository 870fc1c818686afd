"""The scenarios of pools of huge pages in a block that goes offline, and of gigantic ones.

The reference takes the steps of `offline_pages()` on a machine of one huge folio a block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.shapes import Shape
from memhp.spec.language.system import System
from memhp.spec.profiles import as_of
from memhp.spec.system import SYSTEM

from ..guest.devices import plug_dimm
from ..guest.guest import Guest
from ..guest.machine import MIB
from ..tools.errors import LabError, whole_number
from .follow import Follower
from .steps import (
    FIRST,
    MEMORY,
    NODE,
    SECOND,
    Check,
    allowed,
    begin_leaving,
    contents_kept,
    hold,
    pages_on,
    plug,
    take,
    take_steps,
)

__all__ = [
    "free_huge_pages_are_dissolved",
    "gigantic_pages_in_movable_memory",
    "promised_huge_pages_keep_their_block",
    "used_huge_pages_move_without_a_pool",
]

_HUGE = 2 * MIB
_GIGANTIC = 1024 * MIB
_SYSCTL = "/proc/sys/vm/movable_gigantic_pages"


def _grow(guest: Guest, number: int, size: int = _HUGE) -> int:
    """How many huge pages node 1 has once it was told to have so many."""
    pool = f"{NODE}/hugepages/hugepages-{size // 1024}kB/nr_hugepages"
    guest.write(pool, str(number))
    return whole_number(guest.read(pool))


def _counts(guest: Guest) -> tuple[int, ...]:
    """How many huge pages of the usual size there are, are free, and are promised."""
    meminfo = guest.read("/proc/meminfo")
    found = re.findall(r"(?m)^HugePages_(Total|Free|Rsvd):\s+(\d+)", meminfo)
    counts = {name: whole_number(count) for name, count in found}
    return counts["Total"], counts["Free"], counts["Rsvd"]


def _pools(system: System, *, folios: int = 1) -> Machine:
    """Two nodes; node 1 has a block with a free huge folio."""
    more = (("HugeFolio", folios), ("Reservation", 1))
    tables = (("reservation_node", (1,)),)
    machine = Machine(system, Shape(nodes=2, blocks=1, more=more, tables=tables).build(system))
    take(machine, "grow_pool", 0, 1)
    return machine


def _counted(machine: Machine) -> tuple[int, ...]:
    """The same of the reference."""
    names = ("nr_huge", "free_huge", "reserved_huge")
    return tuple(sum(int(machine.get(name, n)) for n in (0, 1)) for name in names)


def free_huge_pages_are_dissolved(follower: Follower) -> Iterator[Check]:
    """Free huge pages of a block that goes offline are given back, and count no more (D2).

    Node 1 has a pool of eight, all free, and both its blocks go offline.  Seen must be: that goes
    well, and as many huge pages are left as the reference has.
    """
    guest = plug(follower, "online_movable")
    yield Check("huge pages of node 1", "8", str(_grow(guest, 8)))
    take_steps(follower, ("write_state", FIRST, "offline"), ("write_state", SECOND, "offline"))
    machine = _pools(follower.system)
    begin_leaving(machine, 1)
    take(machine, "dissolve", 0)
    take(machine, "finish_offline", 1)
    yield Check("huge pages: all, free, promised", str(_counted(machine)), str(_counts(guest)))


def promised_huge_pages_keep_their_block(follower: Follower) -> Iterator[Check]:
    """A huge page that was promised is not dissolved, and its block stays (D2).

    Node 1 has the only huge page, and a file system has it promised (`min_size`); both blocks are
    told to go offline, and again when the promise is taken back.  Seen must be: one of the two is
    refused as the reference refuses to dissolve it, and then goes; the counts are the reference's.
    """
    guest = plug(follower, "online_movable")
    yield Check("huge pages of node 1", "1", str(_grow(guest, 1)))
    mounted = guest.shell(f"mkdir -p /huge; mount -t hugetlbfs -o min_size={_HUGE} none /huge").rc
    yield Check("a mount that has the huge page promised", "0", str(mounted))
    machine = _pools(follower.system)
    take(machine, "reserve_huge", 0)
    refusal = machine.why_not("dissolve", 0)
    wanted = [0, 0 if refusal is None else refusal.errno]
    answers = {block: _offline(follower, block) for block in (FIRST, SECOND)}
    yield Check("errnos of both blocks", str(wanted), str(sorted(answers.values())))
    yield Check("huge pages: all, free, promised", str(_counted(machine)), str(_counts(guest)))
    guest.shell("umount /huge")
    take(machine, "unreserve_huge", 0)
    wanted_now = "0" if machine.why_not("dissolve", 0) is None else "refused"
    again = [_offline(follower, block) for block, errno in answers.items() if errno]
    yield Check("errno once the promise is taken back", f"[{wanted_now}]", str(again))


def _offline(follower: Follower, block: int) -> int:
    """The errno of a block told to go offline, which the reference does not follow."""
    number = follower.target.board.numbers()[block]
    return follower.target.booted.write(f"{MEMORY}/memory{number}/state", "offline")


def used_huge_pages_move_without_a_pool(follower: Follower) -> Iterator[Check]:
    """A huge page in use moves to a fresh one where no pool has a free one (D2).

    Node 1 has the only huge page, which is in use, and both its blocks go offline.  Seen must be:
    the counts and the node as the reference ends when its block goes offline; and the contents
    unchanged.

    Raises:
        LabError: the reference refuses.
    """
    guest = plug(follower, "online_movable")
    yield Check("huge pages of node 1", "1", str(_grow(guest, 1)))
    user = hold(guest, "huge", _HUGE)
    take_steps(follower, ("write_state", FIRST, "offline"), ("write_state", SECOND, "offline"))
    machine = _pools(follower.system, folios=2)
    take(machine, "take_huge", 0)
    take(machine, "map_huge", 0, 0)
    if refused := Operations(machine).write_state(1, "offline").refusal:
        raise LabError(f"the reference takes no block offline with a huge page in use: {refused}")
    wanted = (*_counted(machine), [int(machine.evaluate("pool_of", 0))])
    seen = (*_counts(guest), [node for node in (0, 1) if pages_on(guest, user, node)])
    yield Check("huge pages: all, free, promised, and where it is", str(wanted), str(seen))
    yield contents_kept(guest, user)


def gigantic_pages_in_movable_memory(follower: Follower) -> Iterator[Check]:
    """Gigantic pages are made of movable memory if the version and its administrator let them (U1).

    Node 1 gets 2 GiB of movable memory alone, and a pool of one page of 1 GiB, as the kernel boots
    and where it can be allowed once more.  Seen must be: the page is there exactly if the
    reference makes one; without leave, that of the versions before there was any.

    Raises:
        LabError: the memory does not go online.
    """
    guest, board = follower.target.booted, follower.target.board
    place = board.more * board.block
    plug_dimm(guest, "large", 1, 2 * _GIGANTIC, place=place)  # the reference does not follow
    first = place // board.block
    for number in range(first, first + 2 * _GIGANTIC // board.block):
        if errno := guest.write(f"{MEMORY}/memory{number}/state", "online_movable"):
            raise LabError(f"block {number} of {guest.kernel.name} does not go online: {errno}")
    designs = {"not allowed": as_of(SYSTEM, (6, 12))}
    if not guest.shell(f"test -e {_SYSCTL}").rc:
        designs["allowed"] = follower.system
    for leave, system in designs.items():
        if leave == "allowed":
            guest.write(_SYSCTL, "1")
        shape = Shape(
            blocks=2,
            movable=frozenset([0, 1]),
            more=(("HugeFolio", 1), ("Range", 1)),
            tables=(("gigantic", (1,)), ("range_of", (0, 0)), ("head_frame", (0,))),
        )
        wanted = allowed(Machine(system, shape.build(system)), "grow_pool", 0, 0)
        there = _grow(guest, 1, _GIGANTIC)
        yield Check(f"a gigantic page, {leave}", wanted, "done" if there else "refused")
