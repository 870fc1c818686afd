"""Scheduled removal: once allocation is off, the work left only shrinks, and it ends (N3, U3).

Migration is many small steps; here is what they add up to.  For each frame there is
a finite set of the work that emptying it can take (`work_left`): none if nobody
occupies it; a step for each stage that its folio has to pass, and two for each PTE.
While a block goes offline no step of anybody adds work to a frame of it
(`leaving_blocks_get_no_more_work`), but `try_again`, which spends a tick of the budget
(`another_try_is_paid_for`) on one frame alone (`a_tick_pays_for_one_frame`).  And
each step that the removal takes uses work up (`each_stage_uses_work_up`,
`each_pte_uses_work_up`, `taking_private_data_along_uses_work_up`) or spends a tick.

So the steps of a removal are at most the work in its frames when it begins, and for
each tick what one frame can take: linear in the frames that are occupied, with a
factor that depends on how many PTEs may map a folio.  `tests/spec/removal_bound.py`
counts it.  Huge folios and kernel pages have work of their own (special/huge_draining.py,
special/kernel_draining.py); the steps of users, devices and stores are not counted.
"""

from __future__ import annotations

from errno import EBUSY, EINTR, EINVAL

from ..blocks.block_states import (
    FrameState,
    Tick,
    frame_state,
    kept,
    refused_move,
    spent,
)
from ..language import (
    Bool,
    action,
    after,
    all_of,
    always,
    any_of,
    ends,
    exists,
    false,
    guard,
    implies,
    ite,
    step,
    true,
)
from ..machine.topology import (
    Block,
    Frame,
    block_of,
)
from .destination import destination, source
from .drain import draining
from .frames import (
    Folio,
    exists_now,
    home,
)
from .migration_stage import Stage, stage
from .page_tables import (
    Pte,
    PteState,
    pte,
    pte_folio,
)
from .private_data import carries_private
from .removal_work import (
    Work,
    goes_offline,
    occupied,
    work_left,
)


@action
def try_again(f: Frame, t: Tick) -> None:
    """A removal waits one tick of its budget, and then tries once more what refused to move."""
    b = block_of(f)
    guard("going_offline", goes_offline(b), errno=EINVAL, why="the block is not going offline")
    guard("refused", refused_move[f], errno=EBUSY, why="nothing in the frame refused to move")
    guard("in_budget", ~spent[b, t], errno=EINTR, why="this part of the budget is spent")
    refused_move[f] = false
    spent[b, t] = true


# --- what is true -------------------------------------------------------------------------------


def _lasts(b: Block) -> Bool:
    """The block goes offline, before and after the step."""
    return goes_offline(b) & after(goes_offline(b))


@step(covers="N3 U3")
def draining_blocks_are_never_refilled(b: Block, o: Folio) -> Bool:
    """While a block drains, no folio comes to live in it."""
    closed = draining[b] & after(draining[b])
    here = exists_now(o) & (block_of(home[o]) == b)
    return implies(closed & after(here), here)


@step(covers="U3")
def empty_frames_of_leaving_blocks_stay_empty(f: Frame) -> Bool:
    """While a block goes offline, no frame of it is occupied that was not before."""
    closed = _lasts(block_of(f))
    return implies(closed & ~occupied(f), ~after(occupied(f)))


@step(covers="U3")
def migration_only_goes_forward(o: Folio) -> Bool:
    """Each step of a migration brings its folio to the next stage, or on the way home."""
    now, then = stage[o], after(stage[o])
    following = any_of(
        (now == Stage.idle) & (then == Stage.reserved),
        (now == Stage.reserved) & (then == Stage.unmapping),
        (now == Stage.unmapping) & (then == Stage.copied),
        (now == Stage.copied) & (then == Stage.moved),
        (now == Stage.moved) & (then == Stage.idle),
        (now == Stage.aborting) & (then == Stage.idle),
    )
    gives_up = then == Stage.aborting
    return implies(now != then, following | (gives_up & (now != Stage.idle)))


@always(
    covers="U3",
    using="cache_entries_belong_to_moving_folios folios_live_in_user_frames moving_folios_exist "
    "unmapped_folios_are_in_the_migration_cache",
)
def what_refused_to_move_could_move(f: Frame) -> Bool:
    """In a block that goes offline folios and kernel pages refuse; when freed, nobody has it."""
    refused = goes_offline(block_of(f)) & refused_move[f]
    could_move = any_of(
        (frame_state[f] == FrameState.kernel) & kept[f],
        frame_state[f] == FrameState.user,
        frame_state[f] == FrameState.huge,
        frame_state[f] == FrameState.isolated,
        frame_state[f] == FrameState.off_buddy,
    )
    return implies(refused, could_move)


@step(covers="U3")
def what_was_given_up_is_remembered(o: Folio) -> Bool:
    """A migration that goes back leaves its mark on the frame that it did not leave."""
    gives_up = (stage[o] != Stage.aborting) & after(stage[o] == Stage.aborting)
    return implies(gives_up, after(refused_move[home[o]]))


