"""The system: every module of the specification, joined."""

from __future__ import annotations

from . import (
    block_claims,
    blocks,
    destination,
    drain,
    firmware,
    firmware_claims,
    firmware_request,
    frames,
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
        firmware_request,
        sections,
        blocks,
        block_claims,
        firmware,
        firmware_claims,
        drain,
        frames,
        migration_stage,
        page_tables,
        destination,
        migration,
        scheduled_removal,
    ),
)
"""The specification that keeps every property: the default profile."""
