"""A target is compared with the design that it follows: the list's, or Linux's."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from errno import ENOMEM
from pathlib import Path

import pytest

from memhp.checks.fuzz import campaign
from memhp.checks.fuzz.campaign import Campaign, CampaignError, do
from memhp.checks.fuzz.conformance import DivergenceFound, conformance, explored, state_machine
from memhp.checks.fuzz.isolated import Isolated
from memhp.checks.fuzz.lockstep import first_divergence
from memhp.checks.fuzz.record import Record
from memhp.checks.fuzz.rules import EVERY, RULES, rules_for
from memhp.checks.fuzz.targets import TargetError, profile_of, target_named
from memhp.checks.fuzz.topologies import MORE_SHAPES, built
from memhp.checks.fuzz.walk import Workload, walk
from memhp.cli.names import system_named
from memhp.cli.output.fuzz import _compared, document
from memhp.engine.target import EngineTarget
from memhp.reference import Machine, violated_axioms
from memhp.reference.target import ReferenceTarget
from memhp.reference.topology import Value
from memhp.spec import profiles
from memhp.spec.profiles import DEFAULT, LINUX, system_of
from memhp.spec.system import SYSTEM

from .linux_target import AsLinux

FEWER = replace(SYSTEM, variables=SYSTEM.variables[1:])
"""A design that does without a variable."""
EMPTY_NODE = "four_nodes"
"""The machine on which a node has no memory at boot."""

TestLinux = conformance(AsLinux, topologies=[EMPTY_NODE], examples=20)
TestLinuxApart = conformance(AsLinux, topologies=[EMPTY_NODE], examples=5, isolated=True)


class AsTheList(AsLinux):
    """It says that it follows the list."""

    profile = DEFAULT


class OfNoProfile(AsLinux):
    profile = "linux-2.4"


class NeverAdds(AsLinux):
    def do(self, operation: str, *params: Value) -> int | None:
        return ENOMEM if operation == "add_memory" else super().do(operation, *params)


class MayNotAdd(NeverAdds):
    """It says that it may, of machines of Linux alone."""

    def allowed(
        self, before: Machine, operation: str, *params: Value
    ) -> list[tuple[int | None, Machine]]:
        has_the_step = "free_pgdat" in before.system.action_by_name
        return [] if has_the_step else [(ENOMEM, before)]


def test_a_target_is_compared_with_the_profile_that_it_names() -> None:
    assert state_machine(AsLinux).reference.system is system_of(LINUX)
    assert state_machine(EngineTarget).reference.system is SYSTEM
    assert state_machine(AsLinux, system=SYSTEM).reference.system is SYSTEM
    with pytest.raises(TargetError, match="is none of list-2004, linux-"):
        profile_of(OfNoProfile())


def test_linux_leaves_the_design_of_the_list() -> None:
    for apart in (False, True):
        case = conformance(AsTheList, topologies=[EMPTY_NODE], isolated=apart)
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


def test_a_campaign_of_no_profile_is_refused() -> None:
    kept = Campaign("walk", "engine", 1).to_json()
    for unknown in ("linux-2.4", None, ["list-2004"], "[/x]"):
        with pytest.raises(CampaignError, match=r"its profile .* is none that memhp knows"):
            Campaign.from_json({**kept, "profile": unknown})


def test_a_process_of_its_own_tells_the_profile() -> None:
    assert profile_of(Isolated(AsLinux)) == LINUX
    assert profile_of(Isolated(EngineTarget)) == DEFAULT
    with pytest.raises(TargetError, match=r"'linux-2.4' is none of"):
        state_machine(lambda: Isolated(OfNoProfile))


def test_what_is_allowed_in_a_process_of_its_own_is_of_the_design_it_follows() -> None:
    target, reference = Isolated(MayNotAdd), ReferenceTarget(system_of(LINUX))
    asked = [("add_memory", (7,))]
    assert first_divergence(reference, target, built(EMPTY_NODE), asked) is None
    of_the_list = Isolated(MayNotAdd, SYSTEM)
    assert first_divergence(reference, of_the_list, built(EMPTY_NODE), asked)


def test_a_target_by_name_has_a_known_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setattr("linux_target.AsLinux.profile", "linux-16.12")
    with pytest.raises(TargetError, match=r"AsLinux: its profile .* \(did you mean linux-6.12\?"):
        target_named("linux_target:AsLinux")


def test_a_step_that_a_design_does_without_is_no_operation_of_it() -> None:
    linux = system_of(LINUX)
    assert rules_for(None, linux) == RULES
    assert rules_for({"drain", "free_pgdat"})
    with pytest.raises(TargetError, match=r"^free_pgdat is no step of memhp\+linux-6.12: see"):
        rules_for({"drain", "free_pgdat"}, linux)


@pytest.mark.parametrize("name", MORE_SHAPES)
def test_all_other_steps_are_walked_on_the_machines_for_more(name: str) -> None:
    linux = system_of(LINUX)
    assert violated_axioms(linux, built(name)) == []
    gone = set(SYSTEM.action_by_name) - set(linux.action_by_name)
    rules = rules_for(set(EVERY) - gone, linux)
    way = walk(linux, ReferenceTarget(linux), built(name), steps=500, workload=Workload(rules))
    assert way.divergence is None


def test_a_failure_is_kept_with_the_design_that_it_left() -> None:
    case = conformance(NeverAdds, topologies=[EMPTY_NODE])
    with pytest.raises(DivergenceFound) as caught:
        case("runTest").debug()
    [kept] = re.findall(r"again: memhp replay (\S+) --target", str(caught.value))
    record = Record.from_json(json.loads(Path(kept).read_text()))
    Path(kept).unlink()
    assert record.system == "memhp+linux-6.12"
    assert record.replay(system_named(record.system), NeverAdds()) == caught.value.divergence


def test_what_a_target_never_told_is_of_the_variables_of_its_profile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(profiles, "system_of", lambda name: FEWER if name == LINUX else SYSTEM)
    monkeypatch.setattr(campaign, "system_of", profiles.system_of)
    lacking = SYSTEM.variables[0].symbol.name
    untold = {"one_node": {lacking: {0}}}
    kept = {
        profile: Campaign("walk", "engine", 1, profile=profile, untold=dict(untold)).to_json()
        for profile in (DEFAULT, LINUX)
    }
    assert Campaign.from_json(kept[DEFAULT]).untold == untold
    with pytest.raises(CampaignError, match=f"there is no variable '{lacking}'"):
        Campaign.from_json(kept[LINUX])
    for profile in (DEFAULT, LINUX):
        known = len(profiles.system_of(profile).variables)
        shown = document(Campaign("walk", "engine", 1, profile=profile), [], Path(), None)
        assert len(shown["untold"]["variables"]) == known
        assert f"of {known} variables" in _compared(Campaign("walk", "x", 1, profile=profile))


def test_a_property_of_linux_alone_is_named_as_one() -> None:
    with pytest.raises(TargetError, match="pgdats_are_there_for_ever is a property, not an op"):
        rules_for({"pgdats_are_there_for_ever"}, system_of(LINUX))
