"""What is true of blocks, whatever happens to them (A1, N1, U1, N4).

The numbers I1 to I18 are the standing invariants of docs/invariants.md.
"""

from __future__ import annotations

from ..language import (
    Bool,
    after,
    always,
    exists,
    implies,
    ite,
    sometimes,
    step,
)
from ..machine.topology import (
    Block,
    Frame,
    Node,
    Section,
    Zone,
    block_of,
    block_of_section,
    early,
    early_zone,
    hole,
    memmap_host,
    metadata_frame,
    node_of,
    pgdat_section,
    section_of,
    vetoes_offline,
    vetoes_online,
)
from .block_states import (
    BlockState,
    FrameState,
    MemoryEvent,
    block_state,
    changing,
    event,
    frame_state,
    has_memory,
    in_use,
    is_unmovable,
    kept,
    zone,
)
from .sections import Metadata, block_device, memmap


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


@always(covers="A1")
def leaving_blocks_have_a_zone(b: Block) -> Bool:
    """Only a block that one zone manages can leave."""
    return implies(block_state[b] == BlockState.going_offline, zone[b] != Zone.none)


@always(covers="N1", using="offline_blocks_have_no_frames_in_use")
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


@always(
    covers="N1 N2 A1",
    using="blocks_leave_after_what_they_describe notifiers_know_that_a_block_is_leaving "
    "offline_memmaps_are_not_initialised",
)
def struct_pages_lie_in_memory_in_use(s: Section) -> Bool:
    """Struct pages that are in use lie in their own block, or in one that is online."""
    host = block_of_section[memmap_host[s]]
    elsewhere = (memmap[s] == Metadata.initialised) & (host != block_of_section[s])
    return implies(elsewhere, in_use(host))


@always(covers="N2 A1")
def blocks_leave_after_what_they_describe(s: Section) -> Bool:
    """A block that holds the mem_map of other memory begins to leave when that is offline."""
    host = block_of_section[memmap_host[s]]
    leaves = (block_state[host] == BlockState.going_offline) & (host != block_of_section[s])
    return implies(leaves, block_state[block_of_section[s]] == BlockState.offline)


@always(covers="N2 A1")
def the_block_of_the_pgdat_leaves_last(b: Block, c: Block) -> Bool:
    """While the block that holds a node's pgdat leaves, no other block of the node is in use."""
    host = block_of_section[pgdat_section[node_of[b]]] == b
    leaves = host & (block_state[b] == BlockState.going_offline)
    return implies(leaves & (node_of[c] == node_of[b]) & (c != b), ~in_use(c))


@always(
    covers="N1 U1",
    using="memory_in_use_is_available metadata_lies_in_memory_outside_the_movable_zone "
    "metadata_lies_in_sections_that_hold_it metadata_never_moves "
    "virtio_memory_holds_no_memmap virtio_memory_holds_no_pgdat",
)
def frames_with_metadata_are_handed_to_nobody(f: Frame) -> Bool:
    """Where metadata of other memory lies is the kernel's while the block of the frame is online.

    So it is as long as what it describes is in use: `struct_pages_lie_in_memory_in_use` and
    `blocks_leave_after_what_they_describe` say so of the block, for pgdats
    `the_block_of_the_pgdat_leaves_last`.
    """
    nobodys = (frame_state[f] == FrameState.unavailable) | (frame_state[f] == FrameState.isolated)
    the_kernels = frame_state[f] == FrameState.kernel
    online = block_state[block_of(f)] == BlockState.online
    return implies(metadata_frame[f], the_kernels | (nobodys & ~online))


@always(
    covers="N1 U1",
    using="metadata_lies_in_memory_outside_the_movable_zone",
)
def metadata_lies_outside_the_removable_area(f: Frame) -> Bool:
    """Metadata does not move, so no block that holds it is in the movable zone."""
    return implies(metadata_frame[f], zone[block_of(f)] != Zone.movable)


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
def new_struct_pages_are_isolated(f: Frame) -> Bool:
    """Initialised frames of a block that goes online wait in isolation (MIGRATE_ISOLATE)."""
    coming = block_state[block_of(f)] == BlockState.going_online
    ready = memmap[section_of[f]] == Metadata.initialised
    return implies(coming & ready, frame_state[f] == FrameState.isolated)


