"""Walks go deep: what operations can reach, they reach within a stated number of operations."""

from __future__ import annotations

from memhp.checks.fuzz.reached import reached
from memhp.checks.fuzz.rules import RULES
from memhp.engine.target import EngineTarget
from memhp.spec.system import SYSTEM

from .toy_target import BuggyAllocator

STEPS = 20_000


def test_every_sometimes_is_reached_whose_actions_operations_take() -> None:
    found = reached(SYSTEM, EngineTarget(), steps=STEPS)
    assert (found.divergence, found.steps) == (None, STEPS)
    assert set(found.missed) | set(found.episodes) == {p.name for p in SYSTEM.of_kind("sometimes")}
    operations = {rule.name for rule in RULES}
    for name, lacking in found.missed.items():
        assert lacking, f"{name} is not reached, and no action is lacking"
        assert not operations & set(lacking), f"{name}: an operation never succeeds"


def test_a_divergence_ends_it() -> None:
    found = reached(SYSTEM, BuggyAllocator(), steps=4000)
    assert found.divergence
    assert found.steps < 4000
