"""The reference, led to what a guest shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.target import Observation
from memhp.reference.topology import Value

from ..tools.errors import LabError
from .board import device_of_block
from .shown import differences, expected
from .target import Content, Operation

__all__ = ["Contents", "holds", "started_from", "worlds"]

Contents = Mapping[int, tuple[Content, ...]]
"""What each block may hold."""

_NOW: Mapping[str, Content] = {"free": "free", "kernel": "kernel", "user": "pinned"}


def worlds(machine: Machine, contents: Contents) -> Iterator[Machine]:
    """The reference with each choice of contents that it can be led to, a copy for each."""
    for choice in product(*contents.values()):
        world = machine.copy()
        if all(holds(world, block, what) for block, what in zip(contents, choice, strict=True)):
            yield world


def holds(machine: Machine, block: int, what: Content) -> bool:
    """Lead the reference to a state in which the block holds that; False if it cannot be.

    The folio and the pin of a block have its number.  What boot reserved is kernel memory.
    """
    now = _NOW[str(machine.get("frame_state", block))]
    what = "kernel" if what == "boot" else what
    if now == what:
        return True
    leave: dict[Content, tuple[Operation, ...]] = {
        "free": (),
        "kernel": (("free_kernel", (block,)),),
        "pinned": (("unpin", (block,)), ("free_folio", (block,))),
    }
    take: dict[Content, tuple[Operation, ...]] = {
        "free": (),
        "kernel": (("alloc_kernel", (block,)),),
        "pinned": (
            ("alloc_folio", (block, block, "anonymous")),
            ("pin_longterm", (block, block)),
        ),
    }
    return all(machine.step(action, *params) for action, params in (*leave[now], *take[what]))


def started_from(fresh: Machine, seen: Observation) -> Machine:
    """A copy of the reference, led from boot to what the guest shows.

    Raises:
        LabError: no operations lead there: the message names what differs.
    """
    machine = fresh.copy()
    user = Operations(machine)
    for node, online in enumerate(seen["node_online"]):
        if bool(online) != machine.get("node_online", node):  # a CPU brings a node online, too
            machine.step("set_node_online" if online else "set_node_offline", node)
    for block, there in enumerate(seen["block_device"]):
        if there and not machine.get("block_device", block):
            user.add_device(device_of_block(block))
    states: dict[int, Value | None] = dict(enumerate(seen["block_state"]))
    for block, state in states.items():
        if state == "offline" and machine.get("block_state", block) == "online":
            user.write_state(block, "offline")
        if state == "online" and seen["zone"][block] != machine.get("zone", block):
            user.write_state(block, "offline")
            user.write_state(block, f"online_{seen['zone'][block]}")
    lines = differences(expected(machine), seen)
    if lines:
        raise LabError(f"the reference cannot be led to what the guest shows: {'; '.join(lines)}")
    return machine
