"""Writeback and private data: what a store and a filesystem have to say about a folio."""

from __future__ import annotations

from .codes import (
    BUSY,
    DIRTY,
    EAGAIN,
    EBUSY,
    EINVAL,
    EIO,
    ENOENT,
    FILE,
    KIND,
    PRIVATE,
    RELEASABLE,
    WRITEBACK,
)
from .folios import Folios

__all__ = ["Stores"]


class Stores:
    """Stores that all answer, and what they and filesystems do with ``folios``.

    ``answers`` is 1 for each store that does, ``wb_err`` for each that refused data since anybody
    asked; ``in_flight`` has the data on its way, by folio.
    """

    def __init__(self, folios: Folios) -> None:
        self.folios = folios
        self.layout = folios.layout
        self.answers = bytearray((1,)) * folios.layout.stores
        self.wb_err = bytearray(folios.layout.stores)
        self.in_flight: dict[int, int] = {}

    def store_of(self, folio: int) -> int:
        """The number of the store that the folio's data belongs on."""
        return 0 if self.layout.store_of is None else self.layout.store_of[folio]

    def begin_writeback(self, folio: int) -> int:
        """Send a dirty folio's data to its store."""
        state = self.folios.state(folio)
        if state & KIND != FILE:
            return EINVAL
        if not state & DIRTY or state & WRITEBACK:
            return EAGAIN
        self.in_flight[folio] = self.folios.contents.get(folio)
        self.folios.mark(folio, state & ~DIRTY | WRITEBACK)
        return 0

    def end_writeback(self, folio: int) -> int:
        """End a writeback: the store, if it answers, has the data that was sent."""
        state = self.folios.state(folio)
        if not state & WRITEBACK:
            return EAGAIN
        if not self.answers[self.store_of(folio)]:
            return EIO
        self.folios.stored.set(folio, self.in_flight[folio])
        self.folios.mark(folio, state & ~WRITEBACK)
        return 0

    def fail_writeback(self, folio: int) -> int:
        """End a writeback that failed: the store has what it had, and the folio is dirty again."""
        state = self.folios.state(folio)
        if not state & WRITEBACK:
            return EAGAIN
        self.wb_err[self.store_of(folio)] = 1
        self.folios.mark(folio, state & ~WRITEBACK | DIRTY)
        return 0

    def report_error(self, store: int) -> int:
        """Tell somebody, once, that the store refused data."""
        if not self.wb_err[store]:
            return EAGAIN
        self.wb_err[store] = 0
        return 0

    def store_stops(self, store: int) -> int:
        """The store stops answering."""
        if not self.answers[store]:
            return EAGAIN
        self.answers[store] = 0
        return 0

    def store_returns(self, store: int) -> int:
        """The store answers again."""
        if self.answers[store]:
            return EAGAIN
        self.answers[store] = 1
        return 0

    def attach_private(self, folio: int) -> int:
        """Attach a filesystem's private data to a folio of a file; it goes where the folio goes."""
        state = self.folios.state(folio)
        if state & KIND != FILE:
            return EINVAL
        if state & PRIVATE:
            return EBUSY
        self.folios.mark(folio, state | PRIVATE)
        return 0

    def use_private(self, folio: int) -> int:
        """Begin to use the folio's private data: the folio is busy."""
        state = self.folios.state(folio)
        if not state & PRIVATE:
            return ENOENT
        if state & BUSY:
            return EAGAIN
        self.folios.mark(folio, state | BUSY)
        return 0

    def put_private(self, folio: int) -> int:
        """End the use of the folio's private data."""
        state = self.folios.state(folio)
        if not state & BUSY:
            return EAGAIN
        self.folios.mark(folio, state & ~BUSY)
        return 0

    def release_private(self, folio: int) -> int:
        """Release the folio's private data, if its filesystem does that and nobody needs it."""
        state = self.folios.state(folio)
        if not state & PRIVATE:
            return ENOENT
        if self.folios.filesystem_of(folio) != RELEASABLE or state & (BUSY | DIRTY | WRITEBACK):
            return EAGAIN
        self.folios.mark(folio, state & ~PRIVATE)
        return 0
