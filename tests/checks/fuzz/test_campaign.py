"""Campaigns: the same pieces whoever does them, and one that goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from memhp.checks.fuzz import campaign
from memhp.checks.fuzz.campaign import (
    Campaign,
    CampaignError,
    WorkersLost,
    do,
    run,
)
from memhp.checks.fuzz.targets import TargetError, target_named
from memhp.checks.fuzz.topologies import SHAPES
from memhp.checks.support.workers import Lost, Workers

from .toy_target import ToyAllocator


class Idle(ToyAllocator):
    operations = frozenset()


class Stillborn(ToyAllocator):
    def __init__(self) -> None:
        os._exit(3)


class Misspelt(ToyAllocator):
    operations = frozenset({"drain", "undrian"})


class Properties(ToyAllocator):
    operations = frozenset({"drain", "block_state"})


class Listed(ToyAllocator):
    operations = "undrain"  # type: ignore[assignment]  # as somebody may write it


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "OPERATIONS", {"walk": 300, "hypothesis": 100})


def test_a_piece_is_the_same_each_time_and_another_for_another_number() -> None:
    first, again, other = (do("walk", "engine", 7, number) for number in (0, 0, 4))
    assert (first.steps, first.record) == (300, None)
    assert first.answers == again.answers != other.answers


def test_a_campaign_that_is_kept_goes_on() -> None:
    whole, half = Campaign("walk", "engine", 1), Campaign("walk", "engine", 1)
    for each in (0, 1):
        whole.add(do("walk", "engine", 1, each))
    half.add(do("walk", "engine", 1, 0))
    half.following = 1
    kept = Campaign.from_json(json.loads(json.dumps(half.to_json())))
    kept.add(do("walk", "engine", 1, kept.following))
    assert (kept.steps, kept.changed, kept.answers) == (whole.steps, whole.changed, whole.answers)


class Here(Workers):
    """What `Workers` do, in this process, one piece after another; some pieces are lost."""

    lost: tuple[int, ...] = ()

    def __init__(self, jobs: int, do: Callable[..., Any]) -> None:
        super().__init__(jobs, do)
        self.given: dict[int, tuple[Any, ...]] = {}
        self.losses = list(self.lost)

    @property
    def busy(self) -> int:
        return len(self.given)

    @property
    def free(self) -> bool:
        return len(self.given) < self._jobs

    def give(self, number: int, *work: Any) -> None:
        self.given[number] = work

    def finished(self) -> Iterator[tuple[int, Any]]:
        number = min(self.given)
        work = self.given.pop(number)
        if number in self.losses:
            self.losses.remove(number)
            yield number, Lost("a process of memhp was ended (SIGKILL)")
        else:
            yield number, self._do(*work)


def here(cluster: str | None, jobs: int, do: Callable[..., Any]) -> Here:
    assert cluster is None
    return Here(jobs, do)


def done(*numbers: int) -> Campaign:
    campaign = Campaign("walk", "engine", 3)
    for number in numbers:
        campaign.add(do("walk", "engine", 3, number))
    return campaign


def same(one: Campaign, other: Campaign) -> bool:
    return (one.steps, one.answers, one.untold) == (other.steps, other.answers, other.untold)


def test_a_campaign_that_is_stopped_does_what_it_had_begun_when_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(campaign, "pool", here)
    stopped = Campaign("walk", "engine", 3)
    pieces = run(stopped, steps=1200, seconds=None, jobs=3)
    next(pieces)
    pieces.close()
    assert (stopped.begun, stopped.following) == ({1, 2}, 3)
    kept = Campaign.from_json(json.loads(json.dumps(stopped.to_json())))
    assert kept.begun == stopped.begun
    *_, kept = run(kept, steps=1200, seconds=None, jobs=1)
    assert kept.begun == set()
    assert same(kept, done(0, 1, 2, 3, 4))


def test_a_piece_that_is_lost_with_its_process_is_done_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(campaign, "pool", here)
    monkeypatch.setattr(Here, "lost", (0, 0))
    *_, counted = run(Campaign("walk", "engine", 3), steps=1200, seconds=None, jobs=2)
    assert counted.begun == set()
    assert same(counted, done(0, 1, 2, 3))


def test_a_piece_that_ends_its_process_each_time_is_a_finding_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(campaign, "pool", here)
    monkeypatch.setattr(Here, "lost", (1, 1, 1))
    *_, counted = run(Campaign("walk", "engine", 3), steps=1200, seconds=None, jobs=1)
    assert counted.deadly == {1: "a process of memhp was ended (SIGKILL)"}
    assert counted.begun == set()
    assert same(counted, done(0, 2, 3, 4))
    assert Campaign.from_json(json.loads(json.dumps(counted.to_json()))).deadly == counted.deadly


def test_processes_that_are_killed_whatever_they_do_end_it_with_what_was_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(campaign, "pool", here)
    monkeypatch.setattr(Here, "lost", (1, 1, 1, 2, 2, 2, 3, 3, 3))
    counted = Campaign("walk", "engine", 3)
    with pytest.raises(
        WorkersLost, match=r"was ended \(SIGKILL\), 3 times each, whatever 3 pieces"
    ):
        list(run(counted, steps=1200, seconds=None, jobs=1))
    assert [*counted.deadly] == [1, 2]
    assert counted.begun == {3}
    assert same(counted, done(0))


def test_shards_do_the_pieces_of_a_campaign_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "pool", here)
    shards = []
    for number in (1, 2, 3):
        shard = Campaign("walk", "engine", 3, shard=(number, 3))
        *_, counted = run(shard, steps=1800, seconds=None, jobs=2)
        assert Campaign.from_json(json.loads(json.dumps(counted.to_json()))) == counted
        shards.append(counted)
    whole = done(*range(sum(each.steps for each in shards) // 300))
    assert sum(each.steps for each in shards) == whole.steps
    assert sum((each.answers for each in shards), Counter()) == whole.answers
    assert [each.following for each in shards] == [6, 7, 8]


GOOD = Campaign("walk", "engine", 1).to_json()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "this is no campaign"),
        ({"memhp": "campaign", "version": 1, "mode": "walk"}, "no campaign of version 2"),
        ({"memhp": "campaign", "version": 2, "mode": []}, "no campaign of version 2"),
        ({"memhp": "campaign", "version": 2, "mode": "walk", "seed": 1}, "its target is None"),
        ({**GOOD, "seed": 1.5}, "damaged: 1.5 is no count"),
        ({**GOOD, "seed": None}, "None is no count"),
        ({**GOOD, "steps": float("inf")}, "inf is no count"),
        ({**GOOD, "steps": -1}, "-1 is no count"),
        ({**GOOD, "next": 10**4000}, "1000.*… is no count"),
        ({**GOOD, "begun": None}, "its counts are missing"),
        ({**GOOD, "answers": [["[/x]", None, 1]]}, "is no operation with its answer"),
        ({**GOOD, "answers": [["drain", 0, 1]]}, "is no operation with its answer"),
        ({**GOOD, "answers": [[["drain"], None, 1]]}, "is no operation with its answer"),
        ({**GOOD, "shard": [3, 2]}, "is no shard"),
        ({**GOOD, "shard": 7}, "7 is no shard"),
        ({**GOOD, "deadly": [[1]]}, "is no piece that ended its process"),
        ({**GOOD, "answers": 3}, "its counts are missing"),
        ({**GOOD, "untold": {"nowhere": {}}}, "there is no machine 'nowhere'"),
        ({**GOOD, "untold": {"one_node": {"[/x]": []}}}, "there is no variable '\\[/x\\]'"),
        ({**GOOD, "untold": {"one_node": {"zone": [6]}}}, "zone has 6 entries on one_node"),
        ({**GOOD, "untold": {"one_node": []}}, "its counts are missing"),
    ],
)
def test_a_malformed_campaign_is_refused(document: Any, message: str) -> None:
    with pytest.raises(CampaignError, match=message):
        Campaign.from_json(document)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "give 'engine', or a class"),
        ("../x:Target", "give 'engine', or a class"),
        ("no_such_module:Target", "No module named"),
        ("os:nothing", "module os has no class nothing"),
        ("os:path", "has path: not callable"),
        ("sys:exit", "it cannot be made: SystemExit"),
        (f"{__name__}:Stillborn", "it cannot be made: it ended its own process, with exit code 3"),
        (f"{__name__}:Idle", "it names no operations"),
        (f"{__name__}:Misspelt", "there is no operation 'undrian' .did you mean undrain"),
        (f"{__name__}:Listed", "its operations are 'undrain': a set of names is needed"),
        (f"{__name__}:Properties", "block_state is a variable, not an operation"),
        ("decimal:Decimal", "it has no reset and no do and no observe"),
    ],
)
def test_what_is_no_target_is_told(name: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        target_named(name)


@pytest.mark.parametrize("mode", ["walk", "hypothesis"])
def test_only_what_a_target_can_do_is_asked_of_it(mode: str) -> None:
    for number in range(4):
        piece = do(mode, f"{ToyAllocator.__module__}:ToyAllocator", 1, number)
        assert piece.record is None, piece.record
        assert {name for name, _ in piece.answers} <= ToyAllocator.operations


@pytest.mark.parametrize(("asked", "done"), [(1, 1), (10, 10), (60, 49), (300, 294)])
def test_hypothesis_does_about_as_many_operations_as_are_asked_for(asked: int, done: int) -> None:
    target = f"{ToyAllocator.__module__}:ToyAllocator"
    *_, counted = run(Campaign("hypothesis", target, 0), steps=asked, seconds=None, jobs=1)
    assert counted.steps == done


def test_processes_do_the_pieces_until_there_are_enough() -> None:
    counted = Campaign("walk", "engine", 2)
    seen = [each.steps for each in run(counted, steps=800, seconds=None, jobs=2)]
    assert seen == [200, 400, 600, 800]
    assert set(counted.untold) == set(SHAPES)
    assert counted.record is None


def test_a_piece_ends_the_process_of_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once: until nobody knows of it any more, there may be a thousand of other pieces."""
    made: list[Any] = []

    def remembered(*asked: Any, **more: Any) -> Any:
        made.append(target_named(*asked, **more))
        return made[-1]

    monkeypatch.setattr(campaign, "target_named", remembered)
    assert do("walk", f"{__name__}:ToyAllocator", 0, 0).steps
    with pytest.raises(ProcessLookupError):
        os.kill(made[0]._child._pid, 0)
