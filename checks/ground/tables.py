"""A machine as tables of numbers, for `layers.c`: when each step is possible, and what it writes.

A whole machine is ground once; what a search is to see of it is picked from there, as
often as it is cut down otherwise.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from math import prod

from memhp.reference import Topology
from memhp.reference.compile import Program
from memhp.spec.language.system import Action, Property, System, Update
from memhp.spec.language.terms import Symbol, Term, Var

from ..support.remembered import Remembered
from .formulas import FALSE, TRUE, Formula
from .grounding import NUMBERS, Bindings, Grounding, bit, value_of
from .model import (
    Instance,
    Write,
    after_step,
    cases,
    later_symbols,
    update_writes,
)

__all__ = ["Point", "Steps", "Tables", "TooLarge", "Watches", "tables"]

_MOST_VALUES = 64
_FALSE, _TRUE, _ATOM, _AND, _OR = range(5)
_LEAVES = -1
"""Stands for a value that its place cannot have."""
_SHAPES = {"false": _FALSE, "true": _TRUE, "and": _AND, "or": _OR}

Point = tuple[int, ...]
_Written = tuple[list[Write], list[int]]


@dataclass(frozen=True)
class Watches:
    """When a property is seen, for some choices of parameters.

    ``table`` says how many they are, and where the sentence of each stands.
    """

    points: list[Point]
    table: array[int]


@dataclass(frozen=True)
class Steps:
    """The steps of an action: the parameters of each, and what it writes.

    ``table`` has their rows for `layers.c`.
    """

    action: Action
    points: list[Point] = field(default_factory=list)
    writes: list[tuple[Write, ...]] = field(default_factory=list)
    table: array[int] = field(default_factory=lambda: array("q"))


class TooLarge(Exception):
    """A place of the machine has more values than there is room for."""


class Tables:
    """A system on a topology, as tables of numbers, each made when it is first asked for.

    ``code`` has the sentences, each at its own place; it grows.

    Raises:
        TooLarge: a place has more than 64 values.
    """

    def __init__(self, system: System, topology: Topology, numbers: int = NUMBERS) -> None:
        self.topology = topology
        self.grounding = Grounding(system, topology, numbers)
        if any(domain >> _MOST_VALUES for domain in self.grounding.formulas.domains):
            raise TooLarge
        initial = Program(system, topology).initial
        self.initial = [bit(s, v) for s, v in zip(self.grounding.sorts, initial, strict=True)]
        self.code = array("q", [_FALSE, _TRUE])
        self._places: dict[Formula, int] = {FALSE: 0, TRUE: 1}
        self._guards: dict[tuple[Term, tuple[Var, ...], Point], Formula] = {}
        self._written: dict[tuple[Update, tuple[Var, ...], Point], _Written] = {}
        self._steps: dict[int, Steps] = {}
        self._watches: dict[object, Watches] = {}
        self._at_steps: dict[object, Watches] = {}
        self._later: dict[Term, frozenset[str]] = {}

    def begins_inside(self, place: int) -> bool:
        """Whether the place has one of its numbers at boot."""
        value = value_of(self.grounding.sorts[place], self.initial[place])
        return self.grounding.fits(place, value)

    def span(self, symbol: Symbol) -> range:
        """The numbers of the places of a variable."""
        first = self.grounding.offset[symbol.name]
        return range(first, first + prod(map(self.topology.size, symbol.domain)))

    def place(self, formula: Formula) -> int:
        """Where the sentence stands in ``code``."""
        place = self._places.get(formula)
        if place is None:
            if formula.shape == "atom":
                row = [_ATOM, formula.place, _signed(formula.mask)]
            else:
                parts = [self.place(part) for part in formula.parts]
                row = [_SHAPES[formula.shape], len(parts), *parts]
            place = self._places[formula] = len(self.code)
            self.code.extend(row)
        return place

    def watches(self, claim: Property) -> Watches:
        """When a state shows the property, for each choice of parameters for which it may.

        Of a property of steps: when one does that changes nothing that the property reads.
        """
        key = (claim.kind, claim.params, claim.formula)
        if key not in self._watches:
            self.grounding.across({})
            self._watches[key] = self._shown(claim)
        return self._watches[key]

    def _shown(self, claim: Property) -> Watches:
        pairs = [(point, self.place(when)) for point, when in cases(self.grounding, claim)]
        numbers = array("q", [len(pairs), *(when for _, when in pairs)])
        return Watches([point for point, _ in pairs], numbers)

    def steps(self, action: Action) -> Steps:
        """The steps of an action, or of what is left of one, that are not plainly impossible.

        Actions are told apart as objects, which `localise.cut` makes once.
        """
        steps = self._steps.get(id(action))
        if steps is None:
            steps = self._steps[id(action)] = self._made(action)
        return steps

    def _made(self, action: Action) -> Steps:
        steps = Steps(action)
        for bound in self.grounding.bindings(action.params):
            guards = [self._guard(guard.condition, action, bound) for guard in action.guards]
            if FALSE in guards:
                continue
            needed = dict.fromkeys(guard for guard in guards if guard is not TRUE)
            written, table = self._writes(action, bound)
            steps.points.append(tuple(bound.values()))
            steps.writes.append(tuple(written))
            row = [len(needed), *map(self.place, needed), *table]
            steps.table.extend([len(row), *row])
        return steps

    def _guard(self, term: Term, action: Action, bound: Bindings) -> Formula:
        key = (term, action.params, tuple(bound.values()))
        formula = self._guards.get(key)
        if formula is None:
            formula = self._guards[key] = self.grounding.formula(term, bound)
        return formula

    def _writes(self, action: Action, bound: Bindings) -> _Written:
        """What the step writes, and that as a table: how many, and each one's cases."""
        writes: list[Write] = []
        table: list[int] = []
        for update in action.updates:
            key = (update, action.params, tuple(bound.values()))
            if key not in self._written:
                new = list(update_writes(self.grounding, update, bound))
                self._written[key] = new, [n for write in new for n in self._row(write)]
            more, row = self._written[key]
            writes += more
            table += row
        return writes, [len(writes), *table]

    def _row(self, write: Write) -> Iterator[int]:
        yield from (write.place, self.place(write.when), len(write.cases))
        sort = self.grounding.sorts[write.place]
        for value, when in write.cases.items():
            yield bit(sort, value) if self.grounding.fits(write.place, value) else _LEAVES
            yield self.place(when)

    def watched(self, claim: Property, steps: Steps, number: int) -> Watches:
        """When the step of that number shows the property, which is one of steps."""
        later = self._later_symbols(claim)
        if later.isdisjoint(steps.action.written):
            return self.watches(claim)
        names = self.grounding.names
        writes = tuple(w for w in steps.writes[number] if names[w.place][0] in later)
        if not writes:
            return self.watches(claim)
        key = (claim.kind, claim.params, claim.formula, *map(id, writes))
        if key not in self._at_steps:
            step = Instance(steps.action.name, steps.points[number], TRUE, writes, FALSE)
            self.grounding.across(after_step(self.grounding, step))
            self._at_steps[key] = self._shown(claim)
        return self._at_steps[key]

    def _later_symbols(self, claim: Property) -> frozenset[str]:
        symbols = self._later.get(claim.formula)
        if symbols is None:
            symbols = self._later[claim.formula] = later_symbols(self.grounding.system, claim)
        return symbols


def _signed(mask: int) -> int:
    """The bits as a signed number of 64 bits."""
    return mask - (1 << 64) if mask >> 63 else mask


tables = Remembered(Tables)
"""The tables of a machine, made once; `TooLarge` as `Tables` raises it."""
wide_tables = Remembered(partial(Tables, numbers=_MOST_VALUES))
"""As `tables`, with as many values of a counter as a word has bits."""
