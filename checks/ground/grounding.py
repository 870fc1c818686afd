"""Terms of the specification on one topology, as sentences about places.

Quantifiers become *and* and *or* over the elements, topology disappears, and a
place that depends on the state (``frame_state[home[o]]``) becomes one case for
each value that leads there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product

from memhp.reference import Topology
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import (
    BOOL,
    INT,
    App,
    Call,
    Const,
    Next,
    Op,
    Quantified,
    SortRef,
    Symbol,
    Term,
    Var,
)

from .formulas import (
    FALSE,
    TRUE,
    Cases,
    Formula,
    Formulas,
)
from .symmetry import Swap

__all__ = ["LOWEST", "NUMBERS", "Bindings", "Grounding", "bit", "value_of"]

LOWEST = -8
"""The least number that a counter is followed to; below it the search stops and says so."""
NUMBERS = 16
"""How many values a counter is given at first."""

Bindings = Mapping[Var, int]
_Key = tuple[str | Term, tuple[int, ...], bool]
_Made = tuple[Cases, frozenset[int]]
"""The cases of a term, and which places of the state after a step it reads."""


def bit(sort: SortRef, value: int) -> int:
    """The bit that stands for a value in a set of values of that sort."""
    return value - LOWEST if sort == INT else value


def value_of(sort: SortRef, number: int) -> int:
    """The value that a bit stands for."""
    return number + LOWEST if sort == INT else number


class Grounding:
    """Writes terms of ``system`` as sentences about the places of ``topology``.

    ``place`` numbers are those of `memhp.reference.compile.Program`: row-major,
    in declaration order.  ``sorts`` and ``names`` describe each place.

    Args:
        numbers: how many values a counter is given, from `LOWEST` on.
    """

    def __init__(self, system: System, topology: Topology, numbers: int) -> None:
        self.system = system
        self.topology = topology
        self.offset: dict[str, int] = {}
        self.sorts: list[SortRef] = []
        self.names: list[tuple[str, tuple[int, ...]]] = []
        self._symbols = {variable.symbol.name: variable.symbol for variable in system.variables}
        for symbol in self._symbols.values():
            self.offset[symbol.name] = len(self.sorts)
            for point in topology.points(symbol.domain):
                self.sorts.append(symbol.range)
                self.names.append((symbol.name, point))
        self.formulas = Formulas([self._domain(sort, numbers) for sort in self.sorts])
        self._reads: list[Cases | None] = [None] * len(self.sorts)
        self._after: dict[int, Cases] = {}
        self._still: dict[_Key, _Made] = {}
        self._across: dict[_Key, _Made] = {}
        self._later_reads: set[int] = set()

    def _domain(self, sort: SortRef, numbers: int) -> int:
        size = numbers if sort == INT else self.topology.size(sort)
        return (1 << size) - 1

    def fits(self, place: int, value: int) -> bool:
        """Whether the place can have the value."""
        number = bit(self.sorts[place], value)
        return number >= 0 and bool(self.formulas.domains[place] >> number & 1)

    def place(self, symbol: Symbol, point: tuple[int, ...]) -> int:
        """The number of the place of a state symbol at a point."""
        return self.offset[symbol.name] + self._row(symbol, point)

    def _row(self, symbol: Symbol, point: tuple[int, ...]) -> int:
        row = 0
        for sort, number in zip(symbol.domain, point, strict=True):
            row = row * self.topology.size(sort) + number
        return row

    def image(self, swap: Swap, place: int) -> int:
        """The number of the place that a swap exchanges with this one."""
        name, point = self.names[place]
        symbol = self._symbols[name]
        return self.place(symbol, swap.point(symbol.domain, point))

    def bindings(self, params: tuple[Var, ...]) -> Iterator[dict[Var, int]]:
        """Every choice of elements for the parameters, in row-major order."""
        for point in product(*(range(self.topology.size(var.sort)) for var in params)):
            yield dict(zip(params, point, strict=True))

    def use(self, formulas: Formulas) -> None:
        """From now on write sentences for narrower domains."""
        self.formulas = formulas
        self._reads = [None] * len(self.sorts)
        self._still, self._across = {}, {}

    def across(self, updates: Mapping[int, Cases]) -> None:
        """From now on `Next` is the state after a step that writes those places so."""
        self._after = dict(updates)
        self._across = {}

    # --- sentences ----------------------------------------------------------------------------

    def formula(self, term: Term, bound: Bindings, later: bool = False) -> Formula:
        """The sentence that a Boolean term holds.

        Args:
            bound: the elements of the free variables.
            later: in the state after the step; see `across`.
        """
        match term:
            case Const(name=name):
                return TRUE if name == "true" else FALSE
            case Op(kind="not", args=(body,)):
                return self.formulas.negate(self.formula(body, bound, later))
            case Op(kind="and", args=args):
                return self._all(((part, bound) for part in args), later, holds=True)
            case Op(kind="or", args=args):
                return self._all(((part, bound) for part in args), later, holds=False)
            case Op(kind="implies", args=(premise, conclusion)):
                first = self.formulas.negate(self.formula(premise, bound, later))
                if first is TRUE:
                    return TRUE
                return self.formulas.disj([first, self.formula(conclusion, bound, later)])
            case Op(kind="eq", args=(left, right)):
                return self._equal(left, right, bound, later)
            case Op(kind="le", args=(left, right)):
                return self._at_most(left, right, bound, later)
            case Quantified(kind="forall" | "exists" as kind, var=var, body=body):
                elements = range(self.topology.size(var.sort))
                parts = ((body, {**bound, var: element}) for element in elements)
                return self._all(parts, later, holds=kind == "forall")
            case Next(body=body):
                return self.formula(body, bound, True)
        return self.cases(term, bound, later).get(1, FALSE)

    def _all(self, parts: Iterator[tuple[Term, Bindings]], later: bool, *, holds: bool) -> Formula:
        """The conjunction (with ``holds``) or disjunction, left as soon as it is decided."""
        formulas: list[Formula] = []
        for term, bound in parts:
            part = self.formula(term, bound, later)
            if part is (FALSE if holds else TRUE):
                return part
            formulas.append(part)
        return self.formulas.conj(formulas) if holds else self.formulas.disj(formulas)

    def _equal(self, left: Term, right: Term, bound: Bindings, later: bool) -> Formula:
        if left.sort == BOOL:
            one, other = (self.formula(side, bound, later) for side in (left, right))
            return self.formulas.same(one, other)
        first, second = self.cases(left, bound, later), self.cases(right, bound, later)
        shared = first.keys() & second.keys()
        return self.formulas.disj(self.formulas.conj([first[v], second[v]]) for v in shared)

    def _at_most(self, left: Term, right: Term, bound: Bindings, later: bool) -> Formula:
        first, second = self.cases(left, bound, later), self.cases(right, bound, later)
        pairs = ((a, b) for a in first for b in second if a <= b)
        return self.formulas.disj(self.formulas.conj([first[a], second[b]]) for a, b in pairs)

    # --- values -------------------------------------------------------------------------------

    def cases(self, term: Term, bound: Bindings, later: bool = False) -> Cases:
        """Each value that a term may have, with the sentence that it has it; see `formula`."""
        match term:
            case Var():
                return {bound[term]: TRUE}
            case Const(name=name, sort=sort):
                return {int(name) if sort == INT else (sort.members or ()).index(name): TRUE}
            case App(symbol=symbol, args=args):
                return self._gathered(
                    [self.cases(arg, bound, later) for arg in args],
                    lambda point: self._at(symbol, point, later),
                )
            case Call(name=name, args=args):
                return self._gathered(
                    [self.cases(arg, bound, later) for arg in args],
                    lambda point: self._definition(name, point, later),
                )
            case Op(kind="ite", args=(condition, then, otherwise)):
                return self._either(condition, then, otherwise, bound, later)
            case Op(kind="add", args=(left, right)):
                sides = [self.cases(side, bound, later) for side in (left, right)]
                return self._gathered(sides, lambda point: {sum(point): TRUE})
            case Quantified(kind="count", var=var, body=body):
                return self._count(var, body, bound, later)
            case Next(body=body):
                return self.cases(body, bound, True)
        return self._truth(self.formula(term, bound, later))

    def _truth(self, formula: Formula) -> Cases:
        both = ((0, self.formulas.negate(formula)), (1, formula))
        return {value: when for value, when in both if when is not FALSE}

    def _either(
        self, condition: Term, then: Term, otherwise: Term, bound: Bindings, later: bool
    ) -> Cases:
        when = self.formula(condition, bound, later)
        if when in (TRUE, FALSE):
            return self.cases(then if when is TRUE else otherwise, bound, later)
        return self.merged(
            (when, self.cases(then, bound, later)),
            (self.formulas.negate(when), self.cases(otherwise, bound, later)),
        )

    def merged(self, *choices: tuple[Formula, Cases]) -> Cases:
        """The cases of a value that is that of the one choice whose condition holds."""
        conditions: dict[int, list[Formula]] = {}
        for when, cases in choices:
            for value, here in cases.items():
                conditions.setdefault(value, []).append(self.formulas.conj([when, here]))
        joined = {value: self.formulas.disj(parts) for value, parts in conditions.items()}
        return {value: when for value, when in joined.items() if when is not FALSE}

    def _gathered(self, args: list[Cases], value: Callable[[tuple[int, ...]], Cases]) -> Cases:
        """``value(point)`` for whatever point the arguments lead to."""
        if all(len(arg) == 1 for arg in args):
            return value(tuple(next(iter(arg)) for arg in args))
        choices = []
        for point in product(*args):
            parts = [arg[v] for arg, v in zip(args, point, strict=True)]
            when = self.formulas.conj(parts)
            if when is not FALSE:
                choices.append((when, value(point)))
        return self.merged(*choices)

    def _at(self, symbol: Symbol, point: tuple[int, ...], later: bool) -> Cases:
        if not symbol.is_state:
            return {self.topology.tables[symbol.name][self._row(symbol, point)]: TRUE}
        place = self.place(symbol, point)
        if later:
            self._later_reads.add(place)
            if place in self._after:
                return self._after[place]
        return self.read(place)

    def read(self, place: int) -> Cases:
        """Each value that a place may have, with the sentence that it has it."""
        cases = self._reads[place]
        if cases is None:
            domain, sort = self.formulas.domains[place], self.sorts[place]
            numbers = (n for n in range(domain.bit_length()) if domain >> n & 1)
            cases = {value_of(sort, n): self.formulas.atom(place, 1 << n) for n in numbers}
            self._reads[place] = cases
        return cases

    def _definition(self, name: str, point: tuple[int, ...], later: bool) -> Cases:
        def made() -> Cases:
            definition = self.system.definition(name)
            bound = dict(zip(definition.params, point, strict=True))
            return self.cases(definition.body, bound, later)

        return self._once((name, point, later), made)

    def sentence(self, claim: Property, bound: Bindings) -> Formula:
        """The sentence that a property holds for such parameters; see `across`."""

        def made() -> Cases:
            return {1: self.formula(claim.formula, bound)}

        return self._once((claim.formula, tuple(bound.values()), False), made)[1]

    def _once(self, key: _Key, make: Callable[[], Cases]) -> Cases:
        """What is made once; anew for a step where it reads what that writes; see `across`."""
        entry = self._still.get(key)
        if entry is None or not entry[1].isdisjoint(self._after):
            entry = self._across.get(key)
        if entry is None:
            outer, self._later_reads = self._later_reads, set()
            cases = make()
            entry = cases, frozenset(self._later_reads)
            self._later_reads = outer
            known = self._still if entry[1].isdisjoint(self._after) else self._across
            known[key] = entry
        self._later_reads |= entry[1]
        return entry[0]

    def _count(self, var: Var, body: Term, bound: Bindings, later: bool) -> Cases:
        counts: Cases = {0: TRUE}
        for element in range(self.topology.size(var.sort)):
            when = self.formula(body, {**bound, var: element}, later)
            more = {value + 1: here for value, here in counts.items()}
            counts = self.merged((when, more), (self.formulas.negate(when), counts))
        return counts
