"""Huge folios leave a block that drains: their work only shrinks, and it ends (N3, D2).

A free huge folio is dissolved; one in use moves to a free one elsewhere, whose old place, now a
free huge folio of this block, is dissolved.  What nobody has touched no scan sees, and what was
promised stays: both hinder.

Source: mm/hugetlb.c (dissolve_free_hugetlb_folios), mm/memory_hotplug.c (scan_movable_pages).
"""

from __future__ import annotations

from ..blocks.block_states import FrameState, Tick, frame_state, kept, refused_move, spent
from ..blocks.blocks import cancel_offline
from ..folios.drain import draining, vetted
from ..folios.page_tables import Pte
from ..folios.removal_work import Work, goes_offline, occupied, work_left
from ..folios.scheduled_removal import try_again
from ..language import (
    Bool,
    Budget,
    Enumeration,
    Progress,
    after,
    all_of,
    always,
    any_of,
    definition,
    ends,
    exists,
    implies,
    ite,
    sometimes,
    step,
)
from ..machine.topology import Block, Frame, block_of, metadata_frame
from .huge_mappings import (
    HugePte,
    HugeStage,
    begins_to_move_huge,
    has_huge_entry,
    huge_maps,
    huge_stage,
    migratable,
)
from .huge_migration import (
    abort_huge_migration,
    begin_huge_migration,
    begin_huge_migration_afresh,
    can_become_huge,
    can_become_huge_nearer,
    change_huge_home,
    copy_huge,
    finish_huge_migration,
    free_left_huge,
    is_open_to,
    on_its_way,
    replace_huge_pte,
    restore_huge_pte,
    takes_in_nearer,
    waits_for_another_try,
)
from .huge_pins import huge_pin_count
from .huge_pools import (
    HugeFolio,
    HugeState,
    Range,
    dissolve,
    free_huge,
    gigantic,
    head_frame,
    huge_exists,
    huge_home,
    huge_of,
    huge_state,
    is_destination,
    pool_of,
    range_has_error,
    range_of,
    reserved_huge,
)


class HugeWork(Enumeration):
    """What emptying a huge folio's frames can take, in order.

    ``restore_first`` and ``finish_first`` end what was under way before the first attempt,
    ``restore`` and ``finish`` an attempt that is given up.  ``restore_first``, ``replace`` and
    ``restore`` are done for each entry.
    """

    restore_first: HugeWork
    finish_first: HugeWork
    begin: HugeWork
    replace: HugeWork
    copy: HugeWork
    change: HugeWork
    restore: HugeWork
    finish: HugeWork
    dissolve: HugeWork


@definition
def huge_in(f: Frame) -> HugeFolio:
    """The huge folio that takes the frame, if one does."""
    return huge_of[range_of[f]]


@definition
def of_a_whole_attempt(w: HugeWork) -> Bool:
    """The step belongs to an attempt that has not begun."""
    return (w != HugeWork.restore_first) & (w != HugeWork.finish_first)


@definition
def still_on_its_way(h: HugeFolio, w: HugeWork, p: HugePte) -> Bool:
    """The attempt to move the huge folio that has begun can take this step."""
    named = huge_maps(p, h) | has_huge_entry(p, h)
    reserved = any_of(
        (w == HugeWork.replace) & huge_maps(p, h),
        (w == HugeWork.restore) & named,
        any_of(w == HugeWork.copy, w == HugeWork.change, w == HugeWork.finish),
    )
    copied = any_of((w == HugeWork.restore) & named, w == HugeWork.change, w == HugeWork.finish)
    return any_of(
        (huge_stage[h] == HugeStage.reserved) & reserved,
        (huge_stage[h] == HugeStage.copied) & copied,
    )


