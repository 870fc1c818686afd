"""Walks go deep: what operations can reach, they reach within a stated number of operations."""

from __future__ import annotations

import pytest

from memhp.checks.fuzz.reached import reached
from memhp.checks.fuzz.rules import RULES
from memhp.engine.target import EngineTarget
from memhp.spec.system import SYSTEM

from .toy_target import BuggyAllocator

STEPS = 100_000


ONE_AFTER_THE_OTHER = {
    "a_migration_is_over_while_a_device_uses_the_folio",
    "two_folios_move_at_once",
    "what_has_left_is_not_sticky",
    "private_data_comes_back_when_a_move_fails",
    "a_reference_is_taken_where_a_folio_has_moved",
}
"""An operation moves a folio from the beginning to the end before the next one begins: nothing
comes between its private data and itself, so that both go, nobody looks it up meanwhile, and a
device that it has is the one that it had."""

SELDOM = {
    "a_huge_folio_passes_over_another_size",
    "a_huge_folio_moves_near_although_there_is_room_elsewhere",
    "a_range_that_was_left_goes_as_surplus",
    "surplus_changes_its_node",
}
"""Each needs a used huge folio and two free ones, or surplus and no free one, on certain nodes, at
the same time: in so many steps walks did not come there."""


@pytest.mark.slow
def test_every_sometimes_is_reached_whose_actions_operations_take() -> None:
    result = reached(SYSTEM, EngineTarget(), steps=STEPS)
    assert (result.divergence, result.steps) == (None, STEPS)
    assert set(result.missed) | set(result.episodes) == {
        p.name for p in SYSTEM.of_kind("sometimes")
    }
    operations = {rule.name for rule in RULES}
    for name, lacking in result.missed.items():
        assert lacking or name in ONE_AFTER_THE_OTHER | SELDOM, (
            f"{name}: operations take all actions of its trace, and walks never reach it: "
            "draw them in a rule (checks/fuzz/rules.py), or say in ONE_AFTER_THE_OTHER why not"
        )
        assert not operations & set(lacking), f"{name}: an operation never succeeds"


def test_a_divergence_ends_it() -> None:
    result = reached(SYSTEM, BuggyAllocator(), steps=4000)
    assert result.divergence
    assert result.steps < 4000
