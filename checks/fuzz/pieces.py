"""What a part of a campaign has done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .record import Record
from .told import Untold

__all__ = ["Piece"]


@dataclass(frozen=True)
class Piece:
    """What one piece did on the machine ``topology`` (a name).

    ``answers`` counts each operation by what it answered; ``untold`` is what the
    target never told.
    """

    topology: str
    steps: int
    changed: int
    answers: Mapping[tuple[str, int | None], int]
    untold: Untold
    record: Record | None
