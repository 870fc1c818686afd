"""A dump as makedumpfile writes it (kdump-compressed): page by page, each packed for itself.

Two bitmaps say which page frames there were and which are in the file, a table where each of these
is and how it is packed.  Of all that only what is asked for is read and unpacked, within the size
of a page.  Virtual addresses are not in it: the kernel's page tables lead to physical ones.
Sources: makedumpfile, IMPLEMENTATION and diskdump_mod.h; the crash utility, diskdump.c.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from .errors import MachineError
from .kernel_memory import MemoryFile
from .unpacking import unpacked
from .vmcoreinfo import Vmcoreinfo, vmcoreinfo_among, vmcoreinfo_in

__all__ = ["CompressedDump"]

_HEADER, _SUB_HEADER = 464, 104
_VERSIONS = range(3, 1 << 8)
"""Since version 3 the file says where the kernel's note is."""
_WIDE = 6
"""Since this version page frame numbers have 64 bits."""
_MACHINE, _SIZES = 272, 428
"""Where the header has ``uname -m``, and the sizes of a block and of the parts of the file."""
_MACHINES = MappingProxyType({"ppc64le": "ppc64", "i686": None, "i386": None})
"""By ``uname -m``, where that is not what `KernelMemory` calls it."""

_DESCRIPTOR = "qIIQ"
"""Where a page is, how many bytes it has there, how it is packed, and flags of the kernel's."""
_METHODS = 0x27
"""The bits of the flags that say how a page is packed."""
_WITHOUT_ZEROS = 1
"""In the dump level (makedumpfile -d): pages of nothing but zeros are left out."""

_CHUNK = 4096
"""Bytes of a bitmap that are counted together."""
_MOST_FRAMES = 1 << 34
_MOST_SECTIONS = 1 << 20
_MOST_NOTES = 1 << 24

_Bits = npt.NDArray[np.uint8]


