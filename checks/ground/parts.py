"""Less than the whole specification: some of its actions, some of its variables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from memhp.spec.language.system import ENABLED, Property, System
from memhp.spec.language.terms import Call, Term, subterms

from .cuts import reads

__all__ = ["restricted", "sliced"]


def restricted(system: System, names: Collection[str]) -> System:
    """The system with only the actions that are named, directly or by their module.

    Its runs are runs of the whole.  Properties that ask whether another action
    is possible, or rely on one being taken, are left out.
    """
    actions = tuple(a for a in system.actions if {a.name, a.module} & set(names))
    implied = {ENABLED + action.name for action in actions}
    claims = tuple(c for c in system.properties if _names(system, c) <= implied)
    return replace(system, actions=actions, properties=claims)


def _names(system: System, claim: Property) -> set[str]:
    """The actions that a property speaks of, as implied definitions."""
    names = _asks(system, claim.formula)
    if claim.ending:
        names |= {ENABLED + name for name in claim.ending.by}
        names |= _asks(system, claim.ending.during) | _asks(system, claim.ending.left)
    return names


def _asks(system: System, term: Term) -> set[str]:
    """The implied definitions that a term uses."""
    names = {part.name for part in subterms(term) if isinstance(part, Call)}
    inner = (system.definition(name).body for name in names)
    return {n for n in names if n.startswith(ENABLED)}.union(*(_asks(system, t) for t in inner))


def sliced(system: System, claims: Sequence[Property]) -> System:
    """The system without the variables that no guard and no claim depends on.

    Steps are possible exactly when they were, and the claims hold exactly when they did.
    """
    guards = [guard.condition for action in system.actions for guard in action.guards]
    formulas = [claim.formula for claim in claims]
    formulas += [t for c in claims if c.ending for t in (c.ending.during, c.ending.left)]
    names = reads(system, *guards, *formulas)
    while True:
        updates = [u for a in system.actions for u in a.updates if u.symbol.name in names]
        more = names | reads(system, *(term for update in updates for term in update.terms))
        if more == names:
            break
        names = more
    return replace(
        system,
        variables=tuple(v for v in system.variables if v.symbol.name in names),
        actions=tuple(
            replace(a, updates=tuple(u for u in a.updates if u.symbol.name in names))
            for a in system.actions
        ),
        properties=tuple(claims),
    )
