"""Mutants that survive: a guard or an update that no property needs, and why it stays.

`memhp check --mutants` drops every guard and every update in turn.  One that
nothing notices is either listed here with its reason, or a finding; a reason
for one that something does notice is out of date, and a finding as well.
"""

from __future__ import annotations

__all__ = ["MAY_REPEAT", "REASONS"]

_SAME_VALUE = "storing the same value again is a step that a program may well take"
MAY_REPEAT = {
    "store": _SAME_VALUE,
    "map_huge": _SAME_VALUE,
    "device_write": _SAME_VALUE,
    "cpu_write": _SAME_VALUE,
}
"""Actions whose steps may change nothing, so that an idle step is no sign of a mistake."""

REASONS: dict[str, str] = {
    "begin_offline without guard has_device": (
        "which errno and reason a user sees first (tests/reference/test_operations.py)"
    ),
    "begin_offline without guard block_online": (
        "which errno and reason a user sees first (tests/reference/test_operations.py)"
    ),
}
"""Why a guard or an update stays although nothing notices when it goes."""
