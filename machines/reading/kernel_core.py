"""A core of a kernel's memory in ELF: `/proc/kcore` of this machine, or a crash dump.

Its program headers say which addresses are where in the file, its notes what the kernel says of
itself (`vmcoreinfo`).  Nothing is read whole: only the headers, the notes, and what is asked for.
Sources: fs/proc/kcore.c; fs/proc/vmcore.c; Documentation/admin-guide/kdump/kdump.rst.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from .errors import MachineError
from .kernel_memory import MemoryFile
from .vmcoreinfo import Vmcoreinfo, vmcoreinfo_among

__all__ = ["KCORE", "MACHINES", "Core", "Segment"]

KCORE = "/proc/kcore"

MACHINES = {22: "s390x", 21: "ppc64", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
"""By the number in the header of an ELF file (include/uapi/linux/elf-em.h)."""

_HEADER = 64
_PROGRAM_HEADER = 56
_MOST_HEADERS = 0xFFFE
"""Beyond, their number is elsewhere: a file of so many segments is refused."""
_MOST_NOTES = 1 << 24
"""Bytes of all notes; each CPU of a crash dump has a few hundred."""
_LOAD, _NOTE = 1, 4
_NO_ADDRESS = (1 << 64) - 1
_MOST_SECTIONS = 1 << 20


@dataclass(frozen=True)
class Segment:
    """So many bytes of memory, from these addresses on, at a place in the file.

    `physical` is None where the file does not tell it.
    """

    virtual: int
    physical: int | None
    size: int
    place: int


class Core(MemoryFile):
    """An open core, with all that `KernelMemory` asks, and `segments`: the memory in it.

    Args:
        path: the file.
        note_at: the physical address and the size of the kernel's notes, as
            `/sys/kernel/vmcoreinfo` tells them, for a core that was made without them.

    Raises:
        NotPermitted: it is root's, or the kernel is locked down.
        MachineError: there is no such file, or it is no core with a note of the kernel's.
    """

    def __init__(self, path: str | Path = KCORE, *, note_at: tuple[int, int] | None = None) -> None:
        super().__init__(path)
        try:
            self._begin(note_at)
        except BaseException:
            self.close()
            raise

    def _begin(self, note_at: tuple[int, int] | None) -> None:
        head = self.exactly(0, _HEADER, "its header")
        if head[:4] != b"\x7fELF":
            raise MachineError(f"{self.where}: not an ELF file")
        if head[4] != 2 or head[5] not in (1, 2):
            raise MachineError(f"{self.where}: an ELF file, but not one of 64 bits")
        self.order = "<" if head[5] == 1 else ">"
        kind, machine, _, _, headers = struct.unpack_from(f"{self.order}HHIQQ", head, 16)
        size, count = struct.unpack_from(f"{self.order}HH", head, 54)
        if kind != 4:
            raise MachineError(f"{self.where}: an ELF file, but not a core of a kernel's memory")
        if size != _PROGRAM_HEADER or not 0 < count <= _MOST_HEADERS:
            raise MachineError(
                f"{self.where}: {count} program headers of {size} bytes cannot be read"
            )
        self.architecture = MACHINES.get(machine)
        table = self.exactly(headers, size * count, "its program headers")
        self.segments, notes = self._parts(table)
        self.info = self._info(notes, note_at)

    def virtual(self, address: int, size: int) -> bytes | None:
        """So many bytes from a virtual address on; None if no segment has all of them.

        Raises:
            MachineError: reading fails.
        """
        for segment in self.segments:
            at = address - segment.virtual
            if at >= 0 and at + size <= segment.size:
                return self.read(segment.place + at, size)
        return None

    def patchwork(self, address: int, size: int) -> bytes | None:
        """The same as `virtual`, zeros where no segment has them; None if none has any.

        Raises:
            MachineError: reading fails.
        """
        content = bytearray()
        for segment in self.segments:
            first = max(address, segment.virtual)
            last = min(address + size, segment.virtual + segment.size)
            if first >= last:
                continue
            piece = self.read(segment.place + first - segment.virtual, last - first)
            if piece is not None:
                content = content or bytearray(size)
                content[first - address : last - address] = piece
        return bytes(content) if content else None

    def physical(self, address: int, size: int) -> bytes | None:
        """So many bytes from a physical address on; None if no segment has all of them.

        Raises:
            MachineError: reading fails.
        """
        for segment in self.segments:
            if segment.physical is None:
                continue
            at = address - segment.physical
            if at >= 0 and at + size <= segment.size:
                return self.read(segment.place + at, size)
        return None

    def sections(self, bits: int) -> list[int]:
        """The numbers of the pieces of physical memory that segments lie in: see `KernelMemory`.

        Raises:
            MachineError: it tells of more than any machine has.
        """
        sections: set[int] = set()
        for segment in self.segments:
            if segment.physical is None:
                continue
            first = segment.physical >> bits
            last = segment.physical + segment.size - 1 >> bits
            if last - first + len(sections) > _MOST_SECTIONS:
                raise MachineError(f"{self.where}: tells of more memory than any machine has")
            sections.update(range(first, last + 1))
        return sorted(sections)

    def _parts(self, table: bytes) -> tuple[tuple[Segment, ...], list[tuple[int, int]]]:
        """The segments, and place and size of each piece of notes."""
        loads, notes = [], []
        for at in range(0, len(table), _PROGRAM_HEADER):
            kind, _, place, virtual, physical, size, _, _ = struct.unpack_from(
                f"{self.order}IIQQQQQQ", table, at
            )
            if kind not in (_LOAD, _NOTE) or size == 0:
                continue
            if self.end is not None and place + size > self.end:
                raise MachineError(
                    f"{self.where}: ends at {self.end}, but a part of it would reach"
                    f" {place + size}: it was not copied whole"
                )
            if kind == _NOTE:
                notes.append((place, size))
            else:
                known = None if physical == _NO_ADDRESS else physical
                loads.append(Segment(virtual, known, size, place))
        return tuple(loads), notes

    def _info(self, notes: list[tuple[int, int]], note_at: tuple[int, int] | None) -> Vmcoreinfo:
        if sum(size for _, size in notes) > _MOST_NOTES:
            raise MachineError(f"{self.where}: its notes are larger than those of any kernel")
        pieces = [self.exactly(place, size, "its notes") for place, size in notes]
        if note_at is not None:
            pieces.append(self.physical(*note_at) or b"")
        return vmcoreinfo_among(pieces, self.order, self.where)