@definition
def huge_work_left(f: Frame, w: HugeWork, p: HugePte) -> Bool:
    """Emptying the frame of a huge folio can take this step; what is on its way may arrive."""
    h = huge_in(f)
    refused = goes_offline(block_of(f)) & refused_move[head_frame[range_of[f]]]
    entry = has_huge_entry(p, h)
    first = ((w == HugeWork.restore_first) & entry) | (w == HugeWork.finish_first)
    last = ((w == HugeWork.restore) & entry) | (w == HugeWork.finish)
    settled = ite(refused, last, of_a_whole_attempt(w) | first)
    moves = any_of(
        (huge_stage[h] == HugeStage.idle) & ~refused & of_a_whole_attempt(w),
        still_on_its_way(h, w, p),
        (huge_stage[h] == HugeStage.settled) & settled,
    )
    used = (huge_state[h] == HugeState.used) & moves
    to_do = any_of(w == HugeWork.dissolve, used, is_destination(h))
    return (frame_state[f] == FrameState.huge) & to_do


@definition
def is_a_place(t: HugeFolio, h: HugeFolio) -> Bool:
    """The huge folio h can move to this free one of its size, and none is nearer."""
    return is_open_to(t, h) & ~exists(HugeFolio, lambda x: takes_in_nearer(h, x, t))


@definition
def is_a_place_to_make(t: HugeFolio, r: Range, h: HugeFolio) -> Bool:
    """No pool has room for the huge folio h: it can move to the range, and none is nearer."""
    made = ~huge_exists(t) & can_become_huge(r) & ~gigantic[huge_home[h]]
    pooled = exists(HugeFolio, lambda x: is_open_to(x, h))
    return made & ~pooled & ~exists(Range, lambda x: can_become_huge_nearer(h, x, r))


@definition
def huge_may_go(h: HugeFolio) -> Bool:
    """A scan sees the whole folio, nobody pins it, no tick is owed; or nobody needs it."""
    to_spare = reserved_huge[pool_of(h)] < free_huge[pool_of(h)]
    seen = migratable[huge_home[h]] & ~waits_for_another_try(huge_home[h])
    whole = (huge_stage[h] == HugeStage.copied) | ~range_has_error(huge_home[h])
    return any_of(
        (huge_state[h] == HugeState.used) & seen & whole & (huge_pin_count[h] == 0),
        (huge_state[h] == HugeState.free) & to_spare,
        huge_state[h] == HugeState.left,
    )


@ends(
    unless=(abort_huge_migration, try_again),
    covers="N3 D2",
    using="huge_destinations_lie_where_memory_stays huge_frames_belong_to_huge_folios "
    "moving_huge_folios_are_used",
)
def huge_folios_leave_a_draining_block(
    f: Frame, t: HugeFolio, r: Range, w: HugeWork, p: HugePte
) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """A huge folio that nothing hinders leaves a block that drains, or that goes offline.

    If no move is given up, and while there is a place for what is to begin: ``t``, or ``t`` made
    of ``r``; the claim is the same of each, so that it may change.
    """
    b, h = block_of(f), huge_in(f)
    closed = (draining[b] & vetted[b]) | goes_offline(b)
    begins = (huge_state[h] == HugeState.used) & (huge_stage[h] == HugeStage.idle)
    made = is_a_place_to_make(t, r, h)
    ways = (
        Progress(
            begins,
            (begin_huge_migration, HugeWork.begin),
            (begin_huge_migration_afresh, HugeWork.begin),
            h=h,
        ),
        Progress(
            huge_stage[h] == HugeStage.reserved,
            (replace_huge_pte, HugeWork.replace),
            (copy_huge, HugeWork.copy),
            h=h,
        ),
        Progress(huge_stage[h] == HugeStage.copied, (change_huge_home, HugeWork.change), h=h),
        Progress(
            huge_stage[h] == HugeStage.settled,
            (restore_huge_pte, HugeWork.restore_first),
            (finish_huge_migration, HugeWork.finish_first),
            h=h,
        ),
        Progress(huge_state[h] == HugeState.free, (dissolve, HugeWork.dissolve), h=h),
        Progress(huge_state[h] == HugeState.left, (free_left_huge, HugeWork.dissolve), h=h),
    )
    return (
        closed & huge_may_go(h) & implies(begins, is_a_place(t, h) | made),
        huge_work_left(f, w, p),
        ways,
    )


