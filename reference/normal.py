"""Terms made ready for code: bound variables apart, conjuncts split, what a loop may range over.

>>> from memhp.spec.language.terms import BOOL
>>> a, b = Var("a", BOOL), Var("b", BOOL)
>>> [str(part) for part in conjuncts(Op("implies", (a, b)), holds=False)]
['a', '~b']
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from memhp.spec.language.rewrite import rebuild
from memhp.spec.language.terms import (
    App,
    Const,
    Next,
    Op,
    Quantified,
    Term,
    Var,
    exists,
    negate,
    quantified,
    subterms,
)

__all__ = [
    "conjuncts",
    "distinct",
    "free",
    "hole_of",
    "holes",
    "is_static",
    "replace",
    "witness",
]

_KEPT = 50_000
"""Terms of which each function knows its answer still: machines that differ little share most."""


def distinct(term: Term, numbers: Iterator[int], names: Mapping[Var, Term] | None = None) -> Term:
    """``term`` with every bound variable renamed, so that no two of them are equal."""
    names = names or {}
    if isinstance(term, Var):
        return names.get(term, term)
    if isinstance(term, Quantified):
        fresh = Var(f"_{next(numbers)}_{term.var.name}", term.var.sort)
        body = distinct(term.body, numbers, {**names, term.var: fresh})
        return quantified(term.kind, fresh, body)
    return rebuild(term, lambda part: distinct(part, numbers, names))


@lru_cache(maxsize=_KEPT)
def free(term: Term) -> frozenset[Var]:
    """The variables of ``term`` that it does not bind; bound ones must be `distinct`."""
    parts = list(subterms(term))
    bound = {part.var for part in parts if isinstance(part, Quantified)}
    return frozenset(part for part in parts if isinstance(part, Var) and part not in bound)


@lru_cache(maxsize=_KEPT)
def is_static(term: Term) -> bool:
    """Whether ``term`` reads topology only, and has no quantifier."""
    return not any(
        isinstance(part, Quantified | Next) or (isinstance(part, App) and part.symbol.is_state)
        for part in subterms(term)
    )


def conjuncts(term: Term, holds: bool = True) -> list[Term]:
    """Terms that all hold exactly when ``term`` holds (or, with ``holds=False``, does not)."""
    match term:
        case Op(kind="not", args=(body,)):
            return conjuncts(body, not holds)
        case Op(kind="and", args=args) if holds:
            return [part for arg in args for part in conjuncts(arg)]
        case Op(kind="or", args=args) if not holds:
            return [part for arg in args for part in conjuncts(arg, False)]
        case Op(kind="implies", args=(premise, conclusion)) if not holds:
            return conjuncts(premise) + conjuncts(conclusion, False)
        case Quantified(kind="forall", var=var, body=body) if not holds:
            return [exists(var, negate(body))]
    return [term if holds else negate(term)]


def witness(term: Quantified) -> tuple[list[Var], list[Term]]:
    """The variables of an existential term, and the conditions that a witness meets.

    For a universal term, those of a counterexample.
    """
    variables, parts = [term.var], conjuncts(term.body, term.kind == "exists")
    while True:
        inner = [part for part in parts if isinstance(part, Quantified) and part.kind == "exists"]
        if len(inner) != 1:
            return variables, parts
        variables.append(inner[0].var)
        parts = [part for part in parts if part is not inner[0]] + conjuncts(inner[0].body)


def holes(term: Term) -> set[Term]:
    """The parts of a term that topology and connectives are applied to, and that are neither."""
    match term:
        case Const():
            return set()
        case App(symbol=symbol, args=args) if not symbol.is_state:
            return {hole for arg in args for hole in holes(arg)}
        case Op(args=args):
            return {hole for arg in args for hole in holes(arg)}
    return {term}


@lru_cache(maxsize=_KEPT)
def hole_of(term: Term) -> Term | None:
    """The one part on which ``term`` depends through topology, if there is just one."""
    parts = holes(term)
    if len(parts) != 1 or not _uses_topology(term):
        return None
    return parts.pop()


def _uses_topology(term: Term) -> bool:
    if isinstance(term, Op):
        return any(map(_uses_topology, term.args))
    return isinstance(term, App) and not term.symbol.is_state


def replace(term: Term, old: Term, new: Term) -> Term:
    """``term`` with ``new`` wherever ``old`` stands."""
    return new if term == old else rebuild(term, lambda part: replace(part, old, new))
