"""The system: every module of the specification, joined."""

from __future__ import annotations

from .blocks import (
    block_claims,
    block_removal,
    block_states,
    blocks,
    bookkeeping_claims,
    section_claims,
    section_readers,
    sections,
    span_claims,
)
from .devices import (
    boot_memory,
    firmware,
    firmware_claims,
    pseries,
    standby,
    virtio_mem,
)
from .folios import (
    destination,
    dma,
    dma_claims,
    drain,
    frames,
    migration,
    migration_claims,
    migration_stage,
    page_tables,
    per_cpu,
    private_data,
    removal_work,
    scheduled_removal,
    writeback,
)
from .language import load
from .machine import (
    bookkeeping,
    firmware_request,
    platform_state,
    section_parts,
    topology,
    zone_spans,
)
from .rows import ROWS
from .special import (
    closing,
    huge_migration,
    huge_pools,
    huge_pools_claims,
    kernel_memory,
    kernel_memory_claims,
    sticky,
)

SYSTEM = load(
    "memhp",
    (
        topology,
        platform_state,
        bookkeeping,
        section_parts,
        firmware_request,
        sections,
        section_claims,
        section_readers,
        zone_spans,
        block_states,
        blocks,
        block_claims,
        block_removal,
        span_claims,
        bookkeeping_claims,
        firmware,
        firmware_claims,
        pseries,
        standby,
        boot_memory,
        drain,
        frames,
        virtio_mem,
        per_cpu,
        migration_stage,
        kernel_memory,
        kernel_memory_claims,
        writeback,
        private_data,
        page_tables,
        destination,
        dma,
        dma_claims,
        migration,
        migration_claims,
        removal_work,
        scheduled_removal,
        huge_pools,
        huge_pools_claims,
        huge_migration,
        closing,
        sticky,
    ),
    rows={row.id for row in ROWS},
)
"""The specification that keeps every property: the default profile."""
