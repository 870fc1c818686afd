"""What there is of a node, and when: its pgdat, the slab allocator's structure, its place in sysfs.

Sources: mm/mm_init.c, mm/slub.c, mm/memory_hotplug.c; the versions are those whose files were
read (5.11 to 7.1).
"""

from __future__ import annotations

from ..blocks.block_states import (
    MemoryEvent,
    changing,
    event,
    in_use,
    zone,
)
from ..blocks.sections import Metadata, node_online, pgdat
from ..language import (
    AddModule,
    AddProperty,
    Bool,
    DropAction,
    DropAxiom,
    DropGuard,
    DropUpdate,
    ExtendAction,
    ReplaceDefinition,
    ReplaceGuard,
    ReplaceInitial,
    ReplaceUpdate,
    always,
    exists,
    false,
    implies,
)
from ..machine.bookkeeping import node_structure
from ..machine.firmware_request import lock_allows_online
from ..machine.topology import (
    Block,
    Frame,
    Node,
    Section,
    Zone,
    block_of,
    boot_kernel,
    early,
    early_zone,
    node_of,
)
from . import memory_notifiers, node_notifiers
from .choice import Choice, edits_of

__all__ = ["CHOICES", "NODES_FROM_BOOT"]


# --- pgdats -------------------------------------------------------------------------------------


def _initialised(n: Node) -> Metadata:
    return Metadata.initialised


def _had_memory_at_boot(n: Node) -> Bool:
    return exists(Block, lambda b: (node_of[b] == n) & early[b])


def _in_memory_that_the_kernel_keeps(n: Node, b: Block) -> Bool:
    """Wherever the pgdat is, it is in frames that were taken at boot."""
    return exists(Frame, lambda f: boot_kernel[f] & (block_of(f) == b))


def _in_no_section(s: Section, t: Section) -> Bool:
    return false


@always(covers="N1")
def pgdats_are_there_for_ever(n: Node) -> Bool:
    """A pgdat is initialised from boot on, whatever becomes of its node's memory (I12)."""
    return pgdat[n] == Metadata.initialised


NODES_FROM_BOOT = (
    ReplaceInitial("pgdat", _initialised),
    ReplaceInitial("node_online", _had_memory_at_boot),
    DropAction("allocate_pgdat"),
    DropAction("initialise_pgdat"),
    DropAction("free_pgdat"),
    ReplaceDefinition("holds_pgdat_for", _in_no_section),
    ReplaceDefinition("pgdat_lies_in", _in_memory_that_the_kernel_keeps),
    DropGuard("begin_offline", "pgdat_leaves_last"),
    DropGuard("eject_device", "holds_no_pgdat"),
    DropGuard("ej0_fails", "holds_no_pgdat"),
    DropGuard("release_lmb", "holds_no_pgdat"),
    DropAxiom("pgdat_is_on_its_own_node"),
    DropAxiom("early_nodes_have_an_early_pgdat"),
    DropAxiom("virtio_memory_holds_no_pgdat"),
    AddProperty(pgdats_are_there_for_ever),
)
"""Every possible node has its pgdat from boot, for ever, and in no memory that is ever removed.

From 5.18 on free_area_init() (mm/mm_init.c; commit 09f49dca570a) allocates that of a node which is
not online anywhere in boot memory (alloc_offline_node_data(), mm/numa.c); the frames are reserved
(`boot_kernel`), so that the block they lie in never goes offline. Before, hotadd_new_pgdat() took
kernel memory when a node's first memory came, and since 3.9 it is not freed (try_offline_node(),
mm/memory_hotplug.c): to whoever adds and removes memory that is the same.
What is left of `pgdat_section` is where the list would have a pgdat: no action, definition,
axiom or initial value reads it.
"""

