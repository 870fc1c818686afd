"""Scheduled removal: once allocation is off, the work left only shrinks, and it ends (N3, U3).

Migration is many small steps; here is what they add up to.  Count, for a block
that goes offline, how many steps are left:

- a frame that nobody occupies: none, for none is occupied anew
  (`empty_frames_of_leaving_blocks_stay_empty`);
- a frame whose folio has to move: five, and two for each PTE that maps it: a
  folio goes through its stages in one direction (`migration_only_goes_forward`),
  and neither mappings nor entries are added on the way (`unmapping_ends`,
  `restoring_ends`);
- a frame whose folio has refused: none, until the removal pays for another try
  (`another_try_is_paid_for`);
- a tick of the budget that is left: one, and what another try costs.

Each step of the removal takes at least one away, and nobody else's adds one.  So
the steps are at most (occupied frames + ticks) times a constant, which depends on
how many PTEs may map a folio.  The properties named here are proved; that they
add up is this argument, which `memhp.checks.removal_bound` counts out and tests
hold against random runs.  It counts the removal's own steps: not the users', not
those of devices and stores, not huge folios.
"""

from __future__ import annotations

from errno import EBUSY, EINTR, EINVAL

from .blocks import (
    BlockState,
    FrameState,
    Tick,
    block_state,
    frame_state,
    refused_move,
    spent,
)
from .destination import has_room, source
from .drain import draining, vetted
from .frames import Folio, FolioKind, exists_now, folio_kind, home
from .language import (
    Bool,
    action,
    after,
    any_of,
    definition,
    ends,
    exists,
    false,
    guard,
    implies,
    sometimes,
    step,
    true,
)
from .migration_stage import Stage, stage
from .topology import Block, Frame, block_of


@definition
def goes_offline(b: Block) -> Bool:
    """The block is going offline."""
    return block_state[b] == BlockState.going_offline


@definition
def occupied(f: Frame) -> Bool:
    """Somebody has the frame, or is about to have it."""
    return any_of(
        frame_state[f] == FrameState.user,
        frame_state[f] == FrameState.incoming,
        frame_state[f] == FrameState.huge,
        frame_state[f] == FrameState.kernel,
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


@step(covers="N3 U3")
def draining_blocks_are_never_refilled(b: Block, o: Folio) -> Bool:
    """While a block drains, no folio comes to live in it."""
    closed = draining[b] & after(draining[b])
    here = exists_now(o) & (block_of(home[o]) == b)
    return implies(closed & after(here), here)


@step(covers="U3")
def empty_frames_of_leaving_blocks_stay_empty(f: Frame) -> Bool:
    """While a block goes offline, no frame of it is occupied that was not before."""
    closed = goes_offline(block_of(f)) & after(goes_offline(block_of(f)))
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
    lasts = goes_offline(b) & after(goes_offline(b))
    return implies(lasts & spent[b, t], after(spent[b, t]))


MIGRATION = "reserve_destination begin_unmap replace_pte copy restore_pte finish_migration"
"""The steps of a migration; with the next, another attempt can follow one that failed."""

AGAIN = " finish_abort try_again"
"""What follows an attempt that failed."""


@ends(by="change_home", fair=MIGRATION + AGAIN, covers="N3 U3")
def draining_ends(b: Block, o: Folio) -> tuple[Bool, Bool]:
    """While there is room elsewhere, and time left, everything leaves a draining block."""
    room = exists(Frame, lambda f: has_room(f))
    in_time = ~goes_offline(b) | exists(Tick, lambda t: ~spent[b, t])
    closed = draining[b] & vetted[b]
    return closed & room & in_time, exists_now(o) & (block_of(home[o]) == b)


@sometimes(covers="N3 U3")
def contents_leave_a_draining_block(b: Block, o: Folio) -> Bool:
    """A folio moves out of a block that was closed to allocation."""
    return draining[b] & (stage[o] == Stage.moved) & (block_of(source[o]) == b)


@sometimes(covers="U3")
def a_second_try_succeeds(o: Folio, t: Tick) -> Bool:
    """A folio that refused leaves at last; anonymous memory never waits for a store."""
    b = block_of(source[o])
    moved = (stage[o] == Stage.moved) & (folio_kind[o] == FolioKind.anonymous)
    return goes_offline(b) & moved & spent[b, t]
