"""Whatever a target does is a finding: it raises, ends its process, is killed, says nonsense."""

from __future__ import annotations

import io
import os
import signal
import sys
import unittest
from collections.abc import Callable
from errno import ENOMEM
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import pytest

from memhp.checks.fuzz import isolated as module
from memhp.checks.fuzz.conformance import conformance, explored
from memhp.checks.fuzz.isolated import Isolated
from memhp.checks.fuzz.lockstep import Divergence, first_divergence
from memhp.checks.fuzz.protocol import TargetError
from memhp.checks.fuzz.rules import Operation, rules_for
from memhp.checks.fuzz.topologies import built
from memhp.checks.fuzz.walk import Workload, walk
from memhp.reference import Machine, Topology
from memhp.reference.target import Observation, ReferenceTarget, Target
from memhp.reference.topology import Value
from memhp.spec.system import SYSTEM

from .test_lockstep import MayRefuse, RefusesWrongly
from .toy_target import BuggyAllocator, ToyAllocator

DRAIN: tuple[Operation, ...] = (("undrain", (0,)), ("drain", (0,)))


class Failing(ToyAllocator):
    """It does ``fails`` when a block is to be emptied, and nothing before it is to be."""

    def __init__(self, fails: Callable[[], object]) -> None:
        self.fails = fails

    def do(self, operation: str, *params: Value) -> int | None:
        if operation == "drain":
            self.fails()
        return super().do(operation, *params)


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def fails() -> NoReturn:
        raise error

    return fails


