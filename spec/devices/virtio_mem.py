"""virtio-mem: a device that plugs memory in pieces smaller than a block (A1, R4, R5).

A block goes online with the sub-blocks that the device has plugged; the frames
of the others are logically offline (PageOffline): their driver holds them, and
nobody else gets them.  A sub-block of an online block is unplugged when its
frames are free (alloc_contig_range); a block whose sub-blocks are all to go is
taken offline and removed by the same steps as ever.

The device's wish (requested_size) is not modelled: it may ask for any sub-block
at any time.  Nor is big-block mode, where the device's unit is a block or more.
Source: drivers/virtio/virtio_mem.c (virtio_mem_sbm_plug_sb, virtio_mem_sbm_unplug_sb_online,
virtio_mem_notify_going_offline, virtio_mem_notify_cancel_offline, virtio_mem_online_page).
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EEXIST, EINVAL, ENOENT

from ..blocks.block_states import (
    BlockState,
    FrameState,
    MemoryEvent,
    block_state,
    changing,
    event,
    frame_state,
    in_use,
)
from ..blocks.blocks import finish_offline
from ..blocks.sections import Metadata, memmap
from ..language import (
    Bool,
    action,
    after,
    always,
    any_of,
    enabled,
    exists,
    false,
    forall,
    guard,
    implies,
    sometimes,
    step,
    true,
)
from ..machine.platform_state import (
    SubBlock,
    block_of_subblock,
    driver_reference,
    has_a_piece,
    held_back,
    in_subblock,
    is_virtio,
    subblock_of,
    subblock_plugged,
)
from ..machine.topology import (
    Block,
    Frame,
    Section,
    block_of,
    block_of_section,
    vetoes_offline,
)


@action
def plug_subblock(u: SubBlock) -> None:
    """The device puts memory behind a sub-block; an online block gets its frames."""
    guard(
        "is_virtio",
        is_virtio[block_of_subblock[u]],
        errno=EINVAL,
        why="the block is not a virtio-mem device's",
    )
    guard(
        "settled",
        ~changing(block_of_subblock[u]),
        errno=EAGAIN,
        why="the block is going online or offline",
    )
    guard("not_plugged", ~subblock_plugged[u], errno=EEXIST, why="it is plugged already")
    subblock_plugged[u] = true
    frame_state.update(
        where=lambda f: in_subblock(f, u) & (frame_state[f] == FrameState.page_offline),
        value=FrameState.free,
    )
    driver_reference.update(where=lambda f: in_subblock(f, u), value=false)


@action
def unplug_subblock(u: SubBlock) -> None:
    """The driver takes the sub-block's free frames, and the device takes its memory away."""
    guard("plugged", subblock_plugged[u], errno=ENOENT, why="it is not plugged")
    guard(
        "frames_free",
        ~exists(
            Frame,
            lambda f: (
                in_subblock(f, u)
                & (frame_state[f] != FrameState.free)
                & (frame_state[f] != FrameState.unavailable)
            ),
        ),
        errno=EBUSY,
        why="a frame of the sub-block is in use",
    )
    subblock_plugged[u] = false
    online = block_state[block_of_subblock[u]] == BlockState.online
    driver_reference.update(where=lambda f: in_subblock(f, u) & online, value=true)
    frame_state.update(
        where=lambda f: in_subblock(f, u) & (frame_state[f] == FrameState.free),
        value=FrameState.page_offline,
    )


# --- what is true -------------------------------------------------------------------------------


@always(
    covers="A1 R4 R5",
    using="metadata_lies_in_sections_that_hold_it virtio_memory_holds_no_memmap "
    "virtio_memory_holds_no_pgdat",
)
def unplugged_memory_is_in_nobodys_hands(f: Frame) -> Bool:
    """No frame without memory behind it is the allocator's or an owner's."""
    state = frame_state[f]
    coming = block_state[block_of(f)] == BlockState.going_online
    nobodys = any_of(
        state == FrameState.unavailable,
        state == FrameState.page_offline,
        (state == FrameState.isolated) & coming,
    )
    return implies(held_back(f), nobodys)


@always(
    covers="A1 R4 R5",
    using="holes_are_early memory_in_use_is_available metadata_lies_in_sections_that_hold_it "
    "notifiers_know_that_a_block_is_coming one_block_changes_at_a_time "
    "virtio_memory_holds_no_memmap virtio_memory_holds_no_pgdat "
    "virtio_memory_is_added_by_its_driver",
)
def drivers_hold_what_is_unplugged(f: Frame) -> Bool:
    """In a block that is online or leaving, unplugged memory is logically offline."""
    unplugged = held_back(f) & in_use(block_of(f))
    return implies(unplugged, frame_state[f] == FrameState.page_offline)


@always(covers="A1 R4 R5")
def drivers_hold_only_what_is_unplugged(f: Frame) -> Bool:
    """Only unplugged memory of a block in use is logically offline."""
    held = frame_state[f] == FrameState.page_offline
    return implies(held, held_back(f) & in_use(block_of(f)))


@always(
    covers="A1 R4 R5",
    using="holes_are_early leaving_blocks_have_no_free_frame memory_in_use_is_available "
    "notifiers_know_that_a_block_is_leaving subblocks_lie_in_one_block "
    "virtio_memory_is_added_by_its_driver",
)
def drivers_let_go_while_a_block_leaves(f: Frame) -> Bool:
    """The reference is dropped at MEM_GOING_OFFLINE, taken again at MEM_CANCEL_OFFLINE."""
    b = block_of(f)
    keeps = held_back(f) & in_use(b) & (event[b] != MemoryEvent.going_offline)
    return implies(is_virtio[b], driver_reference[f] == keeps)


