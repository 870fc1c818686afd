"""Systems that differ from another in one thing: for what is never false in one that is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from memhp.spec.language.rewrite import substitute
from memhp.spec.language.system import Action, System
from memhp.spec.language.terms import (
    INT,
    TRUE,
    Term,
    Var,
    negate,
    number,
)


def unguarded(system: System) -> System:
    """The system whose actions are taken whatever their guards say: more steps to compare."""
    return replace(system, actions=tuple(replace(a, guards=()) for a in system.actions))


def joined(system: System, first: str, second: str) -> System:
    """The system with one more action, which does what the two do in one step.

    `load` refuses most updates that could meet; here they are, for the checker to find.
    """
    mine, other = (system.action_by_name[name] for name in (first, second))
    apart: dict[Var, Term] = {v: Var(f"{v.name}_too", v.sort, v.scope) for v in other.params}
    both = replace(
        mine,
        name=f"{first}_and_{second}",
        params=(*mine.params, *(Var(f"{v.name}_too", v.sort, v.scope) for v in other.params)),
        updates=(
            *mine.updates,
            *(
                replace(
                    update,
                    point=update.point and tuple(substitute(t, apart) for t in update.point),
                    condition=substitute(update.condition, apart),
                    value=substitute(update.value, apart),
                )
                for update in other.updates
            ),
        ),
    )
    return replace(system, actions=(*system.actions, both))


def with_action(system: System, action: Action) -> System:
    """The system with that action in the place of the one of its name."""
    actions = tuple(action if a.name == action.name else a for a in system.actions)
    return replace(system, actions=actions)


def at_boot(system: System) -> Iterator[System]:
    """The system, and what it is when one of its variables begins with another value."""
    yield system
    for at, variable in enumerate(system.variables):
        sort = variable.symbol.range
        if sort == INT or sort.members:
            other = number(1) if sort == INT else _second(variable.initial)
            variables = list(system.variables)
            variables[at] = replace(variable, initial=other)
            yield replace(system, variables=tuple(variables))


def spoilt(system: System) -> Iterator[System]:
    """The system, and what it is when an action that ends something misses its guards or updates.

    Each guard is turned round, each update is left out, and each list of ways lacks one.
    """
    yield system
    for name in {name: 0 for c in system.of_kind("ends") if c.ending for name in c.ending.by}:
        action = system.action_by_name[name]
        for guard in action.guards:
            other = replace(guard, condition=negate(guard.condition))
            guards = tuple(other if each is guard else each for each in action.guards)
            yield with_action(system, replace(action, guards=guards))
        for update in action.updates:
            updates = tuple(each for each in action.updates if each is not update)
            yield with_action(system, replace(action, updates=updates))
    for claim in system.of_kind("ends"):
        assert claim.ending
        for way in claim.ending.ways:
            ways = tuple(each for each in claim.ending.ways if each is not way)
            fewer = replace(claim, ending=replace(claim.ending, ways=ways))
            claims = (fewer if each is claim else each for each in system.properties)
            yield replace(system, properties=tuple(claims))


def _second(initial: Term) -> Term:
    members = initial.sort.members
    assert members
    return replace(TRUE, name=members[1], sort=initial.sort)
