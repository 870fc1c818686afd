"""The scenarios of who may be where, what comes and goes, and what others say of it.

A scenario takes steps that the reference takes too (`Follower.step`), and looks at the kernel
once more where sysfs tells more than its blocks and nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memhp.machines.reading.procfs import system_ram
from memhp.reference.operations import Operations
from memhp.spec.numbers.architectures import ARCHITECTURES, architecture

from ..guest.machine import MIB
from ..kernels.selftest import selftest
from ..tools.errors import whole_number
from .board import BOOT_BLOCKS
from .follow import Follower
from .look import frames_of
from .steps import (
    FIRST,
    NODE,
    SECOND,
    Check,
    allowed,
    contents_kept,
    figures,
    hold,
    plug,
    take_steps,
)
from .target import confine
from .worlds import holds

__all__ = [
    "a_device_goes_after_its_memory",
    "a_node_goes_with_its_last_block",
    "a_pin_holds_its_block",
    "closed_memory_is_not_filled",
    "kernel_memory_stays_out",
    "lsmem_agrees",
    "sizes_are_the_architectures",
    "stuck_is_found_first",
    "the_kernels_own_test_passes",
]

_LMB_SIZE = "/proc/device-tree/ibm,dynamic-reconfiguration-memory/ibm,lmb-size"


# --- U1, U3, N3: who may be where ---------------------------------------------------------------


def kernel_memory_stays_out(follower: Follower) -> Iterator[Check]:
    """The movable zone gives the kernel no memory, and all of it can be emptied (U1).

    A DIMM goes online as movable, processes fill a part of it, and the kernel is made to take
    8 MiB.  Seen must be: none of that from node 1, no byte of the node that is the kernel's,
    both blocks offline when asked, and the processes' contents unchanged.
    """
    guest = plug(follower, "online_movable")
    users = [hold(guest, "anon", 48 * MIB), hold(guest, "cache", 16 * MIB)]
    wanted = allowed(follower.machine, "alloc_kernel", FIRST)
    before = figures(guest, "MemFree")
    hold(guest, "kernel", 8 * MIB)  # Linux takes it elsewhere rather than refuse
    taken = before - figures(guest, "MemFree") >= 4 * MIB
    yield Check("kernel memory from the movable zone", wanted, "done" if taken else "refused")
    kernel = figures(guest, "Slab", "KernelStack", "PageTables")
    yield Check("bytes of the node that are the kernel's", "0", str(kernel))
    take_steps(follower, ("write_state", FIRST, "offline"), ("write_state", SECOND, "offline"))
    yield contents_kept(guest, *users)


def stuck_is_found_first(follower: Follower) -> Iterator[Check]:
    """A block with kernel memory is refused before a page of a user moves (U3).

    A DIMM goes online in the kernel zone, holds a user's memory, and is filled up with the
    kernel's.  Seen must be: kernel memory in both blocks, both still online after a request to
    go offline, and every frame of the user's where it was.
    """
    guest, target = plug(follower, "online_kernel"), follower.target
    user = hold(guest, "anon", 32 * MIB)
    while figures(guest, "MemFree") > 24 * MIB:  # both blocks fill up with the kernel's own
        hold(guest, "kernel", 8 * MIB)
    frames = frames_of(guest, user, target.page)
    for block in (FIRST, SECOND):
        held = target.contents([block])[block]
        yield Check(f"what block {block} holds", "kernel", " or ".join(held))
        take_steps(follower, ("write_state", block, "offline"))
        state = str(follower.machine.get("block_state", block))
        yield Check(f"block {block} after it was told to go offline", "online", state)
    moved = len(frames - frames_of(guest, user, target.page))
    yield Check(f"of {len(frames)} frames of a user's, those that moved", "0", str(moved))


def closed_memory_is_not_filled(follower: Follower) -> Iterator[Check]:
    """A cpuset closes node 1 to allocation and opens it again (N3).

    A DIMM goes online as movable, and `cpuset.mems` is 0-1, 0, and 0-1 again.  Seen must be:
    memory of node 1 is given, refused, and given, as `alloc_folio` answers once the blocks are
    drained.
    """
    guest = plug(follower, "online_movable")
    open_machine, closed = follower.machine, follower.machine.copy()
    for block in (FIRST, SECOND):
        closed.step("drain", block)
    for mems, machine in (("0-1", open_machine), ("0", closed), ("0-1", open_machine)):
        code = confine(guest, mems)
        yield Check(f"cpuset.mems can be {mems}", "0", str(code))
        wanted = allowed(machine, "alloc_folio", 0, FIRST, "anonymous")
        errno, holder = guest.hold("anon", 16 * MIB, node=1)
        yield Check(f"memory of node 1 with mems {mems}", wanted, "refused" if errno else "done")
        if holder:
            guest.release(holder)


# --- U5: what a device may write to -------------------------------------------------------------


def a_pin_holds_its_block(follower: Follower) -> Iterator[Check]:
    """A block with pages of a long-term pin goes only once they are given back (U5).

    A process pins memory while node 1 has nothing but movable blocks; then another one while the
    only room is in the second block, online in the kernel zone.  Seen must be: the first pin lies
    in the movable zone only if the reference allows that, the second one lies in the second block
    alone, which stays online while it is pinned and goes offline after the release.
    """
    target = follower.target
    take_steps(follower, ("add_device", 1), ("write_state", FIRST, "online_movable"))
    take_steps(follower, ("hold", 0, "pinned"))  # all the memory of its node is in the movable zone
    wanted = holds(follower.machine.copy(), FIRST, "pinned")
    yield Check("pinned in the movable zone", str(wanted), str(FIRST in target.pinned[0]))
    take_steps(follower, ("release", 0), ("write_state", FIRST, "offline"))
    # The first pin has the kernel take memory that the second one uses, too.
    take_steps(follower, ("write_state", FIRST, "online_kernel"), ("hold", 0, "pinned"))
    take_steps(follower, ("write_state", SECOND, "online_kernel"))
    hold(target.booted, "anon", target.board.block + 12 * MIB)
    take_steps(follower, ("hold", 1, "pinned"))
    yield Check("blocks with the second pin", str([SECOND]), str([*target.pinned[1]]))
    # Words of zero may leave open whether the kernel has memory there, too; it would not go then.
    for what, ends in (("pinned", "online"), ("free", "offline")):
        held = target.contents([SECOND])[SECOND]
        yield Check(f"block {SECOND} may be {what}, by its words", "True", str(what in held))
        take_steps(follower, ("write_state", SECOND, "offline"))
        state = str(follower.machine.get("block_state", SECOND))
        yield Check(f"block {SECOND} after that", ends, state)
        if what == "pinned":
            take_steps(follower, ("release", 1))


# --- A1, N1, N2: devices and nodes come and go --------------------------------------------------


def a_device_goes_after_its_memory(follower: Follower) -> Iterator[Check]:
    """A DIMM in use is emptied, removed and ejected, and comes back (A1, R4).

    A DIMM with locked memory of a process is ejected, added and ejected again.  Seen must be:
    `/proc/iomem` has as many bytes of added memory as the reference has present blocks after
    each step, and the process's contents are unchanged.
    """
    guest = plug(follower, "online_movable")
    user = hold(guest, "locked", 16 * MIB)
    for step in (("eject_device", 1), ("add_device", 1), ("eject_device", 1)):
        take_steps(follower, step)
        blocks = range(BOOT_BLOCKS, follower.machine.topology.sizes["Block"])
        present = sum(bool(follower.machine.get("present", block)) for block in blocks)
        board = follower.target.board
        ranges = system_ram(guest.read("/proc/iomem")) or ()
        added = sum(r.stop - r.start for r in ranges if r.start >= board.more * board.block)
        what = f"bytes of added memory after {step[0]}"
        yield Check(what, str(present * board.block), str(added))
    yield contents_kept(guest, user)


def a_node_goes_with_its_last_block(follower: Follower) -> Iterator[Check]:
    """A node appears with its first memory and is gone with its last (N1).

    Two DIMMs come to node 1 and go, in two orders.  Seen must be: the folder of node 1 in sysfs
    is there after each step exactly if the reference has the node online.
    """
    both = [("add_device", 1), ("add_device", 2), ("eject_device", 1), ("eject_device", 2)]
    for step in (*both, *both[1:2], *both[3:]):
        take_steps(follower, step)
        online = bool(follower.machine.get("node_online", 1))
        there = not follower.target.booted.shell(f"test -d {NODE}").rc
        yield Check(f"node 1 after {step[0]}({step[1]})", str(online), str(there))


# --- what others say of the same state ----------------------------------------------------------


def lsmem_agrees(follower: Follower) -> Iterator[Check]:
    """util-linux's `lsmem` counts as much memory online and offline as the reference (R4).

    A DIMM goes online, one of its blocks offline again, and a boot block offline.  Seen must be:
    the bytes of `lsmem` for both states are those of the reference's blocks.
    """
    guest = plug(follower, "online_movable")
    take_steps(follower, ("write_state", SECOND, "offline"), ("write_online", 2, "0"))
    summary = guest.shell("lsmem --bytes --summary=only").out
    machine, size = follower.machine, follower.target.board.block
    there = [b for b in range(machine.topology.sizes["Block"]) if machine.get("block_device", b)]
    for state in ("online", "offline"):
        blocks = [block for block in there if machine.get("block_state", block) == state]
        match = re.search(rf"Total {state} memory:\s+(\d+)", summary)
        yield Check(f"bytes {state}", str(len(blocks) * size), match[1] if match else summary)


def the_kernels_own_test_passes(follower: Follower) -> Iterator[Check]:
    """`mem-on-off-test.sh` of the kernel's source ends as the reference says (R4).

    It runs while one block of a DIMM is online and the other offline.  Seen must be: it passes if
    the reference takes its steps, and leaves each block in the state that these lead to.
    """
    guest = plug(follower, "online_movable")
    take_steps(follower, ("write_state", SECOND, "offline"))
    script = selftest(follower.target.kernel.name)
    guest.shell(f"mkdir -p /tmp; cat > /tmp/test.sh <<'END OF TEST'\n{script}\nEND OF TEST")
    # What the test does: all online, one that can go goes and comes back.
    user = Operations(follower.machine.copy())
    results = [user.write_state(SECOND, "online")]
    results += [user.write_state(FIRST, "offline"), user.write_state(FIRST, "online")]
    wanted = "passes" if all(results) else "fails"
    reply = guest.shell("bash /tmp/test.sh 2>&1", limit=600.0)
    seen = "fails" if reply.rc or "FAILED" in reply.out else "passes"
    yield Check("mem-on-off-test.sh", wanted, seen if "Test scope" in reply.out else reply.out)
    states = follower.target.observe()["block_state"]
    there = [b for b, state in enumerate(states) if state is not None]
    wanted = str({b: user.machine.get("block_state", b) for b in there})
    yield Check("blocks afterwards", wanted, str({b: states[b] for b in there}))


# --- R4, R5: architectures ----------------------------------------------------------------------


def sizes_are_the_architectures(follower: Follower) -> Iterator[Check]:
    """Pages and blocks have the architecture's sizes, and boot blocks go or stay (R3, R4, R5).

    Sizes are read from sysfs, the firmware's tree and smaps; each boot block is told to go
    offline and then online.  Seen must be: a block is one section, or one LMB of whole sections;
    a page has one of the architecture's sizes; a block that a notifier keeps is still online.
    """
    guest, board = follower.target.booted, follower.target.board
    section = architecture(board.architecture).section_in(board.linux)
    size = whole_number(guest.read("/sys/devices/system/memory/block_size_bytes"), 16)
    if board.lmb:
        lmb = guest.shell(f"od -An -tx1 {_LMB_SIZE} | tr -d ' \\n'").out
        yield Check(
            "bytes of a block: one LMB of the firmware's", str(whole_number(lmb, 16)), str(size)
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
        take_steps(follower, ("write_state", block, "offline"))
        seen = follower.target.observe()["block_state"][block]
        if block in board.kept:
            yield Check(f"boot block {block}, which a notifier keeps", "online", str(seen))
        take_steps(follower, ("write_state", block, "online"))
