"""What is true of memory that devices use as their buffer (U5)."""

from __future__ import annotations

from ..blocks.block_states import BlockState, FrameState, block_state, frame_state, zone
from ..language import (
    Bool,
    after,
    all_of,
    always,
    count,
    ends,
    implies,
    sometimes,
    step,
)
from ..machine.topology import Zone, block_of, node_of
from .destination import destination, source
from .dma import (
    Pin,
    PinKind,
    does_dma,
    driver_moves,
    first_pinned,
    pin_count,
    pin_folio,
    pin_frame,
    pin_kind,
    pin_stopped,
    pinned_by,
    resume_device,
    runs,
    update_device_table,
)
from .drain import draining, leaving
from .frames import (
    Folio,
    FolioKind,
    birth_frame,
    boot_data,
    contents,
    exists_now,
    folio_kind,
    folio_of,
    home,
)
from .migration_stage import Stage, stage


@always(covers="U5")
def devices_write_to_their_folios_home(x: Pin) -> Bool:
    """No write of a device ever lands in a frame that is free or belongs to another folio."""
    o = pin_folio[x]
    return implies(runs(x), exists_now(o) & (pin_frame[x] == home[o]))


@always(
    covers="U5",
    using="cache_entries_belong_to_moving_folios devices_write_to_their_folios_home "
    "folios_live_in_user_frames frames_know_the_folio_that_lives_in_them "
    "moving_folios_exist no_pin_outlives_its_folio pins_are_counted "
    "sources_are_nobodys_home unmapped_folios_are_in_the_migration_cache",
)
def device_tables_point_to_frames_in_use(x: Pin) -> Bool:
    """Even a stopped device's table names a frame that is in use and still its folio's."""
    f = pin_frame[x]
    own = (frame_state[f] == FrameState.user) & (folio_of[f] == pin_folio[x])
    return implies(pin_kind[x] != PinKind.none, own)


@always(covers="U5")
def no_pin_outlives_its_folio(x: Pin) -> Bool:
    """A folio that a device uses exists."""
    return implies(pin_kind[x] != PinKind.none, exists_now(pin_folio[x]))


@always(covers="U5")
def no_device_runs_while_its_folio_is_copied(x: Pin) -> Bool:
    """Between copy and change of home every device that uses the folio stands still."""
    copied = (pin_kind[x] != PinKind.none) & (stage[pin_folio[x]] == Stage.copied)
    return implies(copied, pin_stopped[x])


@always(covers="U5", using="only_used_entries_are_stopped")
def devices_stop_only_while_their_folio_moves(x: Pin) -> Bool:
    """Whatever becomes of a migration, it ends with every device running again."""
    return implies(pin_stopped[x], stage[pin_folio[x]] != Stage.idle)


@always(covers="U5")
def only_used_entries_are_stopped(x: Pin) -> Bool:
    """A driver stops what its device uses, and only where it knows how to go on."""
    return implies(pin_stopped[x], (pin_kind[x] != PinKind.none) & driver_moves[x])


@always(covers="U5", using="devices_write_to_their_folios_home")
def stopped_devices_point_to_home_or_source(x: Pin) -> Bool:
    """A stopped device's table is behind by one move at most."""
    o = pin_folio[x]
    behind = (stage[o] == Stage.moved) & (pin_frame[x] == source[o])
    return implies(pin_stopped[x], (pin_frame[x] == home[o]) | behind)


@always(covers="U5")
def pins_are_counted(o: Folio) -> Bool:
    """The folio's count is the number of entries that use it."""
    return pin_count[o] == count(Pin, lambda x: pinned_by(x, o))


@always(covers="U5")
def only_devices_that_are_there_pin(x: Pin) -> Bool:
    """Nothing is pinned for a device that does not exist."""
    return implies(pin_kind[x] != PinKind.none, does_dma[x])


@always(
    covers="U5 U1",
    using="device_tables_point_to_frames_in_use offline_blocks_have_no_frames_in_use",
)
def fixed_buffers_stay_out_of_the_removable_area(x: Pin) -> Bool:
    """Where the driver cannot move it, a long-term buffer is outside the movable zone for good."""
    fixed = (pin_kind[x] == PinKind.longterm) & ~driver_moves[x]
    return implies(fixed, zone[block_of(pin_frame[x])] != Zone.movable)


@step(covers="U5")
def a_pinned_folio_moves_only_through_its_drivers(x: Pin, o: Folio) -> Bool:
    """A folio that a device uses changes its frame only while the driver holds the device."""
    moved = pinned_by(x, o) & (home[o] != after(home[o]))
    return implies(moved, driver_moves[x] & pin_stopped[x])


@step(covers="U5")
def long_term_pins_begin_where_memory_stays(x: Pin) -> Bool:
    """A long-term pin never begins in the movable zone, or where memory is to leave."""
    b = block_of(after(pin_frame[x]))
    begins = (pin_kind[x] != PinKind.longterm) & after(pin_kind[x] == PinKind.longterm)
    closed = draining[b] | leaving[node_of[b]]
    stays = all_of(zone[b] != Zone.movable, block_state[b] == BlockState.online, ~closed)
    return implies(begins, stays)


