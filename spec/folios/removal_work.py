"""What emptying a block takes: the steps that move each frame's folio away (N3, U3).

Source: mm/migrate.c, migrate_pages_batch.
"""

from __future__ import annotations

from ..blocks.block_states import (
    BlockState,
    FrameState,
    block_state,
    frame_state,
    refused_move,
)
from ..language import (
    Bool,
    Enumeration,
    any_of,
    definition,
)
from ..machine.topology import (
    Block,
    Frame,
    block_of,
    metadata_frame,
)
from .destination import destination
from .frames import (
    Folio,
    folio_of,
    home,
)
from .migration_stage import Stage, stage
from .page_tables import (
    Pte,
    has_entry,
    maps,
)
from .private_data import carries_private
from .writeback import under_writeback


class Work(Enumeration):
    """What emptying a frame can take: steps of one attempt to move its folio, in order.

    ``restore`` and ``settle`` end an attempt, whether it succeeds or is given up;
    ``restore_first`` and ``settle_first`` end what was under way before the first attempt.
    ``replace``, ``restore`` and ``restore_first`` are done for each PTE.
    """

    restore_first: Work
    settle_first: Work
    reserve: Work
    write_back: Work
    unmap: Work
    replace: Work
    copy: Work
    take_along: Work
    change: Work
    restore: Work
    settle: Work


@definition
def goes_offline(b: Block) -> Bool:
    """The block is going offline."""
    return block_state[b] == BlockState.going_offline


@definition
def occupied(f: Frame) -> Bool:
    """Somebody has the frame, or is about to have it; metadata goes with its block."""
    return any_of(
        frame_state[f] == FrameState.user,
        frame_state[f] == FrameState.incoming,
        frame_state[f] == FrameState.huge,
        (frame_state[f] == FrameState.kernel) & ~metadata_frame[f],
    )


@definition
def settles(o: Folio, w: Work, p: Pte) -> Bool:
    """What ends the attempt that is under way: its entries come back, and the lock goes."""
    return (w == Work.settle) | ((w == Work.restore) & has_entry(p, o))


@definition
def settles_first(o: Folio, w: Work, p: Pte) -> Bool:
    """The same, of what was under way before the first attempt."""
    return (w == Work.settle_first) | ((w == Work.restore_first) & has_entry(p, o))


@definition
def of_whole_attempt(w: Work) -> Bool:
    """The step belongs to an attempt that has not begun."""
    return (w != Work.settle_first) & (w != Work.restore_first)


@definition
def still_to_do(o: Folio, w: Work, p: Pte) -> Bool:
    """The attempt to move the folio that has begun has this step to take."""
    reserved = any_of(
        (w == Work.write_back) & under_writeback[o],
        of_whole_attempt(w) & (w != Work.reserve) & (w != Work.write_back),
    )
    unmapping = any_of(
        (w == Work.replace) & maps(p, o),
        (w == Work.restore) & maps(p, o),
        w == Work.copy,
        w == Work.take_along,
        w == Work.change,
        settles(o, w, p),
    )
    copied = any_of(
        (w == Work.take_along) & ~carries_private[destination[o]],
        w == Work.change,
        settles(o, w, p),
    )
    return any_of(
        (stage[o] == Stage.reserved) & reserved,
        (stage[o] == Stage.unmapping) & unmapping,
        (stage[o] == Stage.copied) & copied,
    )


@definition
def to_move_away(o: Folio, w: Work, p: Pte) -> Bool:
    """Moving the folio out of its home can take this step."""
    refused = goes_offline(block_of(home[o])) & refused_move[home[o]]
    settling = (stage[o] == Stage.aborting) | (stage[o] == Stage.moved)
    return any_of(
        still_to_do(o, w, p),
        (stage[o] == Stage.idle) & ~refused & of_whole_attempt(w),
        settling & ~refused & (of_whole_attempt(w) | settles_first(o, w, p)),
        settling & refused & settles(o, w, p),
    )


@definition
def work_left(f: Frame, w: Work, p: Pte) -> Bool:
    """Emptying the frame can take this step, for this PTE where it is one for each."""
    o = folio_of[f]
    user = frame_state[f] == FrameState.user
    return any_of(
        frame_state[f] == FrameState.incoming,
        user & (home[o] == f) & to_move_away(o, w, p),
        user & (home[o] != f) & settles(o, w, p),
    )
