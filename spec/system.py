"""The system: every module of the specification, joined."""

from __future__ import annotations

from . import (
    block_claims,
    blocks,
    bookkeeping,
    bookkeeping_claims,
    destination,
    dma,
    drain,
    firmware,
    firmware_claims,
    firmware_request,
    frames,
    huge_migration,
    huge_pools,
    kernel_memory,
    migration,
    migration_stage,
    page_tables,
    per_cpu,
    scheduled_removal,
    section_parts,
    section_readers,
    sections,
    span_claims,
    topology,
    zone_spans,
)
from .language import load

SYSTEM = load(
    "memhp",
    (
        topology,
        bookkeeping,
        section_parts,
        firmware_request,
        sections,
        section_readers,
        zone_spans,
        blocks,
        block_claims,
        span_claims,
        bookkeeping_claims,
        firmware,
        firmware_claims,
        drain,
        frames,
        per_cpu,
        migration_stage,
        kernel_memory,
        page_tables,
        destination,
        dma,
        migration,
        scheduled_removal,
        huge_pools,
        huge_migration,
    ),
)
"""The specification that keeps every property: the default profile."""
