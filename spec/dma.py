"""DMA: devices that use user memory as their buffer (U5).

A device writes where its table points, whoever lives there.  So a pinned folio
moves only when every driver that pinned it can stop its device: stop, copy,
change home, update the table, resume.  A driver may refuse, or resume before
the copy; then the migration is given up.  Linux has no such interface, it keeps
long-term pins out of what may leave; both rules are stated here.

Sources: mm/gup.c (pin_user_pages, check_and_migrate_movable_folios),
mm/migrate.c (folio_migrate_mapping: the expected reference count).
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EFAULT, EINVAL, ENODEV, EOPNOTSUPP

from .blocks import BlockState, FrameState, block_state, frame_state, zone
from .destination import destination, source
from .drain import draining
from .frames import (
    Data,
    Folio,
    FolioKind,
    birth_frame,
    boot_data,
    contents,
    data,
    dirty,
    exists_now,
    folio_kind,
    folio_of,
    home,
)
from .language import (
    Bool,
    Enumeration,
    Int,
    Sort,
    action,
    after,
    all_of,
    always,
    count,
    definition,
    ends,
    exists,
    false,
    guard,
    implies,
    sometimes,
    step,
    topology,
    true,
    variable,
)
from .migration_stage import Stage, stage
from .topology import Frame, Zone, block_of


class Pin(Sort):
    """One use of a folio by a device: an entry of the device's DMA table."""


class PinKind(Enumeration):
    """``short``: until one transfer ends; ``longterm``: for as long as a program likes."""

    none: PinKind
    short: PinKind
    longterm: PinKind


does_dma = topology(Pin, Bool)
"""The device is there, and reaches user memory through this entry."""

driver_moves = topology(Pin, Bool)
"""The device's driver can stop it, give it another frame, and let it go on."""

first_pinned = topology(Pin, Folio)
"""What an entry names before it was ever used; nothing depends on it."""

pin_kind = variable(Pin, PinKind, initial=lambda x: PinKind.none)
"""How the entry is used (FOLL_PIN, FOLL_LONGTERM)."""

pin_folio = variable(Pin, Folio, initial=lambda x: first_pinned[x])
"""The folio that the device uses."""

pin_frame = variable(Pin, Frame, initial=lambda x: birth_frame[first_pinned[x]])
"""Where the device's table points: the frame that the hardware writes to."""

pin_stopped = variable(Pin, Bool, initial=lambda x: false)
"""The driver has stopped the device's use of the entry."""

pin_count = variable(Folio, Int, initial=lambda o: Int.of(0))
"""How many entries use the folio, so that nobody has to look for them (_pincount)."""


@definition
def pinned_by(x: Pin, o: Folio) -> Bool:
    """The device uses the folio, stopped or not."""
    return (pin_kind[x] != PinKind.none) & (pin_folio[x] == o)


@definition
def runs(x: Pin) -> Bool:
    """The device may write through the entry at any moment."""
    return (pin_kind[x] != PinKind.none) & ~pin_stopped[x]


@definition
def has_running_pin(o: Folio) -> Bool:
    """Some device may write to the folio at any moment."""
    return exists(Pin, lambda x: runs(x) & (pin_folio[x] == o))


@definition
def has_stopped_pin(o: Folio) -> Bool:
    """Some device waits until the folio has settled."""
    return exists(Pin, lambda x: pinned_by(x, o) & pin_stopped[x])


def _pinnable(x: Pin, o: Folio) -> None:
    guard("device_there", does_dma[x], errno=ENODEV, why="no device uses user memory this way")
    guard("not_pinned", pin_kind[x] == PinKind.none, errno=EBUSY, why="the entry is in use")
    guard("folio_exists", exists_now(o), errno=EFAULT, why="there is nothing to pin")
    guard("folio_unlocked", stage[o] == Stage.idle, errno=EAGAIN, why="the folio is moving")


def _pin(x: Pin, o: Folio, kind: PinKind) -> None:
    pin_kind[x] = kind
    pin_folio[x] = o
    pin_frame[x] = home[o]
    pin_count[o] = pin_count[o] + 1


@action
def pin_short(x: Pin, o: Folio) -> None:
    """A device is to use the folio for one transfer: direct I/O (FOLL_PIN)."""
    _pinnable(x, o)
    _pin(x, o, PinKind.short)


