"""Questions about actions, asked as *sometimes* properties: can this be reached, and how?

`shortest` (localise) finds a trace to what can be; `impossible` proves the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from memhp.spec.language.rewrite import enabled, expand
from memhp.spec.language.system import (
    Action,
    Guard,
    Property,
    System,
    Update,
)
from memhp.spec.language.terms import (
    TRUE,
    App,
    Term,
    conj,
    eq,
    forall,
    implies,
    negate,
)

from .cache import Cache
from .case import Case, Limits
from .obligations import Obligation, Obligations
from .pool import Pool
from .rounds import decide

__all__ = ["changes_nothing", "first_refusal", "idle", "impossible"]


def idle(action: Action, also: Term = TRUE) -> Property:
    """The *sometimes* property that the action, enabled, changes nothing where ``also`` holds."""
    formula = conj(enabled(action), changes_nothing(action), also)
    return _sometimes(action, "idle", f"{action.name} is allowed and changes nothing.", formula)


def first_refusal(action: Action, guard: Guard) -> Property:
    """The *sometimes* property that of the action's guards this one is the first to fail."""
    before = action.guards[: action.guards.index(guard)]
    formula = conj(*(each.condition for each in before), negate(guard.condition))
    doc = f"{guard.name} is the first guard of {action.name} to fail."
    return _sometimes(action, f"refused_by_{guard.name}", doc, formula)


def impossible(system: System, claims: Sequence[Property], *, jobs: int = 1) -> set[str]:
    """The names of the claims proved impossible: the axioms and invariants exclude them.

    Of a claim that is not named nothing is known.

    Args:
        system: the specification.
        claims: *sometimes* properties.
        jobs: processes.
    """
    obligations = Obligations(system)
    rest = (*obligations.invariants, *obligations.axioms)
    cases = [
        Case(system, Obligation("enabled", claim, None, rest, goal, claim.params), Limits())
        for claim in claims
        for goal in [negate(expand(claim.formula, system))]
    ]
    with Pool(Cache(None), jobs, None) as pool:
        decide(cases, pool)
    return {claim.name for claim, case in zip(claims, cases, strict=True) if case.proof}


def _sometimes(action: Action, what: str, doc: str, formula: Term) -> Property:
    name = f"{action.name}_{what}"
    return Property(name, action.module, "sometimes", doc, action.params, formula, (), action.where)


def changes_nothing(action: Action) -> Term:
    """The formula that is true of a state which a step of the action leaves as it is."""
    return conj(*map(_is_there_already, action.updates))


def _is_there_already(update: Update) -> Term:
    if update.point is not None:
        return eq(App(update.symbol, update.point), update.value)
    same = eq(App(update.symbol, update.variables), update.value)
    term = implies(update.condition, same)
    for var in reversed(update.variables):
        term = forall(var, term)
    return term
