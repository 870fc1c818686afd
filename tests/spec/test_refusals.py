"""What a user is told, and of two objections which: pinned, for no proof sees it."""

from __future__ import annotations

from memhp.spec.refusals import REFUSALS, refusals
from memhp.spec.system import SYSTEM


def test_each_action_that_a_user_asks_for_refuses_as_pinned() -> None:
    asked = {a.name: refusals(a) for a in SYSTEM.actions if any(g.errno for g in a.guards)}
    assert asked == REFUSALS
