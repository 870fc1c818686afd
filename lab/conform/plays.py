"""The steps of the scenarios, and what is predicted and seen on the way.

A scenario takes steps that the reference takes too (`Follower.step`), and looks at the kernel
once more where sysfs tells more than its blocks and nodes.  A prediction is what the reference
does, or what one of its properties says: that nothing moved, that contents are kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from memhp.machines.reading.procfs import system_ram
from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.shapes import Shape
from memhp.reference.topology import Value
from memhp.spec.language.system import System
from memhp.spec.numbers.architectures import ARCHITECTURES, architecture
from memhp.spec.system import SYSTEM

from ..guest.guest import Guest, HoldKind
from ..guest.machine import MIB
from ..kernels.selftest import selftest
from ..tools.errors import LabError, whole_number
from .board import BOOT_BLOCKS
from .follow import Follower
from .look import frames_of
from .target import confine
from .worlds import holds

__all__ = [
    "FIRST",
    "MEMORY",
    "SECOND",
    "Check",
    "a_device_goes_after_its_memory",
    "a_node_goes_with_its_last_block",
    "a_pin_holds_its_block",
    "closed_memory_is_not_filled",
    "huge_folios_move_whole",
    "kernel_memory_stays_out",
    "linux_moves_to_another_node",
    "lsmem_agrees",
    "sizes_are_the_architectures",
    "stuck_is_found_first",
    "the_kernels_own_test_passes",
]

FIRST, SECOND = BOOT_BLOCKS, BOOT_BLOCKS + 1
"""The blocks of the first DIMM, on a node of its own."""

MEMORY = "/sys/devices/system/memory"
_NODE = "/sys/devices/system/node/node1"
_LMB_SIZE = "/proc/device-tree/ibm,dynamic-reconfiguration-memory/ibm,lmb-size"


@dataclass(frozen=True)
class Check:
    """One thing that was predicted, and what the kernel showed."""

    what: str
    predicted: str
    seen: str

    @property
    def agrees(self) -> bool:
        return self.predicted == self.seen


# --- asking the guest ---------------------------------------------------------------------------


def _steps(follower: Follower, *steps: tuple[Value, ...]) -> None:
    """An operation's name and its parameters, and so on."""
    for name, *params in steps:
        follower.step((str(name), tuple(params)))


def _plug(follower: Follower, word: str) -> Guest:
    """A DIMM comes to node 1, and both of its blocks go online so."""
    _steps(
        follower,
        ("add_device", 1),
        ("write_state", FIRST, word),
        ("write_state", SECOND, word),
    )
    return follower.target.booted


def _held(guest: Guest, kind: HoldKind, size: int) -> int:
    """A process that has so much memory of node 1.  Raises LabError if it gets none."""
    errno, holder = guest.hold(kind, size, node=1)
    if errno:
        raise LabError(f"no {kind} memory on node 1: {os.strerror(errno)}", guest.last_lines())
    return holder


def _figures(guest: Guest, *names: str) -> int:
    """The sum of these figures of node 1's meminfo, in bytes."""
    found = re.findall(rf"(?m)(?:{'|'.join(names)}):\s+(\d+)", guest.read(f"{_NODE}/meminfo"))
    return 1024 * sum(map(int, found))


def _pages_on(guest: Guest, holder: int, node: int) -> int:
    """How many pages of a process are on a node."""
    return sum(map(int, re.findall(rf"\bN{node}=(\d+)", guest.read(f"/proc/{holder}/numa_maps"))))


def _kept(guest: Guest, *holders: int) -> Check:
    """Holders give their memory back, and look first whether it is as they wrote it (M1)."""
    ends = [guest.release(holder) for holder in holders]
    return Check("contents of what was moved", str([0] * len(holders)), str(ends))


def _take(machine: Machine, action: str, *params: int | str) -> None:
    """A step that the reference takes.  Raises LabError if it refuses."""
    if not (outcome := machine.step(action, *params)):
        raise LabError(f"the reference does not take {action}{params}: {outcome}")


def _allowed(machine: Machine, action: str, *params: int | str) -> str:
    return "done" if machine.why_not(action, *params) is None else "refused"


# --- U1, U3, N3: who may be where ---------------------------------------------------------------


