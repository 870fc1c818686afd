"""Which blocks a goal is about, and what is refused as no goal."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from memhp.machines.planning.goals import Goal, GoalError, Wanted, wanted

from .made import SIZE, machine

TWO = machine(
    [(0, "Normal", 0), (0, "Normal", 0), (1, "Movable", 0), (1, "Movable", 0)],
    offline=(3,),
    devices={1: "PNP0C80:00", 2: "DRC 0x80000002", 3: "DRC 0x80000003"},
)


def test_a_size_is_rounded_up_to_blocks_and_leaves_open_which() -> None:
    assert wanted(Goal(size=SIZE + 1), TWO) == Wanted((0, 1, 2), 2, False)
    assert wanted(Goal(size=1, node=1), TWO) == Wanted((2,), 1, False)
    kept = wanted(Goal(size=1, keep=(range(1, 2),)), TWO)
    assert kept == Wanted((0, 2), 1, False, kept=(1,))


def test_a_node_blocks_and_devices_name_all_that_goes() -> None:
    assert wanted(Goal(node=1), TWO) == Wanted((2,), 1, True, gone=(3,))
    assert wanted(Goal(blocks=(range(0, 4),)), TWO) == Wanted((0, 1, 2), 3, True, gone=(3,))
    assert wanted(Goal(device="PNP0C80:00"), TWO) == Wanted((1,), 1, True)
    both = wanted(Goal(device="0x80000002-0x80000003"), TWO)
    assert both == Wanted((2,), 1, True, gone=(3,))
    assert wanted(Goal(device="DRC 0x80000002"), TWO) == Wanted((2,), 1, True)


@pytest.mark.parametrize(
    ("goal", "says"),
    [
        (Goal(node=2), "--node: there is no node 2; there are: 0, 1"),
        (Goal(size=SIZE, to=(7,)), "--to: there is no node 7"),
        (Goal(blocks=(range(9, 11),)), "--blocks: the machine has no block 9-10"),
        (Goal(device="dax0.0"), "no memory of 'dax0.0'; it tells of DRC 0x80000002"),
        (Goal(size=SIZE, keep=(range(8, 9),)), "--keep: the machine has no block 8"),
        (Goal(node=0, keep=(range(0, 1),)), "keeps what node 0 takes away"),
        (Goal(blocks=(range(0, 1),), keep=(range(0, 1),)), "no block is left to go"),
        (Goal(size=0), "nothing: give at least a block's"),
    ],
)
def test_what_makes_no_sense_on_the_machine_is_told(goal: Goal, says: str) -> None:
    with pytest.raises(GoalError, match=re.escape(says)):
        wanted(goal, TWO)


def test_a_machine_that_shows_no_blocks_or_no_size_is_refused() -> None:
    with pytest.raises(GoalError, match="no memory blocks"):
        wanted(Goal(size=1), replace(TWO, blocks=()))
    with pytest.raises(GoalError, match="size of a block"):
        wanted(Goal(size=1), replace(TWO, block_size=None))
