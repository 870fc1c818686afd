"""The comparison by hypothesis: a right target passes, a wrong one is shrunk and told."""

from __future__ import annotations

import io
import unittest
from random import Random

import pytest

from memhp.checks.fuzz.conformance import DivergenceFound, conformance, explored, pick, points
from memhp.checks.fuzz.rules import RULES, Rule
from memhp.checks.fuzz.topologies import SHAPES, built
from memhp.engine.target import EngineTarget
from memhp.reference import Machine
from memhp.spec.system import SYSTEM

from .toy_target import BuggyAllocator, ToyAllocator

TestTheEngine = conformance(EngineTarget, examples=15, steps=20)
TestTheExample = conformance(ToyAllocator)


class BlindEngine(EngineTarget):
    """An engine to which everything that is asked to be open again is fine."""

    def do(self, operation: str, *params: int | str | bool) -> int | None:
        answer = super().do(operation, *params)
        return None if operation == "undrain" else answer


def test_a_target_that_is_wrong_fails_its_case_with_the_shortest_way_there() -> None:
    case = conformance(BlindEngine, examples=200, steps=20)
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
        case = conformance(BuggyAllocator, topologies=[name])
        with pytest.raises(DivergenceFound, match="the reference answers ENOMEM, success came"):
            case("runTest").debug()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_is_picked_is_enabled_or_refused_as_asked(rule: Rule) -> None:
    machine, random = Machine(SYSTEM, built("two_nodes")), Random(rule.name)
    choices = points("two_nodes")[rule.name]
    for refused in (False, True):
        params = pick(rule, machine, choices, random.randrange(1 << 20), refused=refused)
        assert params is None or rule.enabled(machine, params) is not refused
