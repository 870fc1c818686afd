"""An allocator of one's own against the specification: a whole target, to copy.

It knows four operations of `memhp.checks.fuzz.rules.RULES`, so it is asked for
these alone, and tells two variables, so it is compared in these alone.  With
``ToyAllocator`` in ``toy_target.py``, all of its test is::

    from memhp.checks.fuzz.conformance import conformance
    from toy_target import ToyAllocator

    TestToyAllocator = conformance(ToyAllocator)

``memhp fuzz --walk --target toy_target:ToyAllocator`` is faster and finds the
same; `BuggyAllocator` has a bug to find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from errno import EAGAIN, EBUSY, ENOENT, ENOMEM

from memhp.reference.topology import Topology, Value


class ToyAllocator:
    """Gives frames to the kernel, but not those of a block that is being emptied."""

    operations = frozenset({"alloc_kernel", "free_kernel", "drain", "undrain"})
    looks_at_draining = True

    def reset(self, topology: Topology) -> None:
        """Boot: of early blocks, what is no hole is there, and free but for the kernel's own."""
        self.topology = of = topology.tables
        self.block = [of["block_of_section"][section] for section in of["section_of"]]
        self.draining = [False] * topology.sizes["Block"]
        self.movable = [zone == 2 for zone in of["early_zone"]]
        self.state = [
            "unavailable" if of["hole"][frame] or not of["early"][block] else "free"
            for frame, block in enumerate(self.block)
        ]
        for frame in (frame for frame, taken in enumerate(of["boot_kernel"]) if taken):
            self.state[frame] = "kernel"

    def do(self, operation: str, *params: Value) -> int | None:
        """None, or why not, as an errno: each operation is a method."""
        answer: int | None = getattr(self, operation)(*params)
        return answer

    def observe(self) -> Mapping[str, Sequence[Value | None]]:
        """Each frame's state by its name, and which blocks drain."""
        return {"frame_state": self.state, "draining": self.draining}

    def alloc_kernel(self, frame: int) -> int | None:
        block = self.block[frame]
        closed = self.movable[block] or (self.looks_at_draining and self.draining[block])
        if closed or self.state[frame] != "free":
            return ENOMEM
        self.state[frame] = "kernel"
        return None

    def free_kernel(self, frame: int) -> int | None:
        if self.state[frame] != "kernel" or self.topology["boot_kernel"][frame]:
            return EAGAIN
        self.state[frame] = "free"
        return None

    def drain(self, block: int) -> int | None:
        if self.draining[block]:
            return EBUSY
        self.draining[block] = True
        return None

    def undrain(self, block: int) -> int | None:
        if not self.draining[block]:
            return ENOENT
        self.draining[block] = False
        return None


class BuggyAllocator(ToyAllocator):
    """It forgets that a block is being emptied, so removing the block may never end."""

    looks_at_draining = False


class CrashingAllocator(ToyAllocator):
    """It fails when a block is to be emptied."""

    def drain(self, block: int) -> int | None:
        raise KeyError("draining")
