"""A small machine on which an obligation fails: made from a solver's answer, re-run, shown.

Nothing that a solver says is believed: the reference takes the step again and
must find the same property violated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from memhp.reference import (
    Change,
    Machine,
    Program,
    Topology,
    Value,
    diff,
    violated_axioms,
)
from memhp.reference.outcome import shown
from memhp.reference.topology import element_name, readable
from memhp.spec.language.rewrite import substitute
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import (
    App,
    Const,
    SortRef,
    Symbol,
    Term,
    Var,
    subterms,
)

from .case import Case
from .smt import constant_name, symbol_name

__all__ = ["Counterexample", "CounterexampleError", "explain", "state_of"]


class CounterexampleError(Exception):
    """The reference does not confirm what the solver claims: memhp itself is wrong."""


@dataclass(frozen=True)
class Counterexample:
    """A step after which a property fails, or a boot state in which it does.

    ``before`` satisfies every axiom and every invariant, and the action is
    accepted; ``before`` is None at boot.  ``claim`` is None when what is wrong
    is that two updates of the action meet.
    """

    claim: Property | None
    claim_params: Mapping[str, Value]
    action: str | None
    action_params: Mapping[str, Value]
    before: Machine | None
    after: Machine
    changes: tuple[Change, ...]
    facts: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The step and the property that it breaks, with their elements, in one line."""
        if self.action is None:
            return f"{self._broken} fails {'in a state that may be' if self.before else 'at boot'}"
        action = self.after.system.action_by_name[self.action]
        return f"{shown(action.name, action.params, self.action_params)} breaks {self._broken}"

    @property
    def _broken(self) -> str:
        if self.claim is None:
            return "itself: two updates meet"
        return shown(self.claim.name, self.claim.params, self.claim_params)

    def __str__(self) -> str:
        lines = [self.summary, *(f"  {change}" for change in self.changes)]
        return "\n".join([*lines, *(f"  {fact}" for fact in self.facts)])


def explain(system: System, cases: Sequence[Case]) -> dict[int, Counterexample]:
    """The counterexample of each refuted case, by the ``id`` of the case.

    Args:
        system: the specification.
        cases: each refuted on a small machine.

    Raises:
        CounterexampleError: the reference does not confirm one.
    """
    return {id(case): _Reading(system, case).counterexample() for case in cases}


def state_of(system: System, case: Case) -> tuple[Topology, tuple[int, ...]]:
    """The machine and its state before the step, as the solver says, of a refuted case.

    Nothing is confirmed, which takes longer: the reference does that of what is shown.
    """
    reading = _Reading(system, case)
    return reading.topology, tuple(reading.state())


