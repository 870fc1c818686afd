"""What is true of folios that move, at every moment of it (M1, D1, U5)."""

from __future__ import annotations

from ..blocks.block_states import FrameState, frame_state, hwpoison
from ..language import (
    Bool,
    after,
    always,
    any_of,
    enabled,
    ends,
    exists,
    implies,
    sometimes,
    step,
)
from ..machine.topology import Frame
from .destination import destination, source
from .dma import Pin, PinKind, pin_folio, pin_kind, pinned_by, runs
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
)
from .migration import cached, finish_abort, holds_destination, replace_pte, restore_pte
from .migration_stage import Stage, stage
from .page_tables import (
    Pte,
    PteState,
    has_entry,
    maps,
    pte,
    pte_folio,
    pte_frame,
)
from .private_data import Filesystem, filesystem


@always(covers="M1")
def moving_folios_exist(o: Folio) -> Bool:
    """A folio that moves is not freed meanwhile."""
    return implies(stage[o] != Stage.idle, exists_now(o))


@always(covers="M1")
def destinations_are_set_aside(o: Folio) -> Bool:
    """The frame that a folio moves to is in nobody else's hands."""
    return implies(holds_destination(o), frame_state[destination[o]] == FrameState.incoming)


@always(covers="M1", using="destinations_are_set_aside")
def destinations_know_their_folio(o: Folio) -> Bool:
    """The struct page of a destination names the folio that is to come."""
    return implies(holds_destination(o), folio_of[destination[o]] == o)


@always(covers="M1", using="sources_are_held_until_the_end")
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


@always(
    covers="M1",
    using="entries_are_in_the_migration_cache folios_do_not_share_frames map_counts_are_exact "
    "mapped_folios_exist ptes_map_the_frame_that_their_folio_lives_in",
)
def nothing_maps_a_frame_that_is_not_in_use(p: Pte) -> Bool:
    """No PTE maps a free, isolated or foreign frame: a frame is freed after its last PTE."""
    mapped = pte[p] == PteState.present
    return implies(mapped, frame_state[pte_frame[p]] == FrameState.user)


@always(
    covers="M1",
    using="mapped_folios_exist nobody_reaches_a_folio_while_it_is_copied "
    "ptes_map_the_frame_that_their_folio_lives_in",
)
def nothing_maps_the_source_of_a_moved_folio(p: Pte, o: Folio) -> Bool:
    """Migration completes only when no PTE maps the old frame."""
    mapped = pte[p] == PteState.present
    return implies(mapped & (stage[o] == Stage.moved), pte_frame[p] != source[o])


@always(covers="M1 D1")
def nobody_reaches_a_folio_while_it_is_copied(p: Pte, o: Folio) -> Bool:
    """Between copy and change of home no PTE maps the folio."""
    return implies(stage[o] == Stage.copied, ~maps(p, o))


@always(
    covers="M1 D1",
    using="contents_are_never_lost destinations_are_not_shared destinations_are_set_aside "
    "no_device_runs_while_its_folio_is_copied nobody_reaches_a_folio_while_it_is_copied",
)
def copies_are_faithful(o: Folio) -> Bool:
    """The copy contains what the folio's owner last stored, unless an error is known of it."""
    copied = (stage[o] == Stage.copied) & ~hwpoison[destination[o]]
    return implies(copied, data[destination[o]] == contents[o])


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


@step(covers="M1 D1", using="contents_are_never_lost")
def an_abort_leaves_the_folio_at_home(o: Folio) -> Bool:
    """A migration that is given up changes neither frame nor contents."""
    aborted = (stage[o] == Stage.aborting) & (after(stage[o]) == Stage.idle)
    same = (after(data[home[o]]) == contents[o]) | hwpoison[home[o]]
    return implies(aborted, (after(home[o]) == source[o]) & same & ~after(cached[o]))


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


@ends(by=replace_pte, covers="M1")
def unmapping_ends(p: Pte, o: Folio) -> tuple[Bool, Bool]:
    """Every PTE that maps a folio in the cache is found and replaced, and none is added."""
    return stage[o] == Stage.unmapping, maps(p, o)


@ends(by=restore_pte, covers="D1")
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


def _is_dirty_and_anonymous(o: Folio) -> Bool:
    return (folio_kind[o] == FolioKind.anonymous) & dirty[o]


@sometimes(covers="M1 M2")
def dirty_anonymous_memory_moves(o: Folio) -> Bool:
    """What belongs to no file has no store to be written to, and no filesystem to move it."""
    moves = (stage[o] == Stage.copied) & after(stage[o] == Stage.moved)
    return moves & _is_dirty_and_anonymous(o) & (filesystem[o] != Filesystem.own_method)


@sometimes(covers="U4")
def dirty_anonymous_memory_is_freed(o: Folio) -> Bool:
    """What belongs to no file waits for no store when it is freed."""
    return _is_dirty_and_anonymous(o) & ~after(exists_now(o))


@sometimes(covers="M1 U5")
def a_folio_is_copied_while_a_device_uses_another(o: Folio, x: Pin) -> Bool:
    """What a device does elsewhere keeps no folio at home."""
    copied = (stage[o] == Stage.unmapping) & after(stage[o] == Stage.copied)
    return copied & runs(x) & (pin_folio[x] != o)


@sometimes(covers="M1 U5")
def a_migration_is_over_while_a_device_uses_the_folio(o: Folio, x: Pin) -> Bool:
    """A device that has gone on at the new frame need not be done."""
    over = (stage[o] == Stage.moved) & after(stage[o] == Stage.idle)
    return over & pinned_by(x, o)
