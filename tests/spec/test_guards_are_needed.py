"""Every guard is needed: without it a proof fails, or a step is allowed that does nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.localise import shortest
from memhp.checks.probes import idle, impossible
from memhp.checks.prove import prove
from memhp.checks.scopes import USUAL
from memhp.spec.language import Action, DropGuard, Property, System
from memhp.spec.language.system import ENABLED
from memhp.spec.language.terms import Call, subterms
from memhp.spec.system import SYSTEM

MAY_REPEAT = {"store", "map_huge"}
"""Storing the same value again is a step that a program may well take."""

BY_OPERATIONS = {("begin_offline", "has_device"), ("begin_offline", "block_online")}
"""These decide which errno and reason a user sees first: tests/reference/test_operations.py."""


def actions_named_by(claim: Property) -> set[str]:
    """The actions that a property speaks of: in an ending, or as being enabled."""
    calls = {part.name for part in subterms(claim.formula) if isinstance(part, Call)}
    enabled = {name.removeprefix(ENABLED) for name in calls if name.startswith(ENABLED)}
    return enabled | ({claim.ending.by} if claim.ending else set())


def near(system: System, action: Action) -> set[str]:
    """The properties that are declared beside the action: the likeliest to notice."""
    claims = system.of_kind("always", "step", "ends")
    return {claim.name for claim in claims if claim.module == action.module}


def test_every_step_that_is_allowed_changes_something() -> None:
    claims = {idle(action).name: action.name for action in SYSTEM.actions}
    proved = impossible(SYSTEM, [idle(action) for action in SYSTEM.actions])
    assert {claims[name] for name in claims if name not in proved} == MAY_REPEAT


@pytest.mark.parametrize("name", SYSTEM.action_by_name)
def test_without_any_one_guard_something_is_noticed(name: str) -> None:
    topologies = [shape.build(SYSTEM) for shape in USUAL]
    for guard in SYSTEM.action_by_name[name].guards:
        mutant = DropGuard(name, guard.name).apply(SYSTEM)
        action = mutant.action_by_name[name]
        alone = replace(
            mutant,
            actions=(action,),
            properties=tuple(p for p in mutant.properties if actions_named_by(p) <= {name}),
        )
        noticed = (
            (name, guard.name) in BY_OPERATIONS
            or not prove(alone, only=near(alone, action), jobs=1).verdict.passes
            or shortest(mutant, topologies, idle(action), max_states=500_000)
            or not prove(alone, jobs=1).verdict.passes
        )
        assert noticed, f"nothing needs guard {guard.name} of {name}"
