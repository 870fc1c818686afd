"""What Linux is known to do otherwise than the reference: each has a line in docs/findings.md.

A deviation is another form of the user's operations.  A step that no world of the reference
explains, and a deviation does, is counted under its name; nothing is passed over in silence.
"""

from __future__ import annotations

from memhp.reference.machine import Machine
from memhp.reference.operations import ZONES, Operations, Result

from .target import Operation

__all__ = ["RefusedZones", "Remembering"]


class RefusedZones:
    """The zones that were asked for in vain: the block was online already.

    Linux notes the kind of online in the block before it looks whether there is anything to
    do (drivers/base/memory.c, state_store: ``mem->online_type``), and a later online that
    names no zone goes by that note (memory_subsys_online), which then is gone.
    """

    name = "refused-zone-remembered"

    def __init__(self) -> None:
        self.zones: dict[int, str] = {}

    def note(self, operation: Operation, before: Machine, done: Operations) -> None:
        """Note the zone that an operation asked for in vain, and forget those that are used up.

        Args:
            operation: what was asked.
            before: the reference before it.
            done: the operations that did it on the reference.
        """
        for block in list(self.zones):
            if ("finish_online", (block,)) in done.steps or not done.machine.get(
                "block_device", block
            ):
                del self.zones[block]
        name, params = operation
        word = str(params[-1]).removesuffix("\n")
        if name == "write_state" and word in (*ZONES, "online"):
            block = int(params[0])
            self.zones.pop(block, None)
            if before.get("block_state", block) == "online" and word in ZONES:
                self.zones[block] = ZONES[word]

    def of(self, machine: Machine) -> Remembering:
        """The user's operations on the machine, as Linux does them."""
        return Remembering(machine, self.zones)


class Remembering(Operations):
    """The operations of a kernel that remembers the zones of refused requests.

    Args:
        machine: the reference, which the operations change.
        zones: the zone that was refused last, by block.
    """

    def __init__(self, machine: Machine, zones: dict[int, str]) -> None:
        super().__init__(machine)
        self._zones = zones

    def online_unnamed(self, block: int) -> Result:
        """Online a block without a zone: into the zone of the last request that was refused.

        Source: drivers/base/memory.c, memory_subsys_online.
        """
        zone = self._zones.get(block)
        return self._online(block, zone) if zone else super().online_unnamed(block)