def kernel_memory_stays_out(follower: Follower) -> Iterator[Check]:
    guest = _plug(follower, "online_movable")
    users = [_held(guest, "anon", 48 * MIB), _held(guest, "cache", 16 * MIB)]
    wanted = _allowed(follower.machine, "alloc_kernel", FIRST)
    before = _figures(guest, "MemFree")
    _held(guest, "kernel", 8 * MIB)  # Linux takes it elsewhere rather than refuse
    taken = before - _figures(guest, "MemFree") >= 4 * MIB
    yield Check("kernel memory from the movable zone", wanted, "done" if taken else "refused")
    kernel = _figures(guest, "Slab", "KernelStack", "PageTables")
    yield Check("bytes of the node that are the kernel's", "0", str(kernel))
    _steps(follower, ("write_state", FIRST, "offline"), ("write_state", SECOND, "offline"))
    yield _kept(guest, *users)


def stuck_is_found_first(follower: Follower) -> Iterator[Check]:
    guest, target = _plug(follower, "online_kernel"), follower.target
    user = _held(guest, "anon", 32 * MIB)
    while _figures(guest, "MemFree") > 24 * MIB:  # both blocks fill up with the kernel's own
        _held(guest, "kernel", 8 * MIB)
    frames = frames_of(guest, user, target.page)
    for block in (FIRST, SECOND):
        told = target.contents([block])[block]
        yield Check(f"what block {block} holds", "kernel", " or ".join(told))
        _steps(follower, ("write_state", block, "offline"))
        state = str(follower.machine.get("block_state", block))
        yield Check(f"block {block} after it was told to go offline", "online", state)
    moved = len(frames - frames_of(guest, user, target.page))
    yield Check(f"of {len(frames)} frames of a user's, those that moved", "0", str(moved))


def closed_memory_is_not_filled(follower: Follower) -> Iterator[Check]:
    guest = _plug(follower, "online_movable")
    open_machine, closed = follower.machine, follower.machine.copy()
    for block in (FIRST, SECOND):
        closed.step("drain", block)
    for mems, machine in (("0-1", open_machine), ("0", closed), ("0-1", open_machine)):
        code = confine(guest, mems)
        yield Check(f"cpuset.mems can be {mems}", "0", str(code))
        wanted = _allowed(machine, "alloc_folio", 0, FIRST, "anonymous")
        errno, holder = guest.hold("anon", 16 * MIB, node=1)
        yield Check(f"memory of node 1 with mems {mems}", wanted, "refused" if errno else "done")
        if holder:
            guest.release(holder)


# --- U5: what a device may write to -------------------------------------------------------------


def a_pin_holds_its_block(follower: Follower) -> Iterator[Check]:
    target = follower.target
    _steps(follower, ("add_device", 1), ("write_state", FIRST, "online_movable"))
    _steps(follower, ("hold", 0, "pinned"))  # all the memory of its node is in the movable zone
    wanted = holds(follower.machine.copy(), FIRST, "pinned")
    yield Check("pinned in the movable zone", str(wanted), str(FIRST in target.pinned[0]))
    _steps(follower, ("release", 0), ("write_state", FIRST, "offline"))
    # The first pin has the kernel take memory that the second one uses, too.
    _steps(follower, ("write_state", FIRST, "online_kernel"), ("hold", 0, "pinned"))
    _steps(follower, ("write_state", SECOND, "online_kernel"))
    _held(target.booted, "anon", target.board.block + 12 * MIB)
    _steps(follower, ("hold", 1, "pinned"))
    yield Check("blocks with the second pin", str([SECOND]), str([*target.pinned[1]]))
    # Words of zero may leave open whether the kernel has memory there, too; it would not go then.
    for what, ends in (("pinned", "online"), ("free", "offline")):
        told = target.contents([SECOND])[SECOND]
        yield Check(f"block {SECOND} may be {what}, by its words", "True", str(what in told))
        _steps(follower, ("write_state", SECOND, "offline"))
        state = str(follower.machine.get("block_state", SECOND))
        yield Check(f"block {SECOND} after that", ends, state)
        if what == "pinned":
            _steps(follower, ("release", 1))


# --- A1, N1, N2: devices and nodes come and go --------------------------------------------------


def a_device_goes_after_its_memory(follower: Follower) -> Iterator[Check]:
    guest = _plug(follower, "online_movable")
    user = _held(guest, "locked", 16 * MIB)
    for step in (("eject_device", 1), ("add_device", 1), ("eject_device", 1)):
        _steps(follower, step)
        blocks = range(BOOT_BLOCKS, follower.machine.topology.sizes["Block"])
        present = sum(bool(follower.machine.get("present", block)) for block in blocks)
        board = follower.target.board
        ranges = system_ram(guest.read("/proc/iomem")) or ()
        added = sum(r.stop - r.start for r in ranges if r.start >= board.more * board.block)
        what = f"bytes of added memory after {step[0]}"
        yield Check(what, str(present * board.block), str(added))
    yield _kept(guest, user)


