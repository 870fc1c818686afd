"""Every guard and update is needed: without it a property fails, or a step does nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.mutants.judge import Judge, judge_all
from memhp.checks.mutants.mutations import Mutant, mutants
from memhp.checks.proof.cache import default_folder
from memhp.checks.proof.questions import idle, impossible
from memhp.spec.language import System
from memhp.spec.language.terms import (
    BOOL,
    TRUE,
    App,
    Call,
    Const,
    conj,
    eq,
    implies,
)
from memhp.spec.mutants import MAY_REPEAT, REASONS, Reason
from memhp.spec.system import SYSTEM

JUDGE = Judge(SYSTEM, REASONS, MAY_REPEAT, default_folder())
DROPPED = ("guard", "update")


def test_every_step_that_is_allowed_changes_something() -> None:
    claims = {idle(action).name: action.name for action in SYSTEM.actions}
    proved = impossible(SYSTEM, [idle(action) for action in SYSTEM.actions])
    assert {claims[name] for name in claims if name not in proved} == set(MAY_REPEAT)


@pytest.mark.slow
@pytest.mark.parametrize("name", SYSTEM.action_by_name)
def test_without_any_one_guard_or_update_something_is_noticed(name: str) -> None:
    judgements = list(judge_all(JUDGE, [name], DROPPED, jobs=1))
    assert [
        (str(each.mutant), each.notice, each.by) for each in judgements if not each.accounted
    ] == []


OTHERS = [mutant for mutant in mutants(SYSTEM) if mutant.kind not in DROPPED]


@pytest.mark.slow
@pytest.mark.parametrize("mutant", OTHERS[::131], ids=str)
def test_something_notices_this_mutant(mutant: Mutant) -> None:
    """A few of all kinds: `make mutants` judges every one."""
    assert JUDGE.judge(mutant).accounted


def test_every_reason_is_about_a_mutant() -> None:
    names = [(mutant.kind, str(mutant)) for mutant in mutants(SYSTEM)]
    for reason in REASONS:
        assert any(reason.is_about(kind, name) for kind, name in names), reason.names


def with_a_guard_that_says_nothing() -> System:
    action = SYSTEM.action_by_name["drain"]
    nothing = replace(action.guards[0], name="nothing", condition=TRUE)
    planted = replace(action, guards=(*action.guards, nothing))
    return replace(SYSTEM, actions=tuple(planted if a is action else a for a in SYSTEM.actions))


def dropped(system: System, guard: str) -> Mutant:
    chosen = mutants(system, ["drain"], ["guard"])
    return next(mutant for mutant in chosen if mutant.part == f"guard {guard}")


@pytest.mark.slow
def test_a_guard_that_nothing_needs_survives() -> None:
    """A planted guard says nothing: only a written reason accounts for its mutant."""
    system = with_a_guard_that_says_nothing()
    mutant = dropped(system, "nothing")
    reason = Reason("guard", str(mutant), "it is a sign")
    judge = Judge(system)
    vars(judge)["traces"] = JUDGE.traces  # a guard that says nothing makes none longer
    assert judge.judge(mutant).notice == "nothing"
    judge.reasons = [reason]
    assert judge.judge(mutant).notice == "reason"


@pytest.mark.slow
def test_a_reason_for_what_is_noticed_is_out_of_date() -> None:
    mutant = dropped(SYSTEM, "not_draining")
    old = Reason("guard", str(mutant), "an old reason")
    assert Judge(SYSTEM, [old], MAY_REPEAT, default_folder()).judge(mutant).notice == "stale reason"


@pytest.mark.slow
def test_what_a_property_says_otherwise_is_not_the_same() -> None:
    """Only a property tells the mutant apart: each action does what it did."""
    like = SYSTEM.property_by_name["holes_are_never_handed_out"]
    symbols = {variable.symbol.name: variable.symbol for variable in SYSTEM.variables}
    in_the_way = Call("stands_in_the_way", like.params, BOOL)
    referenced = App(symbols["driver_reference"], like.params)
    state = symbols["frame_state"]
    offline = eq(App(state, like.params), Const("page_offline", state.range))
    formula = implies(conj(referenced, offline), in_the_way)
    claim = replace(like, name="planted", formula=formula)
    system = replace(SYSTEM, properties=(*SYSTEM.properties, claim))
    chosen = mutants(system, ["stands_in_the_way"], ["conjunct"])
    mutant = next(m for m in chosen if m.change == "without ~driver_reference[f]")
    assert Judge(SYSTEM).judge(mutant).notice == "same"
    assert Judge(system).judge(mutant).notice == "property"


@pytest.mark.slow
def test_a_reason_is_asked_before_the_engine() -> None:
    """The engine is no part of a proof: what it alone tells apart needs a reason, too."""
    mutant = next(m for m in mutants(SYSTEM, ["soft_offline"]) if m.part == "guard not_known")
    judge = Judge(SYSTEM, folder=default_folder())
    vars(judge)["traces"] = JUDGE.traces
    assert judge.judge(mutant).notice == "engine"
    assert JUDGE.judge(mutant).notice == "reason"
