"""What no state that was reached does, and a counterexample does: short clauses that exclude it.

A *cube* is a conjunction of literals.  One that holds in the counterexample, for some elements,
and in no state that any small machine was seen to reach, for any, is a candidate: that it never
holds is an invariant that excludes the counterexample, if it is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, product

import numpy as np

from memhp.reference import Machine
from memhp.spec.language.system import System
from memhp.spec.language.terms import App, Term, Var, conj, subterms

from ..ground.bulk import Array, Bulk
from .atoms import Literal, literals
from .counters import counts
from .states import Reached

__all__ = ["Cube", "Knowledge"]

MOST_CELLS = 60_000_000
"""No more values of literals are looked at; beyond that nothing is said of those variables."""
LISTED = 20_000
"""Writing a literal down costs as much as looking at so many values."""
OF_TWO = 400
"""So many literals, the simplest first, are combined in twos..."""
OF_THREE = 120
"""... and so many in threes."""
OF_FOUR = 80
"""... and so many in fours, where that is asked for."""
MOST_OF_FOUR = 4_000
"""So many fours are kept, those that chance would have shown most often."""
SEEN = 1.0
"""Three literals or more are worth a look if chance would have shown so many together."""


@dataclass(frozen=True)
class Cube:
    """Literals that were never seen together.

    ``expected`` is how often they had been, if they had nothing to do with each other: where it is
    little, that they were not says little.
    """

    literals: tuple[Literal, ...]
    expected: float

    @property
    def cost(self) -> int:
        """How much is in it."""
        return sum(each.cost for each in self.literals) + 2 * len(self.literals)


@dataclass(frozen=True)
class _Table:
    """Literals about some variables, and the rows of their values that were seen, each once.

    ``packed`` has a bit a literal, ``rows`` a float, so that products count; ``times`` says how
    often each row was seen, on so many ``machines``.
    """

    literals: tuple[Literal, ...]
    packed: Array = field(default_factory=lambda: np.zeros((0, 0), dtype=np.uint8))
    times: Array = field(default_factory=lambda: np.zeros(0))
    machines: int = 0

    @cached_property
    def rows(self) -> Array:
        return np.unpackbits(self.packed, axis=1, count=len(self.literals)).astype(np.float32)

    def joined(self, variables: Sequence[Var], bulks: Sequence[Bulk]) -> _Table:
        """The table with the states of more machines."""
        packed, times = ([self.packed], [self.times]) if self.machines else ([], [])
        for bulk in bulks:
            values = [bulk.truth(each.expanded, variables).ravel() for each in self.literals]
            rows = np.packbits(np.array(values), axis=0).T
            each, often = _unique(rows, np.ones(len(rows)))
            packed.append(each)
            times.append(often)
        every, count = _unique(np.concatenate(packed), np.concatenate(times))
        return _Table(self.literals, every, count, self.machines + len(bulks))


class Knowledge:
    """What is known of the states that a system reaches.

    Args:
        system: the specification.
        states: of several machines: from these candidates are made.
        more: of others, on which candidates are only tried, which costs far less.

    Attributes:
        looked_at: how many values of literals were looked at, ever: what it costs to ask.
    """

    def __init__(
        self, system: System, states: Sequence[Reached], more: Sequence[Reached] = ()
    ) -> None:
        self.system = system
        self._bulks = [Bulk(system, each.topology, each.rows) for each in states]
        self._more = [Bulk(system, each.topology, each.rows) for each in more]
        self.looked_at = 0
        self._tables: dict[tuple[tuple[Var, ...], frozenset[str]], _Table] = {}

    def copy(self) -> Knowledge:
        """The same knowledge; what the copy learns is not learned here."""
        other = Knowledge(self.system, ())
        other._bulks, other._tables = self._bulks.copy(), self._tables.copy()
        other._more = self._more
        return other

    def refutes(self, cube: Cube, variables: tuple[Var, ...]) -> bool:
        """Whether the cube is in a state of the machines on which candidates are tried."""
        term = conj(*(each.expanded for each in cube.literals))
        for at, bulk in enumerate(self._more):
            if bulk.truth(term, variables).any():
                self._more.insert(0, self._more.pop(at))  # what refutes one soon refutes another
                return True
        return False

    def add(self, states: Reached) -> None:
        """Learn what another machine reaches."""
        self._bulks.append(Bulk(self.system, states.topology, states.rows))

    def excluding(
        self,
        machine: Machine,
        names: frozenset[str],
        variables: tuple[Var, ...],
        *,
        fours: bool = False,
    ) -> Iterator[Cube]:
        """The cubes that hold in the machine's state for some elements, and were never seen.

        None of them has a part that was never seen either.

        Args:
            machine: a counterexample.
            names: of the symbols that may be in a cube.
            variables: about whose elements it speaks.
            fours: those of four literals, and no others.
        """
        if not (points := _points(machine, variables)):
            return
        table = self._table(variables, names)
        if not table.literals or not table.machines:
            return
        state = Bulk(self.system, machine.topology, np.array([machine.values]))
        truth = [state.truth(each.expanded, variables)[0] for each in table.literals]
        seen: set[tuple[Term, ...]] = set()
        for point in points:
            here = [at for at, values in enumerate(truth) if values[point]]
            some = np.array(here[: OF_FOUR if fours else OF_TWO], dtype=np.intp)
            for cube in _never_four(table, some) if fours else _never(table, some):
                key = tuple(each.expanded for each in cube.literals)
                if key not in seen and _says_something(cube, variables):
                    seen.add(key)
                    yield cube

    def counting(
        self, machine: Machine, names: frozenset[str], variables: tuple[Var, Var]
    ) -> Iterator[tuple[Term, Term]]:
        """What a counter is equal to in each state that was seen, and not here: see `counts`."""
        yield from counts(self.system, self._bulks, machine, names, variables)

    def _table(self, variables: tuple[Var, ...], names: frozenset[str]) -> _Table:
        """The table about those variables, with the rows of every machine so far."""
        table = self._tables.get((variables, names))
        if table is None:
            table = _Table(literals(self.system, names, variables))
            self._tables[variables, names] = table
            self.looked_at += LISTED * len(table.literals)
        new = self._bulks[table.machines :]
        cells = sum(bulk.size(variables) for bulk in new) * len(table.literals)
        if 0 < cells <= MOST_CELLS:
            self.looked_at += cells
            table = table.joined(variables, new)
            self._tables[variables, names] = table
        return table


def _points(machine: Machine, variables: Sequence[Var]) -> list[tuple[int, ...]]:
    """Elements for the variables: two of one sort differ; those of one such sort are in order."""
    sizes = [range(machine.topology.size(var.sort)) for var in variables]
    pairs = [
        (one, other)
        for one, other in combinations(range(len(variables)), 2)
        if variables[one].sort == variables[other].sort
    ]
    points = [p for p in product(*sizes) if all(p[one] != p[other] for one, other in pairs)]
    return [point for point in points if not pairs or point[pairs[0][0]] < point[pairs[0][1]]]


def _says_something(cube: Cube, variables: Sequence[Var]) -> bool:
    """It is about each of the variables, and about the state."""
    parts = {part for each in cube.literals for part in subterms(each.expanded)}
    return parts.issuperset(variables) and any(
        isinstance(part, App) and part.symbol.is_state for part in parts
    )


def _unique(rows: Array, times: Array) -> tuple[Array, Array]:
    """The different rows, and how often each is there."""
    rows = np.ascontiguousarray(rows)
    keys = rows.view(np.dtype((np.void, rows.shape[1]))).ravel()
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    return rows[first], np.bincount(which, weights=times)


def _never(table: _Table, here: Array) -> Iterator[Cube]:
    """The minimal cubes of those literals that no row satisfies."""
    rows = table.rows[:, here]
    total = table.times.sum()
    often = (table.times @ rows) / total
    alone = [at for at in range(len(here)) if often[at] == 0]
    for at in alone:
        yield Cube((table.literals[here[at]],), 0.0)
    rest = np.array([at for at in range(len(here)) if often[at] > 0], dtype=np.intp)
    rows, often, here = rows[:, rest], often[rest], here[rest]
    together = rows.T @ rows
    pairs = np.argwhere(np.triu(together == 0, 1))
    for one, other in pairs:
        both = table.literals[here[one]], table.literals[here[other]]
        yield Cube(both, float(total * often[one] * often[other]))
    few = min(len(here), OF_THREE)
    rows, never = rows[:, :few], together[:few, :few] == 0
    for one in range(few - 2):
        mine = rows[rows[:, one] > 0][:, one + 1 :]
        three = np.triu(mine.T @ mine == 0, 1)
        three &= ~never[one + 1 :, one + 1 :] & ~never[one, one + 1 :][:, None]
        three &= ~never[one, one + 1 :][None, :]
        for two, last in np.argwhere(three):
            three_of = [one, one + 1 + two, one + 1 + last]
            chance = float(total * np.prod(often[three_of]))
            if chance >= SEEN:
                yield Cube(tuple(table.literals[here[each]] for each in three_of), chance)


def _never_four(table: _Table, here: Array) -> Iterator[Cube]:
    """The minimal cubes of four of those literals that no row satisfies, the likeliest to be."""
    rows = table.rows[:, here]
    total = table.times.sum()
    often = (table.times @ rows) / total
    pairs = rows.T @ rows == 0
    found: list[tuple[float, list[int]]] = []
    for one in range(len(here) - 3):
        mine = rows[rows[:, one] > 0]
        three = mine.T @ mine == 0
        for two in range(one + 1, len(here) - 2):
            if pairs[one, two]:
                continue
            rest = slice(two + 1, None)
            both = mine[mine[:, two] > 0][:, rest]
            its = rows[rows[:, two] > 0][:, rest]
            four = np.triu(both.T @ both == 0, 1) & ~three[rest, rest] & ~pairs[rest, rest]
            four &= ~(three[two, rest] | pairs[two, rest])[:, None]
            four &= ~(three[two, rest] | pairs[two, rest])[None, :]
            if not four.any():
                continue
            four &= its.T @ its > 0
            for third, last in np.argwhere(four) + two + 1:
                chosen = [one, two, int(third), int(last)]
                if (chance := float(total * np.prod(often[chosen]))) >= SEEN:
                    found.append((chance, chosen))
    for chance, chosen in sorted(found, key=lambda each: -each[0])[:MOST_OF_FOUR]:
        yield Cube(tuple(table.literals[here[each]] for each in chosen), chance)
