"""What systems have in common that differ in actions and properties alone, as variants do.

What a term means on a machine, which machines satisfy the axioms, and how they boot is the
same in all of them: it is worked out once for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from memhp.spec.language.system import ENABLED, System
from memhp.spec.language.terms import Call, Term, subterms

from ..support.remembered import Latest

__all__ = ["Ground", "ground"]

_MOST = 8


@dataclass(frozen=True, eq=False)
class Ground:
    """The part of a system that its variants share: no properties, and of the actions only guards.

    It has those guards of actions that a term names (`enabled`).
    """

    system: System


def ground(system: System, *more: Term) -> Ground:
    """The part that the system shares with its variants: one object for equal parts.

    Only the few that were asked for last are remembered.

    Args:
        system: the specification.
        more: terms to be evaluated on its machines, beside those in the system.
    """
    names = _named_by(system).union(*map(_named, more))
    actions = tuple(replace(a, updates=()) for a in system.actions if a.name in names)
    common = replace(system, name="", actions=actions, properties=(), given_up=frozenset())
    latest = _latest()
    same = next((each for each in latest if each.system == common), None) or Ground(common)
    latest[:] = [same, *(each for each in latest if each is not same)][:_MOST]
    return same


@lru_cache(maxsize=1)
def _latest() -> list[Ground]:
    return []


def _terms(system: System) -> Iterator[Term]:
    for definition in system.definitions.values():
        yield definition.body
    for action in system.actions:
        yield from (guard.condition for guard in action.guards)
        for update in action.updates:
            yield from update.terms
    for claim in system.properties:
        yield claim.formula
        if claim.ending:
            yield from (claim.ending.during, claim.ending.left)
            for way in claim.ending.ways:
                yield from (way.condition, *(term for _, term in way.given))


@lru_cache(maxsize=1 << 14)
def _named(term: Term) -> frozenset[str]:
    """The names of the actions whose guards the term names."""
    calls = (part.name for part in subterms(term) if isinstance(part, Call))
    return frozenset(n.removeprefix(ENABLED) for n in calls if n.startswith(ENABLED))


_named_by = Latest(lambda system: frozenset[str]().union(*map(_named, _terms(system))))
"""Those that any term of the system names."""