@step(covers="U5")
def pins_begin_while_nothing_moves(x: Pin) -> Bool:
    """No device gets hold of a folio that has a destination already, for long or not."""
    begins = (pin_kind[x] == PinKind.none) & after(pin_kind[x] != PinKind.none)
    return implies(begins, stage[after(pin_folio[x])] == Stage.idle)


@step(covers="U5")
def devices_are_stopped_for_a_copy_to_come(x: Pin) -> Bool:
    """A driver stops its device while the folio is about to be copied, and at no other time."""
    stops, at = ~pin_stopped[x] & after(pin_stopped[x]), stage[pin_folio[x]]
    return implies(stops, (at == Stage.reserved) | (at == Stage.unmapping))


@step(covers="U5")
def a_device_resumes_at_home(x: Pin) -> Bool:
    """When a device goes on, its table points to the frame that the folio lives in."""
    resumed = pin_stopped[x] & after(runs(x))
    return implies(resumed, after(pin_frame[x]) == after(home[pin_folio[x]]))


@step(covers="U5")
def tables_change_only_under_a_device_that_stands_still(x: Pin) -> Bool:
    """A device's table is written when it is to begin, or while the driver holds it."""
    begins = (pin_kind[x] == PinKind.none) & after(pin_kind[x] != PinKind.none)
    changed = pin_frame[x] != after(pin_frame[x])
    return implies(changed, begins | pin_stopped[x])


@ends(by=update_device_table, covers="U5")
def updating_device_tables_ends(x: Pin, o: Folio) -> tuple[Bool, Bool]:
    """Once a folio has moved, every table that points to its source is updated."""
    behind = pinned_by(x, o) & pin_stopped[x] & (pin_frame[x] != home[o])
    return stage[o] == Stage.moved, behind


@ends(
    by=resume_device,
    covers="U5",
    using="folios_stay_in_their_source_until_they_have_moved "
    "stopped_devices_point_to_home_or_source",
)
def an_abort_resumes_every_device(x: Pin, o: Folio) -> tuple[Bool, Bool]:
    """When a migration is given up, every device that was stopped for it goes on."""
    return stage[o] == Stage.aborting, pinned_by(x, o) & pin_stopped[x]


@sometimes(covers="U5")
def a_device_follows_its_folio(x: Pin) -> Bool:
    """A device is stopped, its folio moves, and the device goes on at the new frame."""
    o = pin_folio[x]
    return runs(x) & (stage[o] == Stage.moved) & (pin_frame[x] == destination[o])


@sometimes(covers="U5")
def a_device_fills_its_buffer(x: Pin) -> Bool:
    """What a device wrote is in the folio."""
    return runs(x) & (contents[pin_folio[x]] != boot_data[pin_frame[x]])


@sometimes(covers="U5")
def a_device_is_done(x: Pin) -> Bool:
    """A pin is given back."""
    return (pin_kind[x] == PinKind.none) & (pin_frame[x] != birth_frame[first_pinned[x]])


@sometimes(covers="U5")
def a_driver_refuses(x: Pin) -> Bool:
    """A migration is given up while a device that uses the folio runs."""
    o = pin_folio[x]
    return runs(x) & (stage[o] == Stage.aborting)


@sometimes(covers="U5 U1")
def a_buffer_leaves_the_removable_area_to_be_pinned(x: Pin) -> Bool:
    """A folio is moved out of the movable zone, and then pinned for long."""
    o = pin_folio[x]
    moved = (home[o] == destination[o]) & (zone[block_of(source[o])] == Zone.movable)
    return (pin_kind[x] == PinKind.longterm) & ~driver_moves[x] & moved


@sometimes(covers="U5")
def a_long_term_buffer_holds_its_block(x: Pin) -> Bool:
    """Outside the removable area a long-term pin can keep a block from leaving."""
    fixed = (pin_kind[x] == PinKind.longterm) & ~driver_moves[x]
    return fixed & (block_state[block_of(pin_frame[x])] == BlockState.going_offline)


@sometimes(covers="U5")
def a_device_is_stopped_before_the_unmapping(x: Pin) -> Bool:
    """A driver stops its device as soon as the folio has a destination."""
    return ~pin_stopped[x] & after(pin_stopped[x]) & (stage[pin_folio[x]] == Stage.reserved)


@sometimes(covers="U5")
def a_device_is_stopped_during_the_unmapping(x: Pin) -> Bool:
    """A driver stops its device while the entries of the folio are replaced."""
    return ~pin_stopped[x] & after(pin_stopped[x]) & (stage[pin_folio[x]] == Stage.unmapping)


@sometimes(covers="U5")
def a_program_registers_anonymous_memory(x: Pin) -> Bool:
    """A long-term buffer belongs to no file: the usual case of RDMA."""
    longterm = pin_kind[x] == PinKind.longterm
    return longterm & (folio_kind[pin_folio[x]] == FolioKind.anonymous)


@sometimes(covers="U5")
def a_device_is_lent_anonymous_memory(x: Pin) -> Bool:
    """A device gets memory of no file for one transfer: direct I/O out of a program's heap."""
    begins = (pin_kind[x] == PinKind.none) & after(pin_kind[x] == PinKind.short)
    return begins & (folio_kind[after(pin_folio[x])] == FolioKind.anonymous)
