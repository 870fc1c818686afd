"""An *ends* property with a budget: what adds to the work pays, and nothing spent comes back."""

from __future__ import annotations

import pytest

from memhp.checks.proof.prove import prove
from memhp.checks.support.verdicts import Verdict
from memhp.spec.language import DropGuard, DropUpdate, System, load
from memhp.spec.language.edits import Edit

from .. import toy_budget
from ..agreements import agreements


def toy() -> System:
    return load("toy_budget", (toy_budget,))


def verdict(system: System) -> Verdict:
    return prove(system, jobs=1).of("doors_are_closed_in_the_end").verdict


def test_work_that_is_paid_for_ends() -> None:
    assert verdict(toy()) is Verdict.proved


@pytest.mark.parametrize(
    "edit",
    [
        DropUpdate("pay", "spent"),
        DropGuard("pay", "there"),
        DropGuard("bring", "day"),
        DropUpdate("close", "opened"),
    ],
    ids=["nothing is spent", "what was spent pays", "what was spent comes back", "nothing helps"],
)
def test_work_that_nobody_pays_for_is_refuted(edit: Edit) -> None:
    assert verdict(edit.apply(toy())) is Verdict.refuted


def test_an_obligation_with_a_budget_says_what_the_interpreter_finds() -> None:
    verdicts = agreements(toy(), "step")
    assert min(verdicts[True], verdicts[False]) > 20
