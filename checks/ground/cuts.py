"""Less of a specification for one property: what the property depends on, and what that needs.

Every run of the whole machine is a run of the cut one (localisation reduction: R. Kurshan,
Computer-Aided Verification of Coordinating Processes, 1994).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache, partial

from memhp.reference import Topology
from memhp.spec.language.system import ENABLED, Action, Property, System, Where
from memhp.spec.language.terms import Term

from ..support.remembered import Latest

__all__ = ["NOTHING", "closed", "cut", "different", "idle_of", "kinds_of", "reads"]

NOTHING = Action("", "", "A step that changes nothing.", (), (), (), Where("", 0))
"""Stands for every action that does: who asks for a step seldom asks which one it was."""


def reads(system: System, *terms: Term) -> frozenset[str]:
    """The names of the variables that the terms read, themselves or through definitions."""
    return system.state & frozenset[str]().union(*map(system.symbols_in, terms))


def closed(system: System, names: Iterable[str]) -> frozenset[str]:
    """The names of the variables, and of all that their updates read, up to a fixpoint.

    Guards are not looked at.
    """
    closure, todo = set(names), list(names)
    while todo:
        name = todo.pop()
        for action in system.actions:
            for update in action.updates:
                if update.symbol.name == name:
                    new = reads(system, *update.terms) - closure
                    closure |= new
                    todo += new
    return frozenset(closure)


def idle_of(system: System, claim: Property, *, whole: bool) -> Sequence[Action]:
    """The actions that a cut machine keeps although they change nothing in it.

    Args:
        whole: all of the system; else `NOTHING` stands for them, where a step shows the property.
    """
    if whole:
        return system.actions
    return (NOTHING,) if claim.of_step else ()


def cut(
    system: System, kept: frozenset[str], claim: Property, idle: Sequence[Action] = ()
) -> System:
    """The system with those variables alone, the actions that change them, and the ``idle``.

    Args:
        kept: names of variables, `closed`.
        claim: the only property that stays.
        idle: actions that stay although they change none of the variables; see `idle_of`.
    """
    part = partial(_parts(system).part, kept)
    actions = [part(action) for action in system.actions]
    changing = [action for action in actions if action.updates]
    names = {action.name for action in changing}
    others = (part(action) for action in idle if action.name not in names)
    named = [n for n in system.definitions_in(claim.formula) if n.startswith(ENABLED)]
    return replace(
        system,
        definitions={**system.definitions, **{n: system.definition(n) for n in named}},
        variables=tuple(v for v in system.variables if v.symbol.name in kept),
        actions=(*changing, *others),
        properties=(claim,),
    )


class _Parts:
    """What is left of the actions of a system: where the same is left, it is one object."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._read: dict[str, list[frozenset[str]]] = {}
        self._made: dict[tuple[str, tuple[bool, ...], frozenset[str]], Action] = {}

    def part(self, kept: frozenset[str], action: Action) -> Action:
        """The action with what reads and writes these variables alone."""
        if action is NOTHING:
            return action
        if (read := self._read.get(action.name)) is None:
            read = [reads(self._system, guard.condition) for guard in action.guards]
            self._read[action.name] = read
        stays = tuple([names <= kept for names in read])
        key = action.name, stays, action.written & kept
        if (part := self._made.get(key)) is None:
            guards = (guard for guard, it in zip(action.guards, stays, strict=True) if it)
            updates = (u for u in action.updates if u.symbol.name in kept)
            part = replace(action, guards=tuple(guards), updates=tuple(updates))
            part = self._made[key] = _one(part)
        return part


_parts = Latest(_Parts)


@lru_cache(maxsize=1 << 13)
def _one(action: Action) -> Action:
    """The same object for actions that are equal, be they of several systems."""
    return action


def different(system: System, topologies: Sequence[Topology]) -> list[Topology]:
    """The first of each kind of topology that the system can tell apart."""
    return [alike[0] for alike in kinds_of(system, topologies)]


def kinds_of(system: System, topologies: Sequence[Topology]) -> list[list[Topology]]:
    """The topologies, in lists of those that the system cannot tell apart."""
    terms = [claim.formula for claim in system.properties]
    sorts = {var.sort for claim in system.properties for var in claim.params}
    for variable in system.variables:
        terms.append(variable.initial)
        sorts |= set(variable.symbol.domain) | {variable.symbol.range}
    for action in system.actions:
        terms += [guard.condition for guard in action.guards]
        sorts |= {var.sort for var in action.params}
        for update in action.updates:
            terms += update.terms
    names = {name for term in terms for name in system.symbols_in(term)}
    tables = [symbol for symbol in system.topology if symbol.name in names]
    for symbol in tables:
        sorts |= {*symbol.domain, symbol.range}
    sizes = sorted(sort.name for sort in sorts if sort in system.unbounded_sorts)
    kinds: dict[object, list[Topology]] = {}
    for topology in topologies:
        kind = (
            tuple(topology.sizes[name] for name in sizes),
            tuple(topology.tables[symbol.name] for symbol in tables),
        )
        kinds.setdefault(kind, []).append(topology)
    return list(kinds.values())
