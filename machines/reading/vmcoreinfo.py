"""What a kernel says of its own structures: the note VMCOREINFO of a core of its memory.

The kernel writes the note for crash dumps, and `/proc/kcore` has it, too: lines such as
``SYMBOL(vmemmap)=ffd6…``, ``SIZE(page)=64``, ``OFFSET(page._refcount)=52`` (kernel/vmcore_info.c,
kernel/crash_core.c before 6.9; Documentation/admin-guide/kdump/vmcoreinfo.rst).  With it, page
structures are read without debug symbols.  What it does not name is not known: nothing is guessed
from a version.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .errors import MachineError, shown

__all__ = ["Vmcoreinfo", "vmcoreinfo_among", "vmcoreinfo_in"]

_MOST_BYTES = 1 << 20
"""Of a note; the kernel's has a page."""

_LINE = re.compile(r"(SYMBOL|SIZE|OFFSET|LENGTH|NUMBER)\(([A-Za-z0-9_.]{1,80})\)=(.{1,40})")
_HEXADECIMAL = re.compile("(0x)?[0-9a-f]{1,16}")
_NUMBER = re.compile("0x[0-9a-f]{1,16}|-?[0-9]{1,20}")
_LARGEST_PAGE = 1 << 16


@dataclass(frozen=True)
class Vmcoreinfo:
    """The note of one kernel, by kind of line.

    `release` is what ``uname -r`` says; `page_size` bytes of a base page; `symbols` virtual
    addresses; `sizes` bytes of structures; `offsets` bytes from the start of a structure
    (``page._refcount``); `lengths` elements of arrays; `numbers` values of constants.
    """

    page_size: int
    release: str | None = None
    symbols: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    offsets: Mapping[str, int] = field(default_factory=dict)
    lengths: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)


def vmcoreinfo_in(note: bytes, where: str) -> Vmcoreinfo:
    """The content of a note.

    Args:
        note: its bytes.
        where: the file that it is in, for errors.

    Raises:
        MachineError: a line names one of the five kinds and has no number, or the size of a page
            is missing or none.

    >>> vmcoreinfo_in(b"PAGESIZE=4096\\nSIZE(page)=64\\n", "core").sizes
    {'page': 64}
    """
    if len(note) > _MOST_BYTES:
        raise MachineError(f"{where}: the note VMCOREINFO has {len(note)} bytes, which is no note")
    kinds: dict[str, dict[str, int]] = {
        kind: {} for kind in ("SYMBOL", "SIZE", "OFFSET", "LENGTH", "NUMBER")
    }
    plain: dict[str, str] = {}
    for line in note.rstrip(b"\0").decode("ascii", "replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is not None:
            kinds[match[1]][match[2]] = _value(match[1], match[3], line, where)
        elif line.startswith(tuple(f"{kind}(" for kind in kinds)):
            raise MachineError(f"{where}: VMCOREINFO has a line that tells nothing: {shown(line)}")
        else:
            key, _, value = line.partition("=")
            plain[key] = value
    return Vmcoreinfo(
        _page_size(plain.get("PAGESIZE"), where),
        plain.get("OSRELEASE"),
        kinds["SYMBOL"],
        kinds["SIZE"],
        kinds["OFFSET"],
        kinds["LENGTH"],
        kinds["NUMBER"],
    )


def vmcoreinfo_among(pieces: Iterable[bytes], order: str, where: str) -> Vmcoreinfo:
    """The content of the note among others.

    Args:
        pieces: of an ELF file's notes.
        order: how bytes lie: "<" or ">".
        where: the file, for errors.

    Raises:
        MachineError: it is not there, or is none.
    """
    for piece in pieces:
        for name, content in _notes_in(piece, order):
            if name == b"VMCOREINFO":
                return vmcoreinfo_in(content, where)
    raise MachineError(
        f"{where}: has no note VMCOREINFO, so nothing tells where page structures are"
    )


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


def _value(kind: str, text: str, line: str, where: str) -> int:
    """Symbols are hexadecimal without a mark; of other numbers those with a mark are."""
    pattern = _HEXADECIMAL if kind == "SYMBOL" else _NUMBER
    if not pattern.fullmatch(text):
        raise MachineError(f"{where}: VMCOREINFO has a number that is none: {shown(line)}")
    return int(text, 16 if kind == "SYMBOL" or text.startswith("0x") else 10)


def _page_size(text: str | None, where: str) -> int:
    size = int(text) if text is not None and re.fullmatch("[0-9]{1,9}", text) else 0
    if not 4096 <= size <= _LARGEST_PAGE or size & (size - 1):
        raise MachineError(
            f"{where}: VMCOREINFO tells no size of a page (PAGESIZE={shown(text or '')})"
        )
    return size
