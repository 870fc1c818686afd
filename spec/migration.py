"""Migration: a folio moves to another frame, and nobody notices (M1, D1).

Reserve a destination, replace every PTE that rmap finds by a migration entry,
copy, make the destination the folio's home, turn the entries back, free the
source.  Until the home has changed every stage can be aborted, and then all is
as before.  The *migration cache* of 2004 owns the entries: it holds the folio
exactly while entries may exist.

Source: mm/migrate.c (migrate_folio_unmap, migrate_folio_move, remove_migration_ptes).
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY

from .blocks import FrameState, frame_state, refused_move
from .destination import destination, source
from .dma import Pin, PinKind, has_running_pin, has_stopped_pin, pin_count, pin_folio, pin_kind
from .frames import (
    Folio,
    FolioKind,
    contents,
    data,
    dirty,
    exists_now,
    folio_kind,
    folio_of,
    home,
    released,
)
from .language import (
    Bool,
    action,
    after,
    always,
    any_of,
    definition,
    enabled,
    ends,
    exists,
    false,
    guard,
    implies,
    ite,
    sometimes,
    step,
    true,
    variable,
)
from .migration_stage import Stage, stage
from .page_tables import (
    Pte,
    PteState,
    has_entry,
    mapcount,
    maps,
    pte,
    pte_folio,
    pte_frame,
    rmap_finds,
)
from .private_data import Filesystem, filesystem, has_private, private_busy, private_frame
from .topology import Frame
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


@action
def replace_pte(p: Pte, o: Folio) -> None:
    """Turn one PTE that rmap found into a migration entry (try_to_migrate_one)."""
    guard("unmapping", stage[o] == Stage.unmapping, why="the folio is not being unmapped")
    guard("found", rmap_finds(p, o), why="reverse mapping does not find the entry")
    pte[p] = PteState.migration


@action
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
    stage[o] = Stage.copied
    data[destination[o]] = data[home[o]]


@action
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
        "private_known",
        ~has_private[o] | own_method,
        errno=EAGAIN,
        why="the folio carries private data that its filesystem cannot move",
    )
    guard("private_idle", ~private_busy[o], errno=EAGAIN, why="the private data is in use")
    stage[o] = Stage.moved
    home[o] = destination[o]
    private_frame[o] = ite(has_private[o], destination[o], private_frame[o])
    frame_state[destination[o]] = FrameState.user


@action
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


@action
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
    """Give up before the home has changed: a reference too many, no memory, a signal."""
    guard(
        "not_moved",
        any_of(stage[o] == Stage.reserved, stage[o] == Stage.unmapping, stage[o] == Stage.copied),
        why="the folio is not moving, or has moved already",
    )
    stage[o] = Stage.aborting
    refused_move[home[o]] = true


@action
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
    file = folio_kind[o] == FolioKind.page_cache
    guard("clean", ~(file & dirty[o]), errno=EBUSY, why="its store does not have the data yet")
    guard("no_writeback", ~under_writeback[o], errno=EBUSY, why="its data is on the way")
    guard("private_idle", ~private_busy[o], errno=EBUSY, why="its private data is in use")
    folio_kind[o] = FolioKind.none
    has_private[o] = false
    frame_state[home[o]] = released(home[o])


# --- what is true -------------------------------------------------------------------------------


@always(covers="M1")
def moving_folios_exist(o: Folio) -> Bool:
    """A folio that moves is not freed meanwhile."""
    return implies(stage[o] != Stage.idle, exists_now(o))


@always(covers="M1")
def destinations_are_set_aside(o: Folio) -> Bool:
    """The frame that a folio moves to is in nobody else's hands."""
    return implies(holds_destination(o), frame_state[destination[o]] == FrameState.incoming)


@always(covers="M1")
def destinations_know_their_folio(o: Folio) -> Bool:
    """The struct page of a destination names the folio that is to come."""
    return implies(holds_destination(o), folio_of[destination[o]] == o)


