"""Wrong designs of the life of metadata and blocks (N1, N2, A1)."""

from __future__ import annotations

from ..blocks.block_states import FrameState
from ..blocks.listeners import Listener
from ..blocks.sections import Metadata
from ..language import (
    Bool,
    DropGuard,
    DropUpdate,
    ReplaceDefinition,
    ReplaceUpdate,
    Variant,
    ite,
    true,
)
from ..machine.platform_state import held_back
from ..machine.topology import Block, Frame, Node, Zone
from ..machine.zone_spans import zone_span
from .sources import LIST

__all__ = ["VARIANTS"]


def _initialised(n: Node) -> Metadata:
    return Metadata.initialised


def _all_but_what_a_driver_keeps(f: Frame) -> FrameState:
    return ite(held_back(f), FrameState.page_offline, FrameState.free)


def _free(f: Frame) -> FrameState:
    return FrameState.free


def _movable_between_movable(b: Block) -> Zone:
    only_movable = zone_span[b, Zone.movable] & ~zone_span[b, Zone.kernel]
    return ite(only_movable, Zone.movable, Zone.kernel)


def _whoever_refuses(w: Listener, b: Block) -> Bool:
    return true


VARIANTS = (
    Variant(
        name="movable-node-forgotten",
        doc="The first memory of a node goes to the kernel, whatever the kernel was told at boot.",
        covers=("A1", "U1"),
        source="mm/memory_hotplug.c: default_zone_for_pfn() without movable_node_enabled",
        breaks="a_node_without_kernel_memory_stays_movable",
        edits=(ReplaceDefinition("default_zone", _movable_between_movable),),
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
        name="memmap-host-leaves-first",
        doc="A block goes offline although it holds struct pages of another that is in use.",
        covers=("N1", "N2", "A1"),
        source=LIST + ": pgdat and mem_map",
        breaks="blocks_leave_after_what_they_describe",
        edits=(
            DropGuard("begin_offline", "hosts_no_memmap"),
            DropGuard("begin_offline", "pgdat_leaves_last"),
        ),
    ),
    Variant(
        name="pgdat-block-leaves-first",
        doc="The block that holds a node's pgdat goes offline while others of the node are in use.",
        covers=("N1", "N2"),
        source=LIST + ": pgdat and mem_map",
        breaks="the_block_of_the_pgdat_leaves_last",
        edits=(DropGuard("begin_offline", "pgdat_leaves_last"),),
    ),
    Variant(
        name="struct-pages-in-offline-memory",
        doc="A block goes online while the block that holds its mem_map is offline.",
        covers=("N1", "A1"),
        source=LIST + ": they have to be allocated before initialization",
        breaks="struct_pages_lie_in_memory_in_use",
        edits=(DropGuard("initialise_memmap", "host_in_use"),),
    ),
    Variant(
        name="metadata-handed-out",
        doc="A block that goes online gives the allocator frames where metadata lies, too.",
        covers=("N1", "U1"),
        source=LIST + ": pgdat and mem_map",
        breaks="frames_with_metadata_are_handed_to_nobody",
        edits=(ReplaceDefinition("comes_online_as", _all_but_what_a_driver_keeps),),
    ),
    Variant(
        name="metadata-freed-by-the-kernel",
        doc="The kernel gives a frame back where struct pages of another block lie.",
        covers=("N1",),
        source="mm/sparse.c, depopulate_section_memmap: who frees what describes memory",
        breaks="the_kernel_has_the_frames_of_struct_pages_in_use",
        edits=(DropGuard("free_kernel", "no_metadata"),),
    ),
    Variant(
        name="metadata-freed-by-a-failed-offline",
        doc="When a block stays after all, its frames with metadata are freed with the others.",
        covers=("N1", "A1"),
        source="mm/memory_hotplug.c: undo_isolate_page_range() on the error path",
        breaks="a_failed_offline_restores_availability",
        edits=(ReplaceDefinition("comes_back_as", _free),),
    ),
    Variant(
        name="metadata-in-the-removable-area",
        doc="A block that holds metadata of others goes online as movable memory.",
        covers=("N1", "U1"),
        source=LIST + ": removable area",
        breaks="metadata_lies_outside_the_removable_area",
        edits=(DropGuard("begin_online", "metadata_does_not_move"),),
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
            DropGuard("eject_device", "no_memmap_left"),
            DropGuard("eject_device", "holds_no_pgdat"),
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
    Variant(
        name="announced-after-a-refusal",
        doc="A notifier refuses that a block goes, and those behind it are told that it does.",
        covers=("A1",),
        source="kernel/notifier.c: notifier_call_chain() ends at NOTIFY_STOP_MASK",
        breaks="listeners_hear_what_begins",
        edits=(ReplaceDefinition("hears_of_leaving", _whoever_refuses),),
    ),
    Variant(
        name="chain-stopped-without-a-refusal",
        doc="MEM_ONLINE does not reach the notifiers that prepared themselves for it.",
        covers=("A1",),
        source="commit dc19f9db3829: a notifier that returns NOTIFY_STOP ends the chain for others",
        breaks="listeners_that_heard_what_began_hear_how_it_ended",
        edits=(DropUpdate("finish_online", "heard"),),
    ),
)
