"""What systems share is worked out once; what terms mean on a machine is never another system's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.search.alike import ground
from memhp.checks.search.scopes import fitting
from memhp.reference.usual import USUAL
from memhp.spec.language import DropGuard, DropUpdate, System
from memhp.spec.language.system import ENABLED
from memhp.spec.language.terms import (
    BOOL,
    TRUE,
    Call,
    SortRef,
    Var,
)
from memhp.spec.system import SYSTEM

NAMED = "finish_offline"
"""Its guards are named in a term, as those of no other action."""


@pytest.mark.parametrize(
    "other",
    [
        DropGuard("remove_section", "pgdat_leaves_last").apply(SYSTEM),
        DropUpdate("wake", "waiting").apply(SYSTEM),
        DropUpdate(NAMED, SYSTEM.action_by_name[NAMED].updates[0].symbol.name).apply(SYSTEM),
        replace(SYSTEM, properties=SYSTEM.properties[::-1], name="other"),
    ],
)
def test_systems_that_differ_in_actions_and_properties_share_it(other: System) -> None:
    assert ground(other) is ground(SYSTEM)
    machines = [fitting(system, USUAL[:2]) for system in (SYSTEM, other)]
    assert all(machines[0][number] is machines[1][number] for number in (0, 1))


def with_the_first_definition_true() -> System:
    name, first = next(iter(SYSTEM.definitions.items()))
    return replace(SYSTEM, definitions={**SYSTEM.definitions, name: replace(first, body=TRUE)})


@pytest.mark.parametrize(
    "other",
    [
        DropGuard(NAMED, SYSTEM.action_by_name[NAMED].guards[0].name).apply(SYSTEM),
        with_the_first_definition_true(),
        replace(SYSTEM, axioms=SYSTEM.axioms[1:]),
        replace(SYSTEM, variables=SYSTEM.variables[::-1]),
    ],
)
def test_what_changes_the_meaning_of_a_term_makes_another(other: System) -> None:
    assert ground(other) is not ground(SYSTEM)


def test_a_term_that_is_asked_for_may_name_guards_that_no_other_does() -> None:
    alone = replace(SYSTEM, properties=())
    naming = Call(f"{ENABLED}{NAMED}", (Var("b", SortRef("Block"), "x"),), BOOL)
    assert ground(alone).system.actions == ()
    assert [action.name for action in ground(alone, naming).system.actions] == [NAMED]
