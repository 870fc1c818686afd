"""Variants: the designs that the list complains of, as small edits of the specification.

Each must break the property it names; one that breaks nothing is a finding
about the specification, and the checks fail.
"""

from __future__ import annotations

from .frames import Folio
from .language import Bool, DropGuard, DropUpdate, ReplaceDefinition, ReplaceUpdate, Variant
from .page_tables import Pte, implied_folio
from .sections import Metadata
from .topology import Node

__all__ = ["VARIANTS"]


def _object_rmap(p: Pte, o: Folio) -> Bool:
    return implied_folio[p] == o


def _initialised(n: Node) -> Metadata:
    return Metadata.initialised


LIST = "the 2004 to-do list of the Linux memory hotplug developers"

VARIANTS = (
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
        name="pgdat-goes-early",
        doc="The section that holds the node's pgdat may leave before the others.",
        covers=("N2",),
        source=LIST + ": pgdat and mem_map",
        breaks="pgdat_section_leaves_last",
        edits=(DropGuard("remove_section", "pgdat_leaves_last"),),
    ),
    Variant(
        name="memmap-host-goes-early",
        doc="A section leaves although it holds the mem_map of another.",
        covers=("N2",),
        source="commit 04753278769f: the rule it states as not implemented",
        breaks="memmap_host_leaves_last",
        edits=(DropGuard("remove_section", "hosts_no_memmap"),),
    ),
    Variant(
        name="memmap-freed-before-its-pages",
        doc="The mem_map is freed while its section is still present.",
        covers=("N1",),
        source="commit 1f503443e7df: the section looked valid without a mem_map",
        breaks="present_sections_have_a_memmap",
        edits=(DropGuard("free_memmap", "section_gone"),),
    ),
    Variant(
        name="memmap-used-uninitialised",
        doc="A block goes online without looking whether its struct pages are initialised.",
        covers=("N1",),
        source="commit 18e19f195cd8: pfn_to_page() of a section before it was initialised",
        breaks="frames_in_use_have_an_initialised_memmap",
        edits=(DropGuard("announce_online", "memmap_initialised"),),
    ),
    Variant(
        name="pgdat-never-initialised-first",
        doc="The pgdat is allocated and used at once, without a step that initialises it.",
        covers=("N1",),
        source=LIST + ": they have to be allocated before initialization",
        breaks="pgdats_are_allocated_before_initialisation",
        edits=(ReplaceUpdate("allocate_pgdat", "pgdat", _initialised),),
    ),
    Variant(
        name="pgdat-freed-early",
        doc="The pgdat is freed while a mem_map of its node exists.",
        covers=("N1",),
        source="commit a1e565aa08a3: do not allocate pgdat if it was not freed",
        breaks="a_memmap_needs_an_initialised_pgdat",
        edits=(DropGuard("free_pgdat", "no_memmap_left"),),
    ),
    Variant(
        name="kernel-memory-anywhere",
        doc="The kernel takes memory from the removable area too.",
        covers=("U1",),
        source=LIST + ": definition of removable area is effective",
        breaks="kernel_frames_stay_out_of_the_removable_area",
        edits=(DropGuard("alloc_kernel", "outside_removable_area"),),
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
    Variant(
        name="device-removed-while-online",
        doc="Removal does not look again whether the block is offline.",
        covers=("A1",),
        source="commit 6677e3eaf4d7: all blocks must be offline when memory is removed",
        breaks="only_devices_change_state",
        edits=(DropGuard("delete_block_device", "block_offline"),),
    ),
    Variant(
        name="ejected-while-present",
        doc="Memory is ejected although a section in it is not removed.",
        covers=("A1",),
        source=LIST + ": mem section is just logical definition",
        breaks="present_sections_are_plugged",
        edits=(
            DropGuard("eject", "no_memmap_left"),
            DropGuard("eject", "holds_no_pgdat"),
        ),
    ),
    Variant(
        name="empty-node-keeps-memory",
        doc="A node whose last block went offline stays in the fallback lists.",
        covers=("A1", "N4"),
        source="mm/memory_hotplug.c, 6.1 against 6.12: order of node_states and zonelists",
        breaks="nodes_with_memory_have_online_blocks",
        edits=(DropUpdate("finish_offline", "has_memory"),),
    ),
    Variant(
        name="isolation-left-on-abort",
        doc="A block that gives up leaving keeps its free frames isolated.",
        covers=("A1",),
        source="mm/memory_hotplug.c: undo_isolate_page_range() on the error path",
        breaks="isolated_frames_belong_to_changing_blocks",
        edits=(DropUpdate("cancel_offline", "frame_state"),),
    ),
)
