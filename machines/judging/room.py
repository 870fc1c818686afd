"""Whether there is room for the pages of a block where Linux would move them.

Linux moves them to other nodes that have memory, and to the own one only if there is none
(mm/memory_hotplug.c, do_migrate_range).  What is free there counts, and page cache that can be
dropped; what is below a zone's watermark is left to the kernel.  Where that is too little the
removal goes on asking until something is freed, or a signal comes.
"""

from __future__ import annotations

from typing import NamedTuple

from memhp.machines.reading.numa import NodeReading
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.sysfs import BlockReading, MachineReading

__all__ = ["MOVE_KINDS", "Fit", "fit_of"]

_KEPT = 32
"""One part of so many stays with the kernel where no zone tells its watermarks: more than they are
unless somebody has raised them."""

MOVE_KINDS = (FrameKind.movable, FrameKind.waiting)
_FREE = (FrameKind.free, FrameKind.listed)


class Fit(NamedTuple):
    """Bytes of a block's pages that must move, and bytes of room for them.

    `most` is the room if all that the machine can take back were taken back; None: not told.
    """

    needed: int
    there: int
    most: int | None = None

    @property
    def lacks(self) -> bool:
        """Whether something must be freed first."""
        return self.needed > self.there

    @property
    def hopeless(self) -> bool:
        """Whether what can be freed without ending a process is too little."""
        return self.most is not None and self.needed > self.most


def fit_of(reading: MachineReading, block: BlockReading) -> Fit | None:
    """What must move, and the room there is; None if that is not told.

    Args:
        reading: the machine.
        block: one of its blocks. Pages of hugetlb are not counted: they move to their own pool.
    """
    kinds = None if reading.frames is None else reading.frames.get(block.number)
    if kinds is None or reading.page_size is None or len(block.nodes) != 1:
        return None
    (own,) = block.nodes
    others = [node for node in reading.nodes if node.number != own and node.mem_total_kib]
    targets = others or [node for node in reading.nodes if node.number == own]
    rooms = [room for node in targets if (room := _room(reading, node)) is not None]
    if not rooms or len(rooms) < len(targets):
        return None
    needed = reading.page_size * sum(kinds.get(kind, 0) for kind in MOVE_KINDS)
    own_free = 0 if others else reading.page_size * sum(kinds.get(kind, 0) for kind in _FREE)
    there = max(0, sum(rooms) - own_free)
    if reading.reclaimable is None:
        return Fit(needed, there)
    free = sum(1024 * (node.mem_free_kib or 0) for node in targets)
    return Fit(needed, there, max(0, free - own_free) + reading.reclaimable)


def _room(reading: MachineReading, node: NodeReading) -> int | None:
    """Bytes for pages that come to a node."""
    if node.mem_free_kib is None or node.mem_total_kib is None:
        return None
    cache = 1024 * (node.cache_kib or 0)
    above = reading.above_by_node.get(node.number)
    if above is not None:
        return cache + (reading.page_size or 0) * above
    return max(0, cache + 1024 * (node.mem_free_kib - node.mem_total_kib // _KEPT))
