"""Questions about actions, asked as *sometimes* properties: can this be reached, and how?

`shortest` (localise) finds a trace to what can be; `impossible` proves the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from memhp.spec.language.rewrite import expand
from memhp.spec.language.system import Action, Guard, Property, System, Update
from memhp.spec.language.terms import App, Term, conj, eq, forall, implies, negate

from .attempts import Case, Limits
from .cache import Cache
from .decide import decide
from .obligations import Obligation, Obligations
from .pool import Pool

__all__ = ["first_refusal", "idle", "impossible"]


def idle(action: Action) -> Property:
    """The action is allowed, and changes nothing."""
    guards = (guard.condition for guard in action.guards)
    formula = conj(*guards, *map(_changes_nothing, action.updates))
    return _sometimes(action, "idle", f"{action.name} is allowed and changes nothing.", formula)


def first_refusal(action: Action, guard: Guard) -> Property:
    """The guard is the first to fail."""
    before = action.guards[: action.guards.index(guard)]
    formula = conj(*(each.condition for each in before), negate(guard.condition))
    doc = f"{guard.name} is the first guard of {action.name} to fail."
    return _sometimes(action, f"refused_by_{guard.name}", doc, formula)


def impossible(system: System, claims: Sequence[Property], *, jobs: int = 1) -> set[str]:
    """The names of the claims that no state satisfies in which all invariants hold."""
    known = Obligations(system)
    rest = (*known.invariants, *known.axioms)
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


def _changes_nothing(update: Update) -> Term:
    if update.point is not None:
        return _kept(update, update.point)
    term = implies(update.condition, _kept(update, update.variables))
    for var in reversed(update.variables):
        term = forall(var, term)
    return term


def _kept(update: Update, point: tuple[Term, ...]) -> Term:
    return eq(App(update.symbol, point), update.value)