_PGDATS = Choice(
    name="pgdats-from-boot",
    doc="Pgdats are there from boot and for ever, so that no block of a node waits for another."
    " What is said of a pgdat that is allocated or freed says nothing here.",
    edits=NODES_FROM_BOOT,
    gives_up=(
        (
            "pgdat_section_leaves_last",
            "there is no such section: free_area_init() allocates every node's pgdat at boot"
            " (mm/mm_init.c), and added memory goes in any order",
        ),
        (
            "the_block_of_the_pgdat_leaves_last",
            "for the same reason: offline_pages() asks for no pgdat (mm/memory_hotplug.c)",
        ),
        (
            "pgdats_lie_in_plugged_memory",
            "the pgdat of a node whose memory is not there lies elsewhere"
            " (alloc_offline_node_data(), mm/numa.c)",
        ),
        (
            "ej0_comes_after_the_pgdat",
            "nothing asks where the pgdat of the node is: it is in no memory that can be"
            " ejected (drivers/acpi/scan.c, mm/mm_init.c)",
        ),
        (
            "a_whole_node_is_gone",
            "try_offline_node() leaves the pgdat where it is, for others may hold a pointer"
            " to it (mm/memory_hotplug.c)",
        ),
        (
            "a_pgdat_goes_under_a_walk_of_another_node",
            "no pgdat ever goes: try_offline_node() leaves it where it is (mm/memory_hotplug.c)",
        ),
    ),
)


# --- the slab allocator's structures ------------------------------------------------------------


def _had_normal_memory_at_boot(n: Node) -> Bool:
    return exists(Block, lambda b: (node_of[b] == n) & early[b] & (early_zone[b] != Zone.movable))


def _has_normal_memory(n: Node, apart_from: Block | None = None) -> Bool:
    """The node is in node_states[N_NORMAL_MEMORY], with or without a block."""

    def counts(x: Block) -> Bool:
        normal = (node_of[x] == n) & in_use(x) & (zone[x] != Zone.movable)
        return normal if apart_from is None else normal & (x != apart_from)

    return exists(Block, counts)


def _left_with_normal_memory(b: Block) -> Bool:
    return _has_normal_memory(node_of[b], apart_from=b)


def _kept_with_normal_memory(b: Block) -> Bool:
    return _has_normal_memory(node_of[b])


@always(covers="A1 N1")
def announced_normal_memory_has_its_structures(b: Block) -> Bool:
    """MEM_GOING_ONLINE creates what a node needs for normal memory before that is there (I14)."""
    announced = (event[b] == MemoryEvent.going_online) & (zone[b] != Zone.movable)
    return implies(announced, node_structure[node_of[b]])


@always(covers="A1 N1")
def nodes_with_normal_memory_have_their_structures(n: Node) -> Bool:
    """Whoever allocates kernel memory from a node finds the slab allocator's structure (I14)."""
    return implies(_has_normal_memory(n), node_structure[n])


@always(covers="A1 N1", using="notifiers_know_that_a_block_is_coming")
def node_structures_are_for_nodes_with_normal_memory(n: Node) -> Bool:
    """The structure goes with the node's last normal memory (I14)."""
    coming = exists(
        Block,
        lambda b: (
            (node_of[b] == n) & (event[b] == MemoryEvent.going_online) & (zone[b] != Zone.movable)
        ),
    )
    return implies(node_structure[n], _has_normal_memory(n) | coming)


_WITHOUT_NORMAL_MEMORY = (
    (
        "nodes_with_memory_have_their_structures",
        "slab_mem_going_online_callback() makes them for a node's first normal memory, so that"
        " a node with movable memory alone has none (status_change_nid_normal, mm/slub.c)",
    ),
    (
        "announced_memory_has_its_structures",
        "movable memory is announced without them (slab_mem_going_online_callback(), mm/slub.c)",
    ),
)

_FOR_EVER = (
    "node_structures_are_for_nodes_with_memory",
    "who looks at them without a lock may still do so: slab_mem_offline_callback() frees none"
    " any more, and later is gone (mm/slub.c, 5.12 and later)",
)

_KEPT_FOR_EVER = (
    DropUpdate("cancel_online", "node_structure"),
    *edits_of("structures-kept-for-ever"),
)

