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

from ..blocks.block_states import BlockState, block_state, hwpoison, zone
from ..language import (
    Bool,
    Enumeration,
    Int,
    Sort,
    action,
    definition,
    exists,
    false,
    guard,
    topology,
    true,
    variable,
)
from ..language.errnos import EHWPOISON
from ..machine.topology import Frame, Zone, block_of, node_of_frame
from .drain import draining, leaving
from .frames import (
    Data,
    Folio,
    birth_frame,
    contents,
    data,
    dirty,
    exists_now,
    home,
)
from .migration_stage import Stage, stage


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
    guard("no_error", ~hwpoison[home[o]], errno=EHWPOISON, why="the folio's frame has an error")


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
        (block_state[b] == BlockState.online) & ~draining[b] & ~leaving[node_of_frame(home[o])],
        errno=EAGAIN,
        why="the folio is where memory is to leave: it must be migrated away first",
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


@action(using="both_frames_of_a_moving_page_are_the_kernels device_tables_point_to_frames_in_use")
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