class _Reading:
    """One case's model as machines."""

    def __init__(self, system: System, case: Case) -> None:
        assert case.small
        self.system = system
        self.obligation = case.obligation
        self.model = case.small.model
        self.limits = case.sizes
        self.sizes = {sort.name: case.elements(sort) for sort in system.unbounded_sorts}
        self.topology = Topology(
            self.sizes, {symbol.name: self._table(symbol) for symbol in system.topology}
        )

    def counterexample(self) -> Counterexample:
        """The counterexample, confirmed by the reference."""
        action, claim = self.obligation.action, self.obligation.claim
        if violated := violated_axioms(self.system, self.topology):
            raise self._wrong(f"axioms {', '.join(violated)} do not hold")
        params = self._params(action.params if action else ())
        claim_params = self._params(claim.params if claim else ())
        before = None if self.obligation.kind == "initiation" else self._before()
        after = before.copy() if before else Machine(self.system, self.topology)
        if action and not (outcome := after.step(action.name, **params)):
            raise self._wrong(f"the step is refused: {outcome}")
        if not self._fails(before, after, claim_params):
            raise self._wrong("nothing is wrong after the step")
        return Counterexample(
            claim and self.system.property_by_name[claim.name],
            claim_params,
            action.name if action else None,
            params,
            before,
            after,
            diff(before, after) if before else (),
            tuple(self._facts(before, after)),
        )

    def state(self) -> list[int]:
        """The values of the variables before the step, as `Machine.values` has them."""
        return [v for var in self.system.variables for v in self._table(var.symbol)]

    def _before(self) -> Machine:
        machine = Machine(self.system, self.topology, self.state())
        if violations := machine.violations():
            raise self._wrong(f"{violations[0]} fails before the step")
        return machine

    def _fails(self, before: Machine | None, after: Machine, params: Mapping[str, Value]) -> bool:
        claim = self.obligation.claim
        if claim is None or claim.kind == "ends":
            assert before
            return not self._goal_holds(before)
        if claim.kind == "step" and before:
            violations = after.step_violations(before)
        else:
            violations = after.violations()
        return any(v.property == claim.name and dict(v.params) == dict(params) for v in violations)

    def _goal_holds(self, before: Machine) -> bool:
        """The obligation itself, evaluated: for what is no plain violation."""
        old = self.obligation.constants
        new = [Var(f"_{at}_{var.name}", var.sort) for at, var in enumerate(old)]
        goal = substitute(self.obligation.goal, dict(zip(old, new, strict=True)))
        holds = Program(self.system, self.topology).term(goal, new)
        return bool(holds(list(before.values), *map(self._number, old)))

    def _wrong(self, what: str) -> CounterexampleError:
        return CounterexampleError(
            f"the reference does not confirm the counterexample to {self.obligation.name}: {what}"
        )

    def _params(self, variables: Sequence[Var]) -> dict[str, Value]:
        return {var.name: readable(var.sort, self._number(var)) for var in variables}

    def _number(self, var: Var) -> int:
        return _index(var.sort, self.model.get(constant_name(var), ("",))[0])

    def _table(self, symbol: Symbol) -> tuple[int, ...]:
        """The symbol's values at the elements that are there, row-major."""
        row = self.model.get(symbol_name(symbol))
        if row is None:  # the solver never looked at it: any value will do
            return (0,) * prod(self._size(sort) for sort in symbol.domain)
        points = product(*(range(self._limit(sort)) for sort in symbol.domain))
        return tuple(
            _index(symbol.range, value)
            for point, value in zip(points, row, strict=True)
            if all(map(int.__lt__, point, map(self._size, symbol.domain)))
        )

    def _size(self, sort: SortRef) -> int:
        return self.sizes[sort.name] if sort.members is None else len(sort.members)

    def _limit(self, sort: SortRef) -> int:
        return self.limits[sort.name] if sort.members is None else len(sort.members)

    def _facts(self, before: Machine | None, after: Machine) -> Iterator[str]:
        """What the property reads at its own parameters, as far as the step leaves it."""
        claim = self.obligation.claim
        if claim is None:
            return
        point = {var: self._number(var) for var in claim.params}
        seen: dict[tuple[Symbol, tuple[int, ...]], None] = {}
        for machine in (before, after) if before else (after,):
            for part in subterms(claim.formula):
                self._read(part, point, machine, seen)
        for symbol, args in seen:
            old = self._look(symbol, args, before or after)
            if old == self._look(symbol, args, after):
                names = ", ".join(map(element_name, symbol.domain, args))
                yield f"{symbol}[{names}] = {element_name(symbol.range, old)}"

    def _read(
        self,
        term: Term,
        point: Mapping[Var, int],
        machine: Machine,
        seen: dict[tuple[Symbol, tuple[int, ...]], None],
    ) -> int | None:
        """The value of a chain of applications, None for anything else; notes what it passes."""
        match term:
            case Var():
                return point.get(term)
            case Const(name=name, sort=sort) if sort.members:
                return sort.members.index(name)
            case App(symbol=symbol, args=args):
                values = [self._read(arg, point, machine, seen) for arg in args]
                place = tuple(value for value in values if value is not None)
                if len(place) == len(args):
                    seen[symbol, place] = None
                    return self._look(symbol, place, machine)
        return None

    def _look(self, symbol: Symbol, args: tuple[int, ...], machine: Machine) -> int:
        points = list(product(*(range(self._size(sort)) for sort in symbol.domain)))
        if not symbol.is_state:
            return self.topology.tables[symbol.name][points.index(args)]
        value = machine.get(symbol.name, *args)
        if isinstance(value, str):
            assert symbol.range.members
            return symbol.range.members.index(value)
        return int(value)


def _index(sort: SortRef, value: str) -> int:
    """The number of an element or member; 0 if the solver did not say."""
    if not value:
        return 0
    return int(value) if sort.members is None else sort.members.index(value)
