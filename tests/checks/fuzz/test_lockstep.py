"""A difference is found, told, shrunk and kept."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from errno import EBUSY, ENOMEM

import pytest

from memhp.checks.fuzz.lockstep import first_divergence, shrunk
from memhp.checks.fuzz.record import Record, RecordError
from memhp.checks.fuzz.rules import RULES, Operation, rules_for
from memhp.checks.fuzz.topologies import SHAPES, built
from memhp.checks.fuzz.walk import Walk, Workload, walk
from memhp.engine.target import EngineTarget
from memhp.reference import Machine, Shape, violated_axioms
from memhp.reference.target import ReferenceTarget
from memhp.reference.topology import Topology, Value
from memhp.spec.system import SYSTEM

from .toy_target import BuggyAllocator, ToyAllocator

PLAIN = Shape(blocks=3, added=frozenset([2])).build(SYSTEM)
OPERATIONS: tuple[Operation, ...] = (
    ("drain", (0,)),
    ("undrain", (0,)),
    ("drain", (1,)),
    ("alloc_kernel", (1,)),
)
WRONG = ["offline", "online", "online"]
_WITHOUT_ERRORS = {"soft_offline", "corrupt_pfn", "tell_of_loss"}
_WITHOUT_LEAVE = {"forbid_eject", "allow_eject"}
IMPOSSIBLE = {
    "one_node": {
        "remove_node",
        "pin_huge_short",
        "pin_huge_longterm",
        "unpin_huge",
        "device_write_huge",
    },
    "two_nodes": {"release_private", *_WITHOUT_ERRORS, *_WITHOUT_LEAVE},
    "four_nodes": {*_WITHOUT_ERRORS, *_WITHOUT_LEAVE},
    "shared_devices": {"keep_on_cpu", "drain_from_cpu", "release_private"},
}
"""What never succeeds: boot memory of the kernel holds the only node, and no device there uses huge
folios; no lists of CPUs; all filesystems move their private data themselves; no memory fails;
nobody may forbid an eject."""

OF_HUGE_FOLIOS = [rule for rule in RULES if rule.params[0] in ("HugeFolio", "HugePte", "HugePin")]
"""These take a step of a move each; on a node full of folios others rarely leave them the time."""


def walked(target: ToyAllocator, steps: int = 300) -> Walk:
    return walk(
        SYSTEM,
        target,
        PLAIN,
        steps=steps,
        workload=Workload(rules_for(ToyAllocator.operations), episode=50),
    )


def test_a_target_that_sees_less_is_compared_in_what_it_sees() -> None:
    way = walked(ToyAllocator())
    assert way.divergence is None
    assert way.steps == 300
    assert 0.2 < way.share_changed < 0.9


def test_both_answers_are_told() -> None:
    divergence = first_divergence(ReferenceTarget(SYSTEM), BuggyAllocator(), PLAIN, OPERATIONS)
    assert divergence is not None
    assert (divergence.step, divergence.expected, divergence.got) == (4, ENOMEM, None)
    assert str(divergence).splitlines() == [
        "step 4: alloc_kernel(1)",
        "  the reference answers ENOMEM, success came",
        "  why: alloc_kernel: ENOMEM: the block is closed to allocation: it is to be removed"
        " (not_draining)",
        "  frame_state[frame1]: the reference has free, the target kernel",
    ]


def test_a_different_state_is_told_value_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToyAllocator, "observe", lambda self: {"block_state": WRONG})
    divergence = first_divergence(ReferenceTarget(SYSTEM), ToyAllocator(), PLAIN, OPERATIONS)
    assert divergence is not None
    assert [str(difference) for difference in divergence.differences] == [
        "block_state[block0]: the reference has online, the target offline",
        "block_state[block2]: the reference has offline, the target online",
    ]


class CrashingAllocator(ToyAllocator):
    """It fails when a block is to be emptied."""

    def do(self, operation: str, *params: Value) -> int | None:
        if operation == "drain":
            raise KeyError("draining")
        return super().do(operation, *params)


def test_a_target_that_fails_is_a_finding() -> None:
    divergence = walked(CrashingAllocator()).divergence
    assert divergence is not None
    line = inspect.getsourcelines(CrashingAllocator.do)[1] + 2
    assert divergence.crash == f"KeyError: 'draining' ({__file__}, line {line}, in do)"
    assert 'raise KeyError("draining")' in divergence.trace
    assert [name for name, _ in divergence.operations] == ["drain"]


class Misshapen(ToyAllocator):
    """It asks memhp for a machine that there is not."""

    def do(self, operation: str, *params: Value) -> int | None:
        return Shape(blocks=0).blocks


def test_the_place_of_a_failure_is_in_the_target_not_in_what_it_calls() -> None:
    divergence = walked(Misshapen()).divergence
    assert divergence is not None
    line = inspect.getsourcelines(Misshapen.do)[1] + 1
    said = "ValueError: a shape with 0 of Block: give at least 1 of each"
    assert divergence.crash == f"{said} ({__file__}, line {line}, in do)"


class Pressed(ToyAllocator):
    """Of three times that the kernel asks, it has no memory once, and says so with an errno."""

    refusal = ENOMEM

    def reset(self, topology: Topology) -> None:
        super().reset(topology)
        self.asked = 0

    def do(self, operation: str, *params: Value) -> int | None:
        self.asked += operation == "alloc_kernel"
        short = operation == "alloc_kernel" and self.asked % 3 == 0
        return self.refusal if short else super().do(operation, *params)


class MayRefuse(Pressed):
    """As `Pressed`; that memory may be short is allowed."""

    def allowed(
        self, before: Machine, operation: str, *params: Value
    ) -> Iterator[tuple[int | None, Machine]]:
        if operation == "alloc_kernel":
            yield ENOMEM, before


class RefusesWrongly(MayRefuse):
    """It may be out of memory, not busy."""

    refusal = EBUSY


def test_the_reference_follows_a_target_that_does_what_is_allowed() -> None:
    assert walked(Pressed()).divergence
    assert walked(MayRefuse()).divergence is None


def test_what_is_not_allowed_diverges_and_all_right_answers_are_told() -> None:
    thrice = (("alloc_kernel", (1,)), ("free_kernel", (1,))) * 3
    divergence = first_divergence(ReferenceTarget(SYSTEM), RefusesWrongly(), PLAIN, thrice)
    assert str(divergence).splitlines() == [
        "step 5: alloc_kernel(1)",
        "  the reference answers success or ENOMEM, EBUSY came",
        "  frame_state[frame1]: the reference has kernel, the target free",
    ]


def test_a_walk_knows_which_entries_were_never_told() -> None:
    walk_of = walked(ToyAllocator())
    whole = {v.symbol.name for v in SYSTEM.variables}
    assert whole - set(walk_of.untold) == {"frame_state", "draining"}
    assert walk_of.untold["block_state"] == {0, 1, 2}


def test_a_divergence_is_shrunk_to_what_it_needs() -> None:
    rules = rules_for(ToyAllocator.operations)
    whole = walk(
        SYSTEM,
        BuggyAllocator(),
        PLAIN,
        steps=300,
        workload=Workload(rules, episode=50),
        shrink=False,
    ).divergence
    assert whole is not None
    least = shrunk(SYSTEM, BuggyAllocator(), PLAIN, whole).operations
    assert len(whole.operations) > len(least) == 2
    assert [name for name, _ in least] == ["drain", "alloc_kernel"]


def test_the_same_seed_takes_the_same_walk() -> None:
    first, second = (
        walk(SYSTEM, EngineTarget(), built("one_node"), steps=400, seed=9) for _ in range(2)
    )
    assert first.answers == second.answers
    assert (
        walk(SYSTEM, EngineTarget(), built("one_node"), steps=400, seed=8).answers != first.answers
    )


def test_a_record_replays_from_json() -> None:
    divergence = walked(BuggyAllocator()).divergence
    assert divergence is not None
    document = json.loads(json.dumps(Record.of(SYSTEM, PLAIN, 0, divergence).to_json()))
    record = Record.from_json(document)
    assert record.replay(SYSTEM, BuggyAllocator()) == divergence
    assert record.replay(SYSTEM, ToyAllocator()) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"memhp": "trace"}, "no divergence of version 1"),
        ({"version": 2}, "no divergence of version 1"),
        ({"topology": []}, "topology: an object is needed"),
        ({"topology": {"sizes": {"Block": 0}, "tables": {}}}, "size of Block: 0"),
        ({"operations": [["write_state", None]]}, "None is no number and no word"),
        ({"operations": [[]]}, "no list that begins with a name"),
        ({"seed": "x"}, "seed: 'x' is no whole number"),
    ],
)
def test_a_malformed_record_is_refused(change: dict[str, object], message: str) -> None:
    good = Record(SYSTEM.name, 0, PLAIN, OPERATIONS, "").to_json()
    with pytest.raises(RecordError, match=message):
        Record.from_json({**good, **change})


def test_a_record_of_another_specification_is_refused() -> None:
    record = Record("other", 0, PLAIN, OPERATIONS, "")
    with pytest.raises(RecordError, match="'other'"):
        record.replay(SYSTEM, ToyAllocator())
    unknown = Record(SYSTEM.name, 0, PLAIN, (("explode", ()),), "")
    with pytest.raises(RecordError, match="explode"):
        unknown.replay(SYSTEM, ToyAllocator())


@pytest.mark.parametrize(
    "name",
    [name if name == "one_node" else pytest.param(name, marks=pytest.mark.slow) for name in SHAPES],
)
def test_a_walk_does_everything_that_its_machine_allows(name: str) -> None:
    """The topology violates no axiom, and every operation that it allows succeeds."""
    assert violated_axioms(SYSTEM, built(name)) == []
    way = walk(SYSTEM, EngineTarget(), built(name), steps=30_000, seed=3)
    assert way.divergence is None, str(way.divergence)
    assert way.share_changed > 0.4
    alone = walk(
        SYSTEM, EngineTarget(), built(name), steps=10_000, seed=3, workload=Workload(OF_HUGE_FOLIOS)
    )
    assert alone.divergence is None, str(alone.divergence)
    both = (*way.answers, *alone.answers)
    taken = {operation for operation, answer in both if answer is None}
    assert {rule.name for rule in RULES} - taken == IMPOSSIBLE.get(name, set())
