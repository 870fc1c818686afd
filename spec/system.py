"""The system: every module of the specification, joined."""

from __future__ import annotations

from . import (
    blocks,
    destination,
    frames,
    migration,
    migration_stage,
    page_tables,
    sections,
    topology,
)
from .language import load

SYSTEM = load(
    "memhp",
    (topology, sections, blocks, frames, migration_stage, page_tables, destination, migration),
)
"""The specification that keeps every property: the default profile."""
