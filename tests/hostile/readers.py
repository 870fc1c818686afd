"""What memhp reads, each with a sound input that is then made wrong.

Sound inputs come from `tests/data` or are made by memhp itself, in this process, once.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import caches, documents, lab, machines, memory, plans
from .cases import Reader

__all__ = ["READERS", "prepare"]

_PARTS = (machines, memory, documents, caches, lab, plans)

READERS: Mapping[str, Reader] = {
    name: make for part in _PARTS for name, make in part.READERS.items()
}
"""By name: what makes an input and says how it is read."""


def prepare() -> None:
    """Make the sound inputs, and import what commands import, before anything is bounded."""
    for part in _PARTS:
        part.prepare()
