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
    """A system without name and properties, and of its actions the guards that a term names."""

    system: System


def ground(system: System, *more: Term) -> Ground:
    """What the system is but for its actions and properties; ``more`` terms will be asked, too.

    Systems of which that is equal get the same object, as far as they are asked for together.
    """
    named = _named_by(system).union(*map(_named, more))
    actions = tuple(replace(a, updates=()) for a in system.actions if a.name in named)
    common = replace(system, name="", actions=actions, properties=(), given_up=frozenset())
    known = _known()
    for each in known:
        if each.system == common:
            return each
    known[_MOST - 1 :] = []
    known.insert(0, Ground(common))
    return known[0]


@lru_cache(maxsize=1)
def _known() -> list[Ground]:
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
    """The actions whose guards the term names."""
    calls = (part.name for part in subterms(term) if isinstance(part, Call))
    return frozenset(n.removeprefix(ENABLED) for n in calls if n.startswith(ENABLED))


_named_by = Latest(lambda system: frozenset[str]().union(*map(_named, _terms(system))))
"""Those that any term of the system names."""
