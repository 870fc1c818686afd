"""What is around the blocks of a plan, from a reading; and what a plan leaves behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memhp.spec.language.system import System

from ..reading.sysfs import MachineReading
from .choice import Surroundings
from .destinations import destinations_of
from .facts import Place, rooms_of
from .order import Move

__all__ = ["Left", "left_by", "surroundings"]


@dataclass(frozen=True)
class Left:
    """What is left for the rest of the machine, in bytes.

    ``free`` is what is free of each node that keeps memory; ``kernel`` and ``movable`` what zones
    of that kind have, ``memoryless`` the nodes without memory then, that have some now.
    """

    free: tuple[tuple[int, int], ...]
    kernel: int
    movable: int
    memoryless: tuple[int, ...]


def surroundings(
    reading: MachineReading, system: System, to: tuple[int, ...] | None = None
) -> Surroundings:
    """What is around the blocks of a machine.

    Args:
        reading: the machine; its block size and page size are known.
        system: the design that it has.
        to: the nodes that contents may move to; None: any.
    """
    rooms = rooms_of(reading)
    page = reading.page_size or 1
    known = rooms and all(room.told for room in rooms.values())
    back = reading.reclaimable if known else None
    online = Counter(
        Place(block.nodes[0], block.valid_zones[0])
        for block in reading.blocks
        if block.state != "offline" and block.nodes and block.valid_zones
    )
    return Surroundings(
        rooms=rooms,
        destinations=destinations_of(system),
        distances=_distances(reading),
        online=online,
        to=None if to is None else frozenset(to),
        reclaimable=None if back is None else back // page,
    )


def _distances(reading: MachineReading) -> dict[int, dict[int, int]]:
    """Between nodes, where each tells one distance for every node."""
    numbers = [node.number for node in reading.nodes]
    return {
        node.number: dict(zip(numbers, node.distance, strict=True))
        for node in reading.nodes
        if node.distance is not None and len(node.distance) == len(numbers)
    }


def left_by(reading: MachineReading, moves: Sequence[Move]) -> Left | None:
    """What moves leave for the rest; None if `/proc/zoneinfo` does not tell what there is.

    Args:
        reading: the machine.
        moves: of all blocks that go.
    """
    page = reading.page_size
    if reading.zones is None or page is None:
        return None
    free = _per_node((zone.node, zone.free or 0) for zone in reading.zones)
    size = (reading.block_size or 0) // page
    kinds: Counter[str] = Counter()
    for zone in reading.zones:
        kinds[Place(zone.node, zone.name).kind] += zone.managed or zone.present or 0
    for move in moves:
        block = move.block
        # What came into it before left room elsewhere free, and takes it now.
        free[block.place.node] -= block.free.expected
        free[block.place.node] += move.moved.expected - block.moved.expected
        kinds[block.place.kind] -= size
        for place, pages in move.to:
            free[place.node] -= pages
    has, keeps = _nodes_with_memory(reading, {move.block.number for move in moves})
    return Left(
        tuple((node, max(0, free[node]) * page) for node in sorted(keeps)),
        max(0, kinds["kernel"]) * page,
        max(0, kinds["movable"]) * page,
        tuple(sorted(has - keeps)),
    )


def _per_node(pairs: Iterable[tuple[int, int]]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for node, pages in pairs:
        counts[node] += pages
    return counts


def _nodes_with_memory(reading: MachineReading, gone: set[int]) -> tuple[set[int], set[int]]:
    """The nodes that have memory online, and those that have some besides these blocks."""
    online = [block for block in reading.blocks if block.state != "offline"]
    has = {node for block in online for node in block.nodes}
    keeps = {node for block in online if block.number not in gone for node in block.nodes}
    return has, keeps
