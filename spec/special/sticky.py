"""Sticky memory: what neither moves nor can be written out is found before the work (U3).

The list: sticky memory, which can be neither migrated nor swapped out, has to be
known before a removal is tried.  Linux looks for kernel memory when a block
begins to go offline (`leaving_blocks_have_no_kernel_frame`), and for nothing
else: a buffer that a device holds for long, or private data that no filesystem
lets go of, it meets after it has moved all the rest.  A scheduled removal closes
the block first, then looks, and only then moves anything.  What is not sticky
when the block is closed does not become so.

Sources: mm/page_isolation.c (has_unmovable_pages), mm/memory_hotplug.c
(do_migrate_range), mm/migrate.c (fallback_migrate_folio), mm/gup.c (FOLL_LONGTERM),
mm/hugetlb.c (dissolve_free_hugetlb_folio).
"""

from __future__ import annotations

from errno import EBUSY

from ..blocks.block_states import FrameState, frame_state, is_unmovable, kept, zone
from ..folios.destination import source
from ..folios.dma import (
    Pin,
    PinKind,
    driver_moves,
    pin_folio,
    pin_kind,
    pinned_by,
)
from ..folios.drain import draining, vetted
from ..folios.frames import (
    Folio,
    FolioKind,
    exists_now,
    folio_kind,
    folio_of,
    home,
)
from ..folios.migration_stage import Stage, stage
from ..folios.private_data import Filesystem, filesystem, has_private
from ..language import (
    Bool,
    action,
    after,
    all_of,
    always,
    definition,
    enabled,
    exists,
    guard,
    implies,
    sometimes,
    step,
    true,
)
from ..machine.topology import Block, Frame, Zone, block_of, metadata_frame
from .huge_pins import HugePin, huge_held_for_long, huge_pin_folio, huge_pin_kind
from .huge_pools import (
    HugeFolio,
    HugeState,
    dissolve,
    free_huge,
    gigantic,
    huge_of,
    huge_state,
    pool_of,
    range_of,
    reserved_huge,
)


@definition
def may_refuse_for_good(o: Folio) -> Bool:
    """The folio's filesystem may hang data on it that it can neither move nor release."""
    return (folio_kind[o] == FolioKind.page_cache) & (filesystem[o] == Filesystem.neither)


@definition
def held_for_long(o: Folio) -> Bool:
    """A device uses the folio for as long as a program likes, and its driver cannot move it."""
    return exists(
        Pin,
        lambda x: pinned_by(x, o) & (pin_kind[x] == PinKind.longterm) & ~driver_moves[x],
    )


@definition
def stuck_for_good(f: Frame) -> Bool:
    """The frame's contents can be neither moved nor written out, now or after the next step."""
    o = folio_of[f]
    lives_here = (frame_state[f] == FrameState.user) & exists_now(o) & (home[o] == f)
    stuck = may_refuse_for_good(o) | held_for_long(o)
    huge_stays = gigantic[range_of[f]] | huge_held_for_long(huge_of[range_of[f]])
    huge = frame_state[f] == FrameState.huge
    return is_unmovable(f) | (huge & huge_stays) | (lives_here & stuck)


@definition
def promised(f: Frame) -> Bool:
    """A free huge folio takes the frame, and each free one of its node is promised."""
    h = huge_of[range_of[f]]
    free = (frame_state[f] == FrameState.huge) & (huge_state[h] == HugeState.free)
    return free & (free_huge[pool_of(h)] <= reserved_huge[pool_of(h)])


@definition
def sticky(f: Frame) -> Bool:
    """The frame is stuck for good, or its huge folio is not dissolved while a promise is kept."""
    return stuck_for_good(f) | promised(f)


@action
def vet(b: Block) -> None:
    """Look for sticky memory in the closed block, before anything is moved out of it."""
    guard("draining", draining[b], why="the block is open: sticky memory could come after")
    guard("not_vetted", ~vetted[b], why="the block was looked at already")
    guard(
        "nothing_sticky",
        ~exists(Frame, lambda f: (block_of(f) == b) & sticky(f)),
        errno=EBUSY,
        why="the block holds memory that neither moves nor can be written out, or is promised",
    )
    vetted[b] = true


# --- what is true -------------------------------------------------------------------------------


@always(covers="U3")
def only_closed_blocks_are_vetted(b: Block) -> Bool:
    """What was found counts only as long as the block stays closed."""
    return implies(vetted[b], draining[b])


