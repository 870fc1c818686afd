"""Which actions a *sometimes* property needs: those that no shortest trace takes are listed."""

from __future__ import annotations

from memhp.checks.reach import reach
from memhp.spec.system import SYSTEM

NOT_ON_A_TRACE = {
    *(
        "stop_looking",
        "undrain",
        "free_kernel",
        "drain_from_cpu",
        "unmap",
        "wake",
    ),
    *("cancel_node_removal", "finish_migration", "finish_abort", "free_folio", "reserve_huge"),
    *("unreserve_huge", "take_huge", "take_promised", "put_huge", "put_surplus", "copy_huge"),
    *("change_huge_home", "abort_huge_migration"),
}
"""Actions that still want a *sometimes* property: this list is only to become shorter."""


def test_the_actions_that_no_trace_takes_are_those_listed() -> None:
    found, _ = reach(SYSTEM, list(SYSTEM.of_kind("sometimes")))
    used = {action for trace in found.values() for action, _ in trace.steps}
    assert set(SYSTEM.action_by_name) - used == NOT_ON_A_TRACE
