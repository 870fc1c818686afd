"""Frames and folios: what the allocator hands out, and what lives where (U1).

A folio here is one frame of user memory: anonymous memory or page cache.  The
removable area is every block that is online in the movable zone.

Sources: mm/page_alloc.c, include/linux/mmzone.h (ZONE_MOVABLE).
"""

from __future__ import annotations

from errno import EBUSY, ENOMEM

from ..blocks.block_states import (
    BlockState,
    FrameState,
    block_state,
    frame_state,
    hwpoison,
    kept,
    zone,
)
from ..language import (
    Bool,
    Enumeration,
    Sort,
    action,
    after,
    always,
    definition,
    false,
    guard,
    implies,
    ite,
    sometimes,
    topology,
    variable,
)
from ..machine.topology import (
    Block,
    Frame,
    Zone,
    block_of,
    boot_kernel,
    metadata_frame,
    node_of_frame,
)
from .drain import draining, leaving


class Folio(Sort):
    """A unit of user memory that keeps its identity while it moves (struct folio)."""


class Data(Sort):
    """What a frame can contain."""


class FolioKind(Enumeration):
    """``none``: the folio does not exist (yet, or any more)."""

    none: FolioKind
    anonymous: FolioKind
    page_cache: FolioKind


birth_frame = topology(Folio, Frame)
"""What the records of a folio name before it exists; nothing depends on it."""

boot_folio = topology(Frame, Folio)
"""What a struct page names before a folio was ever in its frame; nothing depends on it."""

boot_data = topology(Frame, Data)
"""What a frame contains at boot."""

folio_kind = variable(Folio, FolioKind, initial=lambda o: FolioKind.none)
"""What the folio is."""

home = variable(Folio, Frame, initial=lambda o: birth_frame[o])
"""The frame that the folio lives in."""

folio_of = variable(Frame, Folio, initial=lambda f: boot_folio[f])
"""The folio that a frame belongs to while it is in use (page_folio)."""

data = variable(Frame, Data, initial=lambda f: boot_data[f])
"""What the frame contains."""

contents = variable(Folio, Data, initial=lambda o: boot_data[birth_frame[o]])
"""What the folio's owner last stored in it (a ghost: no kernel has it)."""

dirty = variable(Folio, Bool, initial=lambda o: false)
"""The owner has stored what the folio's store does not have yet (PG_dirty)."""

stored = variable(Folio, Data, initial=lambda o: boot_data[birth_frame[o]])
"""What the folio's backing store has of it."""


lost = variable(Folio, Bool, initial=lambda o: false)
"""An error has destroyed what its owner stored, who is still to be told (SIGBUS, AS_EIO)."""


@definition
def released(f: Frame) -> FrameState:
    """What a frame becomes when it is freed: the free list of its pageblock has it, or none.

    Source: mm/page_alloc.c, free_pages_prepare (PageHWPoison).
    """
    isolated = block_state[block_of(f)] == BlockState.going_offline
    freed = ite(isolated, FrameState.isolated, FrameState.free)
    return ite(hwpoison[f], FrameState.off_buddy, freed)


@definition
def exists_now(o: Folio) -> Bool:
    """The folio exists."""
    return folio_kind[o] != FolioKind.none


def _open_for_allocation(f: Frame) -> None:
    guard(
        "not_draining",
        ~draining[block_of(f)],
        errno=ENOMEM,
        why="the block is closed to allocation: it is to be removed",
    )
    guard(
        "node_stays",
        ~leaving[node_of_frame(f)],
        errno=ENOMEM,
        why="the node is closed to allocation: all of it is to be removed",
    )


@action
def alloc_kernel(f: Frame) -> None:
    """The kernel takes a frame for itself: slab, page table, stack (no __GFP_MOVABLE)."""
    guard("frame_free", frame_state[f] == FrameState.free, errno=ENOMEM, why="it is not free")
    guard(
        "outside_removable_area",
        zone[block_of(f)] != Zone.movable,
        errno=ENOMEM,
        why="the kernel takes no memory from the movable zone",
    )
    _open_for_allocation(f)
    frame_state[f] = FrameState.kernel


@action
def free_kernel(f: Frame) -> None:
    """The kernel gives a frame back."""
    guard("kernel_frame", frame_state[f] == FrameState.kernel, why="the kernel does not hold it")
    guard("not_boot_memory", ~boot_kernel[f], why="boot memory of the kernel is never freed")
    guard("no_metadata", ~metadata_frame[f], why="metadata of other memory goes with its block")
    guard("not_mapped", ~kept[f], errno=EBUSY, why="a kernel address leads to it: unmap that")
    frame_state[f] = released(f)


