"""What a plan reckons with: of each block what must move, and how much room there is where.

Amounts are counts of base pages, each at least, to be expected, and at most.  What the kernel does
not tell stays open: between nothing and the whole block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..judging.completions import ZONE_OF
from ..judging.offline import BlockJudgement
from ..reading.pageflags import FrameKind
from ..reading.sysfs import MachineReading

__all__ = [
    "FREE_KINDS",
    "MOVED_KINDS",
    "SURE",
    "Amount",
    "BlockFacts",
    "Place",
    "Room",
    "block_facts",
    "rooms_of",
]

SURE = ("yes", "likely", "cannot tell", "unlikely")
"""How sure it is that a block goes, by `BlockFacts.sure`; what is refused has no facts."""

MOVED_KINDS = (
    FrameKind.movable,
    FrameKind.waiting,
    FrameKind.huge,
    FrameKind.held,
    FrameKind.pinned,
)
FREE_KINDS = (FrameKind.free, FrameKind.listed)
_OPEN = (FrameKind.blank, FrameKind.unknown, FrameKind.offline)


class Place(NamedTuple):
    """A zone of a node."""

    node: int
    zone: str

    @property
    def kind(self) -> str:
        """The kind of zone in the specification's words: movable, else kernel."""
        return "movable" if ZONE_OF.get(self.zone) == "movable" else "kernel"


class Amount(NamedTuple):
    """Pages: at least, to be expected, at most."""

    low: int = 0
    expected: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """One block that may go: how sure that is, what must move, and what is free in it.

    ``sure`` is a place in `SURE`; ``huge`` counts pages of hugetlb that are in use, ``spare``
    those that are not.
    """

    number: int
    place: Place
    sure: int
    moved: Amount
    free: Amount
    huge: int = 0
    spare: int = 0


@dataclass(frozen=True)
class Room:
    """Free pages of a place: ``certain`` above the watermarks, ``possible`` down to the last.

    ``told`` is false where no file tells how many are free.
    """

    place: Place
    certain: int
    possible: int
    told: bool = True


def block_facts(
    reading: MachineReading, judgements: Iterable[BlockJudgement]
) -> dict[int, BlockFacts]:
    """The facts of each block that is neither refused nor offline, by number.

    Args:
        reading: the machine; its block size and page size are known.
        judgements: on the blocks in question.
    """
    pages = _pages(reading)
    blocks = {block.number: block for block in reading.blocks}
    shares = _used_shares(reading)
    kinds_of = reading.frames or {}
    amounts: dict[object, tuple[Amount, Amount, int, int]] = {}
    places: dict[tuple[tuple[int, ...], str | None], Place] = {}
    facts = {}
    for judged in judgements:
        sure = _sure(judged)
        if sure is None:
            continue
        nodes = blocks[judged.number].nodes
        at = (nodes, judged.zone)
        place = places.get(at) or places.setdefault(at, _place(*at))
        kinds = kinds_of.get(judged.number)
        share = shares.get(place, 0.5)
        key = share if kinds is None else frozenset(kinds.items())
        if key not in amounts:
            amounts[key] = _amounts(kinds, pages, share)
        facts[judged.number] = BlockFacts(judged.number, place, sure, *amounts[key])
    return facts


def _pages(reading: MachineReading) -> int:
    assert reading.block_size is not None
    assert reading.page_size is not None
    return reading.block_size // reading.page_size


def _sure(judged: BlockJudgement) -> int | None:
    if judged.verdict in ("no", "offline"):
        return None
    if judged.verdict == "yes":
        return 0
    return {"likely yes": 1, None: 2, "likely no": 3}[judged.likelihood]


def _place(nodes: tuple[int, ...], zones: str | None) -> Place:
    return Place(nodes[0] if nodes else 0, (zones or "?").partition(" ")[0])


def _used_shares(reading: MachineReading) -> Mapping[Place, float]:
    """What share of each zone's memory is in use: to be expected where pages are not told."""
    shares = {}
    for zone in reading.zones or ():
        if zone.managed and zone.free is not None:
            shares[Place(zone.node, zone.name)] = max(0.0, 1 - zone.free / zone.managed)
    return shares


def _amounts(
    kinds: Counter[FrameKind] | None, pages: int, share: float
) -> tuple[Amount, Amount, int, int]:
    """What moves of a block, what is free in it, and pages of hugetlb in use and not."""
    if kinds is None:
        used = round(pages * share)
        return Amount(0, used, pages), Amount(0, pages - used, pages), 0, 0
    moved = sum(kinds.get(kind, 0) for kind in MOVED_KINDS)
    free = sum(kinds.get(kind, 0) for kind in FREE_KINDS)
    blank, other = kinds[FrameKind.blank], sum(kinds[kind] for kind in _OPEN)
    return (
        Amount(moved, moved, moved + other),
        Amount(free, free + blank, free + blank),
        kinds[FrameKind.huge],
        kinds[FrameKind.spare],
    )


def rooms_of(reading: MachineReading) -> dict[Place, Room]:
    """How much room each zone has that the allocator was given memory of."""
    pages = _pages(reading)
    if reading.zones is not None:
        return {
            Place(zone.node, zone.name): Room(
                Place(zone.node, zone.name),
                zone.above or 0,
                zone.free,
            )
            for zone in reading.zones
            if zone.free is not None and zone.managed != 0 and zone.name != "Device"
        }
    rooms = {}
    for node in reading.nodes:
        for name in _zones_on(reading, node.blocks):
            place = Place(node.number, name)
            if node.mem_free_kib is None:
                rooms[place] = Room(place, 0, len(node.blocks) * pages, told=False)
            else:
                free = node.mem_free_kib * 1024 // (reading.page_size or 1)
                rooms[place] = Room(place, 0, free, told=False)
    return rooms


def _zones_on(reading: MachineReading, numbers: Sequence[int]) -> list[str]:
    """The zones of a node's online blocks; one that is not known if none is told."""
    inside = set(numbers)
    zones = {
        block.valid_zones[0]
        for block in reading.blocks
        if block.number in inside and block.state != "offline" and block.valid_zones
    }
    return sorted(zones - {"none"}) or ["?"]
