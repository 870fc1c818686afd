"""Pins on huge folios: devices whose buffer is a huge folio, as RDMA's and VFIO's mostly is (U5).

A device writes where its table points.  No driver gives a device another range, so a huge folio
that is pinned stays until it is not; for long it is pinned only where memory stays.

Source: mm/gup.c (check_and_migrate_movable_folios), mm/migrate.c (folio_expected_ref_count).
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EFAULT, EINVAL, ENODEV

from ..blocks.block_states import zone
from ..folios.dma import PinKind
from ..folios.frames import Data
from ..language import (
    Bool,
    Int,
    Sort,
    action,
    any_of,
    definition,
    exists,
    guard,
    topology,
    variable,
)
from ..language.errnos import EHWPOISON
from ..machine.topology import Frame, Zone, block_of
from .huge_mappings import huge_contents, migratable, range_data, used_and_unlocked
from .huge_pools import (
    HugeFolio,
    Range,
    birth_range,
    gigantic,
    head_frame,
    huge_home,
    leaves,
    range_has_error,
    range_of,
)


class HugePin(Sort):
    """One use of a huge folio by a device: an entry of the device's DMA table."""


does_huge_dma = topology(HugePin, Bool)
"""The device is there, and reaches huge folios through this entry."""

first_huge_pinned = topology(HugePin, HugeFolio)
"""What an entry names before it was ever used; nothing depends on it."""

huge_pin_kind = variable(HugePin, PinKind, initial=lambda x: PinKind.none)
"""How the entry is used (FOLL_PIN, FOLL_LONGTERM)."""

huge_pin_folio = variable(HugePin, HugeFolio, initial=lambda x: first_huge_pinned[x])
"""The huge folio that the device uses."""

huge_pin_range = variable(HugePin, Range, initial=lambda x: birth_range[first_huge_pinned[x]])
"""Where the device's table points: the range that the hardware writes to."""

huge_pin_count = variable(HugeFolio, Int, initial=lambda h: Int.of(0))
"""How many entries use the huge folio (_pincount)."""


@definition
def huge_pinned_by(x: HugePin, h: HugeFolio) -> Bool:
    """The device uses the huge folio."""
    return (huge_pin_kind[x] != PinKind.none) & (huge_pin_folio[x] == h)


@definition
def huge_held_for_long(h: HugeFolio) -> Bool:
    """A device uses the huge folio for as long as a program likes."""
    return exists(
        HugePin,
        lambda x: (huge_pin_kind[x] == PinKind.longterm) & (huge_pin_folio[x] == h),
    )


@definition
def reaches_into_the_movable_zone(r: Range) -> Bool:
    """A frame of the range is in the movable zone.

    A range of the buddy allocator has one block: that of its head.
    """
    return any_of(
        zone[block_of(head_frame[r])] == Zone.movable,
        gigantic[r]
        & exists(Frame, lambda f: (range_of[f] == r) & (zone[block_of(f)] == Zone.movable)),
    )


def _pinnable(x: HugePin, h: HugeFolio) -> None:
    guard("device_there", does_huge_dma[x], errno=ENODEV, why="no device uses huge folios this way")
    guard("not_pinned", huge_pin_kind[x] == PinKind.none, errno=EBUSY, why="the entry is in use")
    used_and_unlocked(h)
    guard("seen", migratable[huge_home[h]], errno=EFAULT, why="nobody has touched the huge folio")
    bad = range_has_error(huge_home[h])
    guard("no_error", ~bad, errno=EHWPOISON, why="a frame of the huge folio has an error")


def _pin(x: HugePin, h: HugeFolio, kind: PinKind) -> None:
    huge_pin_kind[x] = kind
    huge_pin_folio[x] = h
    huge_pin_range[x] = huge_home[h]
    huge_pin_count[h] = huge_pin_count[h] + 1


@action
def pin_huge_short(x: HugePin, h: HugeFolio) -> None:
    """A device is to use the huge folio for one transfer: direct I/O (FOLL_PIN)."""
    _pinnable(x, h)
    _pin(x, h, PinKind.short)


@action(using="head_frames_are_in_their_range ranges_of_the_buddy_allocator_lie_in_one_block")
def pin_huge_longterm(x: HugePin, h: HugeFolio) -> None:
    """A program registers a huge folio with a device: RDMA, vfio (FOLL_LONGTERM)."""
    _pinnable(x, h)
    guard(
        "outside_removable_area",
        ~reaches_into_the_movable_zone(huge_home[h]),
        errno=EAGAIN,
        why="the huge folio is in the movable zone: it must be migrated out of it first",
    )
    guard(
        "range_stays",
        ~leaves(huge_home[h]),
        errno=EAGAIN,
        why="the huge folio is where memory is to leave: it must be migrated away first",
    )
    _pin(x, h, PinKind.longterm)


@action
def unpin_huge(x: HugePin) -> None:
    """The device is done with the huge folio (unpin_user_pages)."""
    guard("pinned", huge_pin_kind[x] != PinKind.none, errno=EINVAL, why="the entry is not in use")
    h = huge_pin_folio[x]
    huge_pin_kind[x] = PinKind.none
    huge_pin_count[h] = huge_pin_count[h] - 1


@action
def device_write_huge(x: HugePin, d: Data) -> None:
    """The device writes where its table points: hardware, which asks nobody."""
    guard("pinned", huge_pin_kind[x] != PinKind.none, why="the entry is not in use")
    range_data[huge_pin_range[x]] = d
    huge_contents[huge_pin_folio[x]] = d
