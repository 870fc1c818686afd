"""Folios: user memory that comes to life in a frame, and goes.

One byte says what a folio is and what keeps it: `codes.KIND` and the flags.  The
few folios that may refuse to move are known by the frame that they live in
(``restless``), so that nobody has to look for them in a block that is to leave.
"""

from __future__ import annotations

import numpy as np

from .codes import (
    BUSY,
    DIRTY,
    EAGAIN,
    EBUSY,
    ENOMEM,
    FILE,
    FREE,
    HELD,
    KIND,
    MAPPED,
    NEITHER,
    OWN_METHOD,
    PRIVATE,
    USER,
    WRITEBACK,
)
from .frames import BlockFrames
from .layout import Layout
from .tables import Table

__all__ = ["Folios"]

_IN_USE = MAPPED | HELD | WRITEBACK | PRIVATE | BUSY


class Folios(BlockFrames):
    """The folios of a machine that has just booted: each frame of user memory is one.

    ``states`` has the folios' states chunk by chunk, ``state_of_chunk`` that of a chunk in which
    all are alike; ``home`` is a folio's frame, ``folio_of`` a frame's folio; ``data`` is what a
    frame holds, ``contents`` what the folio's users see, ``stored`` what its store has;
    ``holds`` counts the devices and references that keep a folio where it is.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        frames, size = layout.blocks * self.per_block, self.per_block
        self.folios = layout.folios or frames
        self.state_of_chunk = bytearray(-(-self.folios // size))
        self.states: dict[int, bytearray] = {}
        self.lost: set[int] = set()
        own = layout.birth_frame is None
        self._own_numbers = own
        if own:
            at = np.frombuffer(self.uniform, dtype=np.uint8) == USER
            np.frombuffer(self.state_of_chunk, dtype=np.uint8)[:] = at
            for block, codes in self.mixed.items():
                if self.user[block]:
                    users = np.frombuffer(codes, dtype=np.uint8) == USER
                    self.states[block] = bytearray(users.tobytes())
        self.home = Table(self.folios, size, identity=own, initial=layout.birth_frame)
        self.folio_of = Table(frames, size, identity=own, initial=layout.boot_folio)
        self.data = Table(frames, size, initial=layout.boot_data)
        born = None
        if layout.birth_frame is not None and layout.boot_data is not None:
            born = [layout.boot_data[frame] for frame in layout.birth_frame]
        self.contents = Table(self.folios, size, initial=born)
        self.stored = Table(self.folios, size, initial=born)
        self.filesystem = layout.filesystem
        self.holds: dict[int, int] = {}
        self.restless: dict[int, set[int]] = {}

    def state(self, folio: int) -> int:
        """The folio's kind and flags (`codes.KIND`)."""
        chunk, at = divmod(folio, self.per_block)
        states = self.states.get(chunk)
        return self.state_of_chunk[chunk] if states is None else states[at]

    def kind(self, folio: int) -> int:
        """The folio's kind; 0 if it does not exist."""
        return self.state(folio) & KIND

    def alloc_folio(self, folio: int, frame: int, kind: int) -> int:
        """Allocate a folio of user memory, of that kind, in a free frame of any zone."""
        if self.state(folio) & KIND or not kind or folio in self.lost:
            return EAGAIN
        block, at = divmod(frame, self.per_block)
        codes = self.mixed.get(block)
        if codes is None:
            if self.uniform[block] != FREE:
                return ENOMEM
            codes = self._mix(block)
        elif codes[at] != FREE:
            return ENOMEM
        codes[at] = USER
        self.user[block] += 1
        self.less_free(block)
        self._set_state(folio, kind)
        self.home.set(folio, frame)
        self.folio_of.set(frame, folio)
        value = self.data.get(frame)
        self.contents.set(folio, value)
        self.stored.set(folio, value)
        if self.filesystem:
            self._settle_down(folio, frame)
        return 0

    def free_folio(self, folio: int) -> int:
        """Free the folio, whose last user lets go."""
        state = self.state(folio)
        if not state & KIND or state & MAPPED:
            return EAGAIN
        if state & _IN_USE or (state & DIRTY and state & KIND == FILE):
            if state & HELD:
                return EAGAIN
            if state & (WRITEBACK | BUSY) or (state & DIRTY and state & KIND == FILE):
                return EBUSY
        self._set_state(folio, state & DIRTY)
        frame = self.home.get(folio)
        block, at = divmod(frame, self.per_block)
        self.user[block] -= 1
        self.give_back(block, at)
        if self.filesystem:
            self._settle_down(folio, frame)
        return 0

    # --- what may refuse to move -------------------------------------------------------------

    def filesystem_of(self, folio: int) -> int:
        """What the folio's filesystem can do with private data (`codes.OWN_METHOD`)."""
        return self.filesystem[folio] if self.filesystem else OWN_METHOD

    def refusal(self, folio: int) -> int:
        """The flag that keeps the folio from moving now; 0 if it moves."""
        state = self.state(folio)
        for flag in (WRITEBACK, HELD):
            if state & flag:
                return flag
        if self.filesystem_of(folio) != OWN_METHOD:
            if state & DIRTY and state & KIND == FILE:
                return DIRTY
            if state & PRIVATE:
                return PRIVATE
        return state & BUSY

    def _is_sticky(self, folio: int) -> bool:
        """The folio may refuse for good: its filesystem can neither move nor release."""
        return self.kind(folio) == FILE and self.filesystem_of(folio) == NEITHER

    def mark(self, folio: int, state: int) -> None:
        """A folio that exists has these flags, beside its kind, from now on."""
        self._set_state(folio, state)
        self._settle_down(folio, self.home.get(folio))

    def hold(self, folio: int) -> None:
        """A device or a reference keeps the folio where it is."""
        self.holds[folio] = self.holds.get(folio, 0) + 1
        self.mark(folio, self.state(folio) | HELD)

    def let_go(self, folio: int) -> None:
        """One of those that keep the folio does so no more."""
        self.holds[folio] -= 1
        if not self.holds[folio]:
            del self.holds[folio]
            self.mark(folio, self.state(folio) & ~HELD)

    def _settle_down(self, folio: int, frame: int) -> None:
        """Remember, or forget, that the folio in the frame may refuse to move."""
        block = frame // self.per_block
        if self.kind(folio) and (self.refusal(folio) or self._is_sticky(folio)):
            self.restless.setdefault(block, set()).add(frame)
        elif block in self.restless:
            self._forget(block, frame)

    def _forget(self, block: int, frame: int) -> None:
        some = self.restless[block]
        some.discard(frame)
        if not some:
            del self.restless[block]

    def _set_state(self, folio: int, state: int) -> None:
        chunk, at = divmod(folio, self.per_block)
        states = self.states.get(chunk)
        if states is None:
            states = bytearray([self.state_of_chunk[chunk]]) * self.per_block
            self.states[chunk] = states
        states[at] = state
