"""Campaigns: the same pieces whoever does them, and one that goes on where it stopped."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from memhp.checks.fuzz import campaign
from memhp.checks.fuzz.campaign import Campaign, CampaignError, do, run
from memhp.checks.fuzz.targets import TargetError, target_named

from .toy_target import ToyAllocator


class Idle(ToyAllocator):
    operations = frozenset()


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


def test_a_campaign_that_is_stopped_does_what_it_had_begun_when_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(campaign, "ProcessPoolExecutor", lambda jobs, *_: ThreadPoolExecutor(jobs))
    stopped = Campaign("walk", "engine", 3)
    pieces = run(stopped, steps=900, seconds=None, jobs=3)
    next(pieces)
    pieces.close()
    assert (len(stopped.begun), stopped.following) == (2, 3)
    kept = Campaign.from_json(json.loads(json.dumps(stopped.to_json())))
    assert kept.begun == stopped.begun
    *_, kept = run(kept, steps=900, seconds=None, jobs=1)
    whole = Campaign("walk", "engine", 3)
    for number in range(3):
        whole.add(do("walk", "engine", 3, number))
    assert kept.begun == set()
    assert (kept.steps, kept.answers, kept.untold) == (whole.steps, whole.answers, whole.untold)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "this is no campaign"),
        ({"memhp": "campaign", "version": 1, "mode": "walk"}, "no campaign of version 2"),
        ({"memhp": "campaign", "version": 2, "mode": "walk", "seed": 1}, "missing or no numbers"),
    ],
)
def test_a_malformed_campaign_is_refused(document: Any, message: str) -> None:
    with pytest.raises(CampaignError, match=message):
        Campaign.from_json(document)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "give 'engine', or a class"),
        ("no_such_module:Target", "No module named"),
        ("os:nothing", "no attribute 'nothing'"),
        ("os:path", "not callable"),
        (f"{__name__}:Idle", "its operations are none of write_state"),
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


def test_processes_do_the_pieces_until_there_are_enough() -> None:
    counted = Campaign("walk", "engine", 2)
    seen = [found.steps for found in run(counted, steps=20_000, seconds=None, jobs=2)]
    assert seen[-1] == counted.steps >= 20_000
    assert counted.record is None