_STRUCTURES = (
    Choice(
        name="node-structures-with-normal-memory",
        doc="The slab allocator's structures of a node come and go with its normal memory.",
        before=(5, 12),
        edits=(
            ReplaceInitial("node_structure", _had_normal_memory_at_boot),
            *edits_of("structures-for-normal-memory-alone"),
            ReplaceUpdate("cancel_online", "node_structure", _kept_with_normal_memory),
            ReplaceUpdate("finish_offline", "node_structure", _left_with_normal_memory),
            AddProperty(announced_normal_memory_has_its_structures),
            AddProperty(nodes_with_normal_memory_have_their_structures),
            AddProperty(node_structures_are_for_nodes_with_normal_memory),
        ),
        gives_up=_WITHOUT_NORMAL_MEMORY,
    ),
    Choice(
        name="node-structures-from-normal-memory-on",
        doc="The slab allocator's structures come with a node's first normal memory, for ever.",
        since=(5, 12),
        before=(6, 17),
        edits=(
            ReplaceInitial("node_structure", _had_normal_memory_at_boot),
            *edits_of("structures-for-normal-memory-alone"),
            *_KEPT_FOR_EVER,
            AddProperty(announced_normal_memory_has_its_structures),
            AddProperty(nodes_with_normal_memory_have_their_structures),
        ),
        gives_up=(*_WITHOUT_NORMAL_MEMORY, _FOR_EVER),
    ),
    Choice(
        name="node-structures-from-memory-on",
        doc="The slab allocator's structures come with a node's first memory, for ever.",
        since=(6, 17),
        edits=_KEPT_FOR_EVER,
        gives_up=(_FOR_EVER,),
    ),
)


# --- the order of add ---------------------------------------------------------------------------


def _nobody_adds(b: Block, z: Zone) -> Bool:
    """Who adds memory holds the lock until the node is online."""
    return lock_allows_online(b) & node_online[node_of[b]]


@always(covers="A1 N1")
def memory_in_use_is_on_online_nodes(b: Block) -> Bool:
    """No block goes online before its node, nor does the node go while the block is in use."""
    return implies(in_use(b) | changing(b), node_online[node_of[b]])


_ORDER_OF_ADD = Choice(
    name="devices-before-their-node",
    doc="Blocks are shown in sysfs, and then their node is set online.",
    before=(6, 18),
    edits=(
        *edits_of("blocks-shown-before-their-node"),
        ReplaceGuard("begin_online", "device_hotplug_lock", _nobody_adds),
        AddProperty(memory_in_use_is_on_online_nodes),
    ),
    gives_up=(
        (
            "devices_are_on_online_nodes",
            "add_memory_resource() calls create_memory_block_devices(), and then"
            " node_set_online() (mm/memory_hotplug.c)",
        ),
    ),
)

# --- notifiers ----------------------------------------------------------------------------------

_CANCELS = Choice(
    name="cancel-told-to-all",
    doc="Every memory notifier hears a cancel, whether it had heard that something begins or not.",
    edits=(*edits_of("cancel-told-to-all"), AddModule(memory_notifiers)),
    gives_up=(
        (
            "a_cancel_is_heard_by_who_heard_it_begin",
            "memory_notify() calls the whole chain with MEM_CANCEL_ONLINE and MEM_CANCEL_OFFLINE,"
            " who refused and who stands behind that, too (drivers/base/memory.c)",
        ),
        (
            "who_stands_behind_a_refusal_hears_nothing",
            "it hears the cancel (drivers/base/memory.c)",
        ),
    ),
)

_NOTIFIERS = Choice(
    name="node-notifiers",
    doc="Node notifiers hear of a node's first and last memory before memory notifiers do.",
    since=(6, 17),
    edits=(
        AddModule(node_notifiers),
        ReplaceGuard("begin_online", "hotplug_lock", node_notifiers.lock_is_free_to_come),
        ReplaceGuard("begin_offline", "hotplug_lock", node_notifiers.nobody_has_the_lock),
        ExtendAction("announce_online", node_notifiers.first_is_announced),
        ExtendAction("announce_offline", node_notifiers.last_is_announced),
        ExtendAction("finish_online", node_notifiers.first_has_come),
        ExtendAction("finish_offline", node_notifiers.last_has_gone),
        ReplaceUpdate("cancel_online", "event", node_notifiers.coming_is_cancelled),
        ReplaceUpdate("cancel_offline", "event", node_notifiers.leaving_is_cancelled),
        ReplaceDefinition("hears_the_cancel", node_notifiers.cancel_is_heard),
    ),
)

CHOICES = (_CANCELS, _NOTIFIERS, _PGDATS, *_STRUCTURES, _ORDER_OF_ADD)
