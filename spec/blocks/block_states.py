"""Blocks and their frames: the states they go through, and what follows from these (A1, N1).

Sources: drivers/base/memory.c, include/linux/memory.h (states, events), mm/memory_hotplug.c
(node_states_check_changes_offline, zone_for_pfn_range).
"""

from __future__ import annotations

from ..language import (
    Bool,
    Enumeration,
    Sort,
    definition,
    exists,
    false,
    ite,
    variable,
)
from ..machine.platform_state import (
    driver_reference,
    held_back,
)
from ..machine.topology import (
    Block,
    Frame,
    Node,
    Zone,
    block_of,
    boot_kernel,
    early,
    early_zone,
    hole,
    metadata_frame,
    movable_node,
    node_of,
)
from ..machine.zone_spans import (
    zone_span,
)


class Tick(Sort):
    """A unit of the time that a removal may wait: its budget is all of them."""


class BlockState(Enumeration):
    """A block's state.  sysfs never shows ``going_online``: writers wait for the hotplug lock."""

    offline: BlockState
    going_online: BlockState
    online: BlockState
    going_offline: BlockState


class MemoryEvent(Enumeration):
    """What the memory notifiers were last told about a block."""

    none: MemoryEvent
    going_online: MemoryEvent
    online: MemoryEvent
    cancel_online: MemoryEvent
    going_offline: MemoryEvent
    offline: MemoryEvent
    cancel_offline: MemoryEvent


class FrameState(Enumeration):
    """Who has a frame: nobody yet, the isolated list, the free list, a CPU's list, or an owner.

    ``incoming``: set aside as the destination of a migration; ``huge``: part of
    a hugetlb folio; ``pcp``: a CPU keeps the free frame on a list of its own
    (per-CPU pages); ``page_offline``: it is logically offline (PageOffline), its
    driver's alone; ``off_buddy``: it has an error, and the allocator has it no more
    (take_page_off_buddy).
    """

    unavailable: FrameState
    isolated: FrameState
    free: FrameState
    kernel: FrameState
    user: FrameState
    incoming: FrameState
    huge: FrameState
    pcp: FrameState
    page_offline: FrameState
    off_buddy: FrameState


def _boot_state(f: Frame) -> FrameState:
    there = ite(boot_kernel[f] | metadata_frame[f], FrameState.kernel, FrameState.free)
    return ite(early[block_of(f)] & ~hole[f], there, FrameState.unavailable)


block_state = variable(
    Block, BlockState, initial=lambda b: ite(early[b], BlockState.online, BlockState.offline)
)
"""The block's state."""

zone = variable(Block, Zone, initial=lambda b: ite(early[b], early_zone[b], Zone.none))
"""The one zone that manages the block's memory (struct memory_block, zone)."""

event = variable(Block, MemoryEvent, initial=lambda b: MemoryEvent.none)
"""The last memory event of the block."""

frame_state = variable(Frame, FrameState, initial=_boot_state)
"""Who has the frame."""

hwpoison = variable(Frame, Bool, initial=lambda f: false)
"""The frame's memory is known to have an error (PG_hwpoison).

Offline memory has no struct pages: there its block counts it (struct memory_block, nr_hwpoison).
"""

spent = variable(Block, Tick, Bool, initial=lambda b, t: false)
"""The block's removal has waited for so long already."""

refused_move = variable(Frame, Bool, initial=lambda f: false)
"""A migration out of the frame was given up; a removal pays for another try."""

kept = variable(Frame, Bool, initial=lambda f: false)
"""A kernel page whose address is kept lies in the frame: it can move (see `kernel_memory`)."""

has_memory = variable(
    Node, Bool, initial=lambda n: exists(Block, lambda b: (node_of[b] == n) & early[b])
)
"""The node is in node_states[N_MEMORY]: the allocator may fall back to it."""


@definition
def changing(b: Block) -> Bool:
    """The block is on its way: mem_hotplug_lock is held for it."""
    state = block_state[b]
    return (state == BlockState.going_online) | (state == BlockState.going_offline)


@definition
def in_use(b: Block) -> Bool:
    """The block's memory counts as present in its node."""
    state = block_state[b]
    return (state == BlockState.online) | (state == BlockState.going_offline)


@definition
def isolates(f: Frame) -> Bool:
    """Isolation finds the frame free, or it holds metadata of what is out of use by then.

    The per-CPU lists are drained before it begins.
    """
    free = (frame_state[f] == FrameState.free) | (frame_state[f] == FrameState.pcp)
    return free | metadata_frame[f]


@definition
def is_unmovable(f: Frame) -> Bool:
    """The kernel has the frame, and what is there neither moves nor goes with its block."""
    return (frame_state[f] == FrameState.kernel) & ~metadata_frame[f] & ~kept[f]


@definition
def stands_in_the_way(f: Frame) -> Bool:
    """The frame's block cannot go: somebody has the frame.

    Nobody has what is isolated, what is logically offline and unreferenced, or off the free lists
    for an error (test_pages_isolated).
    """
    let_go = (frame_state[f] == FrameState.page_offline) & ~driver_reference[f]
    nobodys = (frame_state[f] == FrameState.isolated) | (frame_state[f] == FrameState.off_buddy)
    return ~nobodys & ~let_go


@definition
def knows_of_errors(b: Block) -> Bool:
    """A frame of the block has an error that is known (memblk_nr_poison)."""
    return exists(Frame, lambda f: (block_of(f) == b) & hwpoison[f])


@definition
def comes_online_as(f: Frame) -> FrameState:
    """What becomes of the frame when its block goes online (the online_page callback)."""
    driven = ite(held_back(f), FrameState.page_offline, FrameState.free)
    return ite(metadata_frame[f], FrameState.kernel, driven)


@definition
def comes_back_as(f: Frame) -> FrameState:
    """What becomes of the isolated frame when its block stays after all."""
    return ite(metadata_frame[f], FrameState.kernel, FrameState.free)


@definition
def keeps_memory(b: Block) -> Bool:
    """The node of b has memory without b (node_states_check_changes_offline)."""
    return exists(
        Block, lambda other: (node_of[other] == node_of[b]) & (other != b) & in_use(other)
    )


@definition
def keeps_zone_populated(b: Block) -> Bool:
    """The zone of b has memory without b (populated_zone)."""
    return exists(
        Block,
        lambda other: (
            (node_of[other] == node_of[b]) & (other != b) & in_use(other) & (zone[other] == zone[b])
        ),
    )


@definition
def holds_metadata(b: Block) -> Bool:
    """Metadata of other memory lies in the block, and does not move."""
    return exists(Frame, lambda f: (block_of(f) == b) & metadata_frame[f])


@definition
def default_zone(b: Block) -> Zone:
    """The zone that a plain "online" chooses (default_zone_for_pfn, policy contig-zones).

    It is the one zone that reaches over the block.  Where none does, or both do, it is the
    kernel's, or the movable one with ``movable_node``.  What holds metadata is the kernel's.
    """
    in_kernel, in_movable = zone_span[b, Zone.kernel], zone_span[b, Zone.movable]
    movable = ite(in_kernel == in_movable, movable_node[node_of[b]], in_movable)
    return ite(movable & ~holds_metadata(b), Zone.movable, Zone.kernel)
