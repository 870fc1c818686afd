"""The stage of a folio's migration: the folio lock and migrate_pages' progress in one word.

It stands apart so that page tables can respect the lock without knowing how
migration works.
"""

from __future__ import annotations

from ..language import Enumeration, variable
from .frames import Folio


class Stage(Enumeration):
    """How far a folio's migration is; anything but ``idle`` means that the folio is locked."""

    idle: Stage
    reserved: Stage
    unmapping: Stage
    copied: Stage
    moved: Stage
    aborting: Stage


stage = variable(Folio, Stage, initial=lambda o: Stage.idle)
"""How far the folio's migration is."""