@always(
    covers="U3",
    using="destinations_are_set_aside frames_know_the_folio_that_lives_in_them "
    "huge_destinations_are_set_aside huge_frames_belong_to_huge_folios "
    "huge_pins_name_huge_folios_in_use no_device_uses_a_huge_folio_while_it_is_copied "
    "nothing_moves_into_a_draining_block only_closed_blocks_are_vetted "
    "vetted_blocks_hold_no_fixed_buffer "
    "vetted_blocks_hold_no_huge_folio_held_for_long "
    "vetted_blocks_hold_no_memory_of_the_kernel "
    "vetted_blocks_hold_no_part_of_a_gigantic_folio",
)
def nothing_becomes_sticky_in_a_vetted_block(f: Frame) -> Bool:
    """Where nothing that is stuck for good was found, there is none while the block stays closed.

    A free huge folio that was to spare may be promised yet: who promises asks for no block.
    """
    return implies(vetted[block_of(f)], ~stuck_for_good(f))


@always(covers="U3")
def vetted_blocks_hold_no_memory_of_the_kernel(f: Frame) -> Bool:
    """Nothing that the kernel holds, but what moves and metadata, is met in such a block."""
    stays = (frame_state[f] == FrameState.kernel) & ~metadata_frame[f] & ~kept[f]
    return implies(stays, ~vetted[block_of(f)])


@always(covers="U3 N3 D2")
def vetted_blocks_hold_no_part_of_a_gigantic_folio(f: Frame) -> Bool:
    """A huge folio that is larger than a block has nowhere to go, and is met before the work."""
    part = (frame_state[f] == FrameState.huge) & gigantic[range_of[f]]
    return implies(part, ~vetted[block_of(f)])


@always(
    covers="U3 U5 D2",
    using="huge_destinations_are_set_aside huge_frames_belong_to_huge_folios "
    "huge_pins_name_huge_folios_in_use no_device_uses_a_huge_folio_while_it_is_copied "
    "only_closed_blocks_are_vetted",
)
def vetted_blocks_hold_no_huge_folio_held_for_long(x: HugePin, f: Frame) -> Bool:
    """No device holds a huge folio of such a block for long: none could move it."""
    here = (frame_state[f] == FrameState.huge) & (huge_of[range_of[f]] == huge_pin_folio[x])
    held = here & (huge_pin_kind[x] == PinKind.longterm)
    return implies(held, ~vetted[block_of(f)])


@always(
    covers="U3 U5",
    using="device_tables_point_to_frames_in_use devices_write_to_their_folios_home "
    "no_pin_outlives_its_folio only_used_entries_are_stopped",
)
def vetted_blocks_hold_no_fixed_buffer(x: Pin) -> Bool:
    """No device holds memory of such a block for long, unless its driver can move it."""
    fixed = (pin_kind[x] == PinKind.longterm) & ~driver_moves[x]
    return implies(fixed, ~vetted[block_of(home[pin_folio[x]])])


@always(
    covers="U3 M2",
    using="folios_live_in_user_frames frames_know_the_folio_that_lives_in_them "
    "user_frames_belong_to_folios",
)
def vetted_blocks_hold_no_private_data_that_stays(o: Folio) -> Bool:
    """No page cache of such a block has a filesystem that neither moves nor releases its data."""
    stuck = (folio_kind[o] == FolioKind.page_cache) & (filesystem[o] == Filesystem.neither)
    return implies(stuck, ~vetted[block_of(home[o])])


@always(
    covers="U1 U3 M2",
    using="destinations_know_their_folio devices_write_to_their_folios_home "
    "fixed_buffers_stay_out_of_the_removable_area "
    "fixed_huge_buffers_stay_out_of_the_removable_area "
    "gigantic_folios_stay_out_of_the_removable_area huge_destinations_are_set_aside "
    "huge_frames_belong_to_huge_folios huge_pins_name_huge_folios_in_use "
    "no_device_runs_while_its_folio_is_copied "
    "no_device_uses_a_huge_folio_while_it_is_copied "
    "offline_blocks_have_no_frames_in_use only_used_entries_are_stopped "
    "removable_blocks_hold_no_unmovable_frame",
)
def only_private_data_that_stays_breaks_the_removable_area(f: Frame) -> Bool:
    """In the removable area nothing is stuck for good but page cache of a filesystem with no way.

    Nobody keeps such page cache out of the area, here or in Linux: which filesystem a file is
    from is not asked when its memory is allocated.  What keeps a frame only as long as somebody
    likes is not stuck for good: a reference, a silent store, the promise of a free huge folio.
    """
    o = folio_of[f]
    stays = (folio_kind[o] == FolioKind.page_cache) & (filesystem[o] == Filesystem.neither)
    stuck = stuck_for_good(f) & (zone[block_of(f)] == Zone.movable)
    return implies(stuck, (frame_state[f] == FrameState.user) & (home[o] == f) & stays)


