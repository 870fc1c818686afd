"""An allocator of one's own, held against the specification: a whole example, with a bug to find.

It is asked for the operations that it names, and compared in the variables that it tells.  All
of its test: ``TestToy = conformance(ToyAllocator)`` (memhp.checks.fuzz.conformance).  Without a
test: ``memhp fuzz --walk --target toy_target:BuggyAllocator``, which finds two operations.
"""

from errno import EAGAIN, EBUSY, ENOENT, ENOMEM

from memhp.reference.target import Observation
from memhp.reference.topology import Topology, Value
from memhp.spec.system import SYSTEM


class ToyAllocator:
    """Gives frames to the kernel, but not those of a block that is being emptied."""

    operations = frozenset({"alloc_kernel", "free_kernel", "drain", "undrain"})

    def reset(self, topology: Topology) -> None:
        """Boot: frames of early blocks are free, but for holes and what the kernel has."""
        of = topology.tables
        self.block = [of["block_of_section"][section] for section in of["section_of"]]
        zones = topology.values(SYSTEM, "early_zone")
        self.movable = [zone == "movable" for zone in zones]
        self.draining = [False] * topology.sizes["Block"]
        self.state = ["free" if of["early"][block] else "unavailable" for block in self.block]
        taken = zip(of["boot_kernel"], of["metadata_frame"], strict=True)
        self.forever = {frame for frame, held in enumerate(taken) if any(held)}
        for frame, hole in enumerate(of["hole"]):
            if hole:
                self.state[frame] = "unavailable"
            elif frame in self.forever and self.state[frame] == "free":
                self.state[frame] = "kernel"

    def do(self, operation: str, *params: Value) -> int | None:
        """None for success, otherwise an errno."""
        number = int(params[0])
        if operation in ("drain", "undrain"):
            if self.draining[number] == (operation == "drain"):
                return EBUSY if operation == "drain" else ENOENT
            self.draining[number] = operation == "drain"
        elif operation == "alloc_kernel":
            if self.is_closed(self.block[number]) or self.state[number] != "free":
                return ENOMEM
            self.state[number] = "kernel"
        else:
            if self.state[number] != "kernel" or number in self.forever:
                return EAGAIN
            self.state[number] = "free"
        return None

    def is_closed(self, block: int) -> bool:
        return self.movable[block] or self.draining[block]

    def observe(self) -> Observation:
        """Each frame's state by its name, and which blocks drain: no more is compared."""
        return {"frame_state": self.state, "draining": self.draining}


class BuggyAllocator(ToyAllocator):
    """It forgets that a block is being emptied, so removing the block may never end."""

    def is_closed(self, block: int) -> bool:
        return self.movable[block]
