"""Random operations on a kernel and the reference."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence

from memhp.machines.reading.errors import MachineError
from memhp.spec.language.system import System

from ..tools.errors import LabError
from .board import BOOT_BLOCKS, DEVICES
from .follow import Follower
from .report import Report
from .target import (
    HELD,
    HOLDERS,
    TEXTS,
    WORDS,
    KernelTarget,
    Operation,
)

__all__ = ["again", "random_operation", "walk"]

_LOSSES = (LabError, MachineError, OSError)
"""How a guest is lost: it ends or hangs, what it shows cannot be read, a file of its is missing."""
_FAILURES = 5
"""How many guests may be lost before a walk ends."""


def walk(
    target: KernelTarget,
    system: System,
    steps: int,
    seed: int,
    *,
    seconds: float = math.inf,
    progress: Callable[[Report], None] | None = None,
) -> Report:
    """The report of random operations, each compared with the reference.

    After a disagreement both begin anew.  A guest that ends or hangs, or that answers what nobody
    can read, is reported, and the walk goes on with a new one; with the fifth it ends.

    Args:
        target: the kernel.
        system: the specification.
        steps: how many operations, at most.
        seed: what they are drawn from.
        seconds: for how long, at most.
        progress: called with the report after each.

    Raises:
        LabError: the first guest does not boot.
    """
    choose = random.Random(seed)
    follower = Follower(target, system)
    report, began = follower.report, time.monotonic()
    for _ in range(steps):
        try:
            follower.begin()
            follower.step(random_operation(follower, choose))
        except _LOSSES as error:
            follower.lose(error)
        report.seconds = time.monotonic() - began
        if progress:
            progress(report)
        if report.seconds > seconds or len(report.lost) == _FAILURES:
            break
    return report


def again(target: KernelTarget, system: System, operations: Sequence[Operation]) -> Report:
    """The report of operations done once more, from boot, up to a disagreement or a lost guest.

    Raises:
        LabError: the guest does not boot.
        ValueError: an operation cannot be done after those before it.
    """
    follower, began = Follower(target, system), time.monotonic()
    for operation in operations:
        try:
            follower.step(operation)
        except _LOSSES as error:
            follower.lose(error)
        if not follower.report.agrees:
            break
    follower.report.seconds = time.monotonic() - began
    return follower.report


def random_operation(follower: Follower, choose: random.Random) -> Operation:
    """A random operation that can be done now, by ``choose``: on a block, a DIMM, or by a user."""
    machine, target = follower.machine, follower.target
    blocks = [b for b in range(machine.topology.sizes["Block"]) if machine.get("block_device", b)]
    others = [block for block in blocks if block >= BOOT_BLOCKS]
    block = choose.choice(others if others and choose.random() < 0.85 else blocks)
    device, number = choose.randrange(1, DEVICES + 1), choose.randrange(HOLDERS)
    kind = choose.random()
    if kind < 0.12 and target.board.dimms and not target.holds_pinned_of(device):
        return "eject_device" if machine.get("inserted", device) else "add_device", (device,)
    if kind < 0.27:
        held = number in target.holders
        return ("release", (number,)) if held else ("hold", (number, choose.choice(HELD)))
    if kind < 0.3 and target.board.nodes > 1:
        return "open" if follower.closed else "close", (target.board.nodes - 1,)
    if kind < 0.75:
        return "write_state", (block, choose.choice(WORDS))
    return "write_online", (block, choose.choice(TEXTS))
