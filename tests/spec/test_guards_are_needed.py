"""Every guard is needed: without it a proof fails, or a step is allowed that does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from memhp.checks.prove import prove
from memhp.checks.scopes import USUAL
from memhp.reference import Program
from memhp.spec.language import DropGuard, Property, System
from memhp.spec.language.system import ENABLED
from memhp.spec.language.terms import Call, subterms
from memhp.spec.system import SYSTEM

MAY_REPEAT = {"store", "device_write", "cpu_write"}
"""Storing the same value again is a step that a program or a device may well take."""

BY_OPERATIONS = {("begin_offline", "has_device"), ("begin_offline", "block_online")}
"""These decide which errno and reason a user sees first: tests/reference/test_operations.py."""


def idle_steps(system: System, actions: set[str], limit: int = 6_000) -> Iterator[str]:
    """Steps that are allowed in a reachable state and change nothing."""
    for shape in USUAL:
        program = Program(system, shape.build(system))
        boot = program.pack(list(program.initial))
        seen, queue = {boot}, [boot]
        for key in queue:
            state = program.unpack(key)
            for name in system.action_by_name:
                for point in program.enabled(name)(state):
                    after = state.copy()
                    program.action(name).apply(after, *point)
                    if after == state and name in actions:
                        yield f"{name}{point}"
                    packed = program.pack(after)
                    if packed not in seen and len(seen) < limit:
                        seen.add(packed)
                        queue.append(packed)


def actions_named_by(claim: Property) -> set[str]:
    """The actions that a property speaks of: in an ending, or as being enabled."""
    calls = {part.name for part in subterms(claim.formula) if isinstance(part, Call)}
    enabled = {name.removeprefix(ENABLED) for name in calls if name.startswith(ENABLED)}
    return enabled | ({claim.ending.by} if claim.ending else set())


def test_every_step_that_is_allowed_changes_something() -> None:
    assert next(idle_steps(SYSTEM, set(SYSTEM.action_by_name) - MAY_REPEAT), None) is None


@pytest.mark.parametrize("name", SYSTEM.action_by_name)
def test_without_any_one_guard_something_is_noticed(name: str) -> None:
    for guard in SYSTEM.action_by_name[name].guards:
        mutant = DropGuard(name, guard.name).apply(SYSTEM)
        alone = replace(
            mutant,
            actions=(mutant.action_by_name[name],),
            properties=tuple(p for p in mutant.properties if actions_named_by(p) <= {name}),
        )
        noticed = (
            (name, guard.name) in BY_OPERATIONS
            or not prove(alone, jobs=1).verdict.passes
            or next(idle_steps(mutant, {name}), None) is not None
        )
        assert noticed, f"nothing needs guard {guard.name} of {name}"
