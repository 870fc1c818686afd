"""What is true of memory with errors: nobody gets it, nothing of it is taken for whole (U3, A1)."""

from __future__ import annotations

from ..blocks.block_states import (
    BlockState,
    FrameState,
    MemoryEvent,
    block_state,
    event,
    frame_state,
    hwpoison,
    in_use,
)
from ..blocks.blocks import finish_offline
from ..blocks.sections import present
from ..folios.destination import destination, source
from ..folios.dma import Pin, PinKind, pin_count, pin_frame, pin_kind
from ..folios.frames import Folio, contents, data, dirty, exists_now, folio_of, home, lost
from ..folios.migration_stage import Stage, stage
from ..folios.page_tables import Pte, PteState, maps, pte, pte_folio
from ..folios.private_data import private_busy
from ..folios.references import has_reference
from ..folios.removal_work import goes_offline
from ..folios.writeback import is_file, under_writeback
from ..language import (
    Bool,
    Enumeration,
    Progress,
    after,
    all_of,
    always,
    any_of,
    enabled,
    ends,
    forall,
    implies,
    sometimes,
    step,
)
from ..machine.topology import (
    Block,
    Frame,
    block_of,
    hole,
    may_fail,
    metadata_frame,
    section_of,
    vetoes_offline,
)
from .huge_draining import huge_in
from .huge_mappings import (
    HugePte,
    HugeStage,
    huge_maps,
    huge_stage,
)
from .huge_migration import free_left_huge
from .huge_pins import huge_pin_count
from .huge_pools import (
    HugeState,
    dissolve,
    free_huge,
    huge_state,
    is_destination,
    pool_of,
    reserved_huge,
)
from .page_errors import (
    give_up_folio,
    give_up_huge,
    soft_offline,
    unmap_poisoned,
    unmap_poisoned_huge,
)


class ErrorWork(Enumeration):
    """What is left to do until a frame with an error is in nobody's hands."""

    unmap: ErrorWork
    give_up: ErrorWork


@always(covers="U3 A1")
def errors_are_found_where_there_may_be_some(f: Frame) -> Bool:
    """Memory that does not fail is never said to have an error."""
    return implies(hwpoison[f], may_fail[f])


def _on_a_list(f: Frame) -> Bool:
    """A list of free frames, a CPU's or the isolated one, has the frame."""
    return any_of(
        frame_state[f] == FrameState.free,
        frame_state[f] == FrameState.pcp,
        (frame_state[f] == FrameState.isolated) & ~metadata_frame[f],
    )


@always(covers="U3 A1")
def a_free_frame_can_be_set_aside(f: Frame) -> Bool:
    """A frame of online memory that is in nobody's hands, and about to fail, can be set aside."""
    there = may_fail[f] & in_use(block_of(f)) & ~metadata_frame[f]
    return implies(there & _on_a_list(f), enabled(soft_offline, f))


@always(covers="U3 A1")
def the_allocator_has_no_frame_with_an_error(f: Frame) -> Bool:
    """No list of free frames, a CPU's or the isolated one, has a frame with a known error."""
    return implies(hwpoison[f], ~_on_a_list(f))


@step(covers="U3 A1")
def nobody_is_given_a_frame_with_an_error(f: Frame) -> Bool:
    """Whoever has a frame with a known error had it before the error was known."""
    nobodys = any_of(
        frame_state[f] == FrameState.unavailable,
        frame_state[f] == FrameState.off_buddy,
    )
    still = any_of(
        after(frame_state[f]) == FrameState.unavailable,
        after(frame_state[f]) == FrameState.off_buddy,
    )
    return implies(hwpoison[f] & nobodys, still)


@always(
    covers="U3 A1",
    using="frames_wait_while_a_block_goes_online notifiers_know_that_a_block_is_coming "
    "offline_blocks_have_no_frames_in_use",
)
def frames_off_the_lists_have_an_error(f: Frame) -> Bool:
    """Only for an error does the allocator lose a frame, and only while its block is in use."""
    off = frame_state[f] == FrameState.off_buddy
    return implies(off, hwpoison[f] & in_use(block_of(f)))


@always(covers="A1")
def blocks_that_come_have_no_known_error(f: Frame) -> Bool:
    """While a block goes online no error is known in it: its struct pages are new."""
    coming = block_state[block_of(f)] == BlockState.going_online
    return implies(coming, ~hwpoison[f])


