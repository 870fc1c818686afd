"""References that are no pins: a look-up, a pipe, a driver of old has a folio for a while."""

from __future__ import annotations

from .codes import EAGAIN, EBUSY, EFAULT, EINVAL
from .mappings import Mappings

__all__ = ["References"]


class References:
    """The references to folios of ``memory`` that somebody can have; none is taken."""

    def __init__(self, memory: Mappings) -> None:
        self.memory = memory
        count = memory.layout.references
        self.taken = bytearray(count)
        self.folio = list(memory.layout.first_referenced) or [0] * count
        self.frame = [memory.home.get(folio) for folio in self.folio]

    def get_reference(self, reference: int, folio: int) -> int:
        """Take a reference to the folio."""
        if self.taken[reference]:
            return EBUSY
        if not self.memory.kind(folio):
            return EFAULT
        self.taken[reference] = 1
        self.folio[reference] = folio
        self.frame[reference] = self.memory.home.get(folio)
        self.memory.hold(folio)
        return 0

    def put_reference(self, reference: int) -> int:
        """Give the reference back."""
        if not self.taken[reference]:
            return EINVAL
        self.taken[reference] = 0
        self.memory.let_go(self.folio[reference])
        return 0

    def write_by_reference(self, reference: int, value: int) -> int:
        """Write a value into the frame that whoever has the reference was given."""
        if not self.taken[reference]:
            return EAGAIN
        self.memory.write(self.frame[reference], self.folio[reference], value)
        return 0
