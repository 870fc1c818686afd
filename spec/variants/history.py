"""Historic kernel bugs: each undoes its own fix, and breaks what the fix restored.

The numbers B1 to B42 are those of docs/bugs.md, where the other bugs are too.
"""

from __future__ import annotations

from ..blocks.block_states import BlockState, FrameState, block_state, frame_state, has_memory, zone
from ..blocks.sections import Metadata, memmap
from ..folios.per_cpu import cpus_keep_frames
from ..language import (
    Bool,
    DropGuard,
    DropUpdate,
    Int,
    ReplaceDefinition,
    ReplaceGuard,
    ReplaceUpdate,
    Variant,
    exists,
    false,
    ite,
)
from ..machine.section_parts import memmaps_added
from ..machine.topology import (
    Block,
    Frame,
    Node,
    Section,
    Zone,
    below,
    block_of,
    node_of,
    node_of_frame,
    node_of_section,
)
from ..machine.zone_spans import between, pages_zone
from ..special.huge_pools import HugeFolio

__all__ = ["VARIANTS"]


def _zone_of_the_newcomer(b: Block) -> Zone:
    return zone[b]


def _from_the_first_block_on(b: Block, x: Block) -> Bool:
    """An empty zone is taken in as one that starts at the lowest address."""

    def named(y: Block) -> Bool:
        return (y != b) & (pages_zone[y] != Zone.none) & (node_of[y] == node_of[x])

    def empty(z: Zone) -> Bool:
        here = exists(Block, lambda y: named(y) & (pages_zone[y] == z))
        return ~here

    up_to_the_last = exists(Block, lambda high: named(high) & ~below[high, x])
    whole = exists(Block, Block, lambda low, high: named(low) & named(high) & between(low, x, high))
    return whole | (up_to_the_last & (empty(Zone.kernel) | empty(Zone.movable)))


def _no_initialised_section_left(n: Node) -> Bool:
    """The struct pages are asked for their node; those of offline sections do not know it."""
    return ~exists(
        Section, lambda s: (node_of_section(s) == n) & (memmap[s] == Metadata.initialised)
    )


def _before_it_was_cleared(b: Block) -> Bool:
    return has_memory[node_of[b]]


def _counted_or_not(s: Section) -> Int:
    n = node_of_section(s)
    return memmaps_added[n] - 1


def _freed_in_any_case(b: Block) -> Bool:
    return false


def _only_the_free_lists(f: Frame) -> Bool:
    return frame_state[f] == FrameState.free


def _to_a_cpu_first(f: Frame) -> FrameState:
    """The page's type was read before the isolation, so the page goes to a CPU's list."""
    isolated = block_state[block_of(f)] == BlockState.going_offline
    kept = ite(cpus_keep_frames[node_of_frame(f)], FrameState.pcp, FrameState.isolated)
    return ite(isolated, kept, FrameState.free)


def _no_large_folio(h: HugeFolio) -> Bool:
    return false