def killed(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


DEATHS = [
    (lambda: os._exit(0), "it ended its own process, with exit code 0"),
    (lambda: os._exit(7), "it ended its own process, with exit code 7"),
    (killed(signal.SIGKILL), "its process was killed (SIGKILL)"),
    (killed(signal.SIGTERM), "its process was killed (SIGTERM)"),
    (killed(signal.SIGALRM), "its process was killed (SIGALRM)"),
    (lambda: os.closerange(3, 64) or os._exit(5), "it ended its own process, with exit code 5"),
]
ERRORS = [
    (SystemExit(0), "SystemExit: 0"),
    (KeyboardInterrupt(), "KeyboardInterrupt"),
    (GeneratorExit(), "GeneratorExit"),
    (BaseException("no"), "BaseException: no"),
    (MemoryError(), "MemoryError"),
]


def isolated(make: Callable[[], Target]) -> Isolated:
    return Isolated(make, SYSTEM)


def found_in(target: Target, operations: tuple[Operation, ...] = DRAIN) -> Divergence | None:
    return first_divergence(ReferenceTarget(SYSTEM), target, built("one_node"), operations)


@pytest.mark.parametrize(("fails", "said"), DEATHS, ids=[said for _, said in DEATHS])
def test_a_target_that_dies_diverges_each_time(fails: Callable[[], Any], said: str) -> None:
    target = isolated(lambda: Failing(fails))
    for _ in range(2):
        divergence = found_in(target)
        assert divergence is not None
        assert (divergence.crash, divergence.operations) == (said, DRAIN)


def test_a_signal_that_ends_the_target_does_so_whatever_the_parent_catches() -> None:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        divergence = found_in(isolated(lambda: Failing(killed(signal.SIGTERM))))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert divergence is not None
    assert divergence.crash == "its process was killed (SIGTERM)"


@pytest.mark.parametrize(("error", "said"), ERRORS, ids=[said for _, said in ERRORS])
def test_whatever_is_raised_diverges_with_its_place(error: BaseException, said: str) -> None:
    divergence = found_in(isolated(lambda: Failing(raising(error))))
    assert divergence is not None
    assert divergence.crash.startswith(f"{said} ({__file__}, line ")
    assert "in fails" in divergence.trace


def test_in_the_same_process_too_all_but_an_interrupt_diverges() -> None:
    divergence = found_in(Failing(raising(SystemExit(0))))
    assert divergence is not None
    assert divergence.crash.startswith("SystemExit: 0 (")
    with pytest.raises(KeyboardInterrupt):
        found_in(Failing(raising(KeyboardInterrupt())))


class Unbootable(ToyAllocator):
    def reset(self, topology: Topology) -> None:
        sys.exit("no memory")


@pytest.mark.parametrize("make", [Unbootable, lambda: isolated(Unbootable)])
def test_a_target_that_fails_at_boot_diverges_before_any_operation(
    make: Callable[[], Target],
) -> None:
    divergence = walk(SYSTEM, make(), built("one_node"), steps=100).divergence
    assert divergence is not None
    assert divergence.operations == ()
    assert str(divergence).startswith("at boot\n  the target failed: SystemExit: no memory (")
    piece = explored(make(), "one_node", 100, seed=0)
    assert piece.record
    assert piece.record.replay(SYSTEM, make()) == divergence


@pytest.fixture
def hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What hangs for ever; time flies as soon as it does, and stands still before."""
    begun, hours = tmp_path / "begun", count()
    monkeypatch.setattr(module, "_LOOK", 0.01)
    monkeypatch.setattr(module, "monotonic", lambda: 3600.0 * (begun.exists() and next(hours)))

    def hang() -> None:
        begun.touch()
        signal.pause()

    return hang


def resumed(target: Isolated, tmp_path: Path) -> None:
    """Whoever asks it next finds another process, which has not begun to hang."""
    assert target._child.died
    (tmp_path / "begun").unlink()


@pytest.mark.parametrize("number", [signal.SIGSTOP, None])
def test_a_target_that_does_not_answer_diverges_each_time(
    number: int | None, hangs: Callable[[], None], tmp_path: Path
) -> None:
    """Whether it waits for something, or is stopped."""

    def stops() -> None:
        (tmp_path / "begun").touch()
        os.kill(os.getpid(), signal.SIGSTOP)

    target = Isolated(lambda: Failing(stops if number else hangs), SYSTEM, limit=7)
    for _ in range(2):
        divergence = found_in(target)
        assert divergence is not None
        assert (divergence.crash, divergence.operations) == ("it did not answer within 7 s", DRAIN)
        assert divergence.silent
        resumed(target, tmp_path)


@pytest.mark.parametrize("mode", ["walk", "hypothesis"])
def test_what_does_not_answer_is_waited_for_once(
    mode: str, hangs: Callable[[], None], tmp_path: Path
) -> None:
    """It is not shrunk, and hypothesis does not try it again."""
    asked: list[int] = []

    class Counting(Isolated):
        def _begin(self) -> None:
            asked.append(1)
            super()._begin()

    target = Counting(lambda: Failing(hangs), SYSTEM)
    if mode == "walk":
        rules = rules_for(target.operations)
        done = walk(
            SYSTEM, target, built("one_node"), steps=300, workload=Workload(rules, episode=50)
        )
        assert done.divergence is not None
        operations, said = done.divergence.operations, str(done.divergence)
    else:
        record = explored(target, "one_node", 300, seed=1).record
        assert record is not None
        operations, said = record.operations, record.report
    assert operations[-1][0] == "drain"
    assert "the target failed: it did not answer within 300 s" in said
    assert len(asked) == 1


def test_a_test_case_fails_if_its_target_does_not_answer(hangs: Callable[[], None]) -> None:
    def make() -> Failing:
        return Failing(hangs)

    case = conformance(make, topologies=["one_node"], isolated=True, limit=60)
    result = unittest.TestResult()
    case().run(result)
    assert not result.errors
    assert "it did not answer within 60 s" in result.failures[0][1]


def test_a_target_that_cannot_be_made_in_time_is_none(hangs: Callable[[], None]) -> None:
    def make() -> Target:
        hangs()
        return ToyAllocator()

    with pytest.raises(TargetError, match="cannot be made: it did not answer within 5 s"):
        Isolated(make, limit=5)


@pytest.mark.parametrize("apart", [False, True])
def test_a_machine_that_a_target_cannot_be_is_no_divergence(*, apart: bool) -> None:
    class Particular(ToyAllocator):
        def reset(self, topology: Topology) -> None:
            raise ValueError("blocks of two sizes")

    target = isolated(Particular) if apart else Particular()
    with pytest.raises(TargetError, match="it cannot be that machine: ValueError: blocks of two"):
        found_in(target)


def test_a_death_is_found_and_shrunk_by_a_walk_and_by_hypothesis() -> None:
    target = isolated(lambda: Failing(lambda: os._exit(0)))
    rules = rules_for(target.operations)
    divergence = walk(
        SYSTEM, target, built("one_node"), steps=300, workload=Workload(rules, episode=50)
    ).divergence
    assert divergence is not None
    assert [name for name, _ in divergence.operations] == ["drain"]
    record = explored(target, "one_node", 300, seed=1).record
    assert record is not None
    assert [name for name, _ in record.operations] == ["drain"]


@pytest.mark.parametrize("toy", [ToyAllocator, BuggyAllocator, MayRefuse, RefusesWrongly])
def test_in_another_process_a_target_does_what_it_does_here(toy: Callable[[], Target]) -> None:
    """With what it tells, and with what `allowed` gives."""
    walks = [
        walk(
            SYSTEM,
            target,
            built("one_node"),
            steps=400,
            workload=Workload(rules_for(ToyAllocator.operations), episode=50),
        )
        for target in (toy(), isolated(toy))
    ]
    assert walks[0].answers == walks[1].answers
    assert walks[0].untold == walks[1].untold
    assert walks[0].divergence == walks[1].divergence


class Forgetful(ToyAllocator):
    """It tells of draining only before the first block drains."""

    def observe(self) -> Observation:
        seen = dict(super().observe())
        return {"draining": seen["draining"], **({} if any(self.draining) else seen)}


def test_what_is_told_no_more_is_compared_no_more() -> None:
    target = isolated(Forgetful)
    assert found_in(target) is None
    assert set(target.observe()) == {"draining"}


def test_nothing_that_a_target_or_its_programs_print_reaches_standard_output(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """There a document goes, with --json."""
    assert found_in(isolated(lambda: Failing(lambda: os.system("echo loud")))) is None
    assert capfd.readouterr() == ("", "loud\n")


class Once(ToyAllocator):
    """It is wrong once in its life, whatever it is made to begin again with."""

    operations = frozenset({"drain", "undrain"})
    drained = 0

    def do(self, operation: str, *params: Value) -> int | None:
        self.drained += operation == "drain"
        return ENOMEM if self.drained == 1 else super().do(operation, *params)


NOT_SO = "not so when all of it was done again: it depends on more than that"


def test_a_divergence_that_is_not_there_again_says_so() -> None:
    rules = rules_for({"drain"})
    divergence = walk(
        SYSTEM, Once(), built("one_node"), steps=50, workload=Workload(rules)
    ).divergence
    assert divergence is not None
    assert str(divergence).endswith(NOT_SO)


def test_hypothesis_too_tells_of_what_is_not_there_again() -> None:
    record = explored(Once(), "one_node", 500, seed=0).record
    assert record is not None
    assert record.report.endswith(NOT_SO)
    result = unittest.TextTestRunner(stream=io.StringIO()).run(conformance(Once)("runTest"))
    assert NOT_SO in result.failures[0][1]


class Answering(ToyAllocator):
    """It answers and tells what it was made with."""

    def __init__(self, answer: Any = None, seen: Any = None) -> None:
        self.answer, self.seen = answer, seen or {}

    def do(self, operation: str, *params: Value) -> int | None:
        return self.answer  # type: ignore[no-any-return]

    def observe(self) -> Observation:
        return self.seen  # type: ignore[no-any-return]


WRONG = [
    (Answering("EBUSY"), "do('undrain', …) returned 'EBUSY'", "mean errno.EBUSY, 16?"),
    (Answering(-16), "returned -16", "did you mean 16, EBUSY?"),
    (Answering(0), "returned 0", "did you mean None?"),
    (Answering(True), "returned True", "did you mean None?"),
    (Answering(1.5), "returned 1.5", "an errno is needed, or None for success"),
    (Answering(1 << 99), "returned 633825300114114700748351602688", "an errno is needed"),
    (Answering(seen=[1]), "observe() returned [1]: a mapping is needed", ""),
    (Answering(seen={"drainin": [0]}), "tells 'drainin', which is no variable", "mean draining?"),
    (Answering(seen={7: [0]}), "observe() tells 7, which is no variable", ""),
    (Answering(seen={"zone": 5}), "observe() tells 5 of zone", "one for each element"),
    (Answering(seen={"zone": "none"}), "observe() tells 'none' of zone", "one for each element"),
    (Answering(seen={"zone": ["movabl"] * 6}), "tells 'movabl' of zone", "did you mean movable?"),
    (Answering(seen={"zone": [1.5] * 6}), "tells 1.5 of zone", "a number, a name or None"),
]


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(("target", "said", "meant"), WRONG, ids=[said for _, said, _ in WRONG])
def test_what_no_target_may_return_is_told_with_a_guess(
    target: Target, said: str, meant: str, *, apart: bool
) -> None:
    with pytest.raises(TargetError) as caught:
        found_in(isolated(lambda: target) if apart else target)
    assert said in str(caught.value)
    assert meant in str(caught.value)


def test_observe_that_returns_nothing_is_told() -> None:
    target = Answering()
    target.seen = None
    with pytest.raises(TargetError, match=r"observe\(\) returned None: a mapping is needed"):
        found_in(target)


def test_what_allowed_gives_is_looked_at() -> None:
    class Odd(BuggyAllocator):
        def allowed(self, before: Machine, operation: str, *params: Value) -> list[Any]:
            return [None]

    with pytest.raises(TargetError, match=r"allowed\(\) gives None: pairs of an answer"):
        found_in(Odd(), (("drain", (4,)), ("drain", (4,)), ("drain", (0,)), ("alloc_kernel", (1,))))
