"""The comparison by hypothesis: a right target passes, a wrong one is shrunk and told."""

from __future__ import annotations

import io
import json
import os
import shlex
import unittest
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, settings

from memhp.checks.fuzz.conformance import (
    DivergenceFound,
    conformance,
    explored,
    pick,
    points,
)
from memhp.checks.fuzz.protocol import TargetError
from memhp.checks.fuzz.record import Record
from memhp.checks.fuzz.rules import RULES, Rule
from memhp.checks.fuzz.topologies import SHAPES, built
from memhp.engine.target import EngineTarget
from memhp.reference import Machine, Shape
from memhp.reference.target import ReferenceTarget
from memhp.spec.system import SYSTEM

from .toy_target import BuggyAllocator, ToyAllocator

TOY = BuggyAllocator.__module__
TestTheEngine = conformance(EngineTarget, examples=15, steps=20)
TestTheExample = conformance(ToyAllocator)


class BlindEngine(EngineTarget):
    """An engine to which everything that is asked to be open again is fine."""

    def do(self, operation: str, *params: int | str | bool) -> int | None:
        answer = super().do(operation, *params)
        return None if operation == "undrain" else answer


def test_a_target_that_is_wrong_fails_its_case_with_the_shortest_way_there() -> None:
    class Little(BlindEngine):
        operations = frozenset({"drain", "undrain"})

    case = conformance(Little, examples=200, steps=20)
    result = unittest.TextTestRunner(stream=io.StringIO()).run(case("runTest"))
    assert len(result.failures) == 1
    text = result.failures[0][1]
    assert "1 undrain(" in text
    assert "the reference answers ENOENT, success came" in text
    assert "2 " not in text[text.index("after\n") : text.index("step 1")]


def test_what_hypothesis_finds_is_a_record_that_replays() -> None:
    piece = explored(BlindEngine(), "one_node", 2000, seed=1)
    assert piece.record
    assert piece.record.replay(SYSTEM, BlindEngine())
    assert piece.record.replay(SYSTEM, EngineTarget()) is None


def test_few_operations_are_wasted() -> None:
    piece = explored(EngineTarget(), "four_nodes", 600, seed=3)
    assert piece.record is None
    assert piece.steps == sum(piece.answers.values())
    assert piece.changed > 0.3 * piece.steps


def test_the_example_that_has_a_bug_is_found_on_every_machine() -> None:
    for name in SHAPES:
        # Of frames that are taken by mem_maps from boot, as on four nodes, fewer can be drained.
        case = conformance(BuggyAllocator, topologies=[name], examples=200)
        # That it is made short is shown below, on one machine.
        case.settings = settings(case.settings, phases=[Phase.generate])
        with pytest.raises(DivergenceFound, match="the reference answers ENOMEM, success came"):
            case("runTest").debug()


def failure_of(case: type[unittest.TestCase]) -> str:
    with pytest.raises(DivergenceFound) as caught:
        case("runTest").debug()
    return str(caught.value)


def test_a_failure_is_made_short_and_names_the_file_and_the_command_that_show_it_again() -> None:
    text = failure_of(conformance(BuggyAllocator, topologies=["one_node"]))
    start, _, rest = text.partition("\nstep 2: alloc_kernel(")
    assert [line.split("(")[0] for line in start.splitlines()] == [
        "on one_node, after",
        "  1 drain",
        "  2 alloc_kernel",
    ]
    command = shlex.split(rest.splitlines()[-1].removeprefix("again: "))
    path = Path(command[2])
    record = Record.from_json(json.loads(path.read_text()))
    path.unlink()
    assert command == ["memhp", "replay", str(path), "--target", f"{TOY}:BuggyAllocator"]
    assert record.replay(SYSTEM, BuggyAllocator())


def test_machines_of_ones_own_are_booted() -> None:
    own = {"mine": Shape(blocks=3).build(SYSTEM)}
    assert failure_of(conformance(BuggyAllocator, topologies=own)).startswith("on mine, after\n")


def test_a_target_that_dies_fails_its_case_if_it_is_isolated() -> None:
    class Dying(ToyAllocator):
        def do(self, operation: str, *params: int | str | bool) -> int | None:
            return os._exit(0) if operation == "drain" else super().do(operation, *params)

    text = failure_of(conformance(Dying, topologies=["one_node"], isolated=True))
    assert "the target failed: it ended its own process, with exit code 0" in text
    assert "  1 drain(" in text


def test_steps_of_their_own_are_drawn_by_hypothesis_too() -> None:
    class SubBlocks(ReferenceTarget):
        operations = frozenset({"plug_subblock", "unplug_subblock"})

    piece = explored(SubBlocks(SYSTEM), "platforms", 1000, seed=1)
    assert piece.record is None
    assert {name for name, answer in piece.answers if answer is None} == SubBlocks.operations


def test_a_name_that_is_no_operation_fails_before_any_run() -> None:
    class Misspelt(ToyAllocator):
        operations = frozenset({"undrain", "drian"})

    with pytest.raises(TargetError, match=r"no operation 'drian' \(did you mean drain\?\)"):
        conformance(Misspelt)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_is_picked_is_enabled_or_refused_as_asked(rule: Rule) -> None:
    machine, random = Machine(SYSTEM, built("two_nodes")), Random(rule.name)
    choices = points(built("two_nodes"))[rule.name]
    for refused in (False, True):
        params = pick(rule, machine, choices, random.randrange(1 << 20), refused=refused)
        assert params is None or rule.enabled(machine, params) is not refused
