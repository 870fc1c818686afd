"""The system: every module of the specification, joined."""

from __future__ import annotations

from . import (
    block_claims,
    blocks,
    destination,
    drain,
    frames,
    huge_migration,
    huge_pools,
    migration,
    migration_stage,
    page_tables,
    scheduled_removal,
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
        drain,
        frames,
        migration_stage,
        page_tables,
        destination,
        migration,
        scheduled_removal,
        huge_pools,
        huge_migration,
    ),
)
"""The specification that keeps every property: the default profile."""
