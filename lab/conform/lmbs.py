"""The scenario of logical memory blocks, which the hypervisor of a pseries guest offers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from memhp.reference.machine import Machine
from memhp.reference.operations import Operations

from ..tools.errors import LabError
from .board import DEVICES, arrangement
from .follow import Follower
from .look import kernel_memory
from .steps import FIRST, MEMORY, SECOND, Check
from .target import Content
from .worlds import worlds

__all__ = ["lmbs_come_and_go"]

_LMB_SECONDS = 60.0
"""How long the kernel may take for LMBs: it tells nobody when it is ready."""


def lmbs_come_and_go(follower: Follower) -> Iterator[Check]:
    """LMBs that the hypervisor offers are added and online, and go again when asked (R3).

    A DIMM of two LMBs is plugged into a pseries guest and unplugged again; `movable_node` keeps
    the kernel's memory out of it.  Seen must be: the states of its blocks that `add_lmbs` leads
    to, and then those of `remove_lmbs` in some world that the page words leave open.

    Raises:
        LabError: the reference refuses to add LMBs.
    """
    guest, board = follower.target.booted, replace(follower.target.board, how="dimms")
    blocks, size = (FIRST, SECOND), 2 * board.block
    topology = arrangement(follower.system, board, movable_node=True)
    user = Operations(Machine(follower.system, topology))
    numbers = {board.more + DEVICES * 2 + at: block for at, block in enumerate(blocks)}
    states = " ".join(f"{MEMORY}/memory{number}/state" for number in numbers)

    def shown(machine: Machine) -> str:
        there = [b for b in blocks if machine.get("block_device", b)]
        return str([str(machine.get("block_state", b)) for b in there])

    def settled_in(wanted: set[str]) -> str:
        """The states that are seen, once they are wanted ones and not those of before."""
        deadline = time.monotonic() + _LMB_SECONDS
        while True:
            seen = str(guest.shell(f"cat {states} 2>/dev/null").out.split())
            if seen in wanted - {before} or time.monotonic() > deadline:
                return seen
            time.sleep(0.5)

    before = shown(user.machine)
    if not (added := user.add_lmbs(1)):
        raise LabError(f"the reference cannot add LMBs: {added}")
    guest.qmp("object-add", qom_type="memory-backend-ram", id="lmbs-ram", size=size)
    guest.qmp("device_add", driver="pc-dimm", id="lmbs", memdev="lmbs-ram", node=1)
    wanted = shown(user.machine)
    yield Check("LMBs that a request adds", wanted, settled_in({wanted}))
    before = wanted
    own = kernel_memory(guest, numbers, follower.target.frames_of_block)
    contents: dict[int, tuple[Content, ...]] = {
        numbers[number]: tuple("free" if each == "nothing" else each for each in its)
        for number, its in own.items()
    }
    outcomes = set()
    for world in worlds(user.machine, contents):
        Operations(world).remove_lmbs(1)
        outcomes.add(shown(world))
    guest.qmp("device_del", id="lmbs")
    wanted = " or ".join(sorted(outcomes))
    yield Check("LMBs after a request to remove them", wanted, settled_in(outcomes))
