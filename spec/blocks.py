"""Blocks: going online, going offline, and what is left when that fails (A1, N1).

One write to /sys/devices/system/memory/memoryN/state is several steps here, so
that everything else may happen between them.  The guards stand in the order in
which the kernel looks, so the first that fails gives the errno that a user sees.

Sources: drivers/base/memory.c (memory_block_online, memory_block_offline),
mm/memory_hotplug.c (online_pages, offline_pages), include/linux/memory.h (events).
"""

from __future__ import annotations

from errno import EBUSY, EINVAL, ENODEV, EPERM

from .language import (
    Bool,
    Enumeration,
    action,
    after,
    always,
    definition,
    exists,
    false,
    guard,
    implies,
    ite,
    sometimes,
    step,
    true,
    variable,
)
from .sections import (
    Metadata,
    block_device,
    memmap,
)
from .topology import (
    Block,
    Frame,
    Node,
    Section,
    Zone,
    below,
    block_of,
    block_of_section,
    boot_kernel,
    early,
    early_zone,
    hole,
    node_of,
    section_of,
    vetoes_offline,
    vetoes_online,
)


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
    """Who has a frame: nobody yet, the isolated list, the free list, or an owner.

    ``incoming``: set aside as the destination of a migration.
    """

    unavailable: FrameState
    isolated: FrameState
    free: FrameState
    kernel: FrameState
    user: FrameState
    incoming: FrameState


def _boot_state(f: Frame) -> FrameState:
    there = ite(boot_kernel[f], FrameState.kernel, FrameState.free)
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
def spanned_by(b: Block, z: Zone) -> Bool:
    """The span of the node's zone z, with all its gaps, reaches over the block."""
    return exists(
        Block,
        Block,
        lambda low, high: (
            (node_of[low] == node_of[b])
            & (node_of[high] == node_of[b])
            & (zone[low] == z)
            & (zone[high] == z)
            & ~below[b, low]
            & ~below[high, b]
        ),
    )


@definition
def default_zone(b: Block) -> Zone:
    """The zone that a plain "online" chooses (zone_for_pfn_range, policy contig-zones)."""
    only_movable = spanned_by(b, Zone.movable) & ~spanned_by(b, Zone.kernel)
    return ite(only_movable, Zone.movable, Zone.kernel)


def _hotplug_lock(b: Block) -> None:
    guard(
        "hotplug_lock",
        ~exists(Block, lambda other: changing(other)),
        why="another block is going online or offline (the writer would wait)",
    )
    guard("has_device", block_device[b], errno=ENODEV, why="there is no such memory block")


@action
def begin_online(b: Block, z: Zone) -> None:
    """Take the lock and choose the zone."""
    _hotplug_lock(b)
    guard(
        "block_offline",
        block_state[b] == BlockState.offline,
        errno=EINVAL,
        why="the block is not offline",
    )
    guard("a_zone", z != Zone.none, errno=EINVAL, why="memory goes online in a zone")
    block_state[b] = BlockState.going_online
    zone[b] = z


@action
def initialise_memmap(b: Block) -> None:
    """Initialise the struct pages; the frames stay isolated (move_pfn_range_to_zone)."""
    guard(
        "going_online",
        block_state[b] == BlockState.going_online,
        why="the block is not going online",
    )
    guard(
        "not_initialised",
        exists(Section, lambda s: (block_of_section[s] == b) & (memmap[s] != Metadata.initialised)),
        why="its struct pages are initialised already",
    )
    memmap.update(where=lambda s: block_of_section[s] == b, value=Metadata.initialised)
    frame_state.update(where=lambda f: block_of(f) == b, value=FrameState.isolated)


@action
def announce_online(b: Block) -> None:
    """Tell the notifiers MEM_GOING_ONLINE."""
    guard(
        "going_online",
        block_state[b] == BlockState.going_online,
        why="the block is not going online",
    )
    guard(
        "memmap_initialised",
        ~exists(
            Section, lambda s: (block_of_section[s] == b) & (memmap[s] != Metadata.initialised)
        ),
        why="the mem_map of a section is not initialised",
    )
    guard("not_announced", event[b] != MemoryEvent.going_online, why="they know already")
    event[b] = MemoryEvent.going_online