def a_node_goes_with_its_last_block(follower: Follower) -> Iterator[Check]:
    both = [("add_device", 1), ("add_device", 2), ("eject_device", 1), ("eject_device", 2)]
    for step in (*both, *both[1:2], *both[3:]):
        _steps(follower, step)
        online = bool(follower.machine.get("node_online", 1))
        there = not follower.target.booted.shell(f"test -d {_NODE}").rc
        yield Check(f"node 1 after {step[0]}({step[1]})", str(online), str(there))


# --- N4, D2: where contents go, and huge folios -------------------------------------------------


def linux_moves_to_another_node(follower: Follower) -> Iterator[Check]:
    guest = _plug(follower, "online_movable")
    user = _held(guest, "anon", 64 * MIB)
    before = {node: _pages_on(guest, user, node) for node in (0, 1)}
    _steps(follower, ("write_state", FIRST, "offline"), ("write_state", SECOND, "online_movable"))
    if _pages_on(guest, user, 0) == 0:  # they were all in the other block
        _steps(
            follower, ("write_state", FIRST, "online_movable"), ("write_state", SECOND, "offline")
        )
    room = _figures(guest, "MemFree") > 64 * MIB
    yield Check("the own node had room", "True", str(room))
    moved = {node for node in (0, 1) if _pages_on(guest, user, node) > before[node]}
    yield Check("nodes that got pages", str(_destinations(follower.system)), str(moved))
    differs = _destinations(SYSTEM) != moved
    yield Check("the list wants another one", "True", str(differs))


def _destinations(system: System) -> set[int]:
    """The nodes to which a folio of node 1 can move, when there is room on both."""
    machine = Machine(system, Shape(nodes=2, blocks=2).build(system))
    machine.step("alloc_folio", 0, 2, "anonymous")
    machine.step("begin_offline", 2)
    return {
        int(machine.evaluate("node_of_frame", params["d"]))
        for _, params in machine.enabled("reserve_destination")
    }


def huge_folios_move_whole(follower: Follower) -> Iterator[Check]:
    guest = _plug(follower, "online_movable")
    for node, number in ((0, 1), (1, 2)):
        pool = f"/sys/devices/system/node/node{node}/hugepages/hugepages-2048kB"
        guest.write(f"{pool}/nr_hugepages", str(number))
    user = _held(guest, "huge", 2 * MIB)
    _steps(follower, ("write_state", FIRST, "offline"), ("write_state", SECOND, "offline"))
    meminfo = guest.read("/proc/meminfo")
    counts = (re.search(rf"HugePages_{word}:\s+(\d+)", meminfo) for word in ("Total", "Free"))
    total, free = (whole_number(found[1]) if found else None for found in counts)
    seen = str((total, free, [node for node in (0, 1) if _pages_on(guest, user, node)]))
    wanted = " or ".join(sorted(map(str, _huge_folios_after_offlining(follower.system))))
    yield Check("huge folios: all, free, and the nodes of the one in use", wanted, seen)
    yield _kept(guest, user)


_HugeFolios = tuple[int, int, list[int]]
"""How many there are, how many are free, and the nodes of the one in use."""


def _huge_folios_after_offlining(system: System) -> list[_HugeFolios]:
    """What the specification leaves.

    One is free on node 0; of two on node 1 one is in use, and both blocks of node 1 go offline.
    """
    shape = Shape(nodes=2, totals=(3, 3, 3), tables=(("node_of", (0, 1, 1)),))
    machine = Machine(system, replace(shape, more=(("HugeFolio", 3),)).build(system))
    for number in range(3):
        _take(machine, "grow_pool", number, number)
    _take(machine, "take_huge", 1)
    _take(machine, "map_huge", 1, 0)
    return _ends(machine, (1, 2))