@step(covers="U1 U3", using="only_private_data_that_stays_breaks_the_removable_area")
def blocks_of_the_removable_area_can_be_vetted(b: Block) -> Bool:
    """A closed block of the removable area can be vetted unless something in it may stay for good.

    That is page cache of a filesystem that neither moves nor releases its data, and a free huge
    folio that is promised: it cannot be dissolved.  This is said of the state before each step,
    where it follows from what holds there.  Once the block is vetted whatever nothing hinders
    leaves it: `draining_ends`.
    """
    stays = exists(
        Folio,
        lambda o: all_of(
            block_of(home[o]) == b,
            folio_kind[o] == FolioKind.page_cache,
            filesystem[o] == Filesystem.neither,
        ),
    )

    def is_held_back(f: Frame) -> Bool:
        h = huge_of[range_of[f]]
        free = (frame_state[f] == FrameState.huge) & (huge_state[h] == HugeState.free)
        return (block_of(f) == b) & free & ~enabled(dissolve, h)

    closed = (zone[b] == Zone.movable) & draining[b] & ~vetted[b]
    return implies(closed & ~stays & ~exists(Frame, is_held_back), enabled(vet, b))


@step(
    covers="U3",
    using="nothing_becomes_sticky_in_a_vetted_block vetted_blocks_hold_no_part_of_a_gigantic_folio",
)
def sticky_memory_is_found_before_the_work(o: Folio, f: Frame) -> Bool:
    """Nothing begins to move out of a block that is to be removed while it has what is stuck."""
    b = block_of(home[o])
    begins = (stage[o] == Stage.idle) & after(stage[o] == Stage.reserved)
    return implies(begins & draining[b] & (block_of(f) == b), ~stuck_for_good(f))


@step(covers="U3 D2")
def a_promise_is_found_before_the_work(f: Frame, h: HugeFolio) -> Bool:
    """When a block is vetted each free huge folio of it could be dissolved."""
    looks = ~vetted[block_of(f)] & after(vetted[block_of(f)])
    here = (frame_state[f] == FrameState.huge) & (huge_of[range_of[f]] == h)
    return implies(looks & here & (huge_state[h] == HugeState.free), enabled(dissolve, h))


@sometimes(covers="U3 U5")
def a_buffer_held_for_long_is_sticky(f: Frame) -> Bool:
    """What Linux does not see before it has moved the rest: a long-term pin in a closed block."""
    return draining[block_of(f)] & sticky(f) & (frame_state[f] == FrameState.user)


@sometimes(covers="U1 M2")
def private_data_stays_in_the_removable_area(o: Folio) -> Bool:
    """What breaks the area: a file's folio that its filesystem can neither move nor let go."""
    inside = exists_now(o) & (zone[block_of(home[o])] == Zone.movable)
    return inside & has_private[o] & (filesystem[o] == Filesystem.neither)


@sometimes(covers="U3")
def sticky_memory_keeps_a_block_from_being_vetted(b: Block, f: Frame) -> Bool:
    """Sticky memory lies in a block that is closed."""
    return draining[b] & (block_of(f) == b) & sticky(f)


@sometimes(covers="U3 D2")
def a_promise_keeps_a_block_from_being_vetted(b: Block, f: Frame) -> Bool:
    """A closed block has a free huge folio that would go, were no free one of its node promised."""
    return draining[b] & (block_of(f) == b) & promised(f) & ~stuck_for_good(f)


@sometimes(covers="U3")
def contents_leave_a_vetted_block(b: Block, o: Folio) -> Bool:
    """Where nothing sticky was found, a folio moves out."""
    return vetted[b] & (stage[o] == Stage.moved) & (block_of(source[o]) == b)


@sometimes(covers="U3 U5")
def a_buffer_that_a_driver_can_move_is_not_sticky(x: Pin) -> Bool:
    """A long-term pin in a vetted block: its driver gives the device another frame."""
    longterm = pin_kind[x] == PinKind.longterm
    return longterm & vetted[block_of(home[pin_folio[x]])]


@sometimes(covers="U3 M2")
def anonymous_memory_is_not_sticky(o: Folio) -> Bool:
    """What a filesystem could not move matters only where a file is."""
    anonymous = (folio_kind[o] == FolioKind.anonymous) & (filesystem[o] == Filesystem.neither)
    return anonymous & vetted[block_of(home[o])]


@sometimes(covers="U3")
def what_has_left_is_not_sticky(b: Block, o: Folio) -> Bool:
    """A block is vetted before the frame is free that a folio which may refuse has left."""
    left = (stage[o] == Stage.moved) & (block_of(source[o]) == b) & may_refuse_for_good(o)
    return left & ~vetted[b] & after(vetted[b])