@always(covers="M1")
def sources_know_their_folio(o: Folio) -> Bool:
    """The struct page of a source names the folio that has left, until it is freed."""
    return implies(stage[o] == Stage.moved, folio_of[source[o]] == o)


@always(covers="M1")
def destinations_are_not_shared(o: Folio, other: Folio) -> Bool:
    """Two folios never move to one frame."""
    both = holds_destination(o) & holds_destination(other) & (o != other)
    return implies(both, destination[o] != destination[other])


@always(covers="M1")
def folios_stay_in_their_source_until_they_have_moved(o: Folio) -> Bool:
    """Until the home changes, the folio lives where it lived."""
    return implies(holds_destination(o), home[o] == source[o])


@always(covers="M1")
def moved_folios_live_in_their_destination(o: Folio) -> Bool:
    """Once the home has changed it is the destination."""
    return implies(stage[o] == Stage.moved, home[o] == destination[o])


@always(covers="M1")
def sources_are_held_until_the_end(o: Folio) -> Bool:
    """A frame that a folio has left is not free while entries may still be restored."""
    return implies(stage[o] == Stage.moved, frame_state[source[o]] == FrameState.user)


@always(covers="M1")
def sources_are_nobodys_home(o: Folio, other: Folio) -> Bool:
    """Nobody lives in a frame that a moved folio is about to free."""
    return implies((stage[o] == Stage.moved) & exists_now(other), home[other] != source[o])


@always(covers="M1")
def sources_are_freed_once(o: Folio, other: Folio) -> Bool:
    """Two moved folios free two frames."""
    both = (stage[o] == Stage.moved) & (stage[other] == Stage.moved) & (o != other)
    return implies(both, source[o] != source[other])


@always(covers="M1")
def nothing_maps_a_frame_that_is_not_in_use(p: Pte) -> Bool:
    """No PTE maps a free, isolated or foreign frame: a frame is freed after its last PTE."""
    mapped = pte[p] == PteState.present
    return implies(mapped, frame_state[pte_frame[p]] == FrameState.user)


@always(covers="M1")
def nothing_maps_the_source_of_a_moved_folio(p: Pte, o: Folio) -> Bool:
    """Migration completes only when no PTE maps the old frame."""
    mapped = pte[p] == PteState.present
    return implies(mapped & (stage[o] == Stage.moved), pte_frame[p] != source[o])


@always(covers="M1 D1")
def nobody_reaches_a_folio_while_it_is_copied(p: Pte, o: Folio) -> Bool:
    """Between copy and change of home no PTE maps the folio."""
    return implies(stage[o] == Stage.copied, ~maps(p, o))


@always(covers="M1 D1")
def copies_are_faithful(o: Folio) -> Bool:
    """The copy contains what the folio's owner last stored."""
    return implies(stage[o] == Stage.copied, data[destination[o]] == contents[o])


@always(covers="D1")
def entries_are_in_the_migration_cache(p: Pte) -> Bool:
    """Every migration entry is owned by the migration cache: none dangles."""
    return implies(pte[p] == PteState.migration, cached[pte_folio[p]])


@always(covers="D1")
def cache_entries_belong_to_moving_folios(o: Folio) -> Bool:
    """A cache entry exists only while its folio moves: none leaks."""
    return implies(cached[o], (stage[o] != Stage.idle) & (stage[o] != Stage.reserved))


@always(covers="D1")
def unmapped_folios_are_in_the_migration_cache(o: Folio) -> Bool:
    """A folio whose PTEs are being replaced has its cache entry."""
    moving = any_of(stage[o] == Stage.unmapping, stage[o] == Stage.copied, stage[o] == Stage.moved)
    return implies(moving, cached[o])


@always(covers="U1")
def user_frames_belong_to_folios(f: Frame) -> Bool:
    """Every frame of user memory belongs to a folio that can move, or just moved away."""
    o = folio_of[f]
    just_left = (stage[o] == Stage.moved) & (source[o] == f)
    return implies(frame_state[f] == FrameState.user, exists_now(o) & ((home[o] == f) | just_left))


