"""A removal takes no more steps than the bound says, whatever everybody else does meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest

from memhp.reference import Machine, Shape
from memhp.spec.language import DropGuard, DropUpdate, System
from memhp.spec.system import SYSTEM

from .removal_bound import REMOVAL_STEPS, most_steps, steps_left

SHAPE = Shape(
    totals=(2, 2, 5),
    folios=3,
    ptes=2,
    data=2,
    more=(("Tick", 2),),
    tables=(("in_range", (0,) * 4), ("pgdat_section", (1,))),
)
ABOUT = (
    *sorted(REMOVAL_STEPS),
    *("fault", "replace_pte", "restore_pte") * 3,
    *("alloc_folio", "free_folio", "fault", "store", "unmap", "wake", "begin_writeback"),
    *("end_writeback", "fail_writeback", "attach_private", "release_private"),
    *("use_private", "put_private"),
)
"""What a removal meets; the walks take these more often than the other actions."""

ENDS = {"begin_offline", "finish_offline", "cancel_offline"}
"""What begins and ends a removal: the walks leave it to the test."""

LEAVING = 0


def occupied(machine: Machine) -> int:
    frames = range(machine.topology.sizes["Frame"])
    mine = [f for f in frames if machine.evaluate("block_of", f) == LEAVING]
    return sum(machine.evaluate("occupied", f) for f in mine)


def concerns(machine: Machine, action: str, params: dict[str, object]) -> bool:
    """The step is one of the removal's, and is about what lives in the block."""
    if action not in REMOVAL_STEPS:
        return False
    if "b" in params:
        return params["b"] == LEAVING
    if "f" in params:
        return machine.evaluate("block_of", params["f"]) == LEAVING
    folio = params.get("o")
    if folio is None:
        folio = machine.get("pte_folio", params["p"])
    place = "home" if machine.get("stage", folio) == "idle" else "source"
    return machine.evaluate("block_of", machine.get(place, folio)) == LEAVING


def walk(system: System, seed: int) -> Counter[str]:
    """A removal among random steps of all others; checks the rank at each step."""
    random, machine = Random(seed), Machine(system, SHAPE.build(system))
    others = sorted(set(system.action_by_name) - set(ABOUT) - ENDS)
    names = [*ABOUT * 6, *others]
    for _ in range(60):
        _step(machine, random, ABOUT)
    most = most_steps(occupied(machine), ticks=2, ptes=2)
    assert machine.step("begin_offline", LEAVING)
    taken: Counter[str] = Counter()
    left = steps_left(machine, LEAVING)
    assert left <= most
    for _ in range(200):
        before = machine.copy()
        action, params = _step(machine, random, names)
        mine = concerns(before, action, params)
        now = steps_left(machine, LEAVING)
        assert now <= left - mine, (action, params, left, now)
        left = now
        taken[action] += mine
    assert sum(taken.values()) <= most
    return taken


def walks(system: System) -> Counter[str]:
    return sum((walk(system, seed) for seed in range(40)), Counter[str]())


def _step(machine: Machine, random: Random, names: Sequence[str]) -> tuple[str, dict[str, object]]:
    choices: list[tuple[str, dict[str, object]]] = []
    while not choices:
        choices = [(name, dict(params)) for name, params in machine.enabled(random.choice(names))]
    action, params = random.choice(choices)
    assert machine.step(action, **params)
    return action, params


@pytest.mark.slow
def test_no_removal_takes_more_steps_than_the_bound() -> None:
    taken = walks(SYSTEM)
    assert {name for name in REMOVAL_STEPS if not taken[name]} == set()


@pytest.mark.parametrize(
    ("broken", "culprit"),
    [
        (DropGuard("reserve_destination", "try_paid_for"), "reserve_destination"),
        (DropUpdate("try_again", "spent"), "try_again"),
        (DropUpdate("abort_migration", "refused_move"), "abort_migration"),
        (DropGuard("fault", "folio_unlocked"), "fault"),
    ],
)
def test_a_step_that_makes_new_work_is_noticed(
    broken: DropGuard | DropUpdate, culprit: str
) -> None:
    with pytest.raises(AssertionError, match=f"'{culprit}'"):
        walks(broken.apply(SYSTEM))


def test_the_bound_is_linear_in_the_occupied_frames() -> None:
    assert most_steps(occupied=0, ticks=0, ptes=3) == 0
    # one folio, mapped once: 6 stages + 2 for its PTE; 1 + 1 for an attempt given up before
    assert most_steps(occupied=1, ticks=0, ptes=1) == 10
    assert most_steps(occupied=1, ticks=2, ptes=1) == 10 + 2 * 9
    assert most_steps(occupied=1000, ticks=0, ptes=1) == 10_000
