"""Migration: a folio moves to another frame, and nobody notices (M1, D1).

Reserve a destination, replace every PTE that rmap finds by a migration entry,
copy, take private data along, make the destination the folio's home, turn the
entries back, free the source.  Until the home has changed every stage can be
aborted, and then all is as before.  The *migration cache* of 2004 owns the
entries: it holds the folio exactly while entries may exist.

Source: mm/migrate.c (migrate_folio_unmap, migrate_folio_move, remove_migration_ptes).
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY

from ..blocks.block_states import FrameState, frame_state, hwpoison, refused_move
from ..language import (
    Bool,
    action,
    any_of,
    definition,
    exists,
    false,
    guard,
    true,
    variable,
)
from ..language.errnos import EHWPOISON
from .destination import destination, source
from .dma import has_running_pin, has_stopped_pin, pin_count
from .frames import (
    Folio,
    FolioKind,
    data,
    dirty,
    exists_now,
    folio_kind,
    home,
    released,
)
from .migration_stage import Stage, stage
from .page_tables import (
    Pte,
    PteState,
    has_entry,
    mapcount,
    pte,
    pte_folio,
    pte_frame,
    rmap_finds,
)
from .private_data import (
    Filesystem,
    carries_private,
    filesystem,
    has_private,
    private_busy,
    private_of,
)
from .references import has_reference
from .writeback import under_writeback

cached = variable(Folio, Bool, initial=lambda o: false)
"""The migration cache holds an entry for the folio."""


@definition
def has_entries(o: Folio) -> Bool:
    """Some PTE is a migration entry for the folio."""
    return exists(Pte, lambda p: has_entry(p, o))


@definition
def holds_destination(o: Folio) -> Bool:
    """The folio has a frame set aside that it does not live in yet."""
    return any_of(
        stage[o] == Stage.reserved,
        stage[o] == Stage.unmapping,
        stage[o] == Stage.copied,
        stage[o] == Stage.aborting,
    )


@action
def begin_unmap(o: Folio) -> None:
    """Enter the folio in the migration cache and start to replace its PTEs (try_to_migrate)."""
    guard("reserved", stage[o] == Stage.reserved, why="no destination is reserved")
    guard(
        "no_writeback",
        ~under_writeback[o],
        errno=EBUSY,
        why="the folio's data is on its way to the store",
    )
    stage[o] = Stage.unmapping
    cached[o] = true


@action(
    using="cache_entries_belong_to_moving_folios "
    "folios_stay_in_their_source_until_they_have_moved moving_folios_exist "
    "sources_are_nobodys_home unmapped_folios_are_in_the_migration_cache "
    "user_frames_belong_to_folios",
)
def replace_pte(p: Pte, o: Folio) -> None:
    """Turn one PTE that rmap found into a migration entry (try_to_migrate_one)."""
    guard("unmapping", stage[o] == Stage.unmapping, why="the folio is not being unmapped")
    guard("found", rmap_finds(p, o), why="reverse mapping does not find the entry")
    pte[p] = PteState.migration


@action(
    using="both_frames_of_a_moving_page_are_the_kernels cache_entries_belong_to_moving_folios "
    "destinations_are_set_aside folios_live_in_user_frames moving_folios_exist "
    "unmapped_folios_are_in_the_migration_cache",
)
def copy(o: Folio) -> None:
    """Copy the contents to the destination (folio_mc_copy)."""
    guard("unmapping", stage[o] == Stage.unmapping, why="the folio is not being unmapped")
    guard(
        "unmapped",
        ~exists(Pte, lambda p: rmap_finds(p, o)),
        errno=EAGAIN,
        why="a PTE still maps the folio",
    )
    guard(
        "no_running_pin",
        ~has_running_pin(o),
        errno=EAGAIN,
        why="a device uses the folio, and is not stopped",
    )
    guard("expected_count", ~has_reference(o), errno=EAGAIN, why="somebody has a reference")
    guard("no_error", ~hwpoison[home[o]], errno=EHWPOISON, why="the folio's frame has an error")
    stage[o] = Stage.copied
    data[destination[o]] = data[home[o]]


@action
def move_private(o: Folio) -> None:
    """The filesystem's method hangs private data on the destination (folio_attach_private)."""
    guard("copied", stage[o] == Stage.copied, why="the contents are not copied")
    guard("at_home", carries_private[home[o]], why="there is no private data that has not moved")
    guard(
        "private_known",
        filesystem[o] == Filesystem.own_method,
        errno=EAGAIN,
        why="the folio carries private data that its filesystem cannot move",
    )
    guard("private_idle", ~private_busy[o], errno=EAGAIN, why="the private data is in use")
    carries_private.update(
        where=lambda f: (f == home[o]) | (f == destination[o]),
        value=lambda f: f == destination[o],
    )
    private_of[destination[o]] = private_of[home[o]]


