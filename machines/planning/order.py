"""In which order blocks go, in which waves, and where their contents go then.

What must be gone before what, the reference says (`removal_order`).  Beyond that the places whose
contents can go to the fewest others come first, while these have room; and of a place the block
with most free memory, so that as little as possible moves into a block that is to go itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memhp.reference import Machine, Shape, removal_order
from memhp.spec.language.system import System

from .choice import Surroundings
from .destinations import asked_once
from .facts import Amount, BlockFacts, Place

__all__ = ["Move", "first_waits", "moves_of", "ordered"]


@dataclass(frozen=True)
class Move:
    """One block that goes: its wave, from 1 on, and the pages that move, to each place.

    ``moved`` counts besides its own pages those that came from blocks before it; ``reclaimed``
    are pages for which room has to be taken back first. Where room is not told, places are those
    that may have it.
    """

    block: BlockFacts
    wave: int
    moved: Amount
    to: tuple[tuple[Place, int], ...]
    reclaimed: int


def first_waits(system: System) -> bool:
    """Whether a node's first block, which holds its pgdat, goes after the others by the design.

    >>> from memhp.spec.profiles import system_of
    >>> first_waits(system_of("linux-6.12")), first_waits(system_of("list-2004"))
    (False, True)
    """
    return _first_waits(system)


@asked_once
def _first_waits(system: System) -> bool:
    machine = Machine(system, Shape(blocks=2).build(system))
    return (1, 0) in removal_order(machine, [0, 1]).graph.edges


def ordered(
    blocks: Iterable[BlockFacts], around: Surroundings, last: frozenset[int] = frozenset()
) -> list[BlockFacts]:
    """The blocks in the order in which they go.

    Args:
        blocks: those that go.
        around: what is around them.
        last: the numbers of those that wait for all others.
    """
    going = list(blocks)
    ways = {
        source: sum(around.distance(source, place) is not None for place in around.rooms)
        for source in {block.place for block in going}
    }
    return sorted(
        going,
        key=lambda b: (b.number in last, ways[b.place], b.place, -b.free.expected, -b.number),
    )


def moves_of(
    blocks: Sequence[BlockFacts], around: Surroundings, last: frozenset[int] = frozenset()
) -> tuple[Move, ...]:
    """Where the contents of each block go, one block after the other.

    A wave can be prepared together: its blocks wait for none of each other, and what is free
    above the watermarks outside them has room for all their contents.

    Args:
        blocks: in the order in which they go.
        around: what is around them.
        last: the numbers of those that wait for all others.
    """
    course = _Course(blocks, around)
    moves: list[Move] = []
    wave, waits, reclaims = 1, False, False
    for block in blocks:
        moved, to, reclaimed = course.take(block)
        if block.number in last and not waits and moves:
            wave, waits = wave + 1, True
        if reclaimed and not reclaims and moves:
            wave += 1
        reclaims = reclaims or reclaimed > 0
        moves.append(Move(block, wave, moved, to, reclaimed))
    return tuple(moves)


class _Course:
    """How room shrinks while blocks go, and what moves twice."""

    def __init__(self, blocks: Sequence[BlockFacts], around: Surroundings) -> None:
        self.around = around
        self.told = all(room.told for room in around.rooms.values())
        self.room: dict[Place, float] = {
            place: room.certain if room.told else room.possible
            for place, room in around.rooms.items()
        }
        self.leaving: dict[Place, float] = defaultdict(float)  # free pages of blocks still to go
        for block in blocks:
            self.leaving[block.place] += block.free.expected
        self.arrived: dict[Place, float] = defaultdict(float)  # of these, what has been filled
        self.most_arrived: Counter[Place] = Counter()
        self.near: dict[Place, list[Place]] = {}

    def take(self, block: BlockFacts) -> tuple[Amount, tuple[tuple[Place, int], ...], int]:
        """What moves as the block goes, where to, and what has to be reclaimed for it."""
        place = block.place
        free = block.free.expected
        share = free / self.leaving[place] if self.leaving[place] else 0.0
        again = self.arrived[place] * share
        self.arrived[place] -= again
        self.leaving[place] -= free
        self.room[place] = max(0.0, self.room.get(place, 0.0) - (free - again))
        left = block.moved.expected + again
        to: list[tuple[Place, int]] = []
        for near in self._nearest(place):
            part = min(left, self.room[near])
            if part >= 1:
                to.append((near, round(part)))
                left -= part
                self._arrive(near, part)
        most_again = min(block.free.high, self.most_arrived[place])
        moved = Amount(
            block.moved.low,
            round(block.moved.expected + again),
            block.moved.high + most_again,
        )
        for near in self._nearest(place):
            self.most_arrived[near] += moved.high
        return moved, tuple(to), round(left) if self.told else 0

    def _arrive(self, place: Place, pages: float) -> None:
        """So many pages come: some of them into blocks that go later."""
        open_ = self.leaving[place] - self.arrived[place]
        if open_ > 0:
            self.arrived[place] += min(open_, pages * min(1.0, open_ / max(self.room[place], 1)))
        self.room[place] -= pages

    def _nearest(self, source: Place) -> list[Place]:
        """The places that take contents of one, the nearest first."""
        if source not in self.near:
            reached = [
                (far, place)
                for place in self.around.rooms
                if (far := self.around.distance(source, place)) is not None
            ]
            self.near[source] = [place for _, place in sorted(reached)]
        return self.near[source]