@action
def finish_online(b: Block) -> None:
    """Give the frames to the allocator; the block is online."""
    guard("announced", event[b] == MemoryEvent.going_online, why="the notifiers were not asked")
    guard("notifiers_agree", ~vetoes_online[b], errno=EPERM, why="a memory notifier refuses")
    block_state[b] = BlockState.online
    event[b] = MemoryEvent.online
    has_memory[node_of[b]] = true
    frame_state.update(where=lambda f: block_of(f) == b, value=FrameState.free)


@action
def cancel_online(b: Block) -> None:
    """Give up going online: everything is as before."""
    guard(
        "going_online",
        block_state[b] == BlockState.going_online,
        why="the block is not going online",
    )
    block_state[b] = BlockState.offline
    zone[b] = Zone.none
    told = event[b] == MemoryEvent.going_online
    event[b] = ite(told, MemoryEvent.cancel_online, event[b])
    memmap.update(where=lambda s: block_of_section[s] == b, value=Metadata.allocated)
    frame_state.update(where=lambda f: block_of(f) == b, value=FrameState.unavailable)


@action
def begin_offline(b: Block) -> None:
    """Isolate the block's free frames; from here nothing new is allocated in it."""
    _hotplug_lock(b)
    guard(
        "block_online",
        block_state[b] == BlockState.online,
        errno=EINVAL,
        why="the block is not online",
    )
    guard(
        "one_zone",
        zone[b] != Zone.none,
        errno=EINVAL,
        why="the block spans several zones or nodes",
    )
    guard(
        "no_holes",
        ~exists(Frame, lambda f: (block_of(f) == b) & hole[f]),
        errno=EINVAL,
        why="the block has holes",
    )
    guard(
        "no_unmovable",
        ~exists(Frame, lambda f: (block_of(f) == b) & (frame_state[f] == FrameState.kernel)),
        errno=EBUSY,
        why="the block holds unmovable kernel memory",
    )
    block_state[b] = BlockState.going_offline
    frame_state.update(
        where=lambda f: (block_of(f) == b) & (frame_state[f] == FrameState.free),
        value=FrameState.isolated,
    )


@action
def announce_offline(b: Block) -> None:
    """Tell the notifiers MEM_GOING_OFFLINE."""
    guard(
        "going_offline",
        block_state[b] == BlockState.going_offline,
        why="the block is not going offline",
    )
    guard("not_announced", event[b] != MemoryEvent.going_offline, why="they know already")
    event[b] = MemoryEvent.going_offline


@action
def finish_offline(b: Block) -> None:
    """Take the empty block out of its zone; it is offline."""
    guard("announced", event[b] == MemoryEvent.going_offline, why="the notifiers were not asked")
    guard("notifiers_agree", ~vetoes_offline[b], errno=EPERM, why="a memory notifier refuses")
    guard(
        "empty",
        ~exists(Frame, lambda f: (block_of(f) == b) & (frame_state[f] != FrameState.isolated)),
        errno=EBUSY,
        why="a frame of the block is still in use",
    )
    block_state[b] = BlockState.offline
    zone[b] = Zone.none
    event[b] = MemoryEvent.offline
    has_memory[node_of[b]] = exists(
        Block, lambda other: (node_of[other] == node_of[b]) & (other != b) & in_use(other)
    )
    memmap.update(where=lambda s: block_of_section[s] == b, value=Metadata.allocated)
    frame_state.update(where=lambda f: block_of(f) == b, value=FrameState.unavailable)


@action
def cancel_offline(b: Block) -> None:
    """Give up going offline: all memory is available again; what has moved stays moved."""
    guard(
        "going_offline",
        block_state[b] == BlockState.going_offline,
        why="the block is not going offline",
    )
    block_state[b] = BlockState.online
    told = event[b] == MemoryEvent.going_offline
    event[b] = ite(told, MemoryEvent.cancel_offline, event[b])
    frame_state.update(
        where=lambda f: (block_of(f) == b) & (frame_state[f] == FrameState.isolated),
        value=FrameState.free,
    )


@action
def delete_block_device(b: Block) -> None:
    """Take the block out of sysfs (remove_memory_block_devices)."""
    guard("has_device", block_device[b], errno=ENODEV, why="there is no such memory block")
    guard(
        "block_offline",
        block_state[b] == BlockState.offline,
        errno=EBUSY,
        why="the block is not offline",
    )
    block_device[b] = false


# --- what is true -------------------------------------------------------------------------------


@always(covers="A1")
def only_devices_change_state(b: Block) -> Bool:
    """A block without a device is offline: removal needs every block in range offline."""
    return implies(~block_device[b], block_state[b] == BlockState.offline)