@always(
    covers="A1 R4 R5",
    using="drivers_hold_only_what_is_unplugged drivers_let_go_while_a_block_leaves",
)
def unplugged_memory_does_not_keep_a_block(b: Block) -> Bool:
    """A block of isolated and of logically offline frames can go, unless a notifier refuses."""
    left = forall(
        Frame,
        lambda f: implies(
            block_of(f) == b,
            (frame_state[f] == FrameState.isolated) | (frame_state[f] == FrameState.page_offline),
        ),
    )
    leaves = (event[b] == MemoryEvent.going_offline) & left & ~vetoes_offline[b]
    return implies(is_virtio[b] & leaves, enabled(finish_offline, b))


@always(covers="A1 R4 R5")
def only_devices_of_their_own_plug_subblocks(u: SubBlock) -> Bool:
    """No other block is plugged in pieces."""
    return implies(subblock_plugged[u], is_virtio[block_of_subblock[u]])


@step(covers="A1 R4 R5")
def blocks_are_added_with_a_piece_of_memory(s: Section) -> Bool:
    """A driver adds no block of which its device has plugged nothing."""
    added = (memmap[s] == Metadata.absent) & after(memmap[s] != Metadata.absent)
    return implies(added, has_a_piece(block_of_section[s]))


@step(covers="A1 R4 R5")
def blocks_are_added_with_a_subblock_that_is_plugged(s: Section) -> Bool:
    """Of a virtio-mem device's block that is added, a sub-block has memory behind it."""
    b = block_of_section[s]
    added = (memmap[s] == Metadata.absent) & after(memmap[s] != Metadata.absent)
    piece = exists(SubBlock, lambda u: (block_of_subblock[u] == b) & subblock_plugged[u])
    return implies(added & is_virtio[b], piece)


@step(covers="A1 R4 R5")
def unplugged_memory_comes_back_by_a_plug(f: Frame) -> Bool:
    """A logically offline frame becomes free only with memory behind it."""
    freed = (frame_state[f] == FrameState.page_offline) & after(frame_state[f] == FrameState.free)
    plugged = ~subblock_plugged[subblock_of[f]] & after(subblock_plugged[subblock_of[f]])
    return implies(freed, plugged)


@step(covers="A1 R4 R5")
def memory_is_plugged_into_blocks_that_have_settled(u: SubBlock) -> Bool:
    """No memory appears in a block while it goes online or offline."""
    plugged = ~subblock_plugged[u] & after(subblock_plugged[u])
    return implies(plugged, ~changing(block_of_subblock[u]))


@step(covers="A1 R4 R5")
def memory_is_unplugged_when_nobody_uses_it(f: Frame) -> Bool:
    """The device takes no memory away from an owner."""
    u = subblock_of[f]
    taken = is_virtio[block_of(f)] & subblock_plugged[u] & ~after(subblock_plugged[u])
    idle = (frame_state[f] == FrameState.free) | (frame_state[f] == FrameState.unavailable)
    return implies(taken, idle)


@sometimes(covers="A1 R4 R5")
def a_block_is_online_in_part(f: Frame, g: Frame) -> Bool:
    """Of an online block, the driver keeps one frame, and another has memory behind it."""
    b = block_of(f)
    other = is_virtio[b] & (block_of(g) == b) & ~held_back(g)
    return driver_reference[f] & other & (block_state[b] == BlockState.online)


@sometimes(covers="A1 R4 R5")
def a_block_is_unplugged_while_it_is_online(u: SubBlock) -> Bool:
    """The last memory that a device had plugged of a block goes: nothing of it can be used."""
    b = block_of_subblock[u]
    gone = subblock_plugged[u] & ~after(has_a_piece(b))
    return gone & (block_state[b] == BlockState.online)


@sometimes(covers="A1 R4 R5")
def memory_is_unplugged_before_it_is_used(u: SubBlock) -> Bool:
    """A sub-block of a block that is not online goes."""
    gone = subblock_plugged[u] & ~after(subblock_plugged[u])
    return gone & (block_state[block_of_subblock[u]] == BlockState.offline)


@sometimes(covers="A1 R4 R5")
def memory_is_unplugged_beside_memory_in_use(u: SubBlock, f: Frame) -> Bool:
    """What others use elsewhere keeps no sub-block."""
    gone = subblock_plugged[u] & ~after(subblock_plugged[u])
    return gone & (frame_state[f] == FrameState.user)


@sometimes(covers="A1 R4 R5")
def a_block_grows_while_it_is_online(f: Frame) -> Bool:
    """A frame that the driver kept goes to the allocator: there is memory behind it now."""
    return (frame_state[f] == FrameState.page_offline) & after(frame_state[f] == FrameState.free)


@sometimes(covers="A1 R4 R5")
def a_block_that_is_online_in_part_goes_offline(u: SubBlock, v: SubBlock) -> Bool:
    """Unplugged memory does not keep its block online."""
    b = block_of_subblock[u]
    parts = (block_of_subblock[v] == b) & subblock_plugged[u] & ~subblock_plugged[v]
    return parts & (event[b] == MemoryEvent.offline)
