"""No *always* property is true by itself: some state that the axioms allow breaks each of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.proof.case import Case, Limits, uniform
from memhp.checks.proof.obligations import Obligation, Obligations
from memhp.checks.proof.solvers import answer
from memhp.spec.language import Property
from memhp.spec.language.rewrite import expand
from memhp.spec.language.terms import TRUE
from memhp.spec.system import SYSTEM

AXIOMS = Obligations(SYSTEM).axioms


def is_broken_somewhere(claim: Property) -> bool:
    """A machine of up to three elements of each sort has a state that breaks the property."""
    goal = expand(claim.formula, SYSTEM)
    case = Case(SYSTEM, Obligation("enabled", claim, None, AXIOMS, goal, claim.params), Limits())
    return any(answer(case.ground(uniform(SYSTEM, n))).status == "sat" for n in (2, 3))


CLAIMS = tuple(SYSTEM.of_kind("always"))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
@pytest.mark.slow
def test_some_state_breaks_an_always_property(claim: Property) -> None:
    assert is_broken_somewhere(claim), (
        f"{claim.name} ({claim.where}) is true whatever the state is: claim more, or leave it out"
    )


def test_a_property_that_says_nothing_is_noticed() -> None:
    assert not is_broken_somewhere(replace(CLAIMS[0], formula=TRUE))
