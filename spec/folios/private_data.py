"""Private data of filesystems: what page->private means only its owner knows (M2).

A filesystem hangs its own data (buffer heads and the like) on a folio.  One
kind of filesystem has a method that moves the data with the folio, one can
release it, one can do neither; then the folio stays where it is.

Source: mm/migrate.c (move_to_new_folio, fallback_migrate_folio,
__buffer_migrate_folio), fs/buffer.c.
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EINVAL, ENOENT

from ..language import (
    Bool,
    Enumeration,
    action,
    after,
    always,
    false,
    guard,
    implies,
    sometimes,
    step,
    topology,
    true,
    variable,
)
from ..machine.topology import Frame
from .frames import (
    Folio,
    FolioKind,
    birth_frame,
    dirty,
    exists_now,
    folio_kind,
    home,
)
from .migration_stage import Stage, stage
from .writeback import under_writeback


class Filesystem(Enumeration):
    """What a filesystem can do with private data when a folio is to move.

    ``own_method``: move it (migrate_folio); ``releasable``: let go of it
    (release_folio); ``neither``: nothing.
    """

    own_method: Filesystem
    releasable: Filesystem
    neither: Filesystem


filesystem = topology(Folio, Filesystem)
"""What the filesystem of a folio can do."""

has_private = variable(Folio, Bool, initial=lambda o: false)
"""The filesystem has hung its own data on the folio (PG_private)."""

private_frame = variable(Folio, Frame, initial=lambda o: birth_frame[o])
"""The frame whose struct page carries the data (page->private)."""

private_busy = variable(Folio, Bool, initial=lambda o: false)
"""The filesystem works on the data right now (a buffer's b_count)."""

private_used = variable(Folio, Bool, initial=lambda o: false)
"""Somebody has worked on private data of the folio, and is done (a ghost)."""


@action
def attach_private(o: Folio) -> None:
    """The filesystem hangs its data on the folio (folio_attach_private)."""
    guard("file", folio_kind[o] == FolioKind.page_cache, errno=EINVAL, why="it is no file's")
    guard("no_private", ~has_private[o], errno=EBUSY, why="it carries private data already")
    has_private[o] = true
    private_frame[o] = home[o]


@action
def use_private(o: Folio) -> None:
    """Somebody finds the data and works on it, without the folio lock (__find_get_block)."""
    guard("has_private", has_private[o], errno=ENOENT, why="it carries no private data")
    guard("not_busy", ~private_busy[o], why="somebody works on it already")
    private_busy[o] = true


@action
def put_private(o: Folio) -> None:
    """The work on the data is done (brelse)."""
    guard("busy", private_busy[o], why="nobody works on it")
    private_busy[o] = false
    private_used[o] = true


@action
def release_private(o: Folio) -> None:
    """The filesystem lets go of the data so that the folio can move (filemap_release_folio)."""
    guard("has_private", has_private[o], errno=ENOENT, why="it carries no private data")
    guard(
        "releasable",
        filesystem[o] == Filesystem.releasable,
        errno=EAGAIN,
        why="the filesystem cannot let go of it",
    )
    guard("not_busy", ~private_busy[o], errno=EAGAIN, why="somebody works on it")
    guard(
        "clean",
        ~dirty[o] & ~under_writeback[o],
        errno=EAGAIN,
        why="the folio's data is not on its store yet",
    )
    has_private[o] = false


# --- what is true -------------------------------------------------------------------------------


@always(covers="M2")
def private_data_is_where_its_folio_lives(o: Folio) -> Bool:
    """Private data is never left on an old frame."""
    return implies(has_private[o], private_frame[o] == home[o])


@always(covers="M2")
def private_data_belongs_to_one_folio(o: Folio, other: Folio) -> Bool:
    """No struct page carries the private data of two folios."""
    both = has_private[o] & has_private[other] & (o != other)
    return implies(both, private_frame[o] != private_frame[other])


@always(covers="M2")
def private_data_belongs_to_a_file(o: Folio) -> Bool:
    """Only page cache that exists carries private data."""
    return implies(has_private[o], folio_kind[o] == FolioKind.page_cache)


@always(covers="M2")
def work_is_on_data_that_is_there(o: Folio) -> Bool:
    """Nobody works on private data that was released or freed."""
    return implies(private_busy[o], has_private[o])


@step(covers="M2")
def private_data_is_never_lost(o: Folio) -> Bool:
    """Private data goes only with its folio, or because the filesystem lets go of it."""
    gone = has_private[o] & ~after(has_private[o]) & after(exists_now(o))
    clean = ~dirty[o] & ~under_writeback[o]
    return implies(gone, (filesystem[o] == Filesystem.releasable) & ~private_busy[o] & clean)


@step(covers="M2")
def private_data_is_moved_by_its_own_filesystem(o: Folio) -> Bool:
    """Nobody moves private data who does not know what it is."""
    moved = has_private[o] & after(has_private[o]) & (home[o] != after(home[o]))
    return implies(moved, filesystem[o] == Filesystem.own_method)


@step(covers="M2", using="private_data_belongs_to_a_file work_is_on_data_that_is_there")
def private_data_in_use_does_not_move(o: Folio) -> Bool:
    """While somebody works on private data its folio stays: test and move are one step."""
    return implies(private_busy[o] & after(exists_now(o)), home[o] == after(home[o]))


@step(covers="M2")
def dirty_files_move_only_with_a_method(o: Folio) -> Bool:
    """A filesystem without a method writes dirty data out first, or the folio refuses."""
    moved = exists_now(o) & after(exists_now(o)) & (home[o] != after(home[o]))
    file_is_dirty = (folio_kind[o] == FolioKind.page_cache) & dirty[o]
    return implies(moved & file_is_dirty, filesystem[o] == Filesystem.own_method)


@sometimes(covers="M2")
def private_data_arrives_with_its_folio(o: Folio) -> Bool:
    """A folio moves, and its private data with it."""
    return has_private[o] & (stage[o] == Stage.moved)


@sometimes(covers="M2")
def private_data_moves_after_work_on_it(o: Folio) -> Bool:
    """Work on private data ends, and then its folio can move."""
    return has_private[o] & private_used[o] & (stage[o] == Stage.moved)


@sometimes(covers="M2")
def a_folio_moves_after_a_release(o: Folio) -> Bool:
    """A filesystem that cannot move its data lets go of it, and the folio moves."""
    moved = (stage[o] == Stage.moved) & (filesystem[o] == Filesystem.releasable)
    had_some = (private_frame[o] != home[o]) & (private_frame[o] != birth_frame[o])
    return moved & had_some & ~has_private[o]


@sometimes(covers="M2")
def somebody_works_on_private_data(o: Folio) -> Bool:
    """Private data is in use while its folio is about to move."""
    return private_busy[o] & (stage[o] == Stage.copied)