class CompressedDump(MemoryFile):
    """An open dump, with all that `KernelMemory` asks.

    Args:
        path: the file.
        note_at: the physical address and the size of the kernel's notes, for a dump without them.

    Raises:
        NotPermitted: others than root may not read it.
        MachineError: there is no such file, or it is no dump with a note of the kernel's.
    """

    def __init__(self, path: str | Path, *, note_at: tuple[int, int] | None = None) -> None:
        super().__init__(path)
        try:
            self._begin(note_at)
        except BaseException:
            self.close()
            raise

    def virtual(self, address: int, size: int) -> bytes | None:
        """None: such a dump names no virtual addresses."""
        return None

    def patchwork(self, address: int, size: int) -> bytes | None:
        """None: such a dump names no virtual addresses."""
        return None

    def physical(self, address: int, size: int) -> bytes | None:
        """So many bytes from a physical address on; None if a page of them was left out.

        Where pages of zeros were left out, one that is not there has zeros.

        Raises:
            MachineError: reading fails, or a page is damaged, or packed in a way for which nothing
                is installed.
        """
        first, last = address // self._page, -(-(address + size) // self._page)
        pages = self._pages(first, last) if 0 <= first < last <= self._frames else None
        if pages is None:
            return None
        content = b"".join(pages)
        begin = address - first * self._page
        return content[begin : begin + size]

    def sections(self, bits: int) -> list[int]:
        """The numbers of the pieces of physical memory that frames lie in: see `KernelMemory`.

        Raises:
            MachineError: it tells of more than any machine has.
        """
        frames = max(8, (1 << bits) // self._page)
        sections: set[int] = set()
        for chunk, count in enumerate(self._there.counts):
            if count:
                told = np.flatnonzero(self._there.chunk(chunk)) + chunk * _CHUNK * 8
                sections.update(np.unique(told // frames).tolist())
            if len(sections) > _MOST_SECTIONS:
                raise MachineError(f"{self.where}: tells of more memory than any machine has")
        return sorted(sections)

    def _begin(self, note_at: tuple[int, int] | None) -> None:
        head = self.exactly(0, _HEADER, "its header")
        self.order = "<" if head[11] == 0 else ">"
        (version,) = struct.unpack_from(f"{self.order}i", head, 8)
        block, sub_blocks, bitmap_blocks, frames = struct.unpack_from(
            f"{self.order}iiII", head, _SIZES
        )
        if version not in _VERSIONS:
            raise MachineError(f"{self.where}: a dump of version {version}, which is not read here")
        if not 4096 <= block <= 1 << 16 or block & (block - 1) or sub_blocks <= 0:
            raise MachineError(f"{self.where}: not the dump of a kernel of 64 bits, or damaged")
        machine = head[_MACHINE : _MACHINE + 65].partition(b"\0")[0].decode("ascii", "replace")
        self.architecture = _MACHINES.get(machine, machine)
        self._page = block
        sub = self.exactly(block, _SUB_HEADER, "its second header")
        _, level, split, _, _, place, size = struct.unpack_from(f"{self.order}QiiQQqQ", sub)
        if split:
            raise MachineError(
                f"{self.where}: one part of a dump that was split; makedumpfile --reassemble"
                " makes one file of all parts"
            )
        if version >= _WIDE:
            (frames,) = struct.unpack_from(f"{self.order}Q", sub, 96)
        self._without_zeros = bool(level & _WITHOUT_ZEROS)
        self._map(block * (1 + sub_blocks), block * bitmap_blocks, frames)
        self.info = self._info(place, size, struct.unpack_from(f"{self.order}qQ", sub, 48), note_at)

    def _info(
        self, place: int, size: int, notes: tuple[int, int], note_at: tuple[int, int] | None
    ) -> Vmcoreinfo:
        """The content of the note, or what is found among all notes."""
        if place > 0 and 0 < size <= _MOST_NOTES:
            return vmcoreinfo_in(self.exactly(place, size, "its note"), self.where)
        pieces = []
        if notes[0] > 0 and 0 < notes[1] <= _MOST_NOTES:
            pieces.append(self.exactly(*notes, "its notes"))
        if note_at is not None:
            pieces.append(self.physical(*note_at) or b"")
        return vmcoreinfo_among(pieces, self.order, self.where)

    def _map(self, place: int, size: int, frames: int) -> None:
        """Find the bitmaps and the table of pages.

        The first bitmap says which frames there were; the second, which are in the file.  Where
        there is but one, all are.
        """
        length = -(-frames // 8)
        if not 0 < frames <= _MOST_FRAMES or (self.end is not None and place + size > self.end):
            raise MachineError(
                f"{self.where}: ends before its bitmaps do: it was not copied whole, or is damaged"
            )
        both = -(-length // self._page) * self._page < size
        if length > (size // 2 if both else size):
            raise MachineError(f"{self.where}: its bitmaps are too short for {frames} frames")
        self._frames = frames
        self._there = _Bitmap(self, place, length)
        self._kept = _Bitmap(self, place + size // 2, length) if both else self._there
        self._table = place + size

    def _pages(self, first: int, last: int) -> list[bytes] | None:
        """The pages of these frames; None if one is not known."""
        kept = self._kept.bits(first, last)
        lost = self._there.bits(first, last)[kept == 0]
        if len(lost) and not (self._without_zeros and lost.all()):
            return None
        count = int(kept.sum())
        size = struct.calcsize(f"={_DESCRIPTOR}")
        table = self.exactly(
            self._table + self._kept.rank(first) * size, count * size, "its table of pages"
        )
        descriptors = struct.iter_unpack(f"{self.order}{_DESCRIPTOR}", table)
        zeros = bytes(self._page)
        return [self._page_of(*next(descriptors)) if bit else zeros for bit in kept.tolist()]

    def _page_of(self, place: int, size: int, flags: int, _: int) -> bytes:
        """One page, unpacked."""
        if not 0 < size <= self._page or place <= 0:
            raise MachineError(f"{self.where}: a page of {size} bytes at {place}: it is damaged")
        packed = self.exactly(place, size, "a page")
        return unpacked(flags & _METHODS, packed, self._page, self.where)


class _Bitmap:
    """A bit for each frame, in a part of the file; `counts` has how many are set of each chunk."""

    def __init__(self, file: MemoryFile, place: int, length: int) -> None:
        self._file, self._place, self._length = file, place, length
        self.chunk = lru_cache(maxsize=8)(self._chunk)
        self.counts = [int(self._chunk(at).sum()) for at in range(-(-length // _CHUNK))]
        self._before = [0, *accumulate(self.counts)]

    def _chunk(self, at: int) -> _Bits:
        """The bits of one chunk, one after the other."""
        size = min(_CHUNK, self._length - at * _CHUNK)
        content = self._file.exactly(self._place + at * _CHUNK, size, "its bitmaps")
        return np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")

    def bits(self, first: int, last: int) -> _Bits:
        """The bits of the frames from `first` up to, not including, `last`."""
        chunks = range(first // (_CHUNK * 8), -(-last // (_CHUNK * 8)))
        begin = first - chunks.start * _CHUNK * 8
        return np.concatenate([self.chunk(at) for at in chunks])[begin : begin + last - first]

    def rank(self, frame: int) -> int:
        """How many frames before this one have their bit set."""
        at, within = divmod(frame, _CHUNK * 8)
        return self._before[at] + int(self.chunk(at)[:within].sum())