@always(covers="A1")
def one_block_changes_at_a_time(a: Block, b: Block) -> Bool:
    """mem_hotplug_lock serialises going online and going offline."""
    return implies(changing(a) & changing(b), a == b)


@always(covers="A1 U1")
def offline_blocks_have_no_zone(b: Block) -> Bool:
    """An offline block belongs to no zone (invariant I3)."""
    return implies(block_state[b] == BlockState.offline, zone[b] == Zone.none)


@always(covers="A1")
def added_blocks_have_one_zone(b: Block) -> Bool:
    """Only boot memory can span zones; a hot-added block that is online has one zone (I3)."""
    return implies(in_use(b) & (zone[b] == Zone.none), early[b])


@always(covers="A1")
def coming_blocks_have_a_zone(b: Block) -> Bool:
    """The zone is chosen before anything else happens to a block."""
    return implies(block_state[b] == BlockState.going_online, zone[b] != Zone.none)


@always(covers="N1")
def frames_in_use_have_an_initialised_memmap(f: Frame) -> Bool:
    """Nobody touches a struct page before it is initialised or after it is poisoned (I4, I13)."""
    used = frame_state[f] != FrameState.unavailable
    return implies(used, memmap[section_of[f]] == Metadata.initialised)


@always(covers="N1")
def offline_memmaps_are_not_initialised(s: Section) -> Bool:
    """The struct pages of offline memory are poisoned: no state survives in them."""
    offline = block_state[block_of_section[s]] == BlockState.offline
    return implies(offline, memmap[s] != Metadata.initialised)


@always(covers="N1")
def blocks_in_use_have_initialised_memmaps(s: Section) -> Bool:
    """Every section of an online block has an initialised mem_map (I1, I2)."""
    return implies(in_use(block_of_section[s]), memmap[s] == Metadata.initialised)


@always(covers="A1")
def offline_blocks_have_no_frames_in_use(f: Frame) -> Bool:
    """No frame of an offline block is in anybody's hands."""
    offline = block_state[block_of(f)] == BlockState.offline
    return implies(offline, frame_state[f] == FrameState.unavailable)


@always(covers="A1")
def frames_wait_while_a_block_goes_online(f: Frame) -> Bool:
    """Nothing is allocated from a block before it is online."""
    state = frame_state[f]
    waits = (state == FrameState.unavailable) | (state == FrameState.isolated)
    return implies(block_state[block_of(f)] == BlockState.going_online, waits)


@always(covers="A1")
def isolated_frames_belong_to_changing_blocks(f: Frame) -> Bool:
    """No frame is left on an isolated list once its block has settled (I18)."""
    return implies(frame_state[f] == FrameState.isolated, changing(block_of(f)))


@always(covers="A1 U1")
def leaving_blocks_have_no_free_frame(f: Frame) -> Bool:
    """The allocator finds nothing in a block that goes offline."""
    leaving = block_state[block_of(f)] == BlockState.going_offline
    return implies(leaving, frame_state[f] != FrameState.free)


@always(covers="U1")
def leaving_blocks_have_no_kernel_frame(f: Frame) -> Bool:
    """Unmovable memory is found before the work begins, and none comes later."""
    leaving = block_state[block_of(f)] == BlockState.going_offline
    return implies(leaving, frame_state[f] != FrameState.kernel)


@always(covers="A1")
def holes_are_never_handed_out(f: Frame) -> Bool:
    """No frame without memory behind it is ever allocated."""
    return implies(hole[f], frame_state[f] == FrameState.unavailable)


@always(covers="A1")
def blocks_with_holes_stay_online(f: Frame) -> Bool:
    """A block with holes never goes offline, so its missing frames never come back as free."""
    return implies(hole[f], block_state[block_of(f)] == BlockState.online)


@always(covers="A1")
def blocks_of_several_zones_stay_online(b: Block) -> Bool:
    """A block that several zones share has no zone that could give it up: it never goes."""
    shared = early[b] & (early_zone[b] == Zone.none)
    return implies(shared, (block_state[b] == BlockState.online) & (zone[b] == Zone.none))


@always(covers="A1")
def memory_in_use_is_available(f: Frame) -> Bool:
    """Every frame of an online block that has memory is in the allocator's or an owner's hands."""
    there = in_use(block_of(f)) & ~hole[f]
    return implies(there, frame_state[f] != FrameState.unavailable)


