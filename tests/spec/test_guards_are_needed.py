"""Every guard and update is needed: without it a proof fails, or a step does nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.cache import default_folder
from memhp.checks.mutants import Judge, Mutant, judge_all, mutants
from memhp.checks.probes import idle, impossible
from memhp.spec.language.terms import TRUE
from memhp.spec.mutants import MAY_REPEAT, REASONS
from memhp.spec.system import SYSTEM

JUDGE = Judge(SYSTEM, REASONS, MAY_REPEAT, default_folder())


def test_every_step_that_is_allowed_changes_something() -> None:
    claims = {idle(action).name: action.name for action in SYSTEM.actions}
    proved = impossible(SYSTEM, [idle(action) for action in SYSTEM.actions])
    assert {claims[name] for name in claims if name not in proved} == set(MAY_REPEAT)


@pytest.mark.parametrize("name", SYSTEM.action_by_name)
def test_without_any_one_guard_or_update_something_is_noticed(name: str) -> None:
    found = list(judge_all(JUDGE, only=[name], jobs=1))
    assert [(str(each.mutant), each.notice, each.by) for each in found if not each.accounted] == []


def test_every_reason_is_about_a_mutant() -> None:
    assert set(REASONS) <= {str(mutant) for mutant in mutants(SYSTEM)}


def test_a_guard_that_nothing_needs_survives() -> None:
    """A planted guard says nothing: only a written reason accounts for its mutant."""
    action = SYSTEM.action_by_name["drain"]
    idle = replace(action.guards[0], name="nothing", condition=TRUE)
    planted = replace(action, guards=(*action.guards, idle))
    system = replace(SYSTEM, actions=tuple(planted if a is action else a for a in SYSTEM.actions))
    mutant = Mutant("drain", "nothing", "guard")
    assert Judge(system).judge(mutant).notice == "nothing"
    assert Judge(system, {str(mutant): "it is a sign"}).judge(mutant).notice == "reason"
    noticed = Mutant("drain", "not_draining", "guard")
    assert Judge(system, {str(noticed): "an old reason"}).judge(noticed).notice == "stale reason"
