"""What plans say of small machines, whose answer can be worked out on paper."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from memhp.machines.planning.facts import Place
from memhp.machines.planning.goals import Goal
from memhp.machines.planning.plan import Plan
from memhp.machines.reading.procfs import LEAST_AVAILABLE
from memhp.spec.profiles import system_of

from .made import PAGES, SIZE, machine, order, plan

KERNEL = {"kernel": 10}


def facts(made: Plan) -> list[list[str]]:
    """The names of the facts of each set that forbids the goal, without what all have."""
    plain = {"goal", "machine"}
    return [[fact.name for fact in core if fact.name not in plain] for core in made.obstacles]


def test_the_blocks_with_least_to_move_go_and_their_contents_go_to_the_other_node() -> None:
    shares = (0.5, 0.1, 0.9, 0.2)
    made = plan(Goal(size=2 * SIZE, node=0), machine([
        *((0, "Normal", share) for share in shares), (1, "Normal", 0.0), (1, "Normal", 0.0),
    ]))  # fmt: skip
    assert made.verdict == "can"
    assert order(made) == [1, 3]
    assert {place for move in made.moves for place, _ in move.to} == {Place(1, "Normal")}
    assert made.optimal
    assert made.cost == made.least == 20 * (round(0.1 * PAGES) + round(0.2 * PAGES))
    assert (made.certificate.done, made.certificate.failures) == (2, ())
    assert made.whole is not None
    assert (made.whole.done, made.whole.failures) == (2, ())
    assert made.whole.moved == round(0.1 * PAGES) + round(0.2 * PAGES)


def test_contents_go_to_the_nearest_node_with_room_and_then_further() -> None:
    made = plan(Goal(node=0), machine([
        (0, "Normal", 1.0), (0, "Normal", 1.0),
        (1, "Normal", 0.0), (2, "Normal", 0.0), (2, "Normal", 0.0),
    ]))  # fmt: skip
    went = {place: pages for move in made.moves for place, pages in move.to}
    assert made.verdict == "can"
    assert list(went) == [Place(1, "Normal"), Place(2, "Normal")]
    assert made.left is not None
    assert made.left.memoryless == (0,)


def test_linux_takes_no_room_on_the_own_node_and_the_list_does() -> None:
    """One node is full, the other has room for its own contents alone."""
    reading = machine([(0, "Normal", 0.4), (0, "Normal", 0.2), (1, "Normal", 1.0)])
    goal = Goal(blocks=(range(1, 2),))
    refused = plan(goal, reading)
    assert refused.verdict == "cannot"
    assert facts(refused) == [["own", "room 1 Normal", "reclaim"]]
    allowed = plan(goal, reading, system_of("list-2004"))
    assert allowed.verdict == "can"
    assert allowed.moves[0].to == ((Place(0, "Normal"), round(0.2 * PAGES)),)
    assert allowed.certificate.failures == ()


def test_what_lies_in_a_kernel_zone_finds_no_room_in_movable_memory() -> None:
    reading = machine([(0, "Normal", 0.5), (1, "Movable", 0.0), (1, "Movable", 0.0)])
    made = plan(Goal(blocks=(range(0, 1),)), reading)
    assert made.verdict == "cannot"
    assert "kernel" in facts(made)[0]
    turned = machine([(0, "Movable", 0.5), (1, "Normal", 0.0), (1, "Normal", 0.0)])
    assert plan(Goal(blocks=(range(0, 1),)), turned).verdict == "can"


def test_a_block_that_is_refused_is_the_fact_that_forbids_a_named_goal() -> None:
    reading = machine([(0, "Normal", 0.0)] * 4 + [(1, "Normal", 0.0)], sticky={2: KERNEL})
    made = plan(Goal(node=0), reading)
    assert made.verdict == "cannot"
    assert facts(made) == [["refused 2"]]
    (fact,) = (fact for fact in made.obstacles[0] if fact.name == "refused 2")
    assert "no_unmovable" in fact.text
    assert fact.holder == "kernel 40 KiB"
    assert any("online_movable" in cure for cure in fact.cures)
    assert made.nearest == "can"
    assert sorted(order(made)) == [0, 1, 3]


def test_a_size_is_forbidden_by_the_fewest_facts_that_leave_too_few_blocks() -> None:
    """Of eight blocks six are to go: three are refused, and that alone forbids it."""
    reading = machine(
        [(0, "Normal", 0.0)] * 8,
        sticky={0: KERNEL, 1: KERNEL, 2: KERNEL},
        offline=(7,),
    )
    made = plan(Goal(size=6 * SIZE), reading)
    assert facts(made) == [["refused 0"]]
    assert made.nearest == "can"
    assert len(made.moves) == 4


def test_kept_and_offline_blocks_are_facts_too() -> None:
    reading = machine([(0, "Normal", 0.0)] * 6, offline=(5,))
    made = plan(Goal(size=5 * SIZE, keep=(range(0, 1),)), reading)
    assert facts(made)[0] == ["kept", "offline"]


def test_on_one_node_what_moves_twice_is_counted() -> None:
    """The emptier block goes first; half of what moves then lands where it must go again."""
    reading = machine([(0, "Normal", 0.6), (0, "Normal", 0.4), (0, "Normal", 0.4)] + [
        (0, "Normal", 0.0)
    ] * 2)  # fmt: skip
    made = plan(Goal(blocks=(range(0, 3),)), reading)
    assert made.verdict == "can"
    assert order(made) == [2, 1, 0]
    first, *later = made.moves
    assert first.moved.expected == first.block.moved.expected
    assert all(move.moved.expected > move.block.moved.expected for move in later)
    assert all(move.moved.low <= move.moved.expected <= move.moved.high for move in made.moves)
    assert made.whole is not None
    own, high = (sum(move.moved.low for move in made.moves), sum(m.moved.high for m in made.moves))
    assert own < made.whole.moved <= high


def test_room_above_the_watermarks_alone_makes_it_certain() -> None:
    blocks = [(0, "Normal", 0.5), (1, "Normal", 0.4)]
    goal = Goal(blocks=(range(0, 1),))
    assert plan(goal, machine(blocks)).verdict == "can"
    tight = plan(goal, machine(blocks, low=round(0.2 * PAGES)))
    assert tight.verdict == "may"
    assert "watermarks" in tight.doubts[0]
    assert tight.moves[0].reclaimed > 0
    full = [(0, "Normal", 0.5), (1, "Normal", 0.9)]
    assert plan(goal, machine(full)).verdict == "cannot"
    assert plan(goal, machine(full, reclaimable=SIZE)).verdict == "may"
    assert plan(goal, machine(full, reclaimable=None)).verdict == "may"


def test_where_too_little_would_be_available_apply_may_stop() -> None:
    reading = machine([(0, "Normal", 0.0)] * 4)
    enough = LEAST_AVAILABLE + 2 * SIZE
    assert plan(Goal(size=2 * SIZE), replace(reading, available=enough)).verdict == "can"
    made = plan(Goal(size=2 * SIZE), replace(reading, available=enough - 1))
    assert made.verdict == "may"
    assert "would be available then" in made.doubts[0]
    nearest = plan(Goal(size=5 * SIZE), replace(reading, available=enough))
    assert (nearest.verdict, nearest.nearest, len(nearest.moves)) == ("cannot", "can", 2)


def test_contents_go_to_no_other_node_than_those_that_are_named() -> None:
    reading = machine([(0, "Normal", 0.5), (1, "Normal", 0.0), (2, "Normal", 0.0)])
    goal = Goal(blocks=(range(0, 1),), to=(2,))
    assert plan(goal, reading).moves[0].to == ((Place(2, "Normal"), PAGES // 2),)
    nowhere = machine([(0, "Normal", 0.5), (1, "Normal", 0.0), (2, "Normal", 1.0)])
    assert "to" in facts(plan(goal, nowhere))[0]


def test_a_dump_without_pages_leaves_it_open() -> None:
    reading = replace(machine([(0, "Normal", 0.0)] * 4), frames=None)
    made = plan(Goal(size=SIZE), reading)
    assert made.verdict == "may"
    assert made.moves[0].moved.low == 0
    assert made.moves[0].moved.high == PAGES


def test_huge_pages_in_use_need_free_ones_elsewhere() -> None:
    reading = machine([(0, "Normal", 0.0)] * 3, sticky={0: {"huge": 1024}})
    made = plan(Goal(blocks=(range(0, 1),)), reading)
    assert made.verdict == "may"
    assert any("huge pages" in doubt for doubt in made.doubts)


def test_the_pgdats_block_waits_for_all_others_where_the_design_says_so() -> None:
    reading = machine([(0, "Normal", 0.0)] * 3 + [(1, "Normal", 0.0)])
    goal = Goal(node=0)
    assert [move.wave for move in plan(goal, reading).moves] == [1, 1, 1]
    made = plan(goal, reading, system_of("list-2004"))
    assert order(made)[-1] == 0
    assert [move.wave for move in made.moves] == [1, 1, 2]


def test_that_many_blocks_find_no_room_is_proved_too() -> None:
    """More blocks than there are bounds on what they move at least."""
    draw = random.Random(7)
    full = [(0, "Normal", draw.uniform(0.3, 0.9)) for _ in range(60)]
    need = sum(round(share * PAGES) for _, _, share in full)
    room = [(1, "Normal", 0.0)] * (need // PAGES)
    made = plan(Goal(node=0), machine([*full, *room]))
    assert made.verdict == "cannot"
    assert plan(Goal(node=0), machine([*full, *room, (1, "Normal", 0.0)])).verdict == "can"


def test_nothing_to_do_is_done() -> None:
    reading = machine([(0, "Normal", 0.0), (1, "Normal", 0.0)], offline=(0,))
    made = plan(Goal(node=0), reading)
    assert (made.verdict, made.moves, made.wanted.gone) == ("can", (), (0,))


@pytest.mark.parametrize("count", range(1, 7))
def test_a_choice_is_found_and_proved_for_every_size_that_fits(count: int) -> None:
    blocks = [(at % 2, "Normal", share / 10) for at, share in enumerate((1, 5, 3, 2, 9, 1, 0, 0))]
    made = plan(Goal(size=count * SIZE), machine(blocks))
    if made.verdict == "can":
        assert made.optimal
        assert len(made.moves) == count
    else:
        assert made.verdict == "cannot"
        assert made.obstacles
