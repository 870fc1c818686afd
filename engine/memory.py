"""Frames and folios: what the allocator has, hands out and moves.

It reads no state of hotplug.  A block that is closed, leaving or not there has no
frame with the code `FREE`, and `freed_as` says what a frame of a block becomes
when it is given back, as the migrate type of a pageblock does in the kernel.

Every operation returns 0, or the errno of the first objection.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .bits import Bits
from .codes import (
    BOOT,
    CLOSED,
    EAGAIN,
    ENOMEM,
    FREE,
    ISOLATED,
    KERNEL,
    PCP,
    UNAVAILABLE,
    USER,
    ZONES,
)
from .layout import Layout
from .tables import Numbers, Table

Frames: TypeAlias = range | Numbers
"""Frames, the lowest first: a range if they lie in a row."""

__all__ = ["Memory"]

_MOVABLE = ZONES.index("movable")


class Memory:
    """The frames of a machine that has just booted, and the folios in them.

    A uniform block is one code in ``uniform``; the frames of a mixed one have a
    code each in ``mixed``.  ``free``, ``user`` and ``kernel`` count the frames of
    each block; ``room`` has, for each node, the blocks with a frame to give.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.per_block = layout.frames
        self.node_of = layout.node_of
        blocks = layout.blocks
        there = np.frombuffer(layout.early, dtype=np.uint8) != 0
        zones = np.frombuffer(layout.early_zone, dtype=np.uint8)
        self.zone = bytearray(np.where(there, zones, 0).astype(np.uint8).tobytes())
        self.uniform = bytearray(blocks)
        self.mixed: dict[int, bytearray] = {}
        self.freed_as = bytearray([FREE]) * blocks
        self.free = array("q", [0]) * blocks
        self.user = array("q", [0]) * blocks
        self.kernel = array("q", [0]) * blocks
        self._boot_frames()
        nodes = np.asarray(layout.node_of)
        roomy = np.frombuffer(self.free, dtype=np.int64) > 0
        self.room = [
            Bits(blocks, np.flatnonzero(roomy & (nodes == node)).tolist())
            for node in range(layout.nodes)
        ]
        self._boot_folios()

    def _boot_frames(self) -> None:
        layout, size = self.layout, self.per_block
        early = np.frombuffer(layout.early, dtype=np.uint8).astype(bool)
        codes = np.frombuffer(layout.block_codes, dtype=np.uint8)
        np.frombuffer(self.uniform, dtype=np.uint8)[:] = np.where(early, codes, UNAVAILABLE)
        there = np.frombuffer(self.uniform, dtype=np.uint8)
        for counter, counted in ((self.free, (FREE,)), (self.user, (USER,))):
            np.frombuffer(counter, dtype=np.int64)[:] = np.isin(there, counted) * size
        np.frombuffer(self.kernel, dtype=np.int64)[:] = np.isin(there, (KERNEL, BOOT)) * size
        for block, given in layout.frame_codes.items():
            if early[block]:
                self._recode(block, bytearray(given))

    def _boot_folios(self) -> None:
        """Each frame of user memory begins as an anonymous folio of the same number."""
        layout = self.layout
        frames = layout.blocks * self.per_block
        self.folios = layout.folios or frames
        self.kind_of_chunk = bytearray(-(-self.folios // self.per_block))
        self.kinds: dict[int, bytearray] = {}
        own = layout.birth_frame is None
        self._own_numbers = own
        if own:
            at = np.frombuffer(self.uniform, dtype=np.uint8) == USER
            np.frombuffer(self.kind_of_chunk, dtype=np.uint8)[:] = at
            for block, codes in self.mixed.items():
                if self.user[block]:
                    users = np.frombuffer(codes, dtype=np.uint8) == USER
                    self.kinds[block] = bytearray(users.tobytes())
        size = self.per_block
        self.home = Table(self.folios, size, identity=own, initial=layout.birth_frame)
        self.folio_of = Table(frames, size, identity=own, initial=layout.boot_folio)
        self.data = Table(frames, size, initial=layout.boot_data)
        born = None
        if layout.birth_frame is not None and layout.boot_data is not None:
            born = [layout.boot_data[frame] for frame in layout.birth_frame]
        self.contents = Table(self.folios, size, initial=born)
        self.stored = Table(self.folios, size, initial=born)

    # --- one frame ---------------------------------------------------------------------------

    def code(self, frame: int) -> int:
        """The frame's code."""
        block, at = divmod(frame, self.per_block)
        codes = self.mixed.get(block)
        return self.uniform[block] if codes is None else codes[at]

    def kind(self, folio: int) -> int:
        """The folio's kind; 0 if it does not exist."""
        chunk, at = divmod(folio, self.per_block)
        kinds = self.kinds.get(chunk)
        return self.kind_of_chunk[chunk] if kinds is None else kinds[at]

    def alloc_folio(self, folio: int, frame: int, kind: int) -> int:
        """User memory comes to life in a free frame, of any zone."""
        if self.kind(folio) or not kind:
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
        self._less_free(block)
        self._set_kind(folio, kind)
        self.home.set(folio, frame)
        self.folio_of.set(frame, folio)
        value = self.data.get(frame)
        self.contents.set(folio, value)
        self.stored.set(folio, value)
        return 0

    def free_folio(self, folio: int) -> int:
        """The last user lets go of the folio."""
        if not self.kind(folio):
            return EAGAIN
        self._set_kind(folio, 0)
        block, at = divmod(self.home.get(folio), self.per_block)
        self.user[block] -= 1
        self._give_back(block, at)
        return 0

    def alloc_kernel(self, frame: int) -> int:
        """The kernel takes a free frame for itself, outside the movable zone."""
        block, at = divmod(frame, self.per_block)
        if self.code(frame) != FREE or self.zone[block] == _MOVABLE:
            return ENOMEM
        self._codes(block)[at] = KERNEL
        self.kernel[block] += 1
        self._less_free(block)
        return 0

    def free_kernel(self, frame: int) -> int:
        """The kernel gives a frame back; what it took at boot it keeps."""
        if self.code(frame) != KERNEL:
            return EAGAIN
        block, at = divmod(frame, self.per_block)
        self.kernel[block] -= 1
        self._give_back(block, at)
        return 0

    def keep_on_cpu(self, frame: int) -> int:
        """A CPU takes a free frame onto its own list."""
        block, at = divmod(frame, self.per_block)
        if not self.layout.cpus_keep_frames[self.node_of[block]]:
            return EAGAIN
        if self.code(frame) not in (FREE, CLOSED):
            return EAGAIN
        self._codes(block)[at] = PCP
        self._less_free(block)
        return 0

    def drain_from_cpu(self, frame: int) -> int:
        """The frame goes back from a CPU's list to the free list."""
        if self.code(frame) != PCP:
            return EAGAIN
        self._give_back(*divmod(frame, self.per_block))
        return 0

    def lowest_free(self, node: int) -> int:
        """The lowest frame that the node can give; -1 if there is none."""
        block = self.room[node].first()
        if block < 0:
            return -1
        codes = self.mixed.get(block)
        return block * self.per_block + (0 if codes is None else codes.index(FREE))

    # --- a whole block -----------------------------------------------------------------------

    def close(self, block: int) -> None:
        """Give no frame of the block to anybody, but keep what is in it."""
        self.freed_as[block] = CLOSED
        self.room[self.node_of[block]].discard(block)
        self._replace(block, (FREE,), CLOSED)

    def open(self, block: int) -> None:
        """Give the block's free frames again."""
        self.freed_as[block] = FREE
        self._replace(block, (CLOSED,), FREE)
        if self.free[block]:
            self.room[self.node_of[block]].add(block)

    def isolate(self, block: int) -> None:
        """Put the block's free frames aside, those on a CPU's list too."""
        self._replace(block, (FREE, CLOSED, PCP), ISOLATED)
        self.room[self.node_of[block]].discard(block)
        self.free[block] = 0

    def undo_isolation(self, block: int) -> None:
        """The frames that were put aside are free again."""
        code = self.freed_as[block]
        codes = self.mixed.get(block)
        if codes is None:
            self.free[block] = self.per_block if self.uniform[block] == ISOLATED else 0
        else:
            view = np.frombuffer(codes, dtype=np.uint8)
            self.free[block] = _count(view == ISOLATED)
        self._replace(block, (ISOLATED,), code)
        if self.free[block] and code == FREE:
            self.room[self.node_of[block]].add(block)

    def appear(self, block: int) -> None:
        """All frames of the block are free."""
        code = self.freed_as[block]
        self._settle(block, code)
        self.free[block] = self.per_block
        if code == FREE:
            self.room[self.node_of[block]].add(block)

    def vanish(self, block: int) -> None:
        """All frames of the empty block go away."""
        self.room[self.node_of[block]].discard(block)
        self.free[block] = 0
        self._settle(block, UNAVAILABLE)

    def users(self, block: int) -> Frames:
        """The block's frames of user memory, the lowest first."""
        return self._frames_with(block, USER, self.user[block])

    def destinations(self, nodes: Sequence[int], wanted: int) -> Iterator[Frames]:
        """Free frames, block by block, of the first node with room, then of the next."""
        for node in nodes:
            block = self.room[node].first()
            while block >= 0 and wanted > 0:
                found = self._frames_with(block, FREE, self.free[block])[:wanted]
                wanted -= len(found)
                following = self.room[node].first(block + 1)
                yield found
                block = following

    def _frames_with(self, block: int, code: int, count: int) -> Frames:
        """The frames that have the code, of which there are ``count``: a range if they are one."""
        first, codes = block * self.per_block, self.mixed.get(block)
        if codes is None:
            return range(first, first + count)
        low = max(codes.find(code), 0)
        if codes[low : low + count] == bytes((code,)) * count:
            return range(first + low, first + low + count)
        return np.flatnonzero(np.frombuffer(codes, dtype=np.uint8) == code) + first

    def move(self, sources: Frames, targets: Frames) -> None:
        """The folios in frames of one isolated block move to free frames of one other."""
        size = self.per_block
        block, to, moved = int(sources[0]) // size, int(targets[0]) // size, len(sources)
        if not self._move_runs(sources, targets):
            leaving, arriving = np.asarray(sources), np.asarray(targets)
            folios = self.folio_of.gather(leaving)
            self.home.scatter(folios, arriving)
            self.folio_of.scatter(arriving, folios)
        if self.data.mixed_chunks:
            self.data.scatter(np.asarray(targets), self.data.gather(np.asarray(sources)))
        self._recolour(block, sources, ISOLATED)
        self._recolour(to, targets, USER)
        self.user[block] -= moved
        self.user[to] += moved
        self.free[to] -= moved
        if not self.free[to]:
            self.room[self.node_of[to]].discard(to)

    def _move_runs(self, sources: Frames, targets: Frames) -> bool:
        """Folios in the order of their numbers move to frames in a row: a few entries change."""
        if not (self._own_numbers and isinstance(sources, range) and isinstance(targets, range)):
            return False
        runs = self.folio_of.runs(sources)
        if runs is None:
            return False
        for source, length, folio in runs:
            target = targets.start + source - sources.start
            self.home.write_run(folio, length, target)
            self.folio_of.write_run(target, length, folio)
        return True

    def move_one(self, source: int, target: int) -> None:
        """The folio in a frame of any block moves to a free frame."""
        folio = self.folio_of.get(source)
        block, at = divmod(source, self.per_block)
        to, place = divmod(target, self.per_block)
        self._codes(to)[place] = USER
        self.user[to] += 1
        self._less_free(to)
        self.home.set(folio, target)
        self.folio_of.set(target, folio)
        self.data.set(target, self.data.get(source))
        self.user[block] -= 1
        self._give_back(block, at)

    # --- keeping the counts ------------------------------------------------------------------

    def _give_back(self, block: int, at: int) -> None:
        code = self.freed_as[block]
        codes = self._codes(block)
        codes[at] = code
        free = self.free[block] + 1
        self.free[block] = free
        if free == 1 and code == FREE:
            self.room[self.node_of[block]].add(block)
        if free == self.per_block:
            self._settle(block, code)

    def _less_free(self, block: int) -> None:
        left = self.free[block] - 1
        self.free[block] = left
        if not left:
            self.room[self.node_of[block]].discard(block)

    def _set_kind(self, folio: int, kind: int) -> None:
        chunk, at = divmod(folio, self.per_block)
        kinds = self.kinds.get(chunk)
        if kinds is None:
            kinds = bytearray([self.kind_of_chunk[chunk]]) * self.per_block
            self.kinds[chunk] = kinds
        kinds[at] = kind

    def _codes(self, block: int) -> bytearray:
        """The codes of the block's frames, which is mixed from now on."""
        codes = self.mixed.get(block)
        return self._mix(block) if codes is None else codes

    def _mix(self, block: int) -> bytearray:
        codes = bytearray([self.uniform[block]]) * self.per_block
        self.mixed[block] = codes
        return codes

    def _settle(self, block: int, code: int) -> None:
        """All frames of the block have this code: it is one entry again."""
        self.uniform[block] = code
        self.mixed.pop(block, None)

    def _replace(self, block: int, old: tuple[int, ...], new: int) -> None:
        codes = self.mixed.get(block)
        if codes is None:
            if self.uniform[block] in old:
                self.uniform[block] = new
            return
        table = bytearray(range(256))
        for code in old:
            table[code] = new
        self.mixed[block] = codes.translate(table)

    def _recolour(self, block: int, frames: Frames, code: int) -> None:
        first = block * self.per_block
        if len(frames) == self.per_block:
            self._settle(block, code)
        elif isinstance(frames, range):
            part = slice(frames.start - first, frames.stop - first)
            self._codes(block)[part] = bytes((code,)) * len(frames)
        else:
            np.frombuffer(self._codes(block), dtype=np.uint8)[frames - first] = code

    def _recode(self, block: int, codes: bytearray) -> None:
        """Count the frames of a block whose codes are given one by one."""
        view = np.frombuffer(codes, dtype=np.uint8)
        self.free[block] = _count(view == FREE)
        self.user[block] = _count(view == USER)
        self.kernel[block] = _count((view == KERNEL) | (view == BOOT))
        self.mixed[block] = codes
        if _count(view == codes[0]) == self.per_block:
            self._settle(block, codes[0])


def _count(which: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(which))
