"""What a topology decides alone: a search need not look where no state can matter.

A property of virtio-mem says nothing of a machine that has none; grounding the
formula over the machine's elements, with its tables filled in, leaves "true".
"""

from __future__ import annotations

from collections.abc import Mapping

from memhp.reference import Topology
from memhp.spec.language.rewrite import expand, rebuild
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import (
    FALSE,
    TRUE,
    App,
    Const,
    Quantified,
    SortRef,
    Term,
    Var,
    conj,
    disj,
)

__all__ = ["decided"]


def decided(system: System, topology: Topology, claim: Property) -> bool:
    """No state of the machine violates the property (of a *sometimes*: reaches it)."""
    formula = expand(claim.formula, system)
    nothing = FALSE if claim.kind == "sometimes" else TRUE
    return all(
        _filled(formula, topology, dict(zip(claim.params, point, strict=True))) == nothing
        for point in _points(topology, claim.params)
    )


def _points(topology: Topology, params: tuple[Var, ...]) -> list[tuple[Const, ...]]:
    sorts = [var.sort for var in params]
    return [
        tuple(_element(sort, number) for sort, number in zip(sorts, point, strict=True))
        for point in topology.points(sorts)
    ]


def _filled(term: Term, topology: Topology, values: Mapping[Var, Const]) -> Term:
    """The term without quantifiers, with the values of topology where they are known."""
    if isinstance(term, Var):
        return values[term]
    if isinstance(term, Quantified) and term.kind != "count":
        cases = (
            _filled(term.body, topology, {**values, term.var: element})
            for (element,) in _points(topology, (term.var,))
        )
        return conj(*cases) if term.kind == "forall" else disj(*cases)
    if isinstance(term, Quantified):
        return term
    part = rebuild(term, lambda inner: _filled(inner, topology, values))
    if isinstance(part, App) and not part.symbol.is_state:
        return _looked_up(part, topology)
    return part


def _looked_up(part: App, topology: Topology) -> Term:
    """The entry of the table, unless an argument is known at run time only."""
    place = 0
    for sort, argument in zip(part.symbol.domain, part.args, strict=True):
        if not isinstance(argument, Const):
            return part
        place = place * topology.size(sort) + _number(argument)
    return _element(part.symbol.range, topology.tables[part.symbol.name][place])


def _element(sort: SortRef, number: int) -> Const:
    return Const(sort.members[number] if sort.members else str(number), sort)


def _number(element: Const) -> int:
    members = element.sort.members
    return members.index(element.name) if members else int(element.name)
