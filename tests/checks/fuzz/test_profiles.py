"""A target is compared with the design that it follows: the list's, or Linux's."""

from __future__ import annotations

from pathlib import Path

import pytest

from memhp.checks.fuzz.campaign import Campaign, do
from memhp.checks.fuzz.conformance import DivergenceFound, conformance, explored, state_machine
from memhp.checks.fuzz.record import Record
from memhp.checks.fuzz.targets import TargetError, profile_of
from memhp.cli.common import system_named
from memhp.engine.target import EngineTarget
from memhp.spec.profiles import DEFAULT, LINUX, system_of
from memhp.spec.system import SYSTEM

from .linux_target import AsLinux

EMPTY_NODE = "four_nodes"
"""The machine on which a node has no memory at boot."""

TestLinux = conformance(AsLinux, topologies=[EMPTY_NODE], examples=20)


class AsTheList(AsLinux):
    """It says that it follows the list."""

    profile = DEFAULT


class OfNoProfile(AsLinux):
    profile = "linux-2.4"


def test_a_target_is_compared_with_the_profile_that_it_names() -> None:
    assert state_machine(AsLinux).reference.system is system_of(LINUX)
    assert state_machine(EngineTarget).reference.system is SYSTEM
    assert state_machine(AsLinux, system=SYSTEM).reference.system is SYSTEM
    with pytest.raises(TargetError, match="is none of list-2004, linux-"):
        profile_of(OfNoProfile())


def test_linux_leaves_the_design_of_the_list() -> None:
    case = conformance(AsTheList, topologies=[EMPTY_NODE])
    with pytest.raises(DivergenceFound, match="success came"):
        case("runTest").debug()


def test_the_engine_leaves_the_design_of_linux_and_its_record_replays() -> None:
    piece = explored(EngineTarget(), EMPTY_NODE, 1000, 1, system_of(LINUX))
    assert piece.record
    assert piece.record.system == "memhp+linux-6.12"
    record = Record.from_json(piece.record.to_json())
    assert record.replay(system_named(record.system), EngineTarget())


@pytest.mark.parametrize(("profile", "diverges"), [(DEFAULT, True), (LINUX, False)])
def test_a_piece_of_a_campaign_is_compared_with_its_profile(
    profile: str, diverges: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    piece = do("walk", "linux_target:AsLinux", 1, 2, profile)
    assert piece.topology == EMPTY_NODE
    assert bool(piece.record) == diverges


def test_a_campaign_keeps_its_profile() -> None:
    kept = Campaign("walk", "engine", 1, profile=LINUX).to_json()
    assert Campaign.from_json(kept).profile == LINUX
    del kept["profile"]  # one of before
    assert Campaign.from_json(kept).profile == DEFAULT
