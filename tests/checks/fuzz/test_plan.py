"""What a target is asked, and where: its own machines and rules, or the caller's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar
from unittest import TextTestRunner

import pytest

from memhp.checks.fuzz.conformance import conformance
from memhp.checks.fuzz.isolated import Isolated
from memhp.checks.fuzz.plan import plan
from memhp.checks.fuzz.protocol import TargetError
from memhp.checks.fuzz.rules import EVERY, Rule
from memhp.checks.fuzz.topologies import SHAPES
from memhp.checks.fuzz.walk import Workload, walk
from memhp.reference import Shape
from memhp.reference.topology import Topology, Value
from memhp.spec.system import SYSTEM

from .toy_target import BuggyAllocator, ToyAllocator

SMALL = {"small": Shape(blocks=2, movable=frozenset([1]))}
DRAIN = Rule("drain", ("Block",), weight=9)


class Own(ToyAllocator):
    topologies = SMALL
    rules = (DRAIN, Rule("alloc_kernel", ((0, 1),)))
    asked: ClassVar[set[tuple[str, Value]]] = set()
    booted: ClassVar[set[Topology]] = set()

    def reset(self, topology: Topology) -> None:
        self.booted.add(topology)
        super().reset(topology)

    def do(self, operation: str, *params: Value) -> int | None:
        self.asked.add((operation, params[0]))
        return super().do(operation, *params)


def failures_of(case: type[Any]) -> str:
    result = TextTestRunner(stream=open("/dev/null", "w")).run(case("runTest"))  # noqa: SIM115
    return "".join(text for _, text in result.failures + result.errors)


def test_without_any_of_its_own_all_machines_and_rules_are_memhps() -> None:
    asked = plan(ToyAllocator(), SYSTEM)
    assert list(asked.machines) == list(SHAPES)
    assert asked.rules == tuple(EVERY[name] for name in EVERY if name in ToyAllocator.operations)


def test_its_own_machines_and_rules_are_taken_and_the_callers_before_them() -> None:
    asked = plan(Own(), SYSTEM)
    assert asked.machines == {"small": SMALL["small"].build(SYSTEM)}
    assert {rule.name: rule.weight for rule in asked.rules}["drain"] == 9
    assert {rule.name for rule in asked.rules} == ToyAllocator.operations
    asked = plan(Own(), SYSTEM, rules=(replace(DRAIN, weight=2),), topologies=["one_node"])
    assert list(asked.machines) == ["one_node"]
    assert {rule.name: rule.weight for rule in asked.rules}["drain"] == 2
    assert EVERY["alloc_kernel"] in asked.rules


def test_an_operation_of_several_steps_begins_as_memhps_does() -> None:
    class Blocks:
        rules = (Rule("write_state", ("Block", ("online", "offline"))),)

    (rule,) = plan(Blocks(), SYSTEM).rules
    assert rule.opening is EVERY["write_state"].opening


@pytest.mark.parametrize("isolated", [False, True])
def test_a_test_case_boots_its_machines_and_draws_by_its_rules(
    isolated: bool,
) -> None:  # a parameter of a test
    Own.asked.clear()
    Own.booted.clear()
    assert failures_of(conformance(Own, examples=20, isolated=isolated)) == ""
    if not isolated:  # the other process has kept it to itself
        assert Own.booted == {SMALL["small"].build(SYSTEM)}
        assert {name for name, _ in Own.asked} == ToyAllocator.operations
        assert {frame for name, frame in Own.asked if name == "alloc_kernel"} <= {0, 1}


def test_a_bug_is_found_on_a_machine_of_its_own() -> None:
    text = failures_of(conformance(BuggyAllocator, topologies={"mine": Shape(blocks=3)}))
    assert "on mine, after" in text
    text = failures_of(
        conformance(BuggyAllocator, topologies=SMALL, rules=(Rule("drain", ((1,),)),))
    )
    assert text == ""  # the block that is drained is no place for the kernel


def test_in_a_process_of_its_own_it_says_the_same() -> None:
    asked = plan(Isolated(Own), SYSTEM)
    assert asked == plan(Own(), SYSTEM)
    (machine,) = asked.machines.values()
    way = walk(SYSTEM, Isolated(Own), machine, steps=50, workload=Workload(asked.rules))
    assert (way.steps, way.divergence) == (50, None)


WRONG = {
    "no operation": ({"rules": (Rule("dran", ("Block",)),)}, "did you mean drain?"),
    "none of its operations": ({"rules": (Rule("fault", ("Pte",)),)}, "a rule for fault, no oper"),
    "no rules": ({"rules": "drain"}, "a tuple of Rule is needed"),
    "too many parameters": ({"rules": (Rule("drain", ("Block", "Block")),)}, "(Block) is needed"),
    "another sort": ({"rules": (Rule("drain", ("Node",)),)}, "(Block) is needed"),
    "nothing to draw": ({"rules": (Rule("drain", ((),)),)}, "(Block) is needed"),
    "never": ({"rules": (Rule("drain", ("Block",), weight=0),)}, "has weight 0: 1 or more"),
    "no block": ({"rules": (Rule("drain", ((0, 99),)),)}, "draws Block 99, which is not on one_no"),
    "no machine": ({"topologies": ["one_nod"]}, "did you mean one_node?"),
    "a word": ({"topologies": "one_node"}, "names, or machines by name"),
    "no shape": ({"topologies": {"x": 3}}, "its machine 'x'"),
    "another system's": (
        {"topologies": {"x": Topology({"Block": 2}, {})}},
        "its machine 'x': size",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_rule_and_no_machine_is_told(name: str) -> None:
    parts, says = WRONG[name]
    target = type("Target", (ToyAllocator,), parts)()
    with pytest.raises(TargetError) as error:
        plan(target, SYSTEM)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
