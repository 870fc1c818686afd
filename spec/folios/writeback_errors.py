"""Writeback that fails: what a store refuses stays dirty, and somebody is told (U4).

A disk answers with an error, a mount gives up on a server that is silent.  The store
keeps what it had, so the folio is as dirty as before it was sent.  Linux does
otherwise: many filesystems leave the folio clean, and all that is left of the data is
the error, which is told once (profiles: `failed-writeback-taken-for-success`).

What a store has acknowledged is taken to be there for good: a disk whose cache was
flushed, an NFS server after COMMIT.

Sources: mm/page-writeback.c, fs/buffer.c (end_buffer_async_write),
include/linux/pagemap.h (mapping_set_error), lib/errseq.c.
"""

from __future__ import annotations

from ..language import (
    Bool,
    Enumeration,
    action,
    after,
    all_of,
    always,
    false,
    guard,
    implies,
    sometimes,
    step,
    true,
    variable,
)
from .frames import Folio, birth_frame, boot_data, contents, dirty, stored
from .migration_stage import Stage, stage
from .writeback import Store, in_flight, is_file, store_of, under_writeback


class Failure(Enumeration):
    """``untold``: data was refused, and nobody knows; ``told``: who asked then was told."""

    none: Failure
    untold: Failure
    told: Failure


wb_err = variable(Store, Bool, initial=lambda s: false)
"""A writeback to the store has failed since anybody asked last (errseq_t, s_wb_err)."""

failure = variable(Folio, Failure, initial=lambda o: Failure.none)
"""What became of the last failure to write the folio's data (a ghost)."""


@action
def fail_writeback(o: Folio) -> None:
    """The store refuses the data, or nobody waits for it any longer (mapping_set_error)."""
    guard("under_writeback", under_writeback[o], why="nothing is on its way")
    under_writeback[o] = false
    dirty[o] = true
    wb_err[store_of[o]] = true
    failure[o] = Failure.untold


@action
def report_error(s: Store) -> None:
    """Who asks is told of what failed, once (fsync, syncfs: errseq_check_and_advance)."""
    guard("has_failed", wb_err[s], why="no writeback has failed since somebody asked")
    wb_err[s] = false
    failure.update(
        where=lambda o: (failure[o] == Failure.untold) & (store_of[o] == s), value=Failure.told
    )


# --- what is true -------------------------------------------------------------------------------


@always(covers="U4")
def failures_are_remembered_until_somebody_asks(o: Folio) -> Bool:
    """A store that refused data has an error to tell, until it is told."""
    return implies(failure[o] == Failure.untold, wb_err[store_of[o]])


@step(covers="U4")
def what_a_store_did_not_get_is_a_failure(o: Folio) -> Bool:
    """When writeback ends, the store has what was sent, or there is a failure to tell of."""
    ended = under_writeback[o] & ~after(under_writeback[o])
    return implies(ended & (after(stored[o]) != in_flight[o]), after(failure[o] == Failure.untold))


@step(covers="U4", using="failures_are_remembered_until_somebody_asks")
def no_failure_is_forgotten(o: Folio) -> Bool:
    """A failure ends when whoever asks the store is told of it, and in no other way."""
    ends = (failure[o] == Failure.untold) & after(failure[o] != Failure.untold)
    told = wb_err[store_of[o]] & after(failure[o] == Failure.told)
    return implies(ends, told & after(~wb_err[store_of[o]]))


@step(covers="U4")
def only_failures_are_told(o: Folio) -> Bool:
    """Nobody is told that a store refused what it did not refuse."""
    told = (failure[o] != Failure.told) & after(failure[o] == Failure.told)
    return implies(told, failure[o] == Failure.untold)


@sometimes(covers="U4")
def somebody_is_told_of_data_that_was_refused(o: Folio) -> Bool:
    """The owner learns that its store does not have the data, and the data is still there."""
    told = (failure[o] == Failure.untold) & after(failure[o] == Failure.told)
    return told & dirty[o] & (stored[o] != contents[o])


@sometimes(covers="U4")
def a_store_gets_what_it_refused(o: Folio) -> Bool:
    """What a store refused is sent again, and this time the store has it."""
    clean = is_file(o) & ~dirty[o] & ~under_writeback[o]
    other = contents[o] != boot_data[birth_frame[o]]
    return all_of(failure[o] != Failure.none, clean, other, stored[o] == contents[o])


@sometimes(covers="U4 M2")
def a_folio_leaves_although_its_store_refuses(o: Folio) -> Bool:
    """What cannot be written out moves, by the method of its filesystem, and is dirty there."""
    return (failure[o] == Failure.untold) & dirty[o] & (stage[o] == Stage.moved)
