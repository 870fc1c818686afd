"""Frames: what the allocator has, block by block.

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
    EBUSY,
    EHWPOISON,
    EIO,
    ENOMEM,
    ENXIO,
    FREE,
    HUGE,
    ISOLATED,
    KERNEL,
    METADATA,
    OFF_BUDDY,
    PCP,
    UNAVAILABLE,
    USER,
    ZONES,
)
from .layout import Layout
from .tables import Numbers

__all__ = ["BlockFrames", "Frames"]


_MOVABLE = ZONES.index("movable")
_NOBODYS = (FREE, CLOSED, PCP)


class Scattered:
    """Frames of one block that do not lie in a row, as a mask; their numbers are made when asked.

    Args:
        first: the block's first frame.
        mask: for each frame of the block, whether it is one of these.
        count: how many these are.
    """

    __slots__ = ("_count", "_numbers", "first", "mask")

    def __init__(self, first: int, mask: NDArray[np.bool_], count: int) -> None:
        self.first = first
        self.mask = mask
        self._count = count
        self._numbers: Numbers | None = None

    def __len__(self) -> int:
        return self._count

    def __array__(self, dtype: object = None, copy: bool | None = None) -> Numbers:
        if self._numbers is None:
            self._numbers = np.flatnonzero(self.mask) + self.first
        return self._numbers

    def __getitem__(self, part: slice) -> Frames:
        start, stop, _ = part.indices(self._count)
        if start or not stop:
            return np.asarray(self)[part]
        return self if stop == self._count else self._lowest(stop)

    def _lowest(self, count: int) -> Scattered:
        """The lowest of these frames; halves are counted until the last one is found."""
        low, high, wanted = 0, len(self.mask), count
        while high - low > 64:
            middle = (low + high) // 2
            here = _count(self.mask[low:middle])
            if here >= wanted:
                high = middle
            else:
                low, wanted = middle, wanted - here
        some = self.mask.copy()
        some[low + int(np.flatnonzero(self.mask[low:high])[wanted - 1]) + 1 :] = False
        return Scattered(self.first, some, count)


Frames: TypeAlias = range | Numbers | Scattered
"""Frames, the lowest first: a range if they lie in a row."""


class BlockFrames:
    """The frames of a machine that has just booted.

    A uniform block is one code in ``uniform``; the frames of a mixed one have a
    code each in ``mixed``.  ``free``, ``user`` and ``kernel`` count the frames of
    each block; ``room`` has, for each node, the blocks with a frame to give;
    ``refused`` has the frames of a block out of which a migration was given up,
    ``errors`` those of which an error is known, wherever there are any.
    What is done to one frame returns 0, or the errno of the first objection.
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
        self.refused: dict[int, set[int]] = {}
        self.errors: dict[int, set[int]] = {}
        self._boot_frames()
        nodes = np.asarray(layout.node_of)
        roomy = np.frombuffer(self.free, dtype=np.int64) > 0
        self.room = [
            Bits(blocks, np.flatnonzero(roomy & (nodes == node)).tolist())
            for node in range(layout.nodes)
        ]

    def _boot_frames(self) -> None:
        layout, size = self.layout, self.per_block
        early = np.frombuffer(layout.early, dtype=np.uint8).astype(bool)
        codes = np.frombuffer(layout.block_codes, dtype=np.uint8)
        np.frombuffer(self.uniform, dtype=np.uint8)[:] = np.where(early, codes, UNAVAILABLE)
        there = np.frombuffer(self.uniform, dtype=np.uint8)
        for counter, counted in ((self.free, (FREE,)), (self.user, (USER,))):
            np.frombuffer(counter, dtype=np.int64)[:] = np.isin(there, counted) * size
        np.frombuffer(self.kernel, dtype=np.int64)[:] = np.isin(there, (KERNEL, BOOT)) * size
        for block, codes_there in layout.frame_codes.items():
            if early[block]:
                self._recode(block, bytearray(codes_there))

    # --- one frame ---------------------------------------------------------------------------

    def code(self, frame: int) -> int:
        """The frame's code (`codes`)."""
        block, at = divmod(frame, self.per_block)
        codes = self.mixed.get(block)
        return self.uniform[block] if codes is None else codes[at]

    def alloc_kernel(self, frame: int) -> int:
        """Take a free frame for the kernel, outside the movable zone."""
        block, at = divmod(frame, self.per_block)
        if self.code(frame) != FREE or self.zone[block] == _MOVABLE:
            return ENOMEM
        self.codes_of(block)[at] = KERNEL
        self.kernel[block] += 1
        self.less_free(block)
        return 0

    def free_kernel(self, frame: int) -> int:
        """Give a frame of the kernel back; what it took at boot it keeps."""
        if self.code(frame) != KERNEL:
            return EAGAIN
        block, at = divmod(frame, self.per_block)
        self.kernel[block] -= 1
        self.give_back(block, at)
        return 0

    def keep_on_cpu(self, frame: int) -> int:
        """Move a free frame onto a CPU's own list."""
        block, at = divmod(frame, self.per_block)
        if not self.layout.cpus_keep_frames[self.node_of[block]]:
            return EAGAIN
        if self.code(frame) not in (FREE, CLOSED):
            return EAGAIN
        self.codes_of(block)[at] = PCP
        self.less_free(block)
        return 0

    def drain_from_cpu(self, frame: int) -> int:
        """Move the frame back from a CPU's list to the free list."""
        if self.code(frame) != PCP:
            return EAGAIN
        self.give_back(*divmod(frame, self.per_block))
        return 0

    def soft_offline(self, frame: int) -> int:
        """Take a frame that nobody has from the allocator: it has had too many errors."""
        error = self.is_sound(frame)
        if error in (0, ENXIO) and self.code(frame) not in _NOBODYS:
            return EBUSY if self.code(frame) in (USER, HUGE) else EIO
        if not error:
            self.set_aside(frame)
        return error

    def is_sound(self, frame: int) -> int:
        """0 if the frame is memory that may fail, and of which no error is known."""
        if not (self.layout.may_fail and self.layout.may_fail[frame]):
            return EAGAIN
        if self.code(frame) == UNAVAILABLE:
            return ENXIO
        return EHWPOISON if frame in self.errors.get(frame // self.per_block, ()) else 0

    def set_aside(self, frame: int) -> None:
        """The allocator has the frame no more, because of an error."""
        block, at = divmod(frame, self.per_block)
        free = self.code(frame) in (FREE, CLOSED)
        self.errors.setdefault(block, set()).add(frame)
        self.codes_of(block)[at] = OFF_BUDDY
        if free:
            self.less_free(block)

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
        """Put the block's free frames aside, those on a CPU's list and its metadata too."""
        self._replace(block, (FREE, CLOSED, PCP, METADATA), ISOLATED)
        self.room[self.node_of[block]].discard(block)
        self.free[block] = 0

    def undo_isolation(self, block: int) -> None:
        """Free the frames that isolation has put aside."""
        code = self.freed_as[block]
        codes = self.mixed.get(block)
        if codes is None:
            self.free[block] = self.per_block if self.uniform[block] == ISOLATED else 0
        else:
            view = np.frombuffer(codes, dtype=np.uint8)
            self.free[block] = _count(view == ISOLATED)
        self._replace(block, (ISOLATED,), code)
        self._keep_metadata(block)
        if self.free[block] and code == FREE:
            self.room[self.node_of[block]].add(block)

    def appear(self, block: int) -> None:
        """Make all frames of the block free, as `freed_as` says, but where metadata lies."""
        code = self.freed_as[block]
        self._settle(block, code)
        self.free[block] = self.per_block
        self._keep_metadata(block)
        if self.free[block] and code == FREE:
            self.room[self.node_of[block]].add(block)

    def _keep_metadata(self, block: int) -> None:
        """Of the block's free frames, those where metadata of other memory lies are taken."""
        for at in self.layout.metadata_frames.get(block, ()):
            self.codes_of(block)[at] = METADATA
            self.free[block] -= 1

    def vanish(self, block: int) -> None:
        """Take all frames of the empty block away."""
        self.room[self.node_of[block]].discard(block)
        self.free[block] = 0
        self._settle(block, UNAVAILABLE)

    def users(self, block: int) -> Frames:
        """The block's frames of user memory, the lowest first."""
        return self._frames_with(block, USER, self.user[block])

    def destinations(self, nodes: Sequence[int], wanted: int) -> Iterator[Frames]:
        """Free frames, as many as are wanted if there are so many, block by block.

        Yields:
            Frames of one block, the lowest first, of the first node with room, then of the next.
        """
        for node in nodes:
            block = self.room[node].first() if wanted else -1
            while block >= 0:
                frames = self._frames_with(block, FREE, self.free[block])[:wanted]
                wanted -= len(frames)
                yield frames
                block = self.room[node].first(block + 1) if wanted else -1

    def _frames_with(self, block: int, code: int, count: int) -> Frames:
        """The frames that have the code, of which there are ``count``: a range if they are one."""
        first, codes = block * self.per_block, self.mixed.get(block)
        if codes is None:
            return range(first, first + count)
        low = max(codes.find(code), 0)
        if codes[low : low + count] == bytes((code,)) * count:
            return range(first + low, first + low + count)
        return Scattered(first, np.frombuffer(codes, dtype=np.uint8) == code, count)

    # --- keeping the counts ------------------------------------------------------------------

    def give_back(self, block: int, at: int) -> None:
        """Free the frame at that place in the block, as `freed_as` says."""
        code = self.freed_as[block]
        codes = self.codes_of(block)
        codes[at] = code
        free = self.free[block] + 1
        self.free[block] = free
        if free == 1 and code == FREE:
            self.room[self.node_of[block]].add(block)
        if free == self.per_block:
            self._settle(block, code)

    def less_free(self, block: int, frames: int = 1) -> None:
        """Count so many frames of the block as not free any more; their codes say so already."""
        remaining = self.free[block] - frames
        self.free[block] = remaining
        if not remaining:
            self.room[self.node_of[block]].discard(block)

    def codes_of(self, block: int) -> bytearray:
        """The codes of the block's frames, to read or write; the block is mixed from now on."""
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
        view = np.frombuffer(codes, dtype=np.uint8)
        for code in old:
            _add(view, view == code, new - code)

    def _recolour(self, block: int, frames: Frames, code: int) -> None:
        first = block * self.per_block
        if len(frames) == self.per_block:
            self._settle(block, code)
        elif isinstance(frames, range):
            part = slice(frames.start - first, frames.stop - first)
            self.codes_of(block)[part] = bytes((code,)) * len(frames)
        elif isinstance(frames, Scattered):
            view = np.frombuffer(self.codes_of(block), dtype=np.uint8)
            _add(view, frames.mask, code - int(view[int(np.argmax(frames.mask))]))
        else:
            np.frombuffer(self.codes_of(block), dtype=np.uint8)[frames - first] = code

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


def _add(codes: NDArray[np.uint8], where: NDArray[np.bool_], difference: int) -> None:
    """Change one code to another where it stands: quicker than choosing between two."""
    codes += where.view(np.uint8) * np.uint8(difference % 256)


def block_of(frames: Frames, size: int) -> int:
    """The block that all of these frames lie in, for blocks of ``size`` frames."""
    first = frames.first if isinstance(frames, Scattered) else int(frames[0])
    return first // size
