"""Wrong designs of what lives where and how it moves (U1, M1, D1, N4)."""

from __future__ import annotations

from ..folios.frames import Folio
from ..folios.page_tables import Pte, implied_folio
from ..language import (
    Bool,
    DropGuard,
    DropUpdate,
    ReplaceDefinition,
    Variant,
)
from .sources import LIST

__all__ = ["VARIANTS"]


def _object_rmap(p: Pte, o: Folio) -> Bool:
    return implied_folio[p] == o


VARIANTS = (
    Variant(
        name="kernel-memory-anywhere",
        doc="The kernel takes memory from the removable area too.",
        covers=("U1",),
        source=LIST + ": definition of removable area is effective",
        breaks="kernel_frames_stay_out_of_the_removable_area",
        edits=(DropGuard("alloc_kernel", "outside_removable_area"),),
    ),
    Variant(
        name="object-rmap-alone",
        doc="Reverse mapping knows linear addresses only, and misses PTEs of nonlinear VMAs.",
        covers=("M1",),
        source=LIST + ": sys_remap_file_pages()",
        breaks="ptes_map_the_frame_that_their_folio_lives_in",
        edits=(ReplaceDefinition("rmap_reaches", _object_rmap),),
    ),
    Variant(
        name="source-freed-while-mapped",
        doc="The copy does not wait until every PTE is replaced; the source is freed under one.",
        covers=("M1",),
        source="mm/migrate.c: the folio_mapped() check before move_to_new_folio()",
        breaks="nothing_maps_a_frame_that_is_not_in_use",
        edits=(DropGuard("copy", "unmapped"),),
    ),
    Variant(
        name="destination-on-a-leaving-node",
        doc="The destination is chosen without looking whether its node is leaving.",
        covers=("N4",),
        source=LIST + ": destination of migration should be appropriate area",
        breaks="nothing_moves_to_a_leaving_node",
        edits=(DropGuard("reserve_destination", "node_stays"),),
    ),
    Variant(
        name="destination-anywhere",
        doc="Any free frame will do, however far (Linux 2.6.24: allocate from better area).",
        covers=("N4",),
        source="commit 0c0e61958965",
        breaks="contents_stay_on_their_node_while_it_has_room",
        edits=(DropGuard("reserve_destination", "nearest_with_room"),),
    ),
    Variant(
        name="cache-entry-dropped-early",
        doc="The migration cache forgets the folio before its PTEs are restored.",
        covers=("D1",),
        source=LIST + ": migration cache",
        breaks="entries_are_in_the_migration_cache",
        edits=(DropGuard("finish_migration", "entries_restored"),),
    ),
    Variant(
        name="cache-entry-leaks-on-abort",
        doc="Giving up a migration leaves the folio's entry in the cache.",
        covers=("D1",),
        source=LIST + ": migration cache",
        breaks="cache_entries_belong_to_moving_folios",
        edits=(DropUpdate("finish_abort", "cached"),),
    ),
)
