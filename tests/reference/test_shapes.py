"""Shapes of machines that cannot be are refused where they are made, with what to do."""

from __future__ import annotations

from typing import Any

import pytest

from memhp.reference.shapes import Shape
from memhp.spec.system import SYSTEM


@pytest.mark.parametrize(
    "given",
    [
        {"nodes": 0},
        {"blocks": 0},
        {"sections": -1},
        {"frames": 0},
        {"folios": 0},
        {"data": 0},
        {"blocks": 1.0},
        {"totals": (2, 1, 1)},
        {"totals": (0, 0, 0)},
        {"nodes": 3, "totals": (2, 2, 2)},
        {"more": (("HugeFolio", 0),)},
        {"tables": (("in_range", (0,)),)},
        {"tables": (("in_range", (0, 1, 0, 1, 1)),)},
        {"tables": (("nothing", (0,)),)},
        {"memmaps": "elsewhere"},
    ],
)
def test_what_is_no_machine_is_a_value_error(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Shape(**given).build(SYSTEM)
