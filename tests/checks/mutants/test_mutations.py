"""Small mistakes are made everywhere, each once, and those that were once accepted are noticed."""

from __future__ import annotations

import pytest

from memhp.checks.mutants import refutation
from memhp.checks.mutants.judge import Judge
from memhp.checks.mutants.mutations import KINDS, mutants
from memhp.checks.proof.smt import constant_name
from memhp.checks.proof.solvers import Answer, Query, answer
from memhp.spec.language.terms import BOOL, Var
from memhp.spec.system import SYSTEM

ALL = mutants(SYSTEM)
BY_NAME = {str(mutant): mutant for mutant in ALL}
JUDGE = Judge(SYSTEM)


def test_each_mutant_has_a_name_of_its_own_and_is_made_in_the_same_order() -> None:
    assert len(BY_NAME) == len(ALL)
    assert [str(mutant) for mutant in mutants(SYSTEM)] == list(BY_NAME)


def test_there_are_mutants_of_each_kind() -> None:
    assert {mutant.kind for mutant in ALL} == set(KINDS)
    assert len(ALL) > 4_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_can_be_chosen(kind: str) -> None:
    chosen = mutants(SYSTEM, ["reserve_destination", "has_room"], [kind])
    assert {mutant.kind for mutant in chosen} == {kind}


def test_no_mutant_is_the_system_itself() -> None:
    for mutant in ALL:
        assert mutant.of(SYSTEM) != SYSTEM, str(mutant)


def test_no_definition_comes_to_use_itself() -> None:
    for mutant in ALL:
        if mutant.owner in SYSTEM.definitions:
            changed = mutant.of(SYSTEM)
            body = changed.definition(mutant.owner).body
            assert mutant.owner not in changed.definitions_in(body), str(mutant)


@pytest.mark.parametrize(
    ("name", "noticed_by"),
    [
        ("has_room: always false", "no_free_frame_that_is_nearer_is_passed_over"),
        (
            "end_writeback, update stored: in_flight[o] reads contents",
            "a_store_has_what_was_sent",
        ),
        (
            "begin_writeback, update in_flight: contents[o] reads stored",
            "writeback_carries_the_contents",
        ),
        (
            "stuck_for_good: without is_unmovable(f)",
            "vetted_blocks_hold_no_memory_of_the_kernel",
        ),
        (
            "begin_offline, update spent: x is b in x == b, where it writes",
            "",
        ),
        ("leaves: without draining[block_of(f)]", ""),
        ("pin_longterm, guard folio_unlocked: dropped", "pins_begin_while_nothing_moves"),
    ],
)
def test_what_every_proof_once_accepted_breaks_a_property(name: str, noticed_by: str) -> None:
    broken = JUDGE.breaks(BY_NAME[name])
    assert broken == noticed_by if noticed_by else broken


def test_a_question_that_is_too_large_is_asked_by_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    second = constant_name(Var("fails1", BOOL, "obligation"))
    asked: list[str] = []

    def of_one_alone(query: Query) -> Answer:
        asked.append(query.text)
        return Answer("unknown") if second in query.text else answer(query)

    monkeypatch.setattr(refutation, "answer", of_one_alone)
    mutant = BY_NAME["end_writeback, update stored: in_flight[o] reads contents"]
    assert JUDGE.breaks(mutant) == "a_store_has_what_was_sent"
    assert any(second in text for text in asked)
