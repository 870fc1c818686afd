"""Why a goal cannot be met: the smallest set of facts that together forbid it.

Every fact is a named constraint on how many blocks go out of each class of blocks, and where
their contents go.  What cannot be decided block by block is bounded from below, so that what the
facts forbid is impossible; what they allow need not be possible.  A smallest unsatisfiable set is
found by hitting sets: whatever is satisfiable leaves out one fact of each such set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

from .choice import Surroundings
from .facts import BlockFacts, Place

if TYPE_CHECKING:
    import z3

__all__ = ["Class", "Fact", "Obstacles"]

_TANGENTS = 24
"""So many bounds describe how much moves at least of so many blocks."""
_MOST_PLACES = 64
"""With more places room is not looked at."""
_FEW = 16
"""Of more facts a set is looked for of which none can be left out, not a smallest one."""
_MOST_CORES = 8


@dataclass(frozen=True)
class Fact:
    """One reason why a goal cannot be met: what, who holds the memory, and what helps."""

    name: str
    text: str
    holder: str = ""
    cures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Class:
    """Blocks of which the same is said: none of them goes for that ``fact``, or all may (None)."""

    blocks: tuple[int, ...]
    fact: Fact | None = None


@dataclass(frozen=True)
class Obstacles:
    """What stands in the way of taking ``count`` blocks.

    ``may`` are the facts of the blocks that may go, ``refused`` the classes of those that do
    not; ``goal`` is the fact that so many are wanted, ``room`` has the facts about places by place,
    ``rules`` those of what the design forbids: "own", "kernel" and "to", ``reclaim`` that of what
    can be taken back.
    """

    goal: Fact
    count: int
    may: Sequence[BlockFacts]
    refused: Sequence[Class]
    around: Surroundings
    machine: Fact
    room: Mapping[Place, Fact] = field(default_factory=dict)
    rules: Mapping[str, Fact] = field(default_factory=dict)
    reclaim: Fact | None = None

    @cached_property
    def _solver(self) -> tuple[z3.Solver, dict[str, Fact]]:
        """A solver in which each fact is an assumption, and the facts by name."""
        import z3

        solver = z3.Solver()
        facts: dict[str, Fact] = {}

        def say(fact: Fact, *terms: Any) -> None:
            facts[fact.name] = fact
            solver.add(*(z3.Implies(z3.Bool(fact.name), term) for term in terms))

        classes = [z3.Real(f"refused {at}") for at in range(len(self.refused))]
        places = sorted({block.place for block in self.may})
        goes = {place: z3.Real(f"goes {place}") for place in places}
        solver.add(*(each >= 0 for each in (*classes, *goes.values())))
        say(self.goal, _sum([*classes, *goes.values()]) >= self.count)
        for term, each in zip(classes, self.refused, strict=True):
            say(self.machine, term <= len(each.blocks))
            if each.fact is not None:
                say(each.fact, term == 0)
        for place in places:
            its = [block for block in self.may if block.place == place]
            say(self.machine, goes[place] <= len(its))
        if self.room and len(self.around.rooms) <= _MOST_PLACES:
            self._say_room(say, goes)
        return solver, facts

    def _say_room(self, say: Any, goes: Mapping[Place, Any]) -> None:
        """Contents that leave have to find room: not more comes to a place than is free there."""
        import z3

        into: dict[Place, list[Any]] = {place: [] for place in self.around.rooms}
        left, back = {}, []
        others = len(self.around.nodes) > 1
        for source, count in goes.items():
            its = [block for block in self.may if block.place == source]
            moved, free = z3.Real(f"moved {source}"), z3.Real(f"free {source}")
            both = [block.moved.low + block.free.low for block in its]
            for amount, values in (
                (moved, [block.moved.low for block in its]),
                (free, [block.free.low for block in its]),
                (moved + free, both),
            ):
                say(self.goal, *(amount >= each for each in _at_least(count, values)))
            left[source] = free
            out = [z3.Real(f"reclaimed {source}")]
            back += out
            for place in self.around.rooms:
                flow = z3.Real(f"flow {source} {place}")
                say(self.goal, flow >= 0)
                out.append(flow)
                into[place].append(flow)
                self._say_rules(say, source, place, flow, others)
            say(self.goal, out[0] >= 0, moved == _sum(out))
        for place, room in self.around.rooms.items():
            # What is free and leaves is no room.  Counts of blocks and zones are read one by one.
            counted = sum(block.free.low for block in self.may if block.place == place)
            spare = max(room.possible, counted) - left.get(place, z3.RealVal(0))
            say(self.room[place], _sum(into[place]) <= spare)
        if self.reclaim is not None and self.around.reclaimable is not None:
            say(self.reclaim, _sum(back) <= self.around.reclaimable)

    def _say_rules(self, say: Any, source: Place, place: Place, flow: Any, others: bool) -> None:
        """What the design forbids: contents stay on no node, or do not come to a movable zone."""
        allowed, to = self.around.destinations, self.around.to
        if to is not None and place.node not in to:
            say(self.rules["to"], flow == 0)
        own = source.node == place.node
        if not allowed.allow(source.kind, source.kind, own=own, others=others):
            say(self.rules["own"], flow == 0)
        if (source.kind, place.kind) not in allowed.between and "?" not in (
            source.zone,
            place.zone,
        ):
            say(self.rules["kernel"], flow == 0)

    @cached_property
    def forbidden(self) -> bool:
        """The facts forbid the goal."""
        return not self._holds(self._solver[1])

    def _holds(self, names: Iterable[str]) -> bool:
        """Whether these facts leave a way; not known counts as a way."""
        import z3

        answer = self._solver[0].check(*(z3.Bool(name) for name in names))
        return bool(answer != z3.unsat)

    def smallest(self, without: Iterable[str] = ()) -> tuple[Fact, ...]:
        """A smallest set of facts that forbids the goal; empty if there is none.

        Of very many facts it is a set of which none can be left out.

        Args:
            without: names of facts that are not to be used.
        """
        facts = self._solver[1]
        names = [name for name in facts if name not in set(without)]
        if self._holds(names):
            return ()
        if len(names) > _FEW:
            for name in list(names):
                if not self._holds(each for each in names if each != name):
                    names.remove(name)
            return tuple(facts[name] for name in names)
        missing: list[set[str]] = []
        while True:
            core = _least_hitting_set(names, missing)
            if not self._holds(core):
                return tuple(facts[name] for name in names if name in core)
            grown = set(core)
            for name in names:  # as much as leaves a way: each core has one of the others
                if self._holds(grown | {name}):
                    grown.add(name)
            missing.append(set(names) - grown)

    def all_of(self) -> tuple[tuple[Fact, ...], ...]:
        """Smallest sets, each without what those before it have beside goal, machine and rules."""
        kept = {self.goal.name, self.machine.name, *(each.name for each in self.rules.values())}
        used: set[str] = set()
        cores: list[tuple[Fact, ...]] = []
        while core := self.smallest(used):
            cores.append(core)
            new = {fact.name for fact in core} - kept
            if not new or len(cores) == _MOST_CORES:
                break
            used |= new
        return tuple(cores)


def _least_hitting_set(names: Sequence[str], sets: Sequence[set[str]]) -> set[str]:
    """The fewest of the names, the first in order, that have one of each set."""
    useful = [name for name in names if any(name in each for each in sets)]
    for size in range(len(useful) + 1):
        for some in combinations(useful, size):
            if all(each.intersection(some) for each in sets):
                return set(some)
    return set(names)


def _at_least(count: Any, values: Sequence[int]) -> list[Any]:
    """Bounds from below on the sum of so many of the values: lines under a convex curve."""
    ordered = sorted(values)
    step = max(1, len(ordered) // _TANGENTS)
    lines, total = [], 0
    for at, value in enumerate(ordered):
        if at % step == 0 or at == len(ordered) - 1:
            lines.append(total + (count - at) * value)
        total += value
    return lines


def _sum(terms: Iterable[Any]) -> Any:
    import z3

    return z3.Sum([z3.RealVal(0), *terms])