@action
def alloc_folio(o: Folio, f: Frame, k: FolioKind) -> None:
    """User memory comes to life in a free frame, of any zone (GFP_HIGHUSER_MOVABLE)."""
    guard("new_folio", ~exists_now(o) & ~lost[o], why="it exists, or its loss is still to be told")
    guard("a_kind", k != FolioKind.none, why="a folio is anonymous memory or page cache")
    guard("frame_free", frame_state[f] == FrameState.free, errno=ENOMEM, why="it is not free")
    _open_for_allocation(f)
    folio_kind[o] = k
    home[o] = f
    folio_of[f] = o
    contents[o] = data[f]
    stored[o] = data[f]
    dirty[o] = false
    frame_state[f] = FrameState.user


@always(covers="U1")
def kernel_frames_stay_out_of_the_removable_area(f: Frame) -> Bool:
    """No kernel frame lies in a block of the movable zone."""
    return implies(frame_state[f] == FrameState.kernel, zone[block_of(f)] != Zone.movable)


@always(covers="U1")
def removable_blocks_hold_no_unmovable_frame(b: Block, f: Frame) -> Bool:
    """Nothing in the removable area refuses to move: begin_offline finds no obstacle there."""
    inside = (block_of(f) == b) & (zone[b] == Zone.movable)
    return implies(inside, frame_state[f] != FrameState.kernel)


@always(
    covers="U1",
    using="boot_memory_of_the_kernel_is_early boot_memory_of_the_kernel_never_moves "
    "metadata_lies_in_memory_outside_the_movable_zone",
)
def boot_memory_of_the_kernel_stays(f: Frame) -> Bool:
    """A frame that the kernel took at boot is its own for ever, so its block never goes."""
    return implies(boot_kernel[f], frame_state[f] == FrameState.kernel)


@always(
    covers="U1",
    using="boot_memory_of_the_kernel_is_early boot_memory_of_the_kernel_never_moves "
    "boot_memory_of_the_kernel_stays metadata_lies_in_memory_outside_the_movable_zone",
)
def blocks_with_boot_memory_stay_online(f: Frame) -> Bool:
    """A block with boot memory of the kernel is online for ever."""
    return implies(boot_kernel[f], block_state[block_of(f)] == BlockState.online)


@always(covers="U1 M1")
def folios_live_in_user_frames(o: Folio) -> Bool:
    """A folio's frame is taken, as user memory."""
    return implies(exists_now(o), frame_state[home[o]] == FrameState.user)


@always(covers="M1", using="folios_live_in_user_frames")
def frames_know_the_folio_that_lives_in_them(o: Folio) -> Bool:
    """The struct page of a folio's frame names the folio."""
    return implies(exists_now(o), folio_of[home[o]] == o)


@always(covers="M1")
def folios_do_not_share_frames(o: Folio, other: Folio) -> Bool:
    """Two folios live in two frames."""
    both = exists_now(o) & exists_now(other) & (o != other)
    return implies(both, home[o] != home[other])


@always(covers="M1 D1", using="folios_live_in_user_frames")
def contents_are_never_lost(o: Folio) -> Bool:
    """A folio's frame contains what its owner last stored, wherever the folio moved.

    Or the frame is known to have an error, so that nobody takes for it what is there now.
    """
    return implies(exists_now(o) & ~hwpoison[home[o]], data[home[o]] == contents[o])


@sometimes(covers="U1")
def a_removable_block_is_full(b: Block, f: Frame) -> Bool:
    """User memory fills the removable area."""
    return (zone[b] == Zone.movable) & (block_of(f) == b) & (frame_state[f] == FrameState.user)


@sometimes(covers="U1")
def the_kernel_takes_memory(f: Frame) -> Bool:
    """The kernel finds memory outside the removable area."""
    at_boot = boot_kernel[f] | metadata_frame[f]
    return (frame_state[f] == FrameState.kernel) & ~at_boot


@sometimes(covers="U1")
def the_kernel_gives_memory_back(f: Frame) -> Bool:
    """A frame that the kernel used is free again."""
    freed = after(frame_state[f]) == FrameState.free
    return (frame_state[f] == FrameState.kernel) & ~kept[f] & freed
