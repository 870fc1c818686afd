"""The machines on which the specification is tried."""

from __future__ import annotations

import pytest

from memhp.reference import Topology
from memhp.reference.usual import USUAL
from memhp.spec.system import SYSTEM


@pytest.fixture(scope="session")
def usual() -> list[Topology]:
    """The usual small machines."""
    return [shape.build(SYSTEM) for shape in USUAL]