VARIANTS = (
    Variant(
        name="highest-zone-forgets-movable",
        doc="B1: onlining normal memory after movable memory sets the highest zone back.",
        covers=("A1", "U1"),
        source="commit 8f416836c0d5: nr_zones of a node is kept up to date",
        breaks="reclaim_reaches_every_zone",
        edits=(ReplaceUpdate("initialise_memmap", "highest_zone", _zone_of_the_newcomer),),
    ),
    Variant(
        name="node-span-takes-in-empty-zones",
        doc="B2: the node's span is made anew from zones of which one is empty and starts at 0.",
        covers=("A1",),
        source="commit 656d57119326: update_pgdat_span() must not count empty zones",
        breaks="node_spans_begin_with_a_block",
        edits=(ReplaceDefinition("node_left_over", _from_the_first_block_on),),
    ),
    Variant(
        name="spans-not-shrunk-at-offline",
        doc="B3: spans wait for the removal, when no struct page can tell any more what is left.",
        covers=("A1", "N1"),
        source="commit feee6b298916: shrink zones when offlining memory",
        breaks="zone_spans_begin_with_a_block",
        edits=(DropUpdate("finish_offline", "zone_span"),),
    ),
    Variant(
        name="empty-node-judged-by-poisoned-pages",
        doc="B4: a node counts as empty because offline struct pages do not name it.",
        covers=("A1", "N1"),
        source="commit 2c91f8fc6c99: try_offline_node() must not look at offline memory",
        breaks="a_node_goes_with_its_last_section",
        edits=(
            ReplaceGuard("set_node_offline", "no_section_left", _no_initialised_section_left),
            DropGuard("set_node_offline", "no_device_left"),
        ),
    ),
    Variant(
        name="shared-usage-map-freed",
        doc="B7: the usage map of a boot section is freed, and it is shared with others.",
        covers=("N1",),
        source="commit 8068df3b6037: do not free the usage map of a boot section",
        breaks="boot_usage_maps_are_never_freed",
        edits=(DropGuard("free_usage_map", "not_shared"),),
    ),
    Variant(
        name="usage-map-freed-under-a-reader",
        doc="B8: pfn_valid() found the section valid; its usage map is freed before it looks.",
        covers=("N1",),
        source="commit 5ec8e8ea8b77, CVE-2023-52489",
        breaks="readers_find_the_usage_map",
        edits=(DropGuard("free_usage_map", "grace_period_over"),),
    ),
    Variant(
        name="zonelists-rebuilt-too-early",
        doc="B9: the fallback lists are rebuilt before N_MEMORY is cleared, and keep the node.",
        covers=("A1", "N4"),
        source="mm/memory_hotplug.c, 6.1 against 6.12: order in offline_pages()",
        breaks="zonelists_hold_the_nodes_with_memory",
        edits=(ReplaceUpdate("finish_offline", "in_zonelists", _before_it_was_cleared),),
    ),
    Variant(
        name="cpu-lists-not-drained",
        doc="B10: isolation takes the free lists and forgets the lists of the CPUs.",
        covers=("A1", "U1"),
        source="commit 968318261221: drain per-cpu pages again during memory offline",
        breaks="leaving_blocks_have_no_frame_on_a_cpu",
        edits=(ReplaceDefinition("isolates", _only_the_free_lists),),
    ),
    Variant(
        name="freed-to-a-cpu-after-the-drain",
        doc="B10: a page of a leaving block is freed to a CPU's list, where the test misses it.",
        covers=("A1", "U1"),
        source="commit 968318261221: drain per-cpu pages again during memory offline",
        breaks="leaving_blocks_have_no_frame_on_a_cpu",
        edits=(ReplaceDefinition("released", _to_a_cpu_first),),
    ),
    Variant(
        name="lock-left-held",
        doc="B11: one way out of offlining does not give mem_hotplug_lock back.",
        covers=("A1",),
        source="commit b4223a510e2a: a missing mem_hotplug_done() on an error path",
        breaks="the_lock_is_held_while_a_block_changes",
        edits=(DropUpdate("cancel_offline", "lock_held"),),
    ),
    Variant(
        name="poisoned-folio-unmapped-without-its-lock",
        doc="B13: what maps a frame with an error goes although its folio is moving to another.",
        covers=("U3", "M1"),
        source="CVE-2025-21931: lock folio before unmap hwpoisoned folio",
        breaks="what_is_lost_lives_in_no_memory_that_is_whole",
        edits=(DropGuard("unmap_poisoned", "unlocked"),),
    ),
    Variant(
        name="node-structure-missing",
        doc="B22: a node gets memory, and the slab allocator has no structure for it.",
        covers=("A1", "N1"),
        source="commit b9049e234401: SLUB makes kmem_cache_node on memory online",
        breaks="nodes_with_memory_have_their_structures",
        edits=(DropUpdate("announce_online", "node_structure"),),
    ),
    Variant(
        name="cancel-frees-what-others-use",
        doc="B23: MEM_CANCEL_ONLINE frees a structure that memory in use depends on.",
        covers=("A1", "N1"),
        source="commit dc19f9db3829: a cancel undoes only what its own announcement made",
        breaks="nodes_with_memory_have_their_structures",
        edits=(ReplaceUpdate("cancel_online", "node_structure", _freed_in_any_case),),
    ),
    Variant(
        name="altmap-freed-too-early",
        doc="B24: the altmap goes before the mem_map that must be given back to it.",
        covers=("N1",),
        source="commit eb7d78c9e7f6: free the altmap after arch_remove_memory()",
        breaks="altmaps_outlive_their_memmaps",
        edits=(DropGuard("free_altmap", "memmaps_returned"),),
    ),
    Variant(
        name="added-without-the-lock",
        doc="B25: memory is added while somebody else changes the same tables.",
        covers=("A1", "N1"),
        source="commit f931ab479dd2: arch_add_memory() runs under the hotplug lock",
        breaks="memory_is_added_and_removed_under_the_lock",
        edits=(DropGuard("allocate_memmap", "hotplug_lock"),),
    ),
    Variant(
        name="populated-with-the-boot-pageset",
        doc="B27: a zone gets memory before it has per-CPU lists; the CPUs share the boot pageset.",
        covers=("A1",),
        source="commit 4eaf3f64397c: zone populated before its pageset was set up",
        breaks="populated_zones_have_their_own_pageset",
        edits=(DropUpdate("finish_online", "own_pageset"),),
    ),
    Variant(
        name="absent-pgdat-used",
        doc="B28: an allocation is aimed at a node that was never online, and finds no pgdat.",
        covers=("N1",),
        source="commit 09f49dca570a: handle uninitialized numa nodes gracefully",
        breaks="walkers_find_an_initialised_pgdat",
        edits=(DropGuard("begin_walk", "pgdat_initialised"),),
    ),
    Variant(
        name="pgdat-gone-under-a-walker",
        doc="B30: the pgdat is wiped while somebody walks its zones without a lock.",
        covers=("N1",),
        source="commit b0dc3a342af3: do not zero the pgdat when its node goes offline",
        breaks="walkers_find_an_initialised_pgdat",
        edits=(DropGuard("free_pgdat", "nobody_looks"),),
    ),
    Variant(
        name="block-reference-leaks",
        doc="B31: a look-up of a block is over, and its reference to the device is kept.",
        covers=("A1",),
        source="Linux 6.12.92: memory block reference leak on remove",
        breaks="block_references_are_balanced",
        edits=(DropUpdate("stop_looking", "block_references"),),
    ),
    Variant(
        name="altmap-not-told",
        doc="B32: an error path frees a mem_map as if it had not been cut from an altmap.",
        covers=("N1",),
        source="Linux 6.12.97: incorrect altmap passed in an error path",
        breaks="only_memmaps_come_from_an_altmap",
        edits=(DropUpdate("free_memmap", "from_altmap"),),
    ),
    Variant(
        name="uncounted-memmap-subtracted",
        doc="B34: freeing a mem_map lowers the counter, although it never counted that one.",
        covers=("N1",),
        source="Linux 6.12.101: vmemmap accounting underflow",
        breaks="added_memmaps_are_counted_exactly",
        edits=(ReplaceUpdate("free_memmap", "memmaps_added", _counted_or_not),),
    ),
    Variant(
        name="crash-map-out-of-date",
        doc="B36: memory goes offline, and the crash kernel is still told of it.",
        covers=("A1",),
        source="Linux 6.12.91, powerpc: elfcorehdr is updated on memory hotplug",
        breaks="the_crash_map_names_the_memory_in_use",
        edits=(DropUpdate("finish_offline", "crash_map"),),
    ),
    Variant(
        name="writer-waits-for-the-lock",
        doc="B40: a write to sysfs waits for a lock, and holds the file that its owner waits for.",
        covers=("A1",),
        source="commit f1037ec0cc8a: device deletion and the hotplug lock",
        breaks="removal_and_write_never_wait_for_each_other",
        edits=(DropUpdate("begin_write_anew", "file_held"),),
    ),
    Variant(
        name="large-poisoned-folio-stays",
        doc="B41: a huge folio (there: a large one) with an error can neither move nor go: no end.",
        covers=("U3", "D2"),
        source="Linux 6.12.86: hwpoisoned large folio handling in do_migrate_range()",
        breaks="frames_with_an_error_are_set_aside",
        edits=(ReplaceGuard("give_up_huge", "has_error", _no_large_folio),),
    ),
)
