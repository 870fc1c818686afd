"""Obligations that are asked together do not prove one another."""

from __future__ import annotations

from typing import Literal

from memhp.checks.proof.batch import _solved
from memhp.checks.proof.case import Limits
from memhp.checks.proof.obligations import Assumption, Obligation
from memhp.spec.language import load
from memhp.spec.language.terms import (
    TRUE,
    App,
    Term,
    Var,
    eq,
)

from .. import toy

SYSTEM = load("toy", (toy,))
SYMBOL = SYSTEM.topology[0]
POINT = tuple(Var(f"at{number}", sort, "here") for number, sort in enumerate(SYMBOL.domain))
VALUE = Var("value", SYMBOL.range, "here")
GOAL = eq(App(SYMBOL, POINT), VALUE)


def obligation(*assumed: Assumption) -> Obligation:
    return Obligation("step", None, None, assumed, GOAL, (*POINT, VALUE))


def part(role: Literal["always", "guard"], term: Term) -> Assumption:
    return Assumption(role, "open", term)


def statuses(*obligations: Obligation) -> list[str]:
    return [answer.status for answer in _solved(SYSTEM, obligations, Limits())]


def test_a_proof_that_uses_a_guard_is_of_its_own_action_alone() -> None:
    own, of_another = (obligation(part("guard", term)) for term in (GOAL, TRUE))
    assert statuses(own, of_another) == ["unsat", "unknown"]


def test_a_proof_is_taken_again_only_where_all_that_it_uses_is_assumed() -> None:
    one, another = (obligation(part("always", GOAL)) for _ in range(2))
    assert statuses(one, obligation(), another) == ["unsat", "unknown", "unsat"]
