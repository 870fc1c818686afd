"""A core of a kernel's memory: `/proc/kcore` of this machine, or a crash dump, in ELF.

Its program headers say which addresses are where in the file, its notes what the kernel says of
itself (`vmcoreinfo`).  Nothing is read whole: only the headers, the notes, and what is asked for.
Sources: fs/proc/kcore.c; fs/proc/vmcore.c; Documentation/admin-guide/kdump/kdump.rst.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from .errors import MachineError, NotPermitted, shown
from .vmcoreinfo import Vmcoreinfo, vmcoreinfo_in

__all__ = ["KCORE", "MACHINES", "Core", "Segment", "is_core"]

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
_COMPRESSED = (b"KDUMP   ", b"makedumpfile")


@dataclass(frozen=True)
class Segment:
    """So many bytes of memory, from these addresses on, at a place in the file.

    `physical` is None where the file does not tell it.
    """

    virtual: int
    physical: int | None
    size: int
    place: int


def is_core(path: str | Path) -> bool:
    """Whether a file begins as an ELF file or a compressed crash dump does."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with open(path, "rb") as file:
            head = file.read(16)
    except (OSError, ValueError):
        return False
    return head.startswith((b"\x7fELF", *_COMPRESSED))


class Core:
    """An open core. Made by `Core.open`, used as a context manager.

    Attributes:
        where: its path.
        architecture: as ``uname -m`` names it; None if it is none that is known.
        order: how its bytes lie: "<" or ">".
        segments: the memory in it, in the order of the file.
        info: its note.
    """

    def __init__(self, handle: int, where: str, note_at: tuple[int, int] | None = None) -> None:
        self._handle = handle
        self.where = where
        head = self._exactly(0, _HEADER, "its header")
        if head[:4] != b"\x7fELF":
            raise MachineError(_no_elf(head, where))
        if head[4] != 2 or head[5] not in (1, 2):
            raise MachineError(f"{where}: an ELF file, but not one of 64 bits")
        self.order = "<" if head[5] == 1 else ">"
        kind, machine, _, _, headers = struct.unpack_from(f"{self.order}HHIQQ", head, 16)
        size, count = struct.unpack_from(f"{self.order}HH", head, 54)
        if kind != 4:
            raise MachineError(f"{where}: an ELF file, but not a core of a kernel's memory")
        if size != _PROGRAM_HEADER or not 0 < count <= _MOST_HEADERS:
            raise MachineError(f"{where}: {count} program headers of {size} bytes cannot be read")
        self.architecture = MACHINES.get(machine)
        table = self._exactly(headers, size * count, "its program headers")
        self._end = _size_of(handle)
        loads, notes = self._parts(table)
        self.segments = loads
        self.info = self._info(notes, note_at)

    @classmethod
    def open(cls, path: str | Path = KCORE, *, note_at: tuple[int, int] | None = None) -> Self:
        """The core in a file.

        Args:
            path: the file.
            note_at: the physical address and the size of the kernel's notes, as
                `/sys/kernel/vmcoreinfo` tells them, for a core that was made without them.

        Raises:
            NotPermitted: it is root's, or the kernel is locked down.
            MachineError: there is no such file, or it is no core with a note of the kernel's.
        """
        where = str(path)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except PermissionError:
            raise NotPermitted(f"{shown(where, 200)}: permission denied; {_why_not()}") from None
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or error
            raise MachineError(f"{shown(where, 200)}: cannot be opened ({problem})") from None
        try:
            return cls(handle, where, note_at)
        except BaseException:
            os.close(handle)
            raise

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def virtual(self, address: int, size: int) -> bytes | None:
        """So many bytes from a virtual address on; None if no segment has all of them.

        Raises:
            MachineError: reading fails.
        """
        for segment in self.segments:
            at = address - segment.virtual
            if at >= 0 and at + size <= segment.size:
                return self._read(segment.place + at, size)
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
            piece = self._read(segment.place + first - segment.virtual, last - first)
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
                return self._read(segment.place + at, size)
        return None

    def _parts(self, table: bytes) -> tuple[tuple[Segment, ...], list[tuple[int, int]]]:
        """The segments, and place and size of each piece of notes."""
        loads, notes = [], []
        for at in range(0, len(table), _PROGRAM_HEADER):
            kind, _, place, virtual, physical, size, _, _ = struct.unpack_from(
                f"{self.order}IIQQQQQQ", table, at
            )
            if kind not in (_LOAD, _NOTE) or size == 0:
                continue
            if self._end is not None and place + size > self._end:
                raise MachineError(
                    f"{self.where}: ends at {self._end}, but a part of it would reach"
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
        pieces = [self._exactly(place, size, "its notes") for place, size in notes]
        if note_at is not None:
            pieces.append(self.physical(*note_at) or b"")
        for piece in pieces:
            for name, content in _notes_in(piece, self.order):
                if name == b"VMCOREINFO":
                    return vmcoreinfo_in(content, self.where)
        raise MachineError(
            f"{self.where}: has no note VMCOREINFO, so nothing tells where page structures are"
        )

    def _exactly(self, place: int, size: int, what: str) -> bytes:
        content = self._read(place, size)
        if content is None:
            raise MachineError(f"{self.where}: ends before {what} does")
        return content

    def _read(self, place: int, size: int) -> bytes | None:
        """Bytes of the file; None if they are not all there."""
        pieces: list[bytes] = []
        try:
            while size and (piece := os.pread(self._handle, size, place)):
                pieces.append(piece)
                place += len(piece)
                size -= len(piece)
        except OSError as error:
            if error.errno in (errno.EFAULT, errno.EIO, errno.ENXIO):
                return None  # kcore: nothing is mapped there
            raise MachineError(f"{self.where}: cannot be read ({error.strerror})") from None
        except OverflowError:  # no file is so large
            return None
        return None if size else pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _notes_in(content: bytes, order: str) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each note, as far as they are whole."""
    at = 0
    while at + 12 <= len(content):
        name_size, size, _ = struct.unpack_from(f"{order}III", content, at)
        name_at = at + 12
        content_at = name_at + (name_size + 3 & ~3)
        at = content_at + (size + 3 & ~3)
        if content_at + size > len(content):
            return
        yield (
            content[name_at : name_at + name_size].rstrip(b"\0"),
            content[content_at : content_at + size],
        )


def _size_of(handle: int) -> int | None:
    """The bytes of a file on a disk; None of kcore, whose size means nothing."""
    status = os.fstat(handle)
    return status.st_size if status.st_blocks else None


def _no_elf(head: bytes, where: str) -> str:
    if head.startswith(_COMPRESSED):
        return (
            f"{where}: a compressed crash dump, which is not read here; makedumpfile -E, or"
            " makedumpfile -R for a flattened one, makes an ELF file of it"
        )
    return f"{where}: not an ELF file"


def _why_not() -> str:
    """Why the kernel does not let its memory be read."""
    try:
        lockdown = Path("/sys/kernel/security/lockdown").read_text()
    except OSError:
        lockdown = ""
    if os.geteuid() == 0 and "[none]" not in lockdown and "[" in lockdown:
        return "the kernel is locked down (confidentiality), so nobody may read its memory"
    return "only root may read the kernel's memory (CAP_SYS_RAWIO)"