@always(
    covers="A1",
    using="devices_have_their_sections holes_are_never_handed_out "
    "offline_blocks_have_no_frames_in_use only_devices_change_state",
)
def errors_are_of_memory_that_is_there(f: Frame) -> Bool:
    """What is removed takes the knowledge of its errors with it (memblk_nr_poison)."""
    return implies(hwpoison[f], present[section_of[f]] & ~hole[f])


@step(covers="A1 U3")
def a_known_error_is_forgotten_with_the_memory_alone(f: Frame) -> Bool:
    """As long as the memory is there, whoever knows that it has an error goes on knowing."""
    forgotten = hwpoison[f] & ~after(hwpoison[f])
    return implies(forgotten, ~after(present[section_of[f]]))


@always(
    covers="U3 A1",
    using="drivers_hold_only_what_is_unplugged drivers_let_go_while_a_block_leaves",
)
def frames_with_an_error_do_not_keep_a_block(b: Block) -> Bool:
    """A block can go of isolated frames, of logically offline ones and of those set aside."""

    def nobodys(f: Frame) -> Bool:
        return any_of(
            frame_state[f] == FrameState.isolated,
            frame_state[f] == FrameState.page_offline,
            frame_state[f] == FrameState.off_buddy,
        )

    left = forall(Frame, lambda f: implies(block_of(f) == b, nobodys(f)))
    leaves = (event[b] == MemoryEvent.going_offline) & left & ~vetoes_offline[b]
    return implies(leaves, enabled(finish_offline, b))


@always(covers="A1", using="the_allocator_has_no_frame_with_an_error")
def memory_that_a_driver_keeps_has_no_known_error(f: Frame) -> Bool:
    """What is logically offline is whole, as far as anybody knows: only free frames become so."""
    return implies(frame_state[f] == FrameState.page_offline, ~hwpoison[f])


@always(covers="U3 M1")
def what_is_lost_is_not_copied(o: Folio) -> Bool:
    """No migration carries on what was in a frame with an error as if it were whole."""
    copied = (stage[o] == Stage.copied) | (stage[o] == Stage.moved)
    return implies(lost[o] & exists_now(o), ~copied)


@always(covers="U3 M1", using="folios_live_in_user_frames what_is_lost_is_not_copied")
def what_is_lost_lives_in_no_memory_that_is_whole(o: Folio) -> Bool:
    """A folio counts as lost only where the error is, and nothing stands in for it.

    Until its owner knows, who would take something else for what he stored.
    """
    return implies(lost[o] & exists_now(o), hwpoison[home[o]])


@always(covers="U3 M1")
def what_is_lost_is_on_no_store(o: Folio) -> Bool:
    """While a folio that counts as lost is there, no store has what it contained."""
    return implies(lost[o] & exists_now(o), ~is_file(o) | dirty[o])


@step(covers="U3 M1")
def nothing_is_lost_but_to_an_error(o: Folio) -> Bool:
    """Contents become lost only where their frame has a known error."""
    return implies(~lost[o] & after(lost[o]), exists_now(o) & hwpoison[home[o]])


@step(covers="M1 U3")
def memory_with_an_error_is_not_mapped(p: Pte) -> Bool:
    """No entry comes to lead to a frame with a known error, unless its folio came with it."""
    comes = (pte[p] == PteState.none) & after(pte[p] == PteState.present)
    return implies(comes, ~hwpoison[after(home[pte_folio[p]])])


@step(covers="U5 U3")
def no_pin_begins_on_memory_with_a_known_error(x: Pin) -> Bool:
    """A device is given no frame of which it is known that it is bad."""
    begins = (pin_kind[x] == PinKind.none) & after(pin_kind[x] != PinKind.none)
    return implies(begins, ~hwpoison[after(pin_frame[x])])


@step(covers="U3 M2")
def what_a_store_has_is_not_lost_to_an_error(o: Folio) -> Bool:
    """Page cache that is clean can be read again: nobody is told that it is gone."""
    return implies(is_file(o) & ~dirty[o], lost[o] | ~after(lost[o]))


