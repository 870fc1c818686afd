"""What a plan says is done again on the reference and on the engine: a wrong plan is found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from memhp.machines.judging.offline import design_of, judge
from memhp.machines.planning.around import surroundings
from memhp.machines.planning.certify import certify
from memhp.machines.planning.choice import Surroundings
from memhp.machines.planning.facts import Amount, Place, block_facts
from memhp.machines.planning.order import Move
from memhp.machines.planning.whole import run_whole
from memhp.machines.reading.sysfs import MachineReading
from memhp.spec.language.system import System

from .made import PAGES, machine

HERE, THERE = Place(0, "Normal"), Place(1, "Normal")


def setting(reading: MachineReading) -> tuple[System, Surroundings]:
    design = design_of(reading)
    return design, surroundings(reading, design)


def move(reading: MachineReading, number: int, *to: tuple[Place, int]) -> Move:
    facts = block_facts(reading, judge(reading, design_of(reading)))[number]
    return Move(facts, 1, facts.moved, to, 0)


@pytest.mark.parametrize(
    ("place", "done"),
    [(THERE, True), (Place(2, "Normal"), True), (HERE, False), (Place(1, "Movable"), False)],
)
def test_the_reference_finds_contents_that_are_to_go_where_they_cannot(
    place: Place, done: bool
) -> None:
    reading = machine([
        (0, "Normal", 0.5), (0, "Normal", 0.0), (1, "Normal", 0.0), (1, "Movable", 0.0),
        (2, "Normal", 0.0),
    ])  # fmt: skip
    design, around = setting(reading)
    certificate = certify([move(reading, 0, (place, 9))], around, design)
    assert (certificate.done == 1, not certificate.failures) == (done, done)


def test_the_engine_finds_that_there_is_no_room() -> None:
    reading = machine([(0, "Normal", 0.5), (1, "Normal", 0.6)])
    _, around = setting(reading)
    whole = run_whole([move(reading, 0, (THERE, PAGES // 2))], reading, around)
    assert whole is not None
    assert whole.done == 0
    assert whole.failures == ("block 0: EINTR",)


def numbers(moves: Sequence[Move]) -> list[int]:
    return [each.block.number for each in moves]


def test_the_engine_finds_a_block_that_has_memory_of_the_kernels() -> None:
    reading = machine([(0, "Normal", 0.5), (1, "Normal", 0.0)], sticky={0: {"kernel": 3}})
    _, around = setting(reading)
    empty = machine([(0, "Normal", 0.5), (1, "Normal", 0.0)])
    whole = run_whole([move(empty, 0)], reading, around)
    assert whole is not None
    assert whole.failures == ("block 0: EBUSY",)


def test_where_pages_are_not_known_the_engine_is_not_asked() -> None:
    reading = machine([(0, "Normal", 0.5), (1, "Normal", 0.0)])
    _, around = setting(reading)
    known = move(reading, 0)
    unknown = replace(known, block=replace(known.block, moved=Amount(0, 1, 2)))
    assert run_whole([unknown], reading, around) is None
    assert run_whole([known], replace(reading, frames=None), around) is None
    assert run_whole([], reading, around) is None


def test_of_a_large_machine_a_frame_stands_for_several_pages() -> None:
    blocks = [(at % 2, "Normal", 0.25) for at in range(256)]
    reading = machine(blocks)
    _, around = setting(reading)
    moves = [move(reading, 0), move(reading, 2)]
    whole = run_whole(moves, reading, around)
    assert whole is not None
    assert whole.unit == 4
    assert (whole.done, whole.moved) == (2, PAGES // 2)
    assert numbers(moves) == [0, 2]
