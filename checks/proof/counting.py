"""Counters that are exact (`counter == count(...)`), shown without counting.

A counter starts at nothing, and each action lets at most one element in and one out, and changes
the counter by as much.
"""

from __future__ import annotations

from dataclasses import replace

from memhp.spec.language.rewrite import after, substitute
from memhp.spec.language.system import Action
from memhp.spec.language.terms import (
    Op,
    Quantified,
    Term,
    add,
    conj,
    eq,
    exists,
    forall,
    implies,
    ite,
    le,
    negate,
    number,
)

__all__ = ["counting", "keeps_count", "nothing_counts", "without_count"]


def counting(formula: Term) -> tuple[Term, Quantified] | None:
    """The two sides of ``counter == count(...)``; None if the formula is no such equation."""
    match formula:
        case Op(kind="eq", args=(left, right)):
            for counter, counted in ((left, right), (right, left)):
                if isinstance(counted, Quantified) and counted.kind == "count":
                    return counter, counted
    return None


def nothing_counts(counter: Term, counted: Quantified, boot: Action) -> Term:
    """The goal at boot: the counter is 0, and there is nothing to count."""
    nothing = forall(counted.var, negate(after(counted.body, boot)))
    return conj(eq(after(counter, boot), number(0)), nothing)


def keeps_count(counter: Term, counted: Quantified, action: Action) -> Term:
    """The goal of a step: one element at most comes in, one goes out, and the counter follows."""
    var, other = counted.var, replace(counted.var, scope=counted.var.scope + "!other")
    before, later = counted.body, after(counted.body, action)
    came, went = conj(negate(before), later), conj(before, negate(later))

    def at_most_one(change: Term) -> Term:
        both = conj(change, substitute(change, {var: other}))
        return forall(var, forall(other, implies(both, eq(var, other))))

    expected = add(
        add(counter, ite(exists(var, came), number(1), number(0))),
        ite(exists(var, went), number(-1), number(0)),
    )
    return conj(at_most_one(came), at_most_one(went), eq(after(counter, action), expected))


def without_count(term: Term) -> Term:
    """A consequence of the term without counting: an exact counter is 0 where nothing counts."""
    if isinstance(term, Quantified) and term.kind == "forall":
        return forall(term.var, without_count(term.body))
    if sides := counting(term):
        counter, counted = sides
        nothing = forall(counted.var, negate(counted.body))
        return conj(le(number(0), counter), eq(eq(counter, number(0)), nothing))
    return term