@always(covers="U1")
def incoming_frames_belong_to_folios(f: Frame) -> Bool:
    """Every frame that is set aside is the destination of a folio: none leaks."""
    o = folio_of[f]
    reserved = holds_destination(o) & (destination[o] == f)
    return implies(frame_state[f] == FrameState.incoming, reserved)


@always(covers="M1 D1 U5")
def what_nobody_holds_is_let_go(o: Folio) -> Bool:
    """Entries and devices of other folios do not hold up the end of a migration."""
    pinned = exists(Pin, lambda x: (pin_kind[x] != PinKind.none) & (pin_folio[x] == o))
    return implies((stage[o] == Stage.aborting) & ~cached[o] & ~pinned, enabled(finish_abort, o))


@step(covers="M1 D1")
def an_abort_leaves_the_folio_at_home(o: Folio) -> Bool:
    """A migration that is given up changes neither frame nor contents."""
    aborted = (stage[o] == Stage.aborting) & (after(stage[o]) == Stage.idle)
    same = (after(home[o]) == source[o]) & (after(data[home[o]]) == contents[o])
    return implies(aborted, same & ~after(cached[o]))


@step(covers="M1")
def a_folio_moves_only_to_its_destination(o: Folio) -> Bool:
    """While a folio lives its home changes only at the end of a copy."""
    changed = exists_now(o) & after(exists_now(o)) & (home[o] != after(home[o]))
    return implies(changed, (stage[o] == Stage.copied) & (after(home[o]) == destination[o]))


@step(covers="D1")
def entries_vanish_only_into_mappings(p: Pte) -> Bool:
    """A migration entry becomes a mapping of the folio's home, or its address goes away."""
    ended = (pte[p] == PteState.migration) & (after(pte[p]) == PteState.present)
    return implies(ended, after(pte_frame[p]) == after(home[pte_folio[p]]))


@ends(by="replace_pte", covers="M1")
def unmapping_ends(p: Pte, o: Folio) -> tuple[Bool, Bool]:
    """Every PTE that maps a folio in the cache is found and replaced, and none is added."""
    return stage[o] == Stage.unmapping, maps(p, o)


@ends(by="restore_pte", covers="D1")
def restoring_ends(p: Pte, o: Folio) -> tuple[Bool, Bool]:
    """Every migration entry of a folio that has settled comes back, and none is added."""
    settled = (stage[o] == Stage.moved) | (stage[o] == Stage.aborting)
    return settled, has_entry(p, o)


@sometimes(covers="M1 D1")
def a_mapped_folio_arrives(o: Folio, p: Pte) -> Bool:
    """A folio that is mapped finishes its migration up to the last entry."""
    return (stage[o] == Stage.moved) & maps(p, o)


@sometimes(covers="D1")
def an_abort_restores_a_mapping(o: Folio, p: Pte) -> Bool:
    """A migration is given up after PTEs were replaced, and a PTE comes back."""
    return (stage[o] == Stage.aborting) & cached[o] & maps(p, o)


@sometimes(covers="D1")
def two_folios_move_at_once(o: Folio, p: Folio) -> Bool:
    """Each has a destination of its own."""
    return (o != p) & (stage[o] == Stage.reserved) & (stage[p] == Stage.reserved)


@sometimes(covers="M1 D1")
def a_migration_is_over(o: Folio) -> Bool:
    """A folio is in its new frame, and the old one is free."""
    return (stage[o] == Stage.moved) & (after(stage[o]) == Stage.idle)


@sometimes(covers="D1")
def an_abort_is_over(o: Folio) -> Bool:
    """A folio that did not move is as before."""
    return (stage[o] == Stage.aborting) & (after(stage[o]) == Stage.idle)


@sometimes(covers="M2")
def a_folio_is_freed(o: Folio) -> Bool:
    """Nobody uses a folio any more."""
    return exists_now(o) & ~after(exists_now(o))
