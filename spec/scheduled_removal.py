"""Scheduled removal: once allocation is off, the work left only shrinks, and it ends (N3, U3).

Migration is many small steps; here is what they add up to.  A folio goes
through its stages in one direction, so the steps of a removal are bounded by
the folios in it (six each, and two for each PTE) as long as no attempt is given up.
"""

from __future__ import annotations

from .destination import has_room, source
from .drain import draining
from .frames import Folio, exists_now, home
from .language import Bool, after, any_of, ends, exists, implies, sometimes, step
from .migration_stage import Stage, stage
from .topology import Block, Frame, block_of


@step(covers="N3 U3")
def draining_blocks_are_never_refilled(b: Block, o: Folio) -> Bool:
    """While a block drains, no folio comes to live in it."""
    closed = draining[b] & after(draining[b])
    here = exists_now(o) & (block_of(home[o]) == b)
    return implies(closed & after(here), here)


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


MIGRATION = "reserve_destination begin_unmap replace_pte copy restore_pte finish_migration"
"""The steps of a migration; with `finish_abort`, another attempt can follow one that failed."""


@ends(by="change_home", fair=MIGRATION + " finish_abort", covers="N3 U3")
def draining_ends(b: Block, o: Folio) -> tuple[Bool, Bool]:
    """While there is room elsewhere, everything leaves a draining block, whatever is tried."""
    room = exists(Frame, lambda f: has_room(f))
    return draining[b] & room, exists_now(o) & (block_of(home[o]) == b)


@sometimes(covers="N3 U3")
def contents_leave_a_draining_block(b: Block, o: Folio) -> Bool:
    """A folio moves out of a block that was closed to allocation."""
    return draining[b] & (stage[o] == Stage.moved) & (block_of(source[o]) == b)
