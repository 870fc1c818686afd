"""The system: every module of the specification, joined."""

from __future__ import annotations

from . import (
    block_claims,
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
    (
        topology,
        sections,
        blocks,
        block_claims,
        frames,
        migration_stage,
        page_tables,
        destination,
        migration,
    ),
)
"""The specification that keeps every property: the default profile."""
