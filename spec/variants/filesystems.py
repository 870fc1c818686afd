"""Wrong designs of writeback and of filesystems' private data (U4, M2)."""

from __future__ import annotations

from ..blocks.block_states import BlockState, block_state
from ..folios.frames import Folio
from ..folios.writeback import holds_up
from ..language import (
    Bool,
    DropGuard,
    DropUpdate,
    ReplaceGuard,
    Variant,
    exists,
)
from ..machine.topology import Block
from .sources import LIST

__all__ = ["VARIANTS"]


def _not_while_waiting(b: Block) -> Bool:
    leaving = block_state[b] == BlockState.going_offline
    return leaving & ~exists(Folio, lambda o: holds_up(o, b))


VARIANTS = (
    Variant(
        name="wait-without-a-budget",
        doc="A removal waits for writeback as long as it takes: for ever, if the store is silent.",
        covers=("U4", "U3"),
        source=LIST + ": NFS; mm/migrate.c: folio_wait_writeback()",
        breaks="waiting_for_a_store_ends",
        edits=(DropUpdate("wait_for_writeback", "spent"),),
    ),
    Variant(
        name="no-giving-up-while-waiting",
        doc="A removal that waits for writeback sleeps so that no signal reaches it.",
        covers=("U4", "U3"),
        source="mm/migrate.c: folio_wait_writeback() is not interruptible",
        breaks="giving_up_is_always_possible",
        edits=(ReplaceGuard("cancel_offline", "going_offline", _not_while_waiting),),
    ),
    Variant(
        name="unwritten-data-dropped",
        doc="A folio is freed to make room although its store does not have its data.",
        covers=("U4",),
        source=LIST + ": NFS",
        breaks="unwritten_data_is_never_dropped",
        edits=(DropGuard("free_folio", "clean"),),
    ),
    Variant(
        name="failed-writeback-taken-for-success",
        doc="A folio whose data its store has refused counts as clean.",
        covers=("U4",),
        source="fs/buffer.c: end_buffer_async_write() does not redirty the folio",
        breaks="clean_folios_are_on_their_store",
        edits=(DropUpdate("fail_writeback", "dirty"),),
    ),
    Variant(
        name="writeback-error-forgotten",
        doc="Nobody is told that data was refused.",
        covers=("U4",),
        source="include/linux/pagemap.h: mapping_set_error(); before 4.13 whoever waited first"
        " took the error away from all others",
        breaks="failures_are_remembered_until_somebody_asks",
        edits=(DropUpdate("fail_writeback", "wb_err"),),
    ),
    Variant(
        name="moved-under-writeback",
        doc="Migration does not look whether the store still reads from the old frame.",
        covers=("U4",),
        source="mm/migrate.c: the folio_test_writeback() check in migrate_folio_unmap()",
        breaks="folios_under_writeback_stay",
        edits=(DropGuard("begin_unmap", "no_writeback"),),
    ),
    Variant(
        name="private-data-left-behind",
        doc="The folio moves, and its private data stays on the old frame.",
        covers=("M2",),
        source=LIST + ": each filesystem has to move their private data",
        breaks="private_data_is_where_its_folio_lives",
        edits=(DropGuard("change_home", "private_moved"),),
    ),
    Variant(
        name="private-data-moved-by-strangers",
        doc="The generic code moves private data of which it knows nothing.",
        covers=("M2",),
        source=LIST + ": each filesystem uses page->private for each reason",
        breaks="private_data_is_moved_by_its_own_filesystem",
        edits=(DropGuard("move_private", "private_known"),),
    ),
    Variant(
        name="buffers-moved-in-use",
        doc="The test of the buffers' users and the move are not one step (B16).",
        covers=("M2",),
        source="commit ebdf4de5642f",
        breaks="private_data_in_use_does_not_move",
        edits=(DropGuard("move_private", "private_idle"),),
    ),
    Variant(
        name="method-moves-the-wrong-pointer",
        doc="The new struct page leads to the data of who was there before.",
        covers=("M2",),
        source=LIST + ": each filesystem uses page->private for each reason",
        breaks="private_data_that_moves_is_at_one_end",
        edits=(DropUpdate("move_private", "private_of"),),
    ),
    Variant(
        name="method-fails-after-moving",
        doc="A method has moved private data, and fails: the data stays on the destination.",
        covers=("M2",),
        source="mm/migrate.c: folio_attach_private() comes after all that may fail",
        breaks="a_method_that_fails_leaves_private_data_at_home",
        edits=(DropUpdate("abort_migration", "carries_private"),),
    ),
    Variant(
        name="private-data-found-on-its-way",
        doc="Somebody begins to work on private data that has gone ahead of its folio.",
        covers=("M2",),
        source="mm/migrate.c: buffer_migrate_lock_buffers(), the i_private_lock",
        breaks="work_is_on_data_that_is_there",
        edits=(DropGuard("use_private", "at_home"),),
    ),
    Variant(
        name="private-data-released-in-use",
        doc="The filesystem lets go of private data that somebody works on.",
        covers=("M2",),
        source="fs/buffer.c: buffer_busy() in drop_buffers()",
        breaks="work_is_on_data_that_is_there",
        edits=(DropGuard("release_private", "not_busy"),),
    ),
    Variant(
        name="dirty-data-moved-without-a-method",
        doc="Dirty data of a filesystem without a method is not written out before it moves.",
        covers=("M2",),
        source="mm/migrate.c: writeout() in fallback_migrate_folio()",
        breaks="dirty_files_move_only_with_a_method",
        edits=(DropGuard("change_home", "clean_or_method"),),
    ),
)
