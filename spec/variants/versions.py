"""Designs that Linux had, or has, in some versions: what the others keep breaks there."""

from __future__ import annotations

from ..blocks.block_states import MemoryEvent, event, zone
from ..blocks.listeners import Listener
from ..language import Bool, DropGuard, DropUpdate, ReplaceDefinition, ReplaceUpdate, Variant
from ..machine.bookkeeping import node_structure
from ..machine.topology import Block, Zone, node_of

__all__ = ["VARIANTS"]


def _made_for_normal_memory(b: Block) -> Bool:
    return (zone[b] != Zone.movable) | node_structure[node_of[b]]


def _the_chain_was_told(w: Listener, b: Block) -> Bool:
    return (event[b] == MemoryEvent.going_online) | (event[b] == MemoryEvent.going_offline)


VARIANTS = (
    Variant(
        name="cancel-told-to-all",
        doc="A memory notifier hears a cancel of something that it never heard begin.",
        covers=("A1",),
        source="Linux, drivers/base/memory.c: memory_notify() calls blocking_notifier_call_chain(),"
        " where blocking_notifier_call_chain_robust() tells those alone who agreed",
        breaks="a_cancel_is_heard_by_who_heard_it_begin",
        edits=(ReplaceDefinition("hears_the_cancel", _the_chain_was_told),),
    ),
    Variant(
        name="blocks-shown-before-their-node",
        doc="A block appears in sysfs while its node is offline: there is nothing to link it to.",
        covers=("N1", "A1"),
        source="Linux before 6.18, mm/memory_hotplug.c: create_memory_block_devices() comes before"
        " node_set_online()",
        breaks="devices_are_on_online_nodes",
        edits=(DropGuard("create_block_device", "node_online"),),
    ),
    Variant(
        name="structures-for-normal-memory-alone",
        doc="A node whose memory is all movable has no structure of the slab allocator's.",
        covers=("A1", "N1"),
        source="Linux before 6.17, mm/slub.c: slab_mem_going_online_callback() asks for"
        " status_change_nid_normal",
        breaks="nodes_with_memory_have_their_structures",
        edits=(ReplaceUpdate("announce_online", "node_structure", _made_for_normal_memory),),
    ),
    Variant(
        name="structures-kept-for-ever",
        doc="A node's structures of the slab allocator stay when its last memory goes.",
        covers=("A1", "N1"),
        source="Linux from 5.12 on, mm/slub.c: nothing frees a kmem_cache_node",
        breaks="node_structures_are_for_nodes_with_memory",
        edits=(DropUpdate("finish_offline", "node_structure"),),
    ),
    Variant(
        name="storage-kept-while-offline",
        doc="s390 keeps the increments of a block that went offline: nobody else can have them.",
        covers=("R5",),
        source="Linux from 6.19 on, drivers/s390/char/sclp_mem.c: storage is given back when the"
        " block is deconfigured",
        breaks="offline_blocks_have_no_assigned_increment",
        edits=(DropUpdate("finish_offline", "assigned_increment"),),
    ),
)
