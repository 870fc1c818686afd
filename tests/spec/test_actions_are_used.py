"""Every action is on the shortest trace to some *sometimes* property."""

from __future__ import annotations

from memhp.checks.proof.cache import default_folder
from memhp.checks.search.usual import reach
from memhp.spec.system import SYSTEM


def test_every_action_is_taken_on_the_way_to_something() -> None:
    traces, _ = reach(SYSTEM, list(SYSTEM.of_kind("sometimes")), folder=default_folder())
    used = {action for trace in traces.values() for action, _ in trace.steps}
    assert set(SYSTEM.action_by_name) - used == set()
