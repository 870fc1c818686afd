"""Memory: frames, folios and all who use them; and how folios leave a block.

A block's folios move in bulk, in the order of their frames, to the lowest frames of
the nearest node with room.  Only those that may refuse are asked one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .codes import (
    BUSY,
    DIRTY,
    EAGAIN,
    EBUSY,
    FILE,
    HELD,
    HUGE,
    ISOLATED,
    KIND,
    OWN_METHOD,
    PRIVATE,
    RELEASABLE,
    USER,
    WRITEBACK,
)
from .frames import Frames, block_of
from .huge import HugePools
from .layout import Layout
from .mappings import Mappings
from .pins import Pins
from .references import References
from .stores import Stores

__all__ = ["Memory"]

_RETRY_TIME = 1
"""Ticks until what refused is tried again."""
_WRITEBACK_TIME = 1 + _RETRY_TIME
"""Ticks until data on its way has arrived, and another try."""


class Memory(Mappings):
    """The memory of a machine that has just booted.

    ``stores``, ``pins``, ``references`` and ``pools`` are its parts: who else has to do with its
    folios.  ``spent`` says how much of the time that a removal may wait is gone, for each block.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.stores = Stores(self)
        self.pins = Pins(self)
        self.references = References(self)
        self.pools = HugePools(self)
        self.spent: dict[int, int] = {}

    # --- one folio ---------------------------------------------------------------------------

    def migrate(self, source: int, target: int) -> int:
        """Move the folio in a frame to a free frame of any block; EBUSY or EAGAIN if it refuses."""
        folio = self.folio_of.get(source)
        flag = self._refuses(folio, source, target)
        if flag:
            return EBUSY if flag == WRITEBACK else EAGAIN
        block, at = divmod(source, self.per_block)
        to, place = divmod(target, self.per_block)
        self.codes_of(to)[place] = USER
        self.user[to] += 1
        self.less_free(to)
        self._arrive(folio, source, target)
        self.user[block] -= 1
        self.give_back(block, at)
        return 0

    def _arrive(self, folio: int, source: int, target: int) -> None:
        self.home.set(folio, target)
        self.folio_of.set(target, folio)
        self.data.set(target, self.data.get(source))
        for pte in self.mappers(folio):
            self.pte_frame.set(pte, target + 1)
        block = source // self.per_block
        if block in self.restless:
            self._forget(block, source)
            self._settle_down(folio, target)

    def _refuses(self, folio: int, source: int, target: int) -> int:
        """The flag that keeps the folio; that it was tried leaves its marks."""
        flag = self.refusal(folio)
        if flag:
            self.refused.setdefault(source // self.per_block, set()).add(source)
            if flag not in (WRITEBACK, HELD):  # found out after the copy
                self.data.set(target, self.data.get(source))
        return flag

    # --- errors ------------------------------------------------------------------------------

    def corrupt_pfn(self, frame: int) -> int:
        """Find an error in the frame, and take it from whoever has it; nothing if that fails."""
        error = self.is_sound(frame)
        if error:
            return error
        code = self.code(frame)
        if code == USER:
            return self._lose(frame)
        if code == HUGE:
            return self.pools.lose(frame, self.data.get(frame))
        return EBUSY if self.soft_offline(frame) else 0

    def _lose(self, frame: int) -> int:
        """The folio in the frame is no more; what its store does not have is lost."""
        folio = self.folio_of.get(frame)
        state = self.state(folio)
        if state & (WRITEBACK | HELD | BUSY):
            return EBUSY
        for pte in self.mappers(folio):
            self.unmap(pte)
        if state & KIND != FILE or state & DIRTY:
            self.lost.add(folio)
        self._set_state(folio, state & DIRTY)
        self.user[frame // self.per_block] -= 1
        self.set_aside(frame)
        if self.filesystem:
            self._settle_down(folio, frame)
        return 0

    def tell_of_loss(self, folio: int) -> int:
        """The folio's owner learns that its contents are lost."""
        if folio not in self.lost:
            return EAGAIN
        self.lost.discard(folio)
        return 0

    # --- a whole block -----------------------------------------------------------------------

    def isolate(self, block: int) -> None:
        """Put the block's free frames aside; its removal begins with all its time."""
        super().isolate(block)
        self.spent.pop(block, None)
        self.refused.pop(block, None)

    def has_sticky(self, block: int) -> bool:
        """Whether the block holds memory that neither moves nor can be written out."""
        if self.kernel[block] or self.pools.has_sticky(block):
            return True
        some = self.restless.get(block, ())
        return any(self._is_sticky(self.folio_of.get(frame)) for frame in some)

    def _is_sticky(self, folio: int) -> bool:
        """The folio may refuse for good: its filesystem has no way, or a device holds it."""
        return super()._is_sticky(folio) or self.pins.hold_for_good(folio)

    def empty(self, block: int, nodes: Sequence[int]) -> None:
        """Move what can move out of the isolated block, to the first of the nodes with room."""
        sources, moved = self.users(block), 0
        for frame in sorted(self.restless.get(block, ())):
            at = int(np.searchsorted(np.asarray(sources), frame))
            if self._move_all(sources[moved:at], nodes) < at - moved:
                return
            if not self._coax(block, frame, nodes):
                return
            moved = at + 1
        self._move_all(sources[moved:], nodes)

    def _move_all(self, sources: Frames, nodes: Sequence[int]) -> int:
        """Move folios that do not refuse, as far as there is room; how many."""
        moved = 0
        for targets in self.destinations(nodes, len(sources)):
            self.move(sources[moved : moved + len(targets)], targets)
            moved += len(targets)
        return moved

    def _coax(self, block: int, frame: int, nodes: Sequence[int]) -> bool:
        """Move one folio, doing what makes it ready; False if there is no room."""
        target = next((low for low in map(self.lowest_free, nodes) if low >= 0), -1)
        folio = self.folio_of.get(frame)
        if target < 0:
            return False
        while flag := self._refuses(folio, frame, target):
            if not (self._make_ready(block, folio, flag) and self._wait(block)):
                return True
            self.refused[block].discard(frame)
        self.move(range(frame, frame + 1), range(target, target + 1))
        if block in self.restless:
            self._forget(block, frame)
        self._settle_down(folio, target)
        return True

    def _make_ready(self, block: int, folio: int, flag: int) -> bool:
        """What is done about a folio that refused, if there is anything."""
        if flag == DIRTY:
            return not self.stores.begin_writeback(folio)
        if flag == PRIVATE:
            return not self.stores.release_private(folio)
        if flag != WRITEBACK or not self._wait(block):
            return False
        self.stores.end_writeback(folio)
        return True

    def _wait(self, block: int) -> bool:
        """Spend a part of the time that the removal may wait, if any is left."""
        spent = self.spent.get(block, 0)
        if spent == self.layout.ticks:
            return False
        self.spent[block] = spent + 1
        return True

    def time_needed(self, block: int) -> int:
        """How many ticks a removal waits until nothing in the block refuses; -1: for ever."""
        total = 0
        for frame in self.restless.get(block, ()):
            needed = self._time_to_coax(self.folio_of.get(frame))
            if needed < 0:
                return -1
            total += needed
        return total

    def _time_to_coax(self, folio: int) -> int:
        state, how = self.state(folio), self.filesystem_of(folio)
        writes = needed = 0
        if state & WRITEBACK:
            writes, needed = 1, _WRITEBACK_TIME
        if state & DIRTY and state & KIND == FILE and how != OWN_METHOD:
            writes, needed = 1, needed + _RETRY_TIME + _WRITEBACK_TIME
        if state & PRIVATE and how != OWN_METHOD:
            needed += _RETRY_TIME
            if how != RELEASABLE:
                return -1
        silent = writes and not self.stores.answers[self.stores.store_of(folio)]
        return -1 if silent or state & (HELD | BUSY) else needed

    # --- in bulk -----------------------------------------------------------------------------

    def move(self, sources: Frames, targets: Frames) -> None:
        """Move the folios in frames of one isolated block to free frames of one other."""
        size = self.per_block
        block, to, moved = block_of(sources, size), block_of(targets, size), len(sources)
        if not self._move_runs(sources, targets):
            leaving, arriving = np.asarray(sources), np.asarray(targets)
            folios = self.folio_of.gather(leaving)
            self.home.scatter(folios, arriving)
            self.folio_of.scatter(arriving, folios)
            self._follow(folios, arriving)
        if self.data.mixed_chunks:
            self.data.scatter(np.asarray(targets), self.data.gather(np.asarray(sources)))
        self._recolour(block, sources, ISOLATED)
        self._recolour(to, targets, USER)
        self.user[block] -= moved
        self.user[to] += moved
        self.less_free(to, moved)

    def _move_runs(self, sources: Frames, targets: Frames) -> bool:
        """Folios in the order of their numbers move: their homes are written in a row."""
        if not (self._own_numbers and isinstance(sources, range)):
            return False
        runs = self.folio_of.runs(sources)
        if runs is None:
            return False
        for source, length, folio in runs:
            at = source - sources.start
            part = targets[at : at + length]
            if isinstance(part, range):
                self.home.write_run(folio, length, part.start)
                self.folio_of.write_run(part.start, length, folio)
            else:
                self.home.write_values(folio, part)
                self.folio_of.write_rising(block_of(part, self.per_block), part, folio)
            self._follow_run(folio, part)
        return True
