"""What a reading tells of one block, and the worlds that it leaves open.

A fact that is known has one value, any other has all that may be.  No rule is stated
here: which worlds can be, and what each answers, the specification says
(`memhp.machines.judging.offline`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

from ..reading.pageflags import FrameKind
from ..reading.procfs import ZoneReading
from ..reading.sysfs import BlockReading, MachineReading
from .page_work import LEAST_PAGE
from .room import MOVE_KINDS, fit_of

__all__ = [
    "TESTED_ITSELF",
    "ZONES",
    "ZONE_OF",
    "Facts",
    "World",
    "facts_of",
    "frames_that_may_be",
    "has_hole",
    "zones_of",
]

_ANY_FRAMES = frozenset({"free", "user", "kernel"})
_NOT_MOVABLE = _ANY_FRAMES | {"aside"}
_FRAMES: Mapping[FrameKind, frozenset[str]] = {
    FrameKind.free: frozenset({"free"}),
    FrameKind.movable: frozenset({"user"}),
    FrameKind.waiting: frozenset({"user"}),
    FrameKind.huge: frozenset({"user"}),
    FrameKind.reserved: frozenset({"boot"}),
    FrameKind.kernel: frozenset({"kernel"}),
    FrameKind.offline: _NOT_MOVABLE,
    FrameKind.hwpoison: frozenset({"free"}),
    FrameKind.hole: frozenset(),
    FrameKind.memmap: frozenset(),
    FrameKind.spare: frozenset({"user"}),
    FrameKind.listed: frozenset({"free"}),
    FrameKind.held: frozenset({"user"}),
    FrameKind.pinned: frozenset({"user"}),
    FrameKind.blank: _ANY_FRAMES,
    FrameKind.unknown: _ANY_FRAMES,
}
"""What a frame of each kind may be. ``boot`` is kernel memory that is never freed, ``aside`` what
stops an offline in every zone, even where the specification has no memory of the kernel's: it
was set aside at boot in what became ZONE_MOVABLE, or a balloon has it and does not let go. Failed
memory does not stop an offline, so it counts as free."""
_FRAMES_BEFORE = {**_FRAMES, FrameKind.waiting: _ANY_FRAMES}
"""The same of a Linux that does not empty the lists of CPUs first."""

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
"""The oldest kernel whose removals of a block with huge pages in use, while others are free, all
ended soon. Linux 5.10, 6.1 and 6.12 may choose a destination inside the block: the free page that
the last move has left (mm/hugetlb.c, dequeue_huge_page_node_exact). Each pass over the block takes
its free pages out of the pool, one more each time that stay outside (dissolve_free_hugetlb_folios):
a 6.12 ended within a minute, a 6.1 was interrupted. So *no* is wrong there, and *yes* may take
longer than anybody waits. Without any page that is free they make a new one, and that ends."""

_FIRST_ZONE_IS_OWN = (4, 13)
"""The oldest kernel whose `valid_zones` names nothing but the zone of a block that is online;
before, the zones follow that it may be moved to (show_valid_zones)."""

_REFUSES_AREAS = (5, 1)
"""The oldest kernel that refuses a block for the type of a page block alone; before, an area of
CMA of which nothing was in use went (`memhp.machines.reading.cma`)."""

TESTED_ITSELF = (5, 7)
"""The oldest kernel whose ``removable`` tells how it was built; before, it was 0 for a block that
held what isolation refuses (is_mem_section_removable)."""

_STATES = ("online", "offline", "going_offline")


@dataclass(frozen=True)
class World:
    """One block, completely known.

    ``busy``: another block is changing; ``vetoed``: a notifier keeps this one; ``pinned``:
    a device uses one of its pages; ``cramped``: nowhere is room for one of them; ``cma``: an
    area of CMA lies in it that keeps it.
    """

    state: str
    zone: str
    frames: frozenset[str]
    hole: bool
    busy: bool
    vetoed: bool
    pinned: bool
    cramped: bool
    cma: bool


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
    cma: tuple[bool, ...]

    def worlds(self) -> Iterator[World]:
        """Every choice of values that can matter: other choices get the answer of one of these.

        Pins and room are asked about where pages would move; where an area of CMA refuses,
        frames are not asked about, so those will do that refuse least.
        """
        least = min(self.frames, key=lambda frames: len(frames - {"free", "user"}))
        for point in product(*vars(self).values()):
            world = World(*point)
            moves = "user" in world.frames or not (world.pinned or world.cramped)
            if moves and (not world.cma or world.frames == least):
                yield world


def facts_of(
    reading: MachineReading,
    block: BlockReading,
    busy: tuple[bool, ...],
    boot_memory_stays: bool | None,
) -> Facts:
    """The values of each fact that the reading allows of one block.

    Args:
        reading: the machine.
        block: one of its blocks.
        busy: whether another block is changing.
        boot_memory_stays: a notifier refuses every block that was there at boot; None if it
            is not known whether there is one.
    """
    early = _may_be_early(reading, block)
    return Facts(
        state=_STATES if block.state is None else (block.state.replace("-", "_"),),
        zone=_zone(reading, block),
        frames=_frames(reading, block, early),
        hole=has_hole(reading, block),
        busy=busy,
        vetoed=_vetoed(reading, boot_memory_stays, early),
        pinned=_pinned(reading, block),
        cramped=_cramped(reading, block),
        cma=_cma(reading, block, early),
    )


def _pinned(reading: MachineReading, block: BlockReading) -> tuple[bool, ...]:
    """Whether somebody refers to one of the block's pages so that it cannot move.

    Page structures tell; without them only how many pins there are in all of the machine.
    """
    evidence = None if reading.evidence is None else reading.evidence.get(block.number)
    if evidence is not None:
        if evidence.kinds[FrameKind.held] or evidence.kinds[FrameKind.pinned]:
            return (True,)
        if not evidence.untold:
            return (False,)
    return (False, True) if reading.pinned or evidence is not None else (False,)


def _zone(reading: MachineReading, block: BlockReading) -> tuple[str, ...]:
    """An offline block has no zone, a block of two nodes has no single one."""
    if block.state == "offline" or len(block.nodes) > 1:
        return ("none",)
    names = zone_names(reading, block)
    if names is None or not set(names) <= set(ZONE_OF):
        return ZONES
    return tuple(sorted({ZONE_OF[name] for name in names}))


def zone_names(reading: MachineReading, block: BlockReading) -> tuple[str, ...] | None:
    """The names of the zones that an online block may be in; None if `valid_zones` is not told."""
    names = block.valid_zones
    old = reading.kernel is None or reading.kernel < _FIRST_ZONE_IS_OWN
    return names[:1] if names and old and block.state == "online" else names


def _frames(
    reading: MachineReading, block: BlockReading, early: bool
) -> tuple[frozenset[str], ...]:
    if block.state == "offline":
        return (frozenset(),)
    kinds = None if reading.frames is None else reading.frames.get(block.number)
    if kinds is None:
        choices = [_NOT_MOVABLE if early and _may_be_set_aside(reading, block) else _ANY_FRAMES]
    else:
        may_be = frames_that_may_be(reading)
        choices = [may_be[kind] for kind, count in kinds.items() if count]
    if block.removable == 0 and reading.kernel is not None and reading.kernel < TESTED_ITSELF:
        choices.append(frozenset({"aside"}))
    return _together(tuple(choices))


@cache
def _together(choices: tuple[frozenset[str], ...]) -> tuple[frozenset[str], ...]:
    """What frames a block may have, of which each has its choices; asked once for each."""
    certain = frozenset().union(*(choice for choice in choices if len(choice) == 1))
    open_ = frozenset().union(*(choice for choice in choices if len(choice) > 1))
    if not open_:
        return (certain,)
    return tuple(sorted({certain | {frame} for frame in open_}, key=sorted))


def frames_that_may_be(reading: MachineReading) -> Mapping[FrameKind, frozenset[str]]:
    """What a frame of each kind may be in the specification; of several, its word does not tell."""
    if reading.kernel is None or reading.kernel < _EMPTIES_LISTS:
        return _FRAMES_BEFORE
    return _FRAMES


def _may_be_set_aside(reading: MachineReading, block: BlockReading) -> bool:
    """Whether a block of the boot may hold memory that its zone's allocator was never given.

    That of the boot is reserved in every zone, for ZONE_MOVABLE begins where `movablecore=` says,
    whatever lies there. A zone tells what it has, and what its allocator was given.
    """
    zones = zones_of(reading, block)
    return not zones or any(zone.present != zone.managed or zone.present is None for zone in zones)


def zones_of(reading: MachineReading, block: BlockReading) -> tuple[ZoneReading, ...]:
    """What `/proc/zoneinfo` says of the zones that the block may be in; () if it does not."""
    names = zone_names(reading, block)
    if names is None or len(names) != 1:
        return reading.zones or ()
    named = reading.zones_by_name.get(names[0], ())
    return tuple(zone for zone in named if zone.node in block.nodes or not block.nodes)


def has_hole(reading: MachineReading, block: BlockReading) -> tuple[bool, ...]:
    """Whether a part of the block is no memory; both answers, if nothing tells."""
    kinds = None if reading.frames is None else reading.frames.get(block.number)
    if kinds and kinds.get(FrameKind.hole):
        return (True,)
    if reading.ram is None or reading.block_size is None:
        return (False, True)
    return (not reading.ram.covers(*_bytes(reading, block)),)


def _cramped(reading: MachineReading, block: BlockReading) -> tuple[bool, ...]:
    """Whether a page of the block may find no room outside."""
    kinds = None if reading.frames is None else reading.frames.get(block.number)
    moves = kinds is None or any(map(kinds.get, MOVE_KINDS))
    room = fit_of(reading, block) if moves and block.state != "offline" else None
    if room is not None and room.lacks:
        return (True,) if room.hopeless else (False, True)
    return _cramped_pools(reading, block)


def _cramped_pools(reading: MachineReading, block: BlockReading) -> tuple[bool, ...]:
    """Whether a huge page that is in use may find no room outside the block."""
    kinds = None if reading.frames is None else reading.frames.get(block.number)
    if block.state == "offline" or (kinds is not None and not kinds.get(FrameKind.huge)):
        return (False,)
    pools = [pool for pool in reading.huge_pools if pool.total]
    if kinds is not None and (not pools or not reading.page_size):
        return (False, True)  # what the huge pages are of is not told
    largest = (reading.page_size or LEAST_PAGE) * _GIGANTIC_PAGES
    in_use = [pool for pool in pools if pool.free < pool.total]
    gigantic = [pool for pool in in_use if pool.size > largest]
    if gigantic:
        alone = kinds is not None and gigantic == pools and not any(pool.free for pool in pools)
        return (True,) if alone else (False, True)
    turns_round = reading.kernel is None or reading.kernel < _LEAVES_LEAVING_POOLS
    return (False, True) if turns_round and any(pool.free for pool in in_use) else (False,)


def _vetoed(reading: MachineReading, stays: bool | None, early: bool) -> tuple[bool, ...]:
    """Whether some of the block was there at boot, and a notifier keeps that."""
    if stays is False or not early:
        return (False,)
    certain = reading.boot_memory is not None and reading.block_size is not None
    return (True,) if certain and stays else (False, True)


def _cma(reading: MachineReading, block: BlockReading, early: bool) -> tuple[bool, ...]:
    """Whether an area of CMA keeps the block."""
    if block.state == "offline" or reading.cma is False or not early:
        return (False,)
    zones = zones_of(reading, block)
    if zones and all(zone.cma == 0 for zone in zones):
        return (False,)
    areas, page = reading.areas, reading.page_size
    if areas is None or page is None or reading.block_size is None:
        return (False, True)
    if not areas.meets(*(address // page for address in _bytes(reading, block))):
        return (False,)
    sure = reading.kernel is not None and reading.kernel >= _REFUSES_AREAS
    return (True,) if sure else (False, True)


def _may_be_early(reading: MachineReading, block: BlockReading) -> bool:
    """Whether some of the block may have been there at boot."""
    if reading.block_size is None:
        return True
    if reading.early is not None:
        return reading.early.meets(*_bytes(reading, block))
    evidence = None if reading.evidence is None else reading.evidence.get(block.number)
    if evidence is not None and evidence.early is not None:
        return evidence.early
    return not reading.of_drivers.covers(*_bytes(reading, block))


def _bytes(reading: MachineReading, block: BlockReading) -> tuple[int, int]:
    """The block's first address and the one behind its last."""
    size = reading.block_size or 0
    return block.number * size, (block.number + 1) * size