@step(covers="U3")
def another_try_is_paid_for(o: Folio, f: Frame) -> Bool:
    """Out of a leaving block nothing is tried again before a tick of the budget was spent."""
    b = block_of(f)
    begins = (stage[o] == Stage.idle) & after(stage[o] == Stage.reserved) & (home[o] == f)
    paid = exists(Tick, lambda t: ~spent[b, t] & after(spent[b, t]))
    forgotten = refused_move[f] & ~after(refused_move[f]) & after(goes_offline(b))
    return implies(goes_offline(b), implies(begins, ~refused_move[f]) & implies(forgotten, paid))


@step(covers="U3")
def a_removal_tries_everything_once(f: Frame) -> Bool:
    """What was given up before a removal began does not hinder its first try."""
    begins = ~goes_offline(block_of(f)) & after(goes_offline(block_of(f)))
    return implies(begins, ~after(refused_move[f]))


@step(covers="U3 U4")
def spent_time_does_not_come_back(b: Block, t: Tick) -> Bool:
    """While a removal lasts its budget only shrinks, so its tries and waits are numbered."""
    return implies(_lasts(b) & spent[b, t], after(spent[b, t]))


@step(
    covers="U3 U4",
    using="leaving_blocks_have_no_free_frame user_frames_belong_to_folios",
)
def leaving_blocks_get_no_more_work(f: Frame, w: Work, p: Pte) -> Bool:
    """While a block goes offline nobody adds to its work, but who pays for another try."""
    lasts = _lasts(block_of(f))
    added = ~work_left(f, w, p) & after(work_left(f, w, p))
    return implies(lasts & added, refused_move[f] & ~after(refused_move[f]))


@step(covers="U3")
def a_tick_pays_for_one_frame(f: Frame, g: Frame) -> Bool:
    """With a tick of the budget, one frame is tried again, not all."""
    both = all_of(
        _lasts(block_of(f)),
        _lasts(block_of(g)),
        refused_move[f] & ~after(refused_move[f]),
        refused_move[g] & ~after(refused_move[g]),
    )
    return implies(both, f == g)


def _used_up(f: Frame, w: Work, p: Pte) -> Bool:
    return work_left(f, w, p) & ~after(work_left(f, w, p))


@step(
    covers="U3",
    using="cache_entries_belong_to_moving_folios folios_live_in_user_frames "
    "folios_stay_in_their_source_until_they_have_moved "
    "frames_know_the_folio_that_lives_in_them moving_folios_exist "
    "sources_are_held_until_the_end sources_are_nobodys_home "
    "unmapped_folios_are_in_the_migration_cache",
)
def each_stage_uses_work_up(f: Frame, o: Folio, p: Pte) -> Bool:
    """A folio that leaves a block which goes offline uses up work with each stage it passes."""
    now, then = stage[o], after(stage[o])
    leaves = f == ite(now == Stage.moved, source[o], home[o])
    lasts = _lasts(block_of(f))
    passed = any_of(
        _used_up(f, Work.reserve, p),
        _used_up(f, Work.unmap, p),
        _used_up(f, Work.copy, p),
        _used_up(f, Work.change, p),
        _used_up(f, Work.settle, p),
        _used_up(f, Work.settle_first, p),
    )
    return implies(lasts & leaves & (now != then), passed)


@step(
    covers="U3",
    using="folios_live_in_user_frames folios_stay_in_their_source_until_they_have_moved "
    "frames_know_the_folio_that_lives_in_them incoming_frames_belong_to_folios "
    "moved_folios_live_in_their_destination sources_are_held_until_the_end "
    "sources_know_their_folio",
)
def each_pte_uses_work_up(f: Frame, p: Pte) -> Bool:
    """So does each PTE that becomes a migration entry, or a mapping again."""
    leaves = f == source[pte_folio[p]]
    lasts = _lasts(block_of(f))
    replaced = (pte[p] == PteState.present) & after(pte[p] == PteState.migration)
    restored = (pte[p] == PteState.migration) & after(pte[p] == PteState.present)
    passed = any_of(
        _used_up(f, Work.replace, p),
        _used_up(f, Work.restore, p),
        _used_up(f, Work.restore_first, p),
    )
    return implies(lasts & leaves & (replaced | restored), passed)


@step(
    covers="U3 M2",
    using="cache_entries_belong_to_moving_folios destinations_are_set_aside "
    "folios_live_in_user_frames folios_stay_in_their_source_until_they_have_moved "
    "frames_know_the_folio_that_lives_in_them moving_folios_exist "
    "private_data_is_where_its_folio_lives sources_are_nobodys_home "
    "unmapped_folios_are_in_the_migration_cache",
)
def taking_private_data_along_uses_work_up(f: Frame, o: Folio, p: Pte) -> Bool:
    """So does private data that goes to the destination."""
    taken = ~carries_private[destination[o]] & after(carries_private[destination[o]])
    leaves = (home[o] == f) & (stage[o] == Stage.copied)
    return implies(_lasts(block_of(f)) & leaves & taken, _used_up(f, Work.take_along, p))


@ends(by=try_again, covers="U3 U4")
def trying_again_ends(f: Frame, t: Tick) -> tuple[Bool, Bool]:
    """A removal does not try again longer than its budget."""
    return goes_offline(block_of(f)) & refused_move[f], ~spent[block_of(f), t]