@always(covers="A1 N4")
def nodes_with_online_blocks_have_memory(b: Block) -> Bool:
    """N_MEMORY is set while a block of the node is in use (I9)."""
    return implies(in_use(b), has_memory[node_of[b]])


@always(covers="A1 N4")
def nodes_with_memory_have_online_blocks(n: Node) -> Bool:
    """N_MEMORY is cleared with the last block (I9)."""
    used = exists(Block, lambda b: (node_of[b] == n) & in_use(b))
    return implies(has_memory[n], used)


@always(covers="A1")
def notifiers_know_that_a_block_is_leaving(b: Block) -> Bool:
    """MEM_GOING_OFFLINE is the last word only while the block is leaving (I14)."""
    told = event[b] == MemoryEvent.going_offline
    return implies(told, block_state[b] == BlockState.going_offline)


@always(covers="A1")
def notifiers_know_that_a_block_is_coming(b: Block) -> Bool:
    """MEM_GOING_ONLINE is the last word only while the block is coming (I14)."""
    told = event[b] == MemoryEvent.going_online
    return implies(told, block_state[b] == BlockState.going_online)


@always(covers="A1 N1")
def announced_blocks_have_initialised_memmaps(s: Section) -> Bool:
    """Notifiers that are told of coming memory may look at its struct pages (I1)."""
    told = event[block_of_section[s]] == MemoryEvent.going_online
    return implies(told, memmap[s] == Metadata.initialised)


@step(covers="A1")
def every_announcement_is_concluded(b: Block) -> Bool:
    """MEM_GOING_OFFLINE is followed by MEM_OFFLINE or MEM_CANCEL_OFFLINE; likewise online (I14)."""
    change = event[b] != after(event[b])
    leaving = event[b] == MemoryEvent.going_offline
    coming = event[b] == MemoryEvent.going_online
    left = (after(event[b]) == MemoryEvent.offline) | (
        after(event[b]) == MemoryEvent.cancel_offline
    )
    came = (after(event[b]) == MemoryEvent.online) | (after(event[b]) == MemoryEvent.cancel_online)
    return implies(change & leaving, left) & implies(change & coming, came)


@step(covers="A1")
def conclusions_follow_an_announcement(b: Block) -> Bool:
    """Nobody hears MEM_OFFLINE or MEM_ONLINE who did not hear of it before (I14)."""
    change = event[b] != after(event[b])
    left = after(event[b]) == MemoryEvent.offline
    came = after(event[b]) == MemoryEvent.online
    return implies(change & left, event[b] == MemoryEvent.going_offline) & implies(
        change & came, event[b] == MemoryEvent.going_online
    )


@step(covers="A1")
def a_failed_offline_restores_availability(f: Frame) -> Bool:
    """When a block gives up leaving, each of its frames is free or still with its owner (I18)."""
    b = block_of(f)
    gave_up = (block_state[b] == BlockState.going_offline) & (
        after(block_state[b]) == BlockState.online
    )
    was_isolated = frame_state[f] == FrameState.isolated
    kept = ite(was_isolated, FrameState.free, frame_state[f])
    return implies(gave_up, after(frame_state[f]) == kept)


@step(covers="A1")
def vetoes_are_respected(b: Block) -> Bool:
    """No block goes offline or online against a notifier."""
    left = (block_state[b] == BlockState.going_offline) & (
        after(block_state[b]) == BlockState.offline
    )
    came = (block_state[b] == BlockState.going_online) & (
        after(block_state[b]) == BlockState.online
    )
    return implies(left, ~vetoes_offline[b]) & implies(came, ~vetoes_online[b])


@sometimes(covers="A1 U1")
def early_memory_goes_offline(b: Block) -> Bool:
    """Boot memory can be taken offline."""
    return early[b] & (event[b] == MemoryEvent.offline)


@sometimes(covers="A1")
def an_offline_is_cancelled(b: Block) -> Bool:
    """A removal can be given up after the notifiers were told."""
    return event[b] == MemoryEvent.cancel_offline


@sometimes(covers="A1")
def an_online_is_cancelled(b: Block) -> Bool:
    """Going online can be given up after the notifiers were told."""
    return event[b] == MemoryEvent.cancel_online


@sometimes(covers="A1 U1")
def added_memory_is_online_and_movable(b: Block) -> Bool:
    """Hot-added memory can extend the removable area."""
    return ~early[b] & (zone[b] == Zone.movable) & (block_state[b] == BlockState.online)
