"""What a reading tells of one block, and the worlds that it leaves open.

A fact that is known has one value, any other has all that may be.  No rule is stated
here: which worlds can be, and what each answers, the specification says
(`memhp.machines.estimate`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from memhp.machines.pageflags import FrameKind
from memhp.machines.procfs import Range
from memhp.machines.sysfs import BlockReading, MachineReading

__all__ = ["ZONES", "ZONE_OF", "Facts", "World", "facts_of", "has_hole"]

_ANY_FRAMES = frozenset({"free", "user", "kernel"})
_FRAMES: Mapping[FrameKind, frozenset[str]] = {
    FrameKind.free: frozenset({"free"}),
    FrameKind.movable: frozenset({"user"}),
    FrameKind.waiting: frozenset({"user"}),
    FrameKind.huge: frozenset({"user"}),
    FrameKind.reserved: frozenset({"boot"}),
    FrameKind.kernel: frozenset({"kernel"}),
    FrameKind.offline: _ANY_FRAMES,
    FrameKind.hwpoison: frozenset({"free"}),
    FrameKind.hole: frozenset(),
    FrameKind.blank: _ANY_FRAMES,
    FrameKind.unknown: _ANY_FRAMES,
}
"""What a frame of each kind may be. ``boot`` is kernel memory that is never freed. Failed
memory does not stop an offline, so it counts as free."""

_EMPTIES_LISTS = (6, 1)
"""The oldest kernel that is known to make `FrameKind.waiting` frames movable by itself."""

ZONES = ("kernel", "movable", "none")
ZONE_OF = {
    **dict.fromkeys(("DMA", "DMA32", "Normal", "HighMem", "Device"), "kernel"),
    "Movable": "movable",
    "none": "none",
}
"""By the name that `valid_zones` gives; what is not here, nobody knows."""

_GIGANTIC_PAGES = 1 << 13
"""More base pages than any buddy allocator keeps together: a larger huge page is gigantic, and
moves only to a free one of its pool (alloc_hugetlb_folio_nodemask in mm/hugetlb.c)."""

_LEAVES_LEAVING_POOLS = (7, 2)
"""The oldest kernel that was seen to end the removal of a block with huge pages in use while
others are free. Linux 5.10, 6.1 and 6.12 may choose a destination inside the block, for as long
as nobody interrupts: the free page taken is the one that the last move has left (mm/hugetlb.c,
dequeue_huge_page_node_exact). Without any that is free they make a new one, and that ends."""

_STATES = ("online", "offline", "going_offline")


@dataclass(frozen=True)
class World:
    """One block, completely known.

    ``busy``: another block is changing; ``vetoed``: a notifier keeps this one; ``pinned``:
    a device uses one of its pages; ``cramped``: nowhere is room for one of them.
    """

    state: str
    zone: str
    frames: frozenset[str]
    hole: bool
    busy: bool
    vetoed: bool
    pinned: bool
    cramped: bool


@dataclass(frozen=True)
class Facts:
    """For each fact the values that the reading allows; equal facts get equal answers."""

    state: tuple[str, ...]
    zone: tuple[str, ...]
    frames: tuple[frozenset[str], ...]
    hole: tuple[bool, ...]
    busy: tuple[bool, ...]
    vetoed: tuple[bool, ...]
    pinned: tuple[bool, ...]
    cramped: tuple[bool, ...]

    def worlds(self) -> Iterator[World]:
        for point in product(*vars(self).values()):
            world = World(*point)
            if "user" in world.frames or not (world.pinned or world.cramped):
                yield world


def facts_of(
    reading: MachineReading,
    block: BlockReading,
    busy: tuple[bool, ...],
    boot_memory_stays: bool,
) -> Facts:
    """What the reading allows of one block.

    Args:
        busy: whether another block is changing.
        boot_memory_stays: a notifier refuses every block that was there at boot.
    """
    return Facts(
        state=_STATES if block.state is None else (block.state.replace("-", "_"),),
        zone=_zone(block),
        frames=_frames(reading, block),
        hole=has_hole(reading, block),
        busy=busy,
        vetoed=_vetoed(reading, block) if boot_memory_stays else (False,),
        pinned=(False, True) if reading.pinned else (False,),
        cramped=_cramped(reading, block),
    )


def _zone(block: BlockReading) -> tuple[str, ...]:
    """An offline block has no zone, a block of two nodes has no single one."""
    if block.state == "offline" or len(block.nodes) > 1:
        return ("none",)
    if block.valid_zones is None or not set(block.valid_zones) <= set(ZONE_OF):
        return ZONES
    return tuple(sorted({ZONE_OF[name] for name in block.valid_zones}))


def _frames(reading: MachineReading, block: BlockReading) -> tuple[frozenset[str], ...]:
    if block.state == "offline":
        return (frozenset(),)
    kinds = None if reading.frames is None else reading.frames.get(block.number)
    may_be = dict(_FRAMES)
    if reading.kernel is None or reading.kernel < _EMPTIES_LISTS:
        may_be[FrameKind.waiting] = _ANY_FRAMES
    choices = [_ANY_FRAMES] if kinds is None else [may_be[kind] for kind in kinds if kinds[kind]]
    known = frozenset().union(*(choice for choice in choices if len(choice) == 1))
    if _ANY_FRAMES not in choices:
        return (known,)
    worlds = {known | {frame} for frame in _ANY_FRAMES}
    return tuple(sorted(worlds, key=sorted))


def has_hole(reading: MachineReading, block: BlockReading) -> tuple[bool, ...]:
    """Whether a part of the block is no memory; both, if nothing tells."""
    kinds = None if reading.frames is None else reading.frames.get(block.number)
    if kinds and kinds[FrameKind.hole]:
        return (True,)
    if reading.iomem is None or reading.block_size is None:
        return (False, True)
    start = block.number * reading.block_size
    return (not _covered(reading.iomem, start, start + reading.block_size),)


def _cramped(reading: MachineReading, block: BlockReading) -> tuple[bool, ...]:
    """Whether a huge page that is in use may find no room outside the block."""
    kinds = None if reading.frames is None else reading.frames.get(block.number)
    if not kinds or not kinds[FrameKind.huge] or not reading.page_size:
        return (False,)
    largest = reading.page_size * _GIGANTIC_PAGES
    pools = [pool for pool in reading.huge_pools if pool.total]
    in_use = [pool for pool in pools if pool.free < pool.total]
    gigantic = [pool for pool in in_use if pool.size > largest]
    if gigantic:
        alone = gigantic == pools and not any(pool.free for pool in pools)
        return (True,) if alone else (False, True)
    turns_round = reading.kernel is None or reading.kernel < _LEAVES_LEAVING_POOLS
    return (False, True) if turns_round and any(pool.free for pool in in_use) else (False,)


def _vetoed(reading: MachineReading, block: BlockReading) -> tuple[bool, ...]:
    """Whether some of the block was there at boot."""
    if reading.boot_memory is None or reading.block_size is None:
        return (False, True)
    start = block.number * reading.block_size
    stop = start + reading.block_size
    return (any(found.start < stop and start < found.stop for found in reading.boot_memory),)


def _covered(ranges: tuple[Range, ...], start: int, stop: int) -> bool:
    """Every byte from ``start`` to ``stop`` lies in a range; they come in ascending order."""
    for found in ranges:
        if found.start > start:
            break
        start = max(start, found.stop)
    return start >= stop
