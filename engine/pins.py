"""Pins: devices that use user memory as their buffer, and write where their tables point.

No driver is asked to stop its device, so a folio that a device uses stays.
"""

from __future__ import annotations

from .codes import (
    EAGAIN,
    EBUSY,
    EFAULT,
    EINVAL,
    ENODEV,
    FREE,
    LONGTERM,
    SHORT,
    ZONES,
)
from .mappings import Mappings

__all__ = ["Pins"]

_MOVABLE = ZONES.index("movable")


class Pins:
    """The entries of the tables of devices that use ``memory``, none of them in use.

    ``pins_on`` has, for each folio that a device uses, the entries that name it.
    """

    def __init__(self, memory: Mappings) -> None:
        self.memory = memory
        self.layout = layout = memory.layout
        pins = len(layout.does_dma)
        self.pin_kind = bytearray(pins)
        self.pin_folio = list(layout.first_pinned) or [0] * pins
        self.pin_frame = [self.memory.home.get(folio) for folio in self.pin_folio]
        self.pins_on: dict[int, set[int]] = {}

    def pin_short(self, pin: int, folio: int) -> int:
        """Pin the folio for one transfer of a device."""
        error = self._cannot_pin(pin, folio)
        if not error:
            self._pin(pin, folio, SHORT)
        return error

    def pin_longterm(self, pin: int, folio: int) -> int:
        """Pin the folio for long (FOLL_LONGTERM): not where memory may be asked to leave."""
        error = self._cannot_pin(pin, folio)
        if error:
            return error
        block = self.memory.home.get(folio) // self.memory.per_block
        if self.memory.zone[block] == _MOVABLE or self.memory.freed_as[block] != FREE:
            return EAGAIN
        self._pin(pin, folio, LONGTERM)
        return 0

    def unpin(self, pin: int) -> int:
        """Unpin the folio that the entry names."""
        if not self.pin_kind[pin]:
            return EINVAL
        folio = self.pin_folio[pin]
        self.pin_kind[pin] = 0
        pins = self.pins_on[folio]
        pins.discard(pin)
        if not pins:
            del self.pins_on[folio]
        self.memory.let_go(folio)
        return 0

    def device_write(self, pin: int, value: int) -> int:
        """Write a value as the device does: into the frame that its table names."""
        if not self.pin_kind[pin]:
            return EAGAIN
        self.memory.write(self.pin_frame[pin], self.pin_folio[pin], value)
        return 0

    def _cannot_pin(self, pin: int, folio: int) -> int:
        if not self.layout.does_dma[pin]:
            return ENODEV
        if self.pin_kind[pin]:
            return EBUSY
        return 0 if self.memory.kind(folio) else EFAULT

    def _pin(self, pin: int, folio: int, kind: int) -> None:
        self.pin_kind[pin] = kind
        self.pin_folio[pin] = folio
        self.pin_frame[pin] = self.memory.home.get(folio)
        self.pins_on.setdefault(folio, set()).add(pin)
        self.memory.hold(folio)

    def hold_for_good(self, folio: int) -> bool:
        """Whether a device that cannot be stopped has the folio for long."""
        return any(
            self.pin_kind[pin] == LONGTERM and not self.layout.driver_moves[pin]
            for pin in self.pins_on.get(folio, ())
        )
