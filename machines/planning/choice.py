"""Which blocks go, where a goal leaves that open, and whether their contents find room.

Blocks that are surest to go come first, then those with least to move, each page counted with
the distance that it goes at least.  Whether all contents find room is a flow (`transport`); if they
do not, nodes are tried in other orders.  `optimum` proves that no choice is cheaper, or finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from .destinations import Destinations
from .facts import Amount, BlockFacts, Place, Room
from .transport import FARTHEST, Transport, transport

__all__ = ["Choice", "Surroundings", "choose", "least_cost", "nearest", "weighed"]

_MOST_NODES, _MOST_BLOCKS = 16, 4096
"""Of more, no other order than the cheapest is tried."""


@dataclass(frozen=True)
class Surroundings:
    """What is around the blocks that go: rooms, distances, and what the design allows.

    ``distances`` has for each node those to others, by number; ``online`` how many blocks each
    place has; ``to`` the nodes that may take contents (None: any); ``whole`` the nodes that go
    whole, which take none of their own; ``reclaimable`` pages may be taken back (None: it is not
    told how many).
    """

    rooms: Mapping[Place, Room]
    destinations: Destinations
    distances: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    online: Mapping[Place, int] = field(default_factory=dict)
    to: frozenset[int] | None = None
    whole: frozenset[int] = frozenset()
    reclaimable: int | None = None

    @cached_property
    def nodes(self) -> frozenset[int]:
        """The nodes that have memory."""
        return frozenset(place.node for place in self.rooms)

    def distance(self, source: Place, place: Place) -> int | None:
        """How far contents go from one place to the other; None if they may not.

        Args:
            source: the place that they leave.
            place: the place that they would come to.
        """
        own = source.node == place.node
        if (self.to is not None and place.node not in self.to) or (
            own and source.node in self.whole
        ):
            return None
        others = len(self.nodes) > (source.node in self.nodes)
        if not self.destinations.allow(source.kind, place.kind, own=own, others=others):
            return None
        if own:
            return 10
        return self.distances.get(source.node, {}).get(place.node, 20)


@dataclass(frozen=True)
class Choice:
    """Blocks that are to go, and how their contents spread.

    ``certain`` is the flow if everything is at its worst and room is what is free above the
    watermarks; ``possible`` the flow at its best, with all that can be taken back;
    ``drained``: what stays of the machine may have less free than its low watermarks.
    """

    blocks: tuple[BlockFacts, ...]
    certain: Transport
    possible: Transport
    drained: bool = False

    @property
    def fits(self) -> bool:
        """All contents find room, however it turns out."""
        return not (self.certain.short or self.certain.reclaimed or self.drained)

    @property
    def may_fit(self) -> bool:
        """All contents find room if it turns out well."""
        return not self.possible.short

    @property
    def cost(self) -> tuple[int, int]:
        """How unsure its blocks are, then pages times distance."""
        return sum(each.sure for each in self.blocks), self.certain.cost


def weighed(blocks: Iterable[BlockFacts], around: Surroundings) -> Choice:
    """The choice of exactly these blocks.

    Args:
        blocks: that go.
        around: what is around them.
    """
    chosen = tuple(blocks)
    sums: dict[Place, _Sum] = {}
    for block in chosen:
        its = sums.get(block.place)
        if its is None:
            its = sums[block.place] = _Sum()
        its.count += 1
        its.moved_least += block.moved.low
        its.moved_most += block.moved.high
        its.free_least += block.free.low
        its.free_most += block.free.high
    reclaimable = around.reclaimable
    if reclaimable is None:
        reclaimable = sum(its.moved_least for its in sums.values())
    rooms = around.rooms.values()
    certain = {room.place: room.certain for room in rooms}
    possible = {room.place: room.possible for room in rooms}
    for place, its in sums.items():
        certain[place] = max(0, certain.get(place, 0) - its.free_most)
        possible[place] = max(0, possible.get(place, 0) - its.free_least)
    most = {place: its.moved_most for place, its in sums.items()}
    least = {place: its.moved_least for place, its in sums.items()}
    return Choice(
        chosen,
        transport(most, certain, around.distance, reclaimable=0),
        transport(least, possible, around.distance, reclaimable=reclaimable),
        _drained(sums, around),
    )


@dataclass
class _Sum:
    """Over the chosen blocks of one place."""

    count: int = 0
    moved_least: int = 0
    moved_most: int = 0
    free_least: int = 0
    free_most: int = 0


def _drained(sums: Mapping[Place, _Sum], around: Surroundings) -> bool:
    """Whether places of which some stays may keep less free than their low watermarks, in all."""
    left = -sum(its.moved_most for its in sums.values())
    for place, room in around.rooms.items():
        its = sums.get(place)
        if its is None or its.count < around.online.get(place, 0):
            left += room.certain - (its.free_most if its else 0)
    return left < 0


def choose(
    blocks: Sequence[BlockFacts], count: int, around: Surroundings, *, named: bool
) -> Choice | None:
    """The choice of so many blocks; None if there are too few, or none fits as far as was tried.

    Of the choices that were tried it is one that fits, else one that may fit, with the surest
    blocks.

    Args:
        blocks: those that may go.
        count: how many are to go.
        around: what is around them.
        named: all of them are to go.
    """
    if len(blocks) < count or count < 1:
        return None
    if named:
        choice = weighed(blocks, around)
        return choice if choice.may_fit else None
    best: Choice | None = None
    for sure in sorted({block.sure for block in blocks}):
        surest = [block for block in blocks if block.sure <= sure]
        if len(surest) < count:
            continue
        for order in _orders(surest, around):
            choice = weighed(islice(order, count), around)
            if choice.fits:
                return choice
            if choice.may_fit and best is None:
                best = choice
    return best


def _orders(blocks: Sequence[BlockFacts], around: Surroundings) -> Iterator[Sequence[BlockFacts]]:
    """The blocks in orders to take them in: the cheapest first, then node by node."""
    costs: dict[tuple[Place, Amount], int] = {}

    def key(block: BlockFacts) -> tuple[int, int, int]:
        at = block.place, block.moved
        if at not in costs:
            costs[at] = block.moved.high * nearest(block.place, around)
        return block.sure, costs[at], -block.number

    cheapest = sorted(blocks, key=key)
    yield cheapest
    nodes = sorted({block.place.node for block in blocks})
    few = 1 < len(nodes) <= _MOST_NODES and len(blocks) <= _MOST_BLOCKS
    for node in nodes if few else ():
        yield sorted(cheapest, key=lambda block: (block.sure, block.place.node != node))
        yield sorted(cheapest, key=lambda block: (block.sure, block.place.node == node))


def nearest(source: Place, around: Surroundings) -> int:
    """The least distance that contents of a place go; the largest one if nowhere takes them."""
    reached = (around.distance(source, p) for p, room in around.rooms.items() if room.possible)
    return min((far for far in reached if far is not None), default=FARTHEST)


def least_cost(blocks: Iterable[BlockFacts], count: int, around: Surroundings) -> int:
    """Pages times distance that no choice of so many of the blocks is below.

    Each block is counted as if all its contents went to the nearest place.

    Args:
        blocks: those that may go, as sure as those that were chosen.
        count: how many are to go.
        around: what is around them.
    """
    near: dict[Place, int] = {}
    costs = []
    for block in blocks:
        if block.place not in near:
            near[block.place] = nearest(block.place, around)
        costs.append(block.moved.high * near[block.place])
    return sum(sorted(costs)[:count])
