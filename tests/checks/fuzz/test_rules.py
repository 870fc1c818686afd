"""There is a rule for whatever a target may do, and a machine on which it can be done."""

from __future__ import annotations

import pytest

from memhp.checks.fuzz.protocol import TargetError
from memhp.checks.fuzz.rules import EVERY, RULES, rules_for
from memhp.checks.fuzz.topologies import MORE_SHAPES, SHAPES, built, machines_for
from memhp.checks.fuzz.walk import Walk, Workload, walk
from memhp.reference import violated_axioms
from memhp.reference.operations import Operations
from memhp.reference.target import ReferenceTarget
from memhp.spec.system import SYSTEM

from .toy_target import ToyAllocator


def walked(*names: str, steps: int = 1500) -> Walk:
    """The reference against itself, on the machine for what only some targets do."""
    rules = rules_for(names or tuple(EVERY))
    way = walk(
        SYSTEM, ReferenceTarget(SYSTEM), built("platforms"), steps=steps, workload=Workload(rules)
    )
    assert way.divergence is None
    return way


def test_every_operation_and_every_step_has_a_rule() -> None:
    operations = {
        name
        for name in dir(Operations)
        if not name.startswith("_") and callable(getattr(Operations, name))
    }
    assert set(EVERY) == operations | set(SYSTEM.action_by_name)


@pytest.mark.parametrize("name", MORE_SHAPES)
def test_the_machines_for_more_violate_no_axiom(name: str) -> None:
    assert violated_axioms(SYSTEM, built(name)) == []


@pytest.mark.parametrize(
    "names",
    [
        ("plug_subblock", "unplug_subblock"),
        ("add_lmbs", "remove_lmbs"),
        ("insert_device", "request_eject", "refuse_eject", "conclude_refusal"),
        ("insert_device", "probe", "begin_online", "assign_increment", "cancel_online"),
        ("begin_read", "stop_looking"),
        ("map_kernel_page", "unmap_kernel_page", "tlb_fill", "flush_tlb", "cpu_write"),
    ],
)
def test_what_only_some_targets_do_succeeds_for_them(names: tuple[str, ...]) -> None:
    answers = walked(*names).answers
    assert {name for name in names if answers[name, None]} == set(names)


def test_all_rules_together_keep_the_reference_busy() -> None:
    way = walked()
    assert way.share_changed > 0.2
    assert len({name for name, _ in way.answers}) > 0.9 * len(EVERY)


def test_a_target_that_does_not_say_is_asked_for_the_operations_of_whole_machines() -> None:
    assert rules_for(None) == RULES
    assert machines_for(RULES) == tuple(SHAPES)
    assert machines_for(rules_for(ToyAllocator.operations)) == tuple(SHAPES)
    assert machines_for(rules_for({"drain", "plug_subblock"})) == (*MORE_SHAPES, *SHAPES)


def test_every_name_that_is_no_operation_is_told() -> None:
    with pytest.raises(TargetError) as caught:
        rules_for({"undrain", "dran", "zone", "nothing like it"})
    assert str(caught.value) == (
        "there is no operation 'dran' (did you mean drain?); there is no operation"
        " 'nothing like it'; zone is a variable, not an operation: see memhp fuzz --list"
    )
    with pytest.raises(TargetError, match="and 3 more"):
        rules_for([f"none{number}" for number in range(8)])
