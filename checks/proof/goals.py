"""What a property says after a step, or at boot, as a formula over the state before.

The state after the step is rewritten into the state before it, so that a solver sees one state.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from memhp.spec.language.rewrite import after, rebuild
from memhp.spec.language.system import Action
from memhp.spec.language.terms import App, Next, Term, subterms

from .counting import counting, keeps_count, nothing_counts

__all__ = ["Goal", "at_boot", "is_about", "kept", "stepped", "symbols"]

_REMEMBERED = 10_000
"""Of so many terms is remembered what they read."""


class Goal(NamedTuple):
    """What is to be shown: ``general`` on a machine of any size, where nothing is counted, and
    ``counted`` on a ground one, whose elements can be."""

    general: Term
    counted: Term


def at_boot(formula: Term, boot: Action) -> Goal:
    """The goal that an invariant holds at boot."""
    counted = after(formula, boot)
    sides = counting(formula)
    return Goal(nothing_counts(*sides, boot) if sides else counted, counted)


def kept(formula: Term, action: Action) -> Goal:
    """The goal that an invariant holds after the action, if it did before."""
    counted = after(formula, action)
    sides = counting(formula)
    return Goal(keeps_count(*sides, action) if sides else counted, counted)


def stepped(formula: Term, action: Action) -> Goal:
    """The goal that a step of the action is as the formula says."""
    goal = _stepped(formula, action)
    return Goal(goal, goal)


def is_about(formula: Term, action: Action) -> bool:
    """Whether the action writes what the formula says of the state after the step."""
    return not _symbols_after(formula).isdisjoint(action.written)


def _stepped(term: Term, action: Action) -> Term:
    """The term with what it says of the state after the step, said of the state before."""
    if not is_about(term, action):
        return _without_next(term)
    if isinstance(term, Next):
        return after(_without_next(term.body), action)
    return rebuild(term, lambda part: _stepped(part, action))


@lru_cache(maxsize=_REMEMBERED)
def _without_next(term: Term) -> Term:
    return term.body if isinstance(term, Next) else rebuild(term, _without_next)


@lru_cache(maxsize=_REMEMBERED)
def symbols(term: Term) -> frozenset[str]:
    """The names of the symbols in an expanded term."""
    return frozenset(part.symbol.name for part in subterms(term) if isinstance(part, App))


@lru_cache(maxsize=_REMEMBERED)
def _symbols_after(term: Term) -> frozenset[str]:
    """The names of the symbols of which the term says what they are after the step."""
    return frozenset[str]().union(
        *(symbols(part.body) for part in subterms(term) if isinstance(part, Next))
    )
