"""What nothing hinders leaves a block that drains, or that goes offline (N3, U3)."""

from __future__ import annotations

from ..blocks.block_states import (
    FrameState,
    Tick,
    frame_state,
    hwpoison,
    refused_move,
    spent,
)
from ..language import (
    Bool,
    Progress,
    all_of,
    any_of,
    definition,
    ends,
    exists,
    forall,
    implies,
    sometimes,
)
from ..machine.topology import (
    Block,
    Frame,
    block_of,
    nearer,
    node_of,
    node_of_frame,
)
from .destination import has_room, reserve_destination, source
from .dma import Pin, pinned_by
from .drain import draining, vetted
from .frames import (
    Folio,
    FolioKind,
    dirty,
    exists_now,
    folio_kind,
    folio_of,
    home,
)
from .migration import (
    abort_migration,
    begin_unmap,
    change_home,
    copy,
    finish_abort,
    finish_migration,
    move_private,
    replace_pte,
    restore_pte,
)
from .migration_stage import Stage, stage
from .page_tables import (
    Pte,
)
from .private_data import Filesystem, filesystem, has_private, private_busy
from .references import has_reference
from .removal_work import (
    Work,
    goes_offline,
    work_left,
)
from .scheduled_removal import try_again
from .writeback import answers, end_writeback, store_of


@definition
def has_room_near(b: Block) -> Bool:
    """There is room for what leaves the block: some frame than which no other is nearer."""
    n = node_of[b]
    return exists(
        Frame,
        lambda d: all_of(
            has_room(d),
            ~exists(Frame, lambda f: has_room(f) & nearer[n, node_of_frame(f), node_of_frame(d)]),
        ),
    )


@definition
def nothing_hinders(o: Folio) -> Bool:
    """The folio's store answers, its memory is whole, and nobody keeps it where it is."""
    own_method = filesystem[o] == Filesystem.own_method
    can_leave = all_of(
        answers[store_of[o]],
        (folio_kind[o] == FolioKind.anonymous) | own_method | ~dirty[o],
        ~has_private[o] | own_method,
        ~private_busy[o],
    )
    nobody = ~exists(Pin, lambda x: pinned_by(x, o)) & ~has_reference(o)
    copied = (stage[o] == Stage.copied) | (stage[o] == Stage.moved)
    whole = copied | ~hwpoison[home[o]]
    return nobody & whole & (can_leave | (stage[o] == Stage.moved))


@definition
def is_about(o: Folio, b: Block) -> Bool:
    """The folio lives in the block, or has just left it."""
    left_it = (stage[o] == Stage.moved) & (block_of(source[o]) == b)
    return exists_now(o) & (left_it | (block_of(home[o]) == b))


def _free_to_go(b: Block) -> Bool:
    """Nothing hinders what is in the block, and there is room for what has no destination."""
    has_room = has_room_near(b)

    def ready(x: Folio) -> Bool:
        return nothing_hinders(x) & (has_room | (stage[x] != Stage.idle))

    return forall(Folio, lambda x: implies(is_about(x, b), ready(x)))


def _ways_out(f: Frame) -> tuple[Progress, ...]:
    """What moves the folio of the frame on, from each stage."""
    o = folio_of[f]
    at_home = home[o] == f
    settling = any_of(stage[o] == Stage.moved, stage[o] == Stage.aborting)
    return (
        Progress((stage[o] == Stage.idle) & at_home, (reserve_destination, Work.reserve), o=o),
        Progress(
            stage[o] == Stage.reserved,
            (end_writeback, Work.write_back),
            (begin_unmap, Work.unmap),
            o=o,
        ),
        Progress(stage[o] == Stage.unmapping, (replace_pte, Work.replace), (copy, Work.copy), o=o),
        Progress(
            stage[o] == Stage.copied,
            (move_private, Work.take_along),
            (change_home, Work.change),
            o=o,
        ),
        Progress(
            settling & at_home,
            (restore_pte, Work.restore_first),
            (finish_migration, Work.settle_first),
            (finish_abort, Work.settle_first),
            o=o,
        ),
        Progress(
            (stage[o] == Stage.moved) & ~at_home,
            (restore_pte, Work.restore),
            (finish_migration, Work.settle),
            o=o,
        ),
    )


_WAYS_USE = (
    "cache_entries_belong_to_moving_folios folios_stay_in_their_source_until_they_have_moved "
    "frames_know_the_folio_that_lives_in_them moving_folios_exist "
    "nothing_moves_into_a_draining_block sources_are_nobodys_home "
    "unmapped_folios_are_in_the_migration_cache user_frames_belong_to_folios"
)


@ends(unless=abort_migration, covers="N3 U3", using=_WAYS_USE)
def draining_ends(b: Block, f: Frame, w: Work, p: Pte) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """While nothing hinders what lives there and no move is given up, a draining block empties.

    Once a folio has a destination it needs no more room.
    """
    closed = draining[b] & vetted[b] & ~goes_offline(b)
    left = (block_of(f) == b) & work_left(f, w, p)
    return closed & _free_to_go(b), left, _ways_out(f)


@ends(unless=(abort_migration, try_again), covers="U3", using=_WAYS_USE)
def a_block_that_goes_offline_empties(
    b: Block, f: Frame, w: Work, p: Pte
) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """So does a block that goes offline, between two tries of what has refused to move."""

    def waits(x: Frame) -> Bool:
        return (block_of(x) == b) & (refused_move[x] | (frame_state[x] == FrameState.incoming))

    goes = goes_offline(b) & implies(draining[b], vetted[b]) & ~exists(Frame, waits)
    left = (block_of(f) == b) & work_left(f, w, p)
    return goes & _free_to_go(b), left, _ways_out(f)


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
