"""The toy system, and what is wrong with its mutants."""

from __future__ import annotations

import pytest

from memhp.spec.language import System, load

from . import toy


@pytest.fixture(scope="session")
def system() -> System:
    """The toy system."""
    return load("toy", (toy,))
