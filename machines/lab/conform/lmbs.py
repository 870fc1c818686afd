"""The scenario of logical memory blocks, which the hypervisor of a pseries guest offers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.topology import Value
from memhp.spec.language.system import System

from .board import DEVICES, arrangement
from .follow import Follower
from .look import kernel_memory
from .plays import FIRST, MEMORY, SECOND, Check
from .target import Content
from .worlds import worlds

__all__ = ["lmbs_come_and_go"]

_LMB_SECONDS = 15.0
"""How long the kernel may take for LMBs: it tells nobody when it is ready."""


def lmbs_come_and_go(follower: Follower, system: System) -> Iterator[Check]:
    guest, board = follower.target.booted, replace(follower.target.board, how="dimms")
    blocks, size = (FIRST, SECOND), 2 * board.block
    user = Operations(Machine(system, arrangement(system, board)))
    numbers = {board.more + DEVICES * 2 + at: block for at, block in enumerate(blocks)}
    states = " ".join(f"{MEMORY}/memory{number}/state" for number in numbers)

    def shown(machine: Machine) -> str:
        there = [b for b in blocks if machine.get("block_device", b)]
        return str([str(machine.get("block_state", b)) for b in there])

    def settled_in(wanted: set[str]) -> str:
        """What is seen; a state of before, which it may be for good, is waited out."""
        before, deadline = shown(user.machine), time.monotonic() + _LMB_SECONDS
        while True:
            seen = str(guest.shell(f"cat {states} 2>/dev/null").out.split())
            if seen in wanted - {before} or time.monotonic() > deadline:
                return seen
            time.sleep(0.5)

    after = Operations(user.machine.copy())
    for block in blocks:
        _take(after, ("acquire_lmb", block))
    _take(after, ("add_device", 1))
    for block in blocks:
        _take(after, ("write_state", block, "online"), ("assign_lmb", block))
    guest.qmp("object-add", qom_type="memory-backend-ram", id="lmbs-ram", size=size)
    guest.qmp("device_add", driver="pc-dimm", id="lmbs", memdev="lmbs-ram", node=1)
    wanted = shown(after.machine)
    yield Check("LMBs that a request adds", wanted, settled_in({wanted}))
    user = after
    told = kernel_memory(guest, numbers, follower.target.frames_of_block)
    contents: dict[int, tuple[Content, ...]] = {
        numbers[number]: tuple("free" if own == "nothing" else own for own in its)
        for number, its in told.items()
    }
    outcomes = {shown(_without_lmbs(world, blocks)) for world in worlds(user.machine, contents)}
    guest.qmp("device_del", id="lmbs")
    seen = settled_in(outcomes)
    wanted = seen if seen in outcomes else " or ".join(sorted(outcomes))
    yield Check("LMBs after a request to remove them", wanted, seen)


def _without_lmbs(machine: Machine, blocks: Sequence[int]) -> Machine:
    """The machine after a request to remove these LMBs: all go, or none."""
    user = Operations(machine)
    if all([user.write_state(block, "offline") for block in blocks]):
        for block in blocks:
            _take(user, ("remove_memory", block), ("unassign_lmb", block))
        releases = [("release_lmb", block) for block in blocks]
        _take(user, ("reach_count", blocks[0]), *releases)
    else:  # what was offline comes back
        for block in blocks:
            user.write_state(block, "online")
    return user.machine


def _take(user: Operations, *steps: tuple[Value, ...]) -> None:
    """Operations of a user, or single steps, that the reference must be able to take."""
    for name, *params in steps:
        known = getattr(user, str(name), None)
        done = known(*params) if known else user.machine.step(str(name), *params)
        assert done, f"{name}{params}: {done}"
