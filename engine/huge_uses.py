"""Who reaches huge folios: page-table entries that map them whole, and devices that pin them."""

from __future__ import annotations

from typing import Any

from .codes import (
    EAGAIN,
    EBUSY,
    EFAULT,
    EINVAL,
    ENODEV,
    LONGTERM,
    SHORT,
    ZONES,
)

__all__ = ["HugeUses"]

_MOVABLE = ZONES.index("movable")
_NONE, _PRESENT, _MIGRATION = range(3)
"""What an entry of a page table is."""


class HugeUses:
    """The entries of page tables and of devices that can lead to the ``pools``' huge folios.

    Operations return 0, or the errno of the first objection.
    """

    def __init__(self, pools: Any) -> None:
        self.pools = pools
        layout = pools.layout
        self.huge_pte = bytearray(len(layout.first_mapped))
        self.huge_pte_folio = list(layout.first_mapped)
        self.huge_pte_range = [layout.birth_range[huge] for huge in layout.first_mapped]
        self.huge_waiting = bytearray(len(self.huge_pte))
        self.huge_pin_kind = bytearray(len(layout.does_huge_dma))
        self.huge_pin_folio = list(layout.first_huge_pinned)
        self.huge_pin_range = [layout.birth_range[huge] for huge in layout.first_huge_pinned]

    # --- entries of page tables --------------------------------------------------------------

    def entries_of(self, huge: int, state: int = _PRESENT) -> list[int]:
        """The entries that map the huge folio, or are in another state and name it."""
        return [
            pte
            for pte, folio in enumerate(self.huge_pte_folio)
            if folio == huge and self.huge_pte[pte] == state
        ]

    def map_count(self, huge: int) -> int:
        """How many entries name the huge folio, present or migrating."""
        return len(self.entries_of(huge)) + len(self.entries_of(huge, _MIGRATION))

    def map_huge(self, pte: int, huge: int) -> int:
        """Map a huge folio in use; from the first time on it can be migrated."""
        pools = self.pools
        error = EAGAIN if self.huge_pte[pte] else pools.cannot_use(huge)
        if not error:
            home = pools.huge_home[huge]
            self.huge_pte[pte] = _PRESENT
            self.huge_pte_folio[pte] = huge
            self.huge_pte_range[pte] = home
            if not pools.migratable[home]:
                pools.huge_contents[huge] = pools.range_data[home]
                pools.migratable[home] = 1
        return error

    def unmap_huge(self, pte: int) -> int:
        """Take an entry away, unless a thread sleeps on it."""
        if not self.huge_pte[pte] or self.huge_waiting[pte]:
            return EAGAIN
        self.huge_pte[pte] = _NONE
        return 0

    def unmap_all(self, huge: int) -> None:
        """Take the entries away that map the huge folio, and whoever sleeps on one is killed."""
        for pte in self.entries_of(huge):
            self.huge_pte[pte] = _NONE
            self.huge_waiting[pte] = 0

    def store_huge(self, pte: int, value: int) -> int:
        """Store a value through the entry, into the range that it names."""
        if self.huge_pte[pte] != _PRESENT:
            return EFAULT
        self.pools.range_data[self.huge_pte_range[pte]] = value
        self.pools.huge_contents[self.huge_pte_folio[pte]] = value
        return 0

    def wait_for_huge(self, pte: int) -> int:
        """Let a thread sleep on a migration entry."""
        if self.huge_pte[pte] != _MIGRATION or self.huge_waiting[pte]:
            return EAGAIN
        self.huge_waiting[pte] = 1
        return 0

    def wake_from_huge(self, pte: int) -> int:
        """Wake the thread that slept on an entry which has come back."""
        if not self.huge_waiting[pte] or self.huge_pte[pte] != _PRESENT:
            return EAGAIN
        self.huge_waiting[pte] = 0
        return 0

    def replace_huge_pte(self, pte: int, huge: int) -> int:
        """Turn an entry that maps a huge folio which is to move into a migration entry."""
        if not self.pools.awaits_copy(huge) or pte not in self.entries_of(huge):
            return EAGAIN
        self.huge_pte[pte] = _MIGRATION
        return 0

    def restore_huge_pte(self, pte: int) -> int:
        """Turn a migration entry back, where it is decided in which range its folio lives."""
        huge = self.huge_pte_folio[pte]
        if self.huge_pte[pte] != _MIGRATION or not self.pools.has_settled(huge):
            return EAGAIN
        self.huge_pte[pte] = _PRESENT
        self.huge_pte_range[pte] = self.pools.huge_home[huge]
        return 0

    # --- devices -----------------------------------------------------------------------------

    def pins_on(self, huge: int) -> list[int]:
        """The kinds of the pins that devices have on the huge folio."""
        both = zip(self.huge_pin_kind, self.huge_pin_folio, strict=True)
        return [kind for kind, folio in both if kind and folio == huge]

    def is_held_for_long(self, huge: int) -> bool:
        """Whether a device has the huge folio for long."""
        return LONGTERM in self.pins_on(huge)

    def pin_huge_short(self, pin: int, huge: int) -> int:
        """Pin the huge folio for one transfer of a device."""
        error = self._cannot_pin(pin, huge)
        if not error:
            self._pin(pin, huge, SHORT)
        return error

    def pin_huge_longterm(self, pin: int, huge: int) -> int:
        """Pin the huge folio for long: not where memory may be asked to leave."""
        error = self._cannot_pin(pin, huge)
        if not error and (self.pools.leaves(huge) or self.pools.zone_of(huge) == _MOVABLE):
            error = EAGAIN
        if not error:
            self._pin(pin, huge, LONGTERM)
        return error

    def unpin_huge(self, pin: int) -> int:
        """Unpin the huge folio that the entry names."""
        if not self.huge_pin_kind[pin]:
            return EINVAL
        self.huge_pin_kind[pin] = 0
        return 0

    def device_write_huge(self, pin: int, value: int) -> int:
        """Write a value as the device does: into the range that its table names."""
        if not self.huge_pin_kind[pin]:
            return EAGAIN
        self.pools.range_data[self.huge_pin_range[pin]] = value
        self.pools.huge_contents[self.huge_pin_folio[pin]] = value
        return 0

    def _cannot_pin(self, pin: int, huge: int) -> int:
        if not self.pools.layout.does_huge_dma[pin]:
            return ENODEV
        if self.huge_pin_kind[pin]:
            return EBUSY
        error = self.pools.cannot_use(huge)
        seen = self.pools.migratable[self.pools.huge_home[huge]]
        return error or (0 if seen else EFAULT)

    def _pin(self, pin: int, huge: int, kind: int) -> None:
        self.huge_pin_kind[pin] = kind
        self.huge_pin_folio[pin] = huge
        self.huge_pin_range[pin] = self.pools.huge_home[huge]