@action
def pin_longterm(x: Pin, o: Folio) -> None:
    """A program registers its memory with a device: RDMA, vfio (FOLL_LONGTERM)."""
    b = block_of(home[o])
    _pinnable(x, o)
    guard(
        "outside_removable_area",
        zone[b] != Zone.movable,
        errno=EAGAIN,
        why="the folio is in the movable zone: it must be migrated out of it first",
    )
    guard(
        "block_stays",
        (block_state[b] == BlockState.online) & ~draining[b],
        errno=EAGAIN,
        why="the folio is in a block that is to leave: it must be migrated out of it first",
    )
    _pin(x, o, PinKind.longterm)


@action
def unpin(x: Pin) -> None:
    """The device is done with the folio (unpin_user_pages)."""
    guard("pinned", pin_kind[x] != PinKind.none, errno=EINVAL, why="the entry is not in use")
    o = pin_folio[x]
    pin_kind[x] = PinKind.none
    pin_stopped[x] = false
    pin_count[o] = pin_count[o] - 1


@action
def device_write(x: Pin, d: Data) -> None:
    """The device writes where its table points: hardware, which asks nobody."""
    guard("pinned", pin_kind[x] != PinKind.none, why="the entry is not in use")
    guard("running", ~pin_stopped[x], why="the device is stopped")
    data[pin_frame[x]] = d
    contents[pin_folio[x]] = d
    dirty[pin_folio[x]] = true


@action
def stop_device(x: Pin) -> None:
    """The driver stops the device, for the folio is to move (the list: the driver's support)."""
    o = pin_folio[x]
    guard("pinned", pin_kind[x] != PinKind.none, why="the entry is not in use")
    guard("running", ~pin_stopped[x], why="the device is stopped already")
    guard(
        "driver_moves",
        driver_moves[x],
        errno=EOPNOTSUPP,
        why="the driver cannot stop its device and give it another frame",
    )
    guard(
        "to_be_copied",
        (stage[o] == Stage.reserved) | (stage[o] == Stage.unmapping),
        why="the folio is not about to be copied",
    )
    pin_stopped[x] = true


@action
def update_device_table(x: Pin) -> None:
    """The driver points the stopped device at the folio's new frame."""
    o = pin_folio[x]
    guard("stopped", pin_stopped[x], errno=EBUSY, why="the device is not stopped")
    guard("points_elsewhere", pin_frame[x] != home[o], why="the table points there already")
    pin_frame[x] = home[o]


@action
def resume_device(x: Pin) -> None:
    """The driver lets the device go on: the folio has settled, or the driver refuses to wait."""
    o = pin_folio[x]
    guard("stopped", pin_stopped[x], why="the device is not stopped")
    guard(
        "not_copied",
        stage[o] != Stage.copied,
        errno=EBUSY,
        why="the folio is copied: what the device wrote now would be lost",
    )
    guard(
        "table_updated",
        pin_frame[x] == home[o],
        errno=EBUSY,
        why="the device's table points to a frame that the folio has left",
    )
    pin_stopped[x] = false


# --- what is true -------------------------------------------------------------------------------


@always(covers="U5")
def devices_write_to_their_folios_home(x: Pin) -> Bool:
    """No write of a device ever lands in a frame that is free or belongs to another folio."""
    o = pin_folio[x]
    return implies(runs(x), exists_now(o) & (pin_frame[x] == home[o]))


@always(covers="U5")
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


@always(covers="U5")
def devices_stop_only_while_their_folio_moves(x: Pin) -> Bool:
    """Whatever becomes of a migration, it ends with every device running again."""
    return implies(pin_stopped[x], stage[pin_folio[x]] != Stage.idle)


@always(covers="U5")
def only_used_entries_are_stopped(x: Pin) -> Bool:
    """A driver stops what its device uses, and only where it knows how to go on."""
    return implies(pin_stopped[x], (pin_kind[x] != PinKind.none) & driver_moves[x])


@always(covers="U5")
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


@always(covers="U5 U1")
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
    """A long-term pin never begins in the movable zone, or in a block that is to leave."""
    b = block_of(after(pin_frame[x]))
    begins = (pin_kind[x] != PinKind.longterm) & after(pin_kind[x] == PinKind.longterm)
    stays = all_of(zone[b] != Zone.movable, block_state[b] == BlockState.online, ~draining[b])
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


@ends(by="update_device_table", covers="U5")
def updating_device_tables_ends(x: Pin, o: Folio) -> tuple[Bool, Bool]:
    """Once a folio has moved, every table that points to its source is updated."""
    behind = pinned_by(x, o) & pin_stopped[x] & (pin_frame[x] != home[o])
    return stage[o] == Stage.moved, behind


@ends(by="resume_device", covers="U5")
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