def _ends(machine: Machine, blocks: tuple[int, ...]) -> list[_HugeFolios]:
    """What may be left once the blocks are offline, one after the other."""
    if not blocks:
        counts = [sum(int(machine.get(of, n)) for n in (0, 1)) for of in ("nr_huge", "free_huge")]
        return [(counts[0], counts[1], [int(machine.evaluate("pool_of", 1))])]
    block, *rest = blocks
    _take(machine, "begin_offline", block)
    _take(machine, "announce_offline", block)
    found: list[_HugeFolios] = []
    for move in _moves_out_of(machine, block) or [None]:
        world = machine.copy()
        if move:
            _take(world, "begin_huge_migration", *move)
            _take(world, "copy_huge", move[0])
            _take(world, "change_huge_home", move[0])
        for free in [params["h"] for _, params in world.enabled("dissolve")]:
            if world.get("huge_home", free) == block:
                _take(world, "dissolve", free)
        _take(world, "finish_offline", block)
        found += [end for end in _ends(world, tuple(rest)) if end not in found]
    return found


def _moves_out_of(machine: Machine, block: int) -> list[tuple[int, int] | None]:
    """Huge folios of the block (of one frame, with its number), and where each may go."""
    moves = [params for _, params in machine.enabled("begin_huge_migration")]
    return [
        (int(params["h"]), int(params["t"]))
        for params in moves
        if machine.get("huge_home", params["h"]) == block
    ]


# --- what others say of the same state ----------------------------------------------------------


def lsmem_agrees(follower: Follower) -> Iterator[Check]:
    guest = _plug(follower, "online_movable")
    _steps(follower, ("write_state", SECOND, "offline"), ("write_online", 2, "0"))
    said = guest.shell("lsmem --bytes --summary=only").out
    machine, size = follower.machine, follower.target.board.block
    there = [b for b in range(machine.topology.sizes["Block"]) if machine.get("block_device", b)]
    for state in ("online", "offline"):
        blocks = [block for block in there if machine.get("block_state", block) == state]
        found = re.search(rf"Total {state} memory:\s+(\d+)", said)
        yield Check(f"bytes {state}", str(len(blocks) * size), found[1] if found else said)


def the_kernels_own_test_passes(follower: Follower) -> Iterator[Check]:
    guest = _plug(follower, "online_movable")
    _steps(follower, ("write_state", SECOND, "offline"))
    script = selftest(follower.target.kernel.name)
    guest.shell(f"mkdir -p /tmp; cat > /tmp/test.sh <<'END OF TEST'\n{script}\nEND OF TEST")
    # What the test does: all online, one that can go goes and comes back.
    user = Operations(follower.machine.copy())
    done = [user.write_state(SECOND, "online")]
    done += [user.write_state(FIRST, "offline"), user.write_state(FIRST, "online")]
    wanted = "passes" if all(done) else "fails"
    reply = guest.shell("bash /tmp/test.sh 2>&1", limit=600.0)
    seen = "fails" if reply.rc or "FAILED" in reply.out else "passes"
    yield Check("mem-on-off-test.sh", wanted, seen if "Test scope" in reply.out else reply.out)
    states = follower.target.observe()["block_state"]
    there = [b for b, state in enumerate(states) if state is not None]
    wanted = str({b: user.machine.get("block_state", b) for b in there})
    yield Check("blocks afterwards", wanted, str({b: states[b] for b in there}))


# --- R4, R5: architectures ----------------------------------------------------------------------


def sizes_are_the_architectures(follower: Follower) -> Iterator[Check]:
    guest, board = follower.target.booted, follower.target.board
    section = architecture(board.architecture).section_in(board.linux)
    size = whole_number(guest.read("/sys/devices/system/memory/block_size_bytes"), 16)
    if board.lmb:
        told = guest.shell(f"od -An -tx1 {_LMB_SIZE} | tr -d ' \\n'").out
        yield Check(
            "bytes of a block: one LMB of the firmware's", str(whole_number(told, 16)), str(size)
        )
        yield Check("bytes of a block beyond whole sections", "0", str(size % section))
    else:
        yield Check("bytes of a block: one section", str(section), str(size))
    smaps = guest.shell("grep -m1 KernelPageSize /proc/self/smaps").out
    kib = re.search(r"(\d+) kB", smaps)
    page = 1024 * whole_number(kib[1]) if kib else 0
    family = board.architecture.partition("-")[0]
    pages = sorted({a.page for a in ARCHITECTURES if a.name.partition("-")[0] == family})
    yield Check(f"a page has one of {pages} bytes", "True", str(page in pages))
    for block in range(BOOT_BLOCKS):
        _steps(follower, ("write_state", block, "offline"))
        seen = follower.target.observe()["block_state"][block]
        if block in board.kept:
            yield Check(f"boot block {block}, which a notifier keeps", "online", str(seen))
        _steps(follower, ("write_state", block, "online"))
