"""No proof rests on what was not shown in the same run, whatever was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import pytest

from memhp.checks.proof import certificates, rounds
from memhp.checks.proof import prove as proving
from memhp.checks.proof.cache import Cache
from memhp.checks.proof.case import Case, Limits
from memhp.checks.proof.pool import Pool
from memhp.checks.proof.prove import prove
from memhp.checks.proof.rounds import Work
from memhp.checks.support.verdicts import Verdict
from memhp.spec.language import System, load
from memhp.spec.language.system import Definition
from memhp.spec.language.terms import BOOL, FALSE, TRUE, App, Call, Var, conj, negate

from .. import chain
from .test_prove import with_update

CHAIN = load("chain", (chain,))
CLAIMS = [claim.name for claim in CHAIN.properties]


@pytest.mark.parametrize("certify", [False, True])
@pytest.mark.parametrize(
    "only", [None, *(c for size in (1, 2) for c in combinations(CLAIMS, size))], ids=str
)
def test_a_false_property_is_never_proved_whichever_are_asked(
    only: tuple[str, ...] | None, certify: bool
) -> None:
    report = prove(CHAIN, only=only, jobs=1, certify=certify)
    assert {result.verdict for result in report.results} <= {
        Verdict.undetermined,
        Verdict.refuted,
    }
    assert not any(result.certified for result in report.results)


def test_what_a_second_proof_rests_on_is_decided_too() -> None:
    work = Work(CHAIN, Limits())
    with Pool(Cache(), 1) as pool:
        work.settle(["never_lit"], pool)
    assert work.cases.keys() == set(CLAIMS)
    assert work.unproved() == set(CLAIMS)


def settled(system: System) -> Work:
    work = Work(system, Limits())
    with Pool(Cache(), 1) as pool:
        work.settle([claim.name for claim in system.of_kind("always", "step", "ends")], pool)
    return work


def test_a_sound_run_has_no_gap(system: System) -> None:
    assert proving.gaps(settled(system)) == {}


def decided_once(work: Work, names: list[str], pool: Pool) -> None:
    """The loop without its second half: proofs rest on whatever they rest on."""
    work._decide_updates(pool)
    work._decide_properties(names, pool)


def premises_of_second_proofs_forgotten(work: Work, names: list[str], pool: Pool) -> None:
    """What the checker once did: a new proof's premises are decided only if they were before."""
    decided_once(work, names, pool)
    while shaken := [case for case in work.every() if case.rests_on() & work.unproved()]:
        again = [case.without(work.unproved()) for case in shaken]
        rounds.decide(again, pool)
        for case, other in zip(shaken, again, strict=True):
            case.replace_proof(other)


@pytest.mark.parametrize("faulty", [decided_once, premises_of_second_proofs_forgotten])
def test_the_last_look_sees_a_proof_that_rests_on_what_is_not_proved(
    monkeypatch: pytest.MonkeyPatch, faulty: Callable[[Work, list[str], Pool], None]
) -> None:
    monkeypatch.setattr(Work, "settle", faulty)
    (result,) = (r for r in prove(CHAIN, only=["never_lit"], jobs=1).results)
    assert result.verdict is Verdict.error
    assert "which is not proved" in result.failures[-1].reason


def a_case(work: Work, kind: str) -> tuple[str, Case]:
    return next(
        (name, case)
        for name, cases in work.cases.items()
        for case in cases
        if case.obligation.kind == kind
    )


@pytest.mark.parametrize("kind", ["initiation", "consecution", "step"])
def test_the_last_look_misses_no_obligation(system: System, kind: str) -> None:
    work = settled(system)
    name, case = a_case(work, kind)
    work.cases[name].remove(case)
    assert f"its obligations are not what they must be: {kind}" in proving.gaps(work)[name]


def test_the_last_look_asks_of_what_was_skipped_whether_nothing_changes(system: System) -> None:
    work = settled(system)
    name, case = a_case(work, "consecution")
    work.cases[name].remove(case)
    work.unchanged[name].append(replace(case.obligation, unchanged=True))
    assert "may change what it reads, and nobody looked" in proving.gaps(work)[name]
    name, case = a_case(work, "step")
    work.cases[name].remove(case)
    work.unchanged[name].append(replace(case.obligation, unchanged=True))
    assert case.obligation.goal != TRUE
    assert "may change what it reads, and nobody looked" in proving.gaps(work)[name]


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("initiation", "always.folios_do_not_share"),
        ("consecution", "guard.of_another_action"),
        ("consecution", "always.no_such_property"),
        ("consecution", "axiom.no_such_axiom"),
        ("step", "always.folios_move_only_out_of_leaving_blocks"),
    ],
)
def test_the_last_look_knows_what_a_proof_may_use(system: System, kind: str, label: str) -> None:
    work = settled(system)
    name, case = a_case(work, kind)
    assert case.proof
    case.proof = replace(case.proof, core=(*case.proof.core, label))
    assert label in proving.gaps(work)[name]


def test_a_property_that_rests_on_one_with_a_gap_has_one(system: System) -> None:
    work = settled(system)
    del work.cases["folios_live_in_blocks_that_are_not_offline"][0]
    wrong = proving.gaps(work)
    assert "rests on always.folios_live_in_blocks" in wrong["nobody_lives_in_free_frames"]
    assert "free_frames_are_online" not in wrong


def test_a_second_solver_is_given_nothing_that_is_not_proved(system: System) -> None:
    work = settled(system)
    case = next(case for case in work.every() if case.rests_on())
    other = next(iter(case.rests_on()))
    for proved in (set(work.cases), set(work.cases) - {other}):
        (text,) = certificates._Group("", [case], proved, everything=True).texts
        assert (f"always.{other}" in text) == (other in proved)


def test_what_an_action_does_to_a_property_is_open_while_its_updates_may_meet(
    system: System,
) -> None:
    born = system.action_by_name["born"]
    changed = with_update(born, "free", point=(born.params[1],))
    actions = tuple(changed if a.name == "born" else a for a in system.actions)
    report = prove(replace(system, actions=actions), only=["crowds_are_seen"], jobs=1)
    assert [result.name for result in report.results] == ["crowds_are_seen", "born"]
    claim, action = report.results
    assert action.verdict is Verdict.refuted
    assert claim.verdict is Verdict.undetermined
    assert "depends on their order" in claim.failures[-1].reason


def test_what_a_definition_says_of_a_member_may_read_less_than_the_definition() -> None:
    """Nothing may change what is left of it, and so nobody looks."""
    lamp, said = CHAIN.properties[0].params[0], Var("said", BOOL, "burns")
    lit = next(each.symbol for each in CHAIN.variables if each.symbol.name == "lit")
    body = conj(said, App(lit, (lamp,)))
    burns = Definition("burns", "chain", "", (lamp, said), body, CHAIN.properties[0].where)
    claim = replace(
        CHAIN.properties[0],
        name="never_said_to_burn",
        formula=negate(Call("burns", (lamp, FALSE), BOOL)),
    )
    system = replace(CHAIN, definitions={"burns": burns}, properties=(claim,))
    work = settled(system)
    assert work.unchanged[claim.name]
    assert proving.gaps(work) == {}
