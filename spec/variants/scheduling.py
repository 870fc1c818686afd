"""Wrong designs of scheduled removal (N3)."""

from __future__ import annotations

from ..language import DropGuard, Variant
from .sources import LIST

__all__ = ["VARIANTS"]

VARIANTS = (
    Variant(
        name="allocation-refills-what-drains",
        doc="Allocation is not turned off ahead of removal: what moves out comes in again.",
        covers=("N3",),
        source=LIST + ": disabled of allocation beforehand",
        breaks="draining_ends",
        edits=(DropGuard("alloc_folio", "not_draining"),),
    ),
    Variant(
        name="kernel-memory-while-draining",
        doc="The kernel may take frames of a block that is to be removed.",
        covers=("N3",),
        source=LIST + ": disabled of allocation beforehand",
        breaks="free_frames_of_draining_blocks_stay_free",
        edits=(DropGuard("alloc_kernel", "not_draining"),),
    ),
    Variant(
        name="destination-in-a-draining-block",
        doc="Migration may choose a frame of a block that is to be removed itself.",
        covers=("N3", "U3"),
        source="mm/memory_hotplug.c: pages bounce between blocks that leave one after the other",
        breaks="nothing_moves_into_a_draining_block",
        edits=(DropGuard("reserve_destination", "not_draining"),),
    ),
)