@ends(
    by=cancel_offline,
    covers="U3 U4 N3",
    using="huge_frames_belong_to_huge_folios leaving_blocks_have_no_free_frame "
    "moving_huge_folios_are_used user_frames_belong_to_folios",
)
def a_removal_finishes_or_gives_up_within_its_budget(
    b: Block, f: Frame, w: Work, p: Pte, x: HugeWork, q: HugePte
) -> tuple[Bool, Bool, Budget]:
    """While a block goes offline its work only shrinks, but where a tick pays; it may give up.

    What nothing hinders leaves it meanwhile (`draining_ends` and its like), and when nobody has a
    frame of it, it can finish: `frames_with_an_error_do_not_keep_a_block`.

    What a step of the removal uses up: `each_stage_uses_work_up`, `each_pte_uses_work_up`.
    """
    work = work_left(f, w, p) | huge_work_left(f, x, q)
    left = goes_offline(b) & (block_of(f) == b) & work
    return goes_offline(b), left, Budget(Tick, lambda t: ~spent[b, t])


# --- what is true -------------------------------------------------------------------------------


@step(
    covers="N3 D2",
    using="huge_destinations_lie_where_memory_stays huge_frames_belong_to_huge_folios "
    "only_closed_blocks_are_vetted",
)
def draining_blocks_get_no_more_work_of_huge_folios(f: Frame, w: HugeWork, p: HugePte) -> Bool:
    """In a closed block nobody adds to the work of huge folios, but who gives a move up."""
    h = huge_in(f)
    closed = vetted[block_of(f)] & after(vetted[block_of(f)]) & ~goes_offline(block_of(f))
    added = ~huge_work_left(f, w, p) & after(huge_work_left(f, w, p))
    gives_up = on_its_way(h) & after(huge_stage[h] == HugeStage.settled)
    return implies(closed & added, gives_up & (huge_home[h] == after(huge_home[h])))


@step(covers="U3 D2")
def what_a_huge_folio_gave_up_is_remembered(h: HugeFolio) -> Bool:
    """A huge folio that stays after all leaves its mark on the range that it did not leave."""
    stays = huge_home[h] == after(huge_home[h])
    gives_up = on_its_way(h) & after(huge_stage[h] == HugeStage.settled)
    return implies(gives_up & stays, after(refused_move[head_frame[huge_home[h]]]))


@step(covers="U3 D2")
def another_try_of_a_huge_folio_is_paid_for(h: HugeFolio, f: Frame) -> Bool:
    """Out of a leaving block no huge folio that refused is tried again before a tick was spent."""
    here = (range_of[f] == huge_home[h]) & goes_offline(block_of(f))
    return implies(begins_to_move_huge(h) & here, ~refused_move[head_frame[huge_home[h]]])


@always(
    covers="U3 N3",
    using="huge_frames_belong_to_huge_folios leaving_blocks_have_no_free_frame "
    "nothing_moves_into_a_draining_block only_closed_blocks_are_vetted "
    "user_frames_belong_to_folios vetted_blocks_hold_no_memory_of_the_kernel",
)
def the_last_step_is_left_for_what_is_in_a_vetted_block(
    f: Frame, w: Work, p: Pte, x: HugeWork, q: HugePte
) -> Bool:
    """Where a vetted block is occupied there is work: as long as none is left it is empty.

    But for metadata, which goes with its block, and for kernel pages that can move: of those says
    `the_last_step_is_left_for_kernel_pages_in_a_vetted_block`.
    """
    closed = vetted[block_of(f)] & ~goes_offline(block_of(f))
    last = (w == Work.settle) & (x == HugeWork.dissolve)
    of_others = (frame_state[f] == FrameState.kernel) & (kept[f] | metadata_frame[f])
    work = work_left(f, w, p) | huge_work_left(f, x, q)
    return implies(all_of(closed, occupied(f), ~of_others, last), work)


@sometimes(covers="N3 D2")
def a_used_huge_folio_leaves_a_vetted_block(h: HugeFolio) -> Bool:
    """A huge folio in use moves out of a block that was closed and looked at."""
    used = (huge_state[h] == HugeState.used) & after(huge_state[h] == HugeState.used)
    here = vetted[block_of(head_frame[huge_home[h]])]
    return used & here & (huge_home[h] != after(huge_home[h]))
