"""Each part of an *ends* proof can fail: what is left grows, cannot be taken out, or stays."""

from __future__ import annotations

import pytest

from memhp.checks.prove import prove
from memhp.checks.verdicts import Verdict
from memhp.spec.language import Bool, DropGuard, DropUpdate, ReplaceGuard, System, false
from memhp.spec.page_tables import Pte
from memhp.spec.system import SYSTEM


def _never(p: Pte) -> Bool:
    return false


@pytest.mark.parametrize(
    ("broken", "name", "says"),
    [
        (
            DropGuard("fault", "folio_unlocked").apply(SYSTEM),
            "unmapping_ends",
            "fault(p=pte0) breaks unmapping_ends",
        ),
        (
            ReplaceGuard("wake", "arrived", _never).apply(SYSTEM),
            "waiting_ends",
            "waiting_ends(p=pte0) fails in a state that may be",
        ),
        (
            DropUpdate("wake", "waiting").apply(SYSTEM),
            "waiting_ends",
            "waiting_ends(p=pte0) fails in a state that may be",
        ),
    ],
)
def test_work_that_does_not_end_is_refuted(broken: System, name: str, says: str) -> None:
    result = prove(broken, only={name}, jobs=1).of(name)
    assert result.verdict is Verdict.refuted
    assert any(says in failure.reason for failure in result.failures)


@pytest.mark.parametrize("name", ["unmapping_ends", "restoring_ends", "waiting_ends"])
def test_work_ends_in_the_specification(name: str) -> None:
    assert prove(SYSTEM, only={name}, jobs=1).of(name).verdict is Verdict.proved