@always(covers="A1")
def isolated_frames_belong_to_changing_blocks(f: Frame) -> Bool:
    """No frame is left on an isolated list once its block has settled (I18)."""
    return implies(frame_state[f] == FrameState.isolated, changing(block_of(f)))


@always(covers="A1 U1")
def leaving_blocks_have_no_free_frame(f: Frame) -> Bool:
    """The allocator finds nothing in a block that goes offline."""
    leaving = block_state[block_of(f)] == BlockState.going_offline
    return implies(leaving, frame_state[f] != FrameState.free)


@always(covers="U1 U3")
def leaving_blocks_have_no_kernel_frame(f: Frame) -> Bool:
    """Unmovable memory is found before the work begins, and none comes later."""
    leaving = block_state[block_of(f)] == BlockState.going_offline
    return implies(leaving & ~kept[f], frame_state[f] != FrameState.kernel)


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
    """When a block gives up leaving, each frame is free, or with whom it was before (I18)."""
    b = block_of(f)
    gave_up = (block_state[b] == BlockState.going_offline) & (
        after(block_state[b]) == BlockState.online
    )
    was_isolated = frame_state[f] == FrameState.isolated
    had = ite(metadata_frame[f], FrameState.kernel, FrameState.free)
    kept = ite(was_isolated, had, frame_state[f])
    return implies(gave_up, after(frame_state[f]) == kept)


@step(covers="A1")
def notifiers_hear_that_memory_is_online(b: Block) -> Bool:
    """Whoever was told that a block is about to go online is told when it is."""
    state = block_state[b]
    comes = (state == BlockState.going_online) & (after(state) == BlockState.online)
    return implies(comes, after(event[b]) == MemoryEvent.online)


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


@sometimes(covers="N1 N2")
def a_block_with_metadata_of_others_goes_offline(f: Frame) -> Bool:
    """When nothing is in use any more that the metadata describes, its block can go."""
    return metadata_frame[f] & (event[block_of(f)] == MemoryEvent.offline)


@sometimes(covers="N1 N2")
def a_block_with_metadata_of_others_comes_back(f: Frame) -> Bool:
    """A block that holds metadata of other memory begins to go online, outside the movable zone."""
    b = block_of(f)
    comes = after((block_state[b] == BlockState.going_online) & (zone[b] != Zone.movable))
    return metadata_frame[f] & (block_state[b] == BlockState.offline) & comes


@sometimes(covers="N1 U1")
def metadata_comes_back_with_its_block(f: Frame) -> Bool:
    """The kernel has such a frame again, when the removal of its block was given up."""
    b = block_of(f)
    stays = (event[b] == MemoryEvent.cancel_offline) & (block_state[b] == BlockState.online)
    return metadata_frame[f] & stays


@sometimes(covers="A1 U1")
def early_memory_goes_offline(b: Block) -> Bool:
    """Boot memory can be taken offline."""
    return early[b] & (event[b] == MemoryEvent.offline)


def _begins_to_go(b: Block) -> Bool:
    state = block_state[b]
    return (state == BlockState.online) & (after(state) == BlockState.going_offline)


@sometimes(covers="A1")
def a_hole_keeps_no_other_block(b: Block, f: Frame) -> Bool:
    """A removal begins although another block has frames that are no memory."""
    return _begins_to_go(b) & hole[f] & (block_of(f) != b)


@sometimes(covers="A1 U1")
def memory_of_the_kernel_keeps_no_other_block(b: Block, f: Frame) -> Bool:
    """A removal begins although the kernel has memory elsewhere that does not move."""
    return _begins_to_go(b) & is_unmovable(f) & (block_of(f) != b)


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
