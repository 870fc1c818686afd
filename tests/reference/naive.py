"""An evaluator of terms that is as plain as it can be: the witness against the compiler."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

from memhp.reference import Topology
from memhp.spec.language.system import Action, System
from memhp.spec.language.terms import (
    App,
    Call,
    Const,
    Next,
    Op,
    Quantified,
    SortRef,
    Term,
    Var,
)

Values = dict[tuple[str, tuple[int, ...]], int]


def as_values(system: System, topology: Topology, flat: tuple[int, ...]) -> Values:
    """A flat state as a table of named points."""
    places = [
        (variable.symbol.name, point)
        for variable in system.variables
        for point in points(topology, *variable.symbol.domain)
    ]
    return dict(zip(places, flat, strict=True))


def points(topology: Topology, *sorts: SortRef) -> list[tuple[int, ...]]:
    """Every choice of elements."""
    return list(product(*(range(topology.size(sort)) for sort in sorts)))


@dataclass
class Naive:
    """Terms in one state, and perhaps a second one."""

    system: System
    topology: Topology
    now: Values
    later: Values | None = None

    def value(self, term: Term, known: dict[Var, int]) -> int:
        """What ``term`` is, as a number."""
        match term:
            case Var():
                return known[term]
            case Const(name=name, sort=sort):
                return (sort.members or ()).index(name)
            case App(symbol=symbol, args=args):
                point = tuple(self.value(arg, known) for arg in args)
                if symbol.is_state:
                    return self.now[symbol.name, point]
                place = points(self.topology, *symbol.domain).index(point)
                return self.topology.tables[symbol.name][place]
            case Call(name=name, args=args):
                definition = self.system.definitions[name]
                values = [self.value(arg, known) for arg in args]
                return self.value(
                    definition.body, dict(zip(definition.params, values, strict=True))
                )
            case Quantified(kind=kind, var=var, body=body):
                size = self.topology.size(var.sort)
                each = [self.value(body, {**known, var: x}) for x in range(size)]
                return int(all(each) if kind == "forall" else any(each))
            case Next(body=body):
                assert self.later is not None
                return Naive(self.system, self.topology, self.later).value(body, known)
            case Op(kind=kind, args=args):
                return self.operation(kind, [self.value(arg, known) for arg in args])

    def operation(self, kind: str, values: list[Any]) -> int:
        """A connective."""
        match kind:
            case "not":
                return int(not values[0])
            case "and":
                return int(all(values))
            case "or":
                return int(any(values))
            case "implies":
                return int(not values[0] or bool(values[1]))
            case "eq":
                return int(values[0] == values[1])
            case _:
                return int(values[1] if values[0] else values[2])

    def first_refusal(self, action: Action, point: tuple[int, ...]) -> int:
        """The 1-based number of the first guard that fails, or 0."""
        known = dict(zip(action.params, point, strict=True))
        for number, guard in enumerate(action.guards, 1):
            if not self.value(guard.condition, known):
                return number
        return 0

    def applied(self, action: Action, point: tuple[int, ...]) -> Values:
        """The state after the action's updates; each one reads the state before."""
        known = dict(zip(action.params, point, strict=True))
        new = dict(self.now)
        for update in action.updates:
            name = update.symbol.name
            if update.point is not None:
                place = tuple(self.value(term, known) for term in update.point)
                new[name, place] = self.value(update.value, known)
                continue
            for place in points(self.topology, *update.symbol.domain):
                here = {**known, **dict(zip(update.variables, place, strict=True))}
                if self.value(update.condition, here):
                    new[name, place] = self.value(update.value, here)
        return new