@ends(
    covers="U3 M1 D2",
    using="cache_entries_belong_to_moving_folios entries_are_in_the_migration_cache "
    "huge_frames_belong_to_huge_folios map_counts_are_exact "
    "unmapped_folios_are_in_the_migration_cache user_frames_belong_to_folios",
)
def frames_with_an_error_are_set_aside(
    f: Frame, p: Pte, q: HugePte, w: ErrorWork
) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """While a block goes offline, each kind of user that has a frame with an error loses it.

    Unless it is moving, or a store, a device or a filesystem has it in its hands.
    """
    o, h = folio_of[f], huge_in(f)
    idle = all_of(
        stage[o] == Stage.idle,
        ~under_writeback[o],
        pin_count[o] == 0,
        ~private_busy[o],
        ~has_reference(o),
    )
    to_spare = any_of(
        huge_state[h] == HugeState.used,
        huge_state[h] == HugeState.left,
        reserved_huge[pool_of(h)] < free_huge[pool_of(h)],
    )
    huge_idle = all_of(
        huge_stage[h] == HugeStage.idle,
        ~is_destination(h),
        huge_pin_count[h] == 0,
    )
    user, huge = frame_state[f] == FrameState.user, frame_state[f] == FrameState.huge
    unhindered = (user & idle) | (huge & huge_idle & to_spare)
    mapped = (user & maps(p, o)) | (huge & huge_maps(q, h))
    left = mapped | ((user | huge) & (w == ErrorWork.give_up))
    ways = (
        Progress(
            user,
            (unmap_poisoned, ErrorWork.unmap),
            (give_up_folio, ErrorWork.give_up),
            f=f,
            o=o,
        ),
        Progress(
            huge & (huge_state[h] == HugeState.used),
            (unmap_poisoned_huge, ErrorWork.unmap),
            (give_up_huge, ErrorWork.give_up),
            h=h,
        ),
        Progress(huge & (huge_state[h] == HugeState.free), (dissolve, ErrorWork.give_up), h=h),
        Progress(
            huge & (huge_state[h] == HugeState.left), (free_left_huge, ErrorWork.give_up), h=h
        ),
    )
    return goes_offline(block_of(f)) & hwpoison[f] & unhindered, left, ways


@sometimes(covers="U3 M1")
def an_error_destroys_what_was_stored(o: Folio) -> Bool:
    """The frame of a folio has an error, and contains something else than its owner stored."""
    return exists_now(o) & hwpoison[home[o]] & (data[home[o]] != contents[o])


@sometimes(covers="U3 A1")
def a_block_with_an_error_goes_offline(b: Block, f: Frame) -> Bool:
    """A frame that was set aside does not keep its block, which remembers the error."""
    return (block_of(f) == b) & hwpoison[f] & (block_state[b] == BlockState.offline)


@sometimes(covers="U3")
def contents_leave_memory_that_is_about_to_fail(o: Folio) -> Bool:
    """A folio lives elsewhere, and the frame that it left is set aside: nothing is lost."""
    f = source[o]
    moved = exists_now(o) & (home[o] == destination[o]) & (destination[o] != f)
    return moved & (frame_state[f] == FrameState.off_buddy) & ~hwpoison[home[o]]


@sometimes(covers="U3 M1")
def contents_are_lost_to_an_error(p: Pte, o: Folio) -> Bool:
    """What a process had mapped is gone with its frame, and it is to be told."""
    return maps(p, o) & after(pte[p] == PteState.none) & ~lost[o] & after(lost[o])


@sometimes(covers="U3 M1")
def whoever_lost_something_knows(o: Folio) -> Bool:
    """The owner of what an error has destroyed is told."""
    return lost[o] & ~after(lost[o])


@sometimes(covers="U3 M2")
def a_clean_file_loses_nothing_to_an_error(o: Folio) -> Bool:
    """Page cache that its store has is given up, and can be read again."""
    gone = is_file(o) & hwpoison[home[o]] & ~after(exists_now(o))
    return gone & ~after(lost[o])


@sometimes(covers="U3")
def a_frame_of_the_kernel_with_an_error_is_set_aside(f: Frame) -> Bool:
    """What the kernel had is off the lists once it gives it back."""
    the_kernels = (frame_state[f] == FrameState.kernel) & hwpoison[f]
    return the_kernels & (after(frame_state[f]) == FrameState.off_buddy)


@sometimes(covers="A1")
def memory_with_an_error_is_removed(f: Frame) -> Bool:
    """An error keeps nobody from taking the memory away, once it is offline."""
    s = section_of[f]
    return hwpoison[f] & present[s] & ~after(present[s])
