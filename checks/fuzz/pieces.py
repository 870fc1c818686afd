"""What a part of a campaign has done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .record import Record

__all__ = ["Piece"]


@dataclass(frozen=True)
class Piece:
    """What one piece did: ``answers`` counts each operation by what it answered."""

    steps: int
    changed: int
    answers: Mapping[tuple[str, int | None], int]
    record: Record | None
