"""Dumps as makedumpfile writes them, of memory that tests make; and flattened ones made whole."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .cores import PAGE, Segment

__all__ = ["ZLIB", "DumpFile", "whole"]

ZLIB = 1
FIRST_PAGE = bytes(PAGE)


@dataclass
class DumpFile:
    """A dump of the memory that these segments have at physical addresses.

    `pack` packs a page, `method` is its bit; a page that grows is kept as it is.  `lost` are frames
    that were there and are left out, `level` is what makedumpfile's option -d said.
    """

    segments: list[Segment]
    note: bytes
    pack: Callable[[bytes], bytes] = zlib.compress
    method: int = ZLIB
    order: str = "<"
    version: int = 6
    machine: bytes = b"x86_64"
    level: int = 1
    split: int = 0
    lost: frozenset[int] = frozenset()

    def content(self) -> bytes:
        """The bytes of the file."""
        pages = dict(sorted(self._pages()))
        frames = max(pages) + 1
        blocks = -(-frames // (8 * PAGE))
        kept = {
            frame: page
            for frame, page in pages.items()
            if frame not in self.lost and (page != FIRST_PAGE or not self.level & 1)
        }
        bitmaps = _bitmap(pages, blocks) + _bitmap(kept, blocks)
        note_at = PAGE + 104
        sub_blocks = -(-(104 + len(self.note)) // PAGE)
        table_at = PAGE * (1 + sub_blocks + 2 * blocks)
        head = struct.pack(f"{self.order}8si", b"KDUMP   ", self.version)
        head += bytes(65 * 4) + self.machine.ljust(65, b"\0") + bytes(65) + bytes(22)
        sizes = (0, PAGE, sub_blocks, 2 * blocks, frames, len(pages), 0, len(kept), 0, 1)
        head += struct.pack(f"{self.order}IiiIIIIIIi", *sizes)
        sub = struct.pack(
            f"{self.order}QiiQQqQqQqQQQQ",
            *(0, self.level, self.split, 0, frames, note_at, len(self.note)),
            *(0, 0, 0, 0, 0, frames, frames),
        )
        front = head.ljust(PAGE, b"\0") + (sub + self.note).ljust(PAGE * sub_blocks, b"\0")
        return front + bitmaps + self._packed(kept.values(), table_at + 24 * len(kept))

    def _pages(self) -> Iterable[tuple[int, bytes]]:
        for segment in self.segments:
            content = segment.content.ljust(-(-len(segment.content) // PAGE) * PAGE, b"\0")
            for at in range(0, len(content), PAGE):
                yield (segment.physical + at) // PAGE, content[at : at + PAGE]

    def _packed(self, pages: Iterable[bytes], place: int) -> bytes:
        """The table, and the pages behind it."""
        table, data = b"", []
        for page in pages:
            packed = self.pack(page)
            small = len(packed) < PAGE
            data.append(packed if small else page)
            flags = self.method if small else 0
            table += struct.pack(f"{self.order}qIIQ", place, len(data[-1]), flags, 0)
            place += len(data[-1])
        return table + b"".join(data)


def _bitmap(frames: Iterable[int], blocks: int) -> bytes:
    bits = bytearray(blocks * PAGE)
    for frame in frames:
        bits[frame // 8] |= 1 << frame % 8
    return bytes(bits)


def whole(flattened: bytes) -> bytes:
    """The file that a flattened one is of: pieces, each with its place (makedumpfile -R)."""
    content = bytearray()
    at = PAGE
    while True:
        place, size = struct.unpack_from(">qq", flattened, at)
        if place < 0:
            return bytes(content)
        content.extend(bytes(max(0, place + size - len(content))))
        content[place : place + size] = flattened[at + 16 : at + 16 + size]
        at += 16 + size