@action(
    using="cache_entries_belong_to_moving_folios destinations_are_set_aside "
    "destinations_know_their_folio "
    "folios_stay_in_their_source_until_they_have_moved "
    "frames_know_the_folio_that_lives_in_them moving_folios_exist "
    "nothing_moves_into_a_draining_block only_closed_blocks_are_vetted "
    "unmapped_folios_are_in_the_migration_cache",
)
def change_home(o: Folio) -> None:
    """The destination becomes the folio's frame (folio_migrate_mapping)."""
    guard("copied", stage[o] == Stage.copied, why="the contents are not copied")
    own_method = filesystem[o] == Filesystem.own_method
    guard(
        "clean_or_method",
        (folio_kind[o] == FolioKind.anonymous) | own_method | ~dirty[o],
        errno=EAGAIN,
        why="the filesystem cannot move dirty data; it must be written out first",
    )
    guard(
        "private_moved",
        ~has_private[o] | carries_private[destination[o]],
        errno=EAGAIN,
        why="the folio's private data has not moved",
    )
    stage[o] = Stage.moved
    home[o] = destination[o]
    frame_state[destination[o]] = FrameState.user


@action(
    using="cache_entries_belong_to_moving_folios folios_live_in_user_frames moving_folios_exist "
    "sources_are_nobodys_home unmapped_folios_are_in_the_migration_cache",
)
def restore_pte(p: Pte) -> None:
    """Turn a migration entry back into a mapping of the folio's home (remove_migration_pte)."""
    o = pte_folio[p]
    guard("migration_entry", pte[p] == PteState.migration, why="it is no migration entry")
    guard(
        "settled",
        (stage[o] == Stage.moved) | (stage[o] == Stage.aborting),
        why="it is not decided yet where the folio lives",
    )
    pte[p] = PteState.present
    pte_frame[p] = home[o]


@action(using="only_used_entries_are_stopped sources_know_their_folio")
def finish_migration(o: Folio) -> None:
    """Drop the cache entry and free the source."""
    guard("moved", stage[o] == Stage.moved, why="the folio has not moved")
    guard("entries_restored", ~has_entries(o), why="a migration entry is left")
    guard("devices_resumed", ~has_stopped_pin(o), why="a device is still stopped")
    stage[o] = Stage.idle
    cached[o] = false
    frame_state[source[o]] = released(source[o])


@action
def abort_migration(o: Folio) -> None:
    """Give up before the home has changed, and take private data back: a reference too many."""
    guard(
        "not_moved",
        any_of(stage[o] == Stage.reserved, stage[o] == Stage.unmapping, stage[o] == Stage.copied),
        why="the folio is not moving, or has moved already",
    )
    stage[o] = Stage.aborting
    refused_move[home[o]] = true
    carries_private.update(
        where=lambda f: (f == home[o]) | (f == destination[o]),
        value=lambda f: has_private[o] & (f == home[o]),
    )


@action(using="folios_stay_in_their_source_until_they_have_moved moving_folios_exist")
def finish_abort(o: Folio) -> None:
    """All entries point home again: drop the cache entry and the destination."""
    guard("aborting", stage[o] == Stage.aborting, why="no migration is being given up")
    guard("entries_restored", ~has_entries(o), why="a migration entry is left")
    guard("devices_resumed", ~has_stopped_pin(o), why="a device is still stopped")
    stage[o] = Stage.idle
    cached[o] = false
    frame_state[destination[o]] = released(destination[o])


@action
def free_folio(o: Folio) -> None:
    """The last user lets go of the folio (folio_put)."""
    guard("folio_exists", exists_now(o), why="there is no such folio")
    guard("unlocked", stage[o] == Stage.idle, errno=EAGAIN, why="the folio is moving")
    guard("not_mapped", mapcount[o] == 0, why="a PTE maps the folio")
    guard("not_pinned", pin_count[o] == 0, errno=EAGAIN, why="a device uses the folio")
    guard("no_reference", ~has_reference(o), errno=EAGAIN, why="somebody has a reference")
    file = folio_kind[o] == FolioKind.page_cache
    guard("clean", ~(file & dirty[o]), errno=EBUSY, why="its store does not have the data yet")
    guard("no_writeback", ~under_writeback[o], errno=EBUSY, why="its data is on the way")
    guard("private_idle", ~private_busy[o], errno=EBUSY, why="its private data is in use")
    folio_kind[o] = FolioKind.none
    has_private[o] = false
    carries_private[home[o]] = false
    frame_state[home[o]] = released(home[o])
