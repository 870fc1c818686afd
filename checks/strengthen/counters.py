"""Counters against counts: what a counter has been equal to in each state that was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from memhp.reference import Machine
from memhp.spec.language.system import System
from memhp.spec.language.terms import INT, App, Symbol, Term, Var, conj, count, eq, subterms

from ..ground.bulk import Bulk
from .atoms import Literal, literals

__all__ = ["counts"]

LITERALS = 60
"""So many literals, the simplest first, may be what is counted, alone or in twos."""
MOST = 3
"""So many equations of a counter are tried, the simplest ones."""


def counts(
    system: System,
    bulks: Sequence[Bulk],
    machine: Machine,
    names: frozenset[str],
    variables: tuple[Var, Var],
) -> Iterator[tuple[Term, Term]]:
    """Equations of a counter of the first element and a count of the second ones.

    They hold in each state that was seen, and not in the machine's.

    Args:
        system: the specification.
        bulks: the states that were seen.
        machine: a counterexample.
        names: of the symbols that may be in them.
        variables: who has the counter, and who is counted.

    Yields:
        The equation, and the same expanded.
    """
    owner, counted = variables
    chosen = [
        each for each in literals(system, names, variables) if counted in subterms(each.expanded)
    ][:LITERALS]
    state = Bulk(system, machine.topology, np.array([machine.values]))
    for symbol in _counters(system, names, owner):
        value = App(symbol, (owner,))
        for parts in _exact(bulks, value, chosen, variables):
            if not _equal(state, value, parts, variables):
                said = conj(*(each.term for each in parts))
                whole = conj(*(each.expanded for each in parts))
                yield eq(value, count(counted, said)), eq(value, count(counted, whole))


def _exact(
    bulks: Sequence[Bulk], value: Term, chosen: Sequence[Literal], variables: tuple[Var, Var]
) -> list[tuple[Literal, ...]]:
    """What the value counts in each state: one literal; or two, if no single one will do."""
    for number in (1, 2):
        fit = list(combinations(chosen, number))
        for bulk in sorted(bulks, key=lambda each: -each.size(variables)):
            fit = [parts for parts in fit if _equal(bulk, value, parts, variables)]
        if fit:
            return fit[:MOST]
    return []


def _counters(system: System, names: frozenset[str], owner: Var) -> Iterator[Symbol]:
    for variable in system.variables:
        symbol = variable.symbol
        if symbol.name in names and symbol.range == INT and symbol.domain == (owner.sort,):
            yield symbol


def _equal(bulk: Bulk, value: Term, parts: Sequence[Literal], variables: tuple[Var, Var]) -> bool:
    """Whether the value is how many elements satisfy the parts, in each state."""
    numbers = bulk.values(value, variables)[:, :, 0]
    truth = bulk.truth(parts[0].expanded, variables)
    for part in parts[1:]:
        truth = truth & bulk.truth(part.expanded, variables)
    return bool((truth.sum(axis=2) == numbers).all())
