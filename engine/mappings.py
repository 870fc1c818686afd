"""Page tables: who reaches a folio, and the way back from the folio to them.

The entries that map a folio form a chain, so reverse mapping finds them all
without looking anywhere else, linear or not.  When folios move in bulk the chains are
followed for all of them at once, link by link.
"""

from __future__ import annotations

import numpy as np

from .codes import (
    DIRTY,
    EAGAIN,
    EFAULT,
    EINVAL,
    FILE,
    MAPPED,
)
from .folios import Folios
from .frames import Frames
from .layout import Layout
from .tables import Numbers, Table

__all__ = ["Mappings"]


class Mappings(Folios):
    """The page-table entries of a machine that has just booted: none is in use.

    Operations return 0, or the errno of the first objection.
    Frames and links are kept as numbers from 1 on; 0 is none.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.ptes = layout.ptes or self.folios
        size = self.per_block
        self.pte_frame = Table(self.ptes, size)
        self.pte_folio = Table(self.ptes, size)
        self._first = Table(self.folios, size)
        self._next = Table(self.ptes, size)
        self._previous = Table(self.ptes, size)
        self.nonlinear = bytearray(layout.vmas)

    def fault(self, pte: int) -> int:
        """Map the folio that the entry's address implies."""
        implied = self.layout.implied_folio
        folio = pte if implied is None else implied[pte]
        if self.pte_frame.get(pte):
            return EAGAIN
        if not self.kind(folio):
            return EFAULT
        self._map(pte, folio)
        return 0

    def remap_file_pages(self, pte: int, folio: int) -> int:
        """Map any folio of a file; the entry's VMA is nonlinear from now on."""
        if self.pte_frame.get(pte):
            return EAGAIN
        if self.kind(folio) != FILE:
            return EINVAL
        vma_of = self.layout.vma_of
        self.nonlinear[0 if vma_of is None else vma_of[pte]] = 1
        self._map(pte, folio)
        return 0

    def unmap(self, pte: int) -> int:
        """Unmap what the entry maps, and take it out of the folio's chain."""
        if not self.pte_frame.get(pte):
            return EAGAIN
        folio = self.pte_folio.get(pte)
        before, after = self._previous.get(pte), self._next.get(pte)
        self.pte_frame.set(pte, 0)
        if after:
            self._previous.set(after - 1, before)
        if before:
            self._next.set(before - 1, after)
        else:
            self._first.set(folio, after)
            if not after:
                self._set_state(folio, self.state(folio) & ~MAPPED)
        return 0

    def store(self, pte: int, value: int) -> int:
        """Store a value as a thread does: the hardware knows the entry's frame, not the folio."""
        frame = self.pte_frame.get(pte)
        if not frame:
            return EFAULT
        self.write(frame - 1, self.pte_folio.get(pte), value)
        return 0

    def mappers(self, folio: int) -> list[int]:
        """The entries that map the folio, the last first."""
        entries, link = [], self._first.get(folio)
        while link:
            entries.append(link - 1)
            link = self._next.get(link - 1)
        return entries

    def _map(self, pte: int, folio: int) -> None:
        first = self._first.get(folio)
        self.pte_frame.set(pte, self.home.get(folio) + 1)
        self.pte_folio.set(pte, folio)
        self._previous.set(pte, 0)
        self._next.set(pte, first)
        if first:
            self._previous.set(first - 1, pte + 1)
        else:
            self._set_state(folio, self.state(folio) | MAPPED)
        self._first.set(folio, pte + 1)

    def write(self, frame: int, folio: int, value: int) -> None:
        """Somebody who takes the folio to be in the frame writes there; it is dirty now."""
        self.data.set(frame, value)
        self.contents.set(folio, value)
        state = self.state(folio)
        if not state & DIRTY:
            self.mark(folio, state | DIRTY)

    def _follow_run(self, folio: int, targets: Frames) -> None:
        """Entries follow folios in a row; where each has one, in a row too, it is one write."""
        length = len(targets)
        if self._first.untouched(folio, length):
            return
        folios = np.arange(folio, folio + length)
        links = self._first.gather(folios)
        first = int(links[0])
        in_a_row = first and np.array_equal(links, np.arange(first, first + length))
        if in_a_row and self._next.untouched(first - 1, length):
            self.pte_frame.write_values(first - 1, np.asarray(targets) + 1)
        else:
            self._follow(folios, np.asarray(targets))

    def _follow(self, folios: Numbers, targets: Numbers) -> None:
        """All entries that map these folios lead to the frames that they have moved to."""
        links = self._first.gather(folios)
        while True:
            mapped = np.flatnonzero(links)
            if not len(mapped):
                return
            entries, targets = links[mapped] - 1, targets[mapped]
            self.pte_frame.scatter(entries, targets + 1)
            links = self._next.gather(entries)
