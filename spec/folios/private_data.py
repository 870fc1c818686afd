"""Private data of filesystems: what page->private means only its owner knows (M2).

A filesystem hangs its own data (buffer heads and the like) on a folio: the struct
page leads to it.  One kind of filesystem has a method that moves the data with the
folio, one can release it, one can do neither; then the folio stays where it is.  A
method that moved the data may fail after all: then it goes back.  (Linux moves it last,
when nothing can fail any more.)

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
    definition,
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
from .destination import destination, source
from .frames import (
    Folio,
    FolioKind,
    boot_folio,
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

carries_private = variable(Frame, Bool, initial=lambda f: false)
"""The struct page leads to private data (PG_private)."""

private_of = variable(Frame, Folio, initial=lambda f: boot_folio[f])
"""The folio whose private data the struct page leads to, if it does (page->private)."""

private_busy = variable(Folio, Bool, initial=lambda o: false)
"""The filesystem works on the data right now (a buffer's b_count)."""

private_used = variable(Folio, Bool, initial=lambda o: false)
"""Somebody has worked on private data of the folio, and is done (a ghost)."""


@definition
def leads_to_private(f: Frame, o: Folio) -> Bool:
    """The struct page leads to the private data of the folio."""
    return carries_private[f] & (private_of[f] == o)


@action
def attach_private(o: Folio) -> None:
    """The filesystem hangs its data on the folio (folio_attach_private)."""
    guard("file", folio_kind[o] == FolioKind.page_cache, errno=EINVAL, why="it is no file's")
    guard("no_private", ~has_private[o], errno=EBUSY, why="it carries private data already")
    has_private[o] = true
    carries_private[home[o]] = true
    private_of[home[o]] = o


@action
def use_private(o: Folio) -> None:
    """Somebody finds the data and works on it, without the folio lock (__find_get_block)."""
    guard("has_private", has_private[o], errno=ENOENT, why="it carries no private data")
    guard("at_home", carries_private[home[o]], errno=EAGAIN, why="it is moving with the folio")
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
    carries_private[home[o]] = false


# --- what is true -------------------------------------------------------------------------------


@always(
    covers="M2",
    using="cache_entries_belong_to_moving_folios destinations_are_not_shared "
    "destinations_are_set_aside folios_do_not_share_frames "
    "folios_live_in_user_frames moving_folios_exist private_data_belongs_to_a_file "
    "struct_pages_lead_to_private_data_that_is_there "
    "struct_pages_name_whose_private_data_they_had "
    "unmapped_folios_are_in_the_migration_cache",
)
def private_data_is_where_its_folio_lives(o: Folio) -> Bool:
    """The struct page of a folio's frame leads to its own private data, but during a move."""
    settled = has_private[o] & (stage[o] != Stage.copied)
    return implies(settled, leads_to_private(home[o], o))


@always(
    covers="M2",
    using="cache_entries_belong_to_moving_folios destinations_are_not_shared "
    "destinations_are_set_aside destinations_know_their_folio "
    "folios_do_not_share_frames folios_live_in_user_frames moving_folios_exist "
    "private_data_belongs_to_a_file private_data_is_found_in_one_place "
    "private_data_is_where_its_folio_lives "
    "struct_pages_lead_to_private_data_that_is_there "
    "struct_pages_name_whose_private_data_they_had "
    "unmapped_folios_are_in_the_migration_cache",
)
def private_data_that_moves_is_at_one_end(o: Folio) -> Bool:
    """During a move the struct page of the old frame leads to it, or that of the new one."""
    moving = has_private[o] & (stage[o] == Stage.copied)
    here, there = leads_to_private(home[o], o), leads_to_private(destination[o], o)
    return implies(moving, (here & ~there) | (there & ~here))


@always(
    covers="M2",
    using="cache_entries_belong_to_moving_folios destinations_are_not_shared "
    "destinations_are_set_aside folios_do_not_share_frames "
    "folios_live_in_user_frames moving_folios_exist private_data_belongs_to_a_file "
    "struct_pages_lead_to_private_data_that_is_there "
    "unmapped_folios_are_in_the_migration_cache",
)
def struct_pages_name_whose_private_data_they_had(o: Folio) -> Bool:
    """The way back of private data that has gone ahead: the old struct page still names it."""
    return implies(has_private[o], private_of[home[o]] == o)


@always(
    covers="M2",
    using="cache_entries_belong_to_moving_folios destinations_are_set_aside "
    "destinations_know_their_folio folios_live_in_user_frames moving_folios_exist "
    "private_data_belongs_to_a_file private_data_is_where_its_folio_lives "
    "struct_pages_lead_to_private_data_that_is_there "
    "unmapped_folios_are_in_the_migration_cache",
)
def private_data_goes_ahead_with_a_method(o: Folio) -> Bool:
    """Only a filesystem that can move private data has some on a destination."""
    ahead = (stage[o] == Stage.copied) & carries_private[destination[o]]
    return implies(ahead, filesystem[o] == Filesystem.own_method)


@always(
    covers="M2",
    using="cache_entries_belong_to_moving_folios destinations_are_not_shared "
    "destinations_are_set_aside destinations_know_their_folio "
    "folios_do_not_share_frames folios_live_in_user_frames moving_folios_exist "
    "private_data_belongs_to_a_file struct_pages_lead_to_private_data_that_is_there "
    "struct_pages_name_whose_private_data_they_had "
    "unmapped_folios_are_in_the_migration_cache",
)
def a_method_that_fails_leaves_private_data_at_home(o: Folio) -> Bool:
    """When a move is given up its private data is at home, and the destination leads to none."""
    failed = has_private[o] & (stage[o] == Stage.aborting)
    return implies(failed, leads_to_private(home[o], o) & ~carries_private[destination[o]])


@always(
    covers="M2",
    using="struct_pages_lead_to_private_data_that_is_there "
    "struct_pages_name_whose_private_data_they_had",
)
def private_data_is_found_in_one_place(o: Folio, f: Frame, g: Frame) -> Bool:
    """No two struct pages lead to the private data of one folio."""
    return implies(leads_to_private(f, o) & leads_to_private(g, o), f == g)


@always(
    covers="M2",
    using="cache_entries_belong_to_moving_folios destinations_are_not_shared "
    "destinations_are_set_aside folios_do_not_share_frames "
    "folios_live_in_user_frames moving_folios_exist private_data_belongs_to_a_file "
    "private_data_goes_ahead_with_a_method private_data_is_found_in_one_place "
    "struct_pages_name_whose_private_data_they_had "
    "unmapped_folios_are_in_the_migration_cache",
)
def struct_pages_lead_to_private_data_that_is_there(f: Frame) -> Bool:
    """Only where a folio lives, or is to live, does a struct page lead to its private data."""
    o = private_of[f]
    to_come = (stage[o] == Stage.copied) & (destination[o] == f)
    return implies(carries_private[f], has_private[o] & ((home[o] == f) | to_come))


@always(covers="M2")
def private_data_belongs_to_a_file(o: Folio) -> Bool:
    """Only page cache that exists carries private data."""
    return implies(has_private[o], folio_kind[o] == FolioKind.page_cache)


@always(
    covers="M2",
    using="cache_entries_belong_to_moving_folios destinations_are_not_shared "
    "destinations_are_set_aside folios_do_not_share_frames "
    "folios_live_in_user_frames moving_folios_exist private_data_belongs_to_a_file "
    "struct_pages_lead_to_private_data_that_is_there "
    "struct_pages_name_whose_private_data_they_had "
    "unmapped_folios_are_in_the_migration_cache",
)
def work_is_on_data_that_is_there(o: Folio) -> Bool:
    """Nobody works on private data that was released, freed, or taken along."""
    return implies(private_busy[o], has_private[o] & leads_to_private(home[o], o))


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


@step(
    covers="M2",
    using="destinations_are_not_shared destinations_are_set_aside "
    "folios_live_in_user_frames private_data_belongs_to_a_file "
    "private_data_that_moves_is_at_one_end "
    "struct_pages_lead_to_private_data_that_is_there work_is_on_data_that_is_there",
)
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
    arrives = (stage[o] == Stage.copied) & after(stage[o] == Stage.moved)
    return has_private[o] & arrives


@sometimes(covers="M2")
def private_data_moves_after_work_on_it(o: Folio) -> Bool:
    """Work on private data ends, and then its folio can move."""
    arrives = (stage[o] == Stage.copied) & after(stage[o] == Stage.moved)
    return has_private[o] & private_used[o] & arrives


@sometimes(covers="M2")
def a_folio_moves_after_a_release(o: Folio) -> Bool:
    """A filesystem that cannot move its data lets go of it, after work on it; the folio moves."""
    moved = (stage[o] == Stage.moved) & (filesystem[o] == Filesystem.releasable)
    return moved & private_used[o] & ~has_private[o]


@sometimes(covers="M2")
def private_data_comes_back_when_a_move_fails(o: Folio) -> Bool:
    """Private data was on the destination already, and its folio stays after all."""
    gone = leads_to_private(destination[o], o) & (stage[o] == Stage.copied)
    return gone & after(stage[o] == Stage.aborting) & after(leads_to_private(home[o], o))


@sometimes(covers="M2")
def somebody_works_on_private_data(o: Folio) -> Bool:
    """Private data is in use while its folio is about to move."""
    return private_busy[o] & (stage[o] == Stage.copied)


@sometimes(covers="M2")
def somebody_works_on_private_data_that_stays(o: Folio) -> Bool:
    """Private data is in use where its folio lives, which is not where a move began."""
    return private_busy[o] & (stage[o] == Stage.idle) & (home[o] != source[o])


@sometimes(covers="M2")
def private_data_goes_with_its_folio(o: Folio) -> Bool:
    """A folio is freed, and its private data with it."""
    return has_private[o] & exists_now(o) & ~after(exists_now(o))
