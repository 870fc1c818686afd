"""The members of a tar, one after the other: a reader for input that nobody vouches for.

Python's `tarfile` keeps what headers say for as long as they like, reads maps of sparse files
whole, copies global headers for each member, and has been quadratic in others
(CVE-2024-6232); how it does so differs from version to version.  Little is needed here, so
little is read: headers of POSIX (ustar), long names of GNU, and of a pax header a member's
path, its size and the target of its link.  All of it is bounded by the constants below.

Sources: POSIX.1-2024, pax, "ustar Interchange Format" and "pax Interchange Format"; the GNU tar
manual, "Basic Tar Format".
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from .errors import MachineError, shown
from .unpack import Stream

__all__ = ["Archive", "Kind", "Member"]

BLOCK = 512

MAX_HEADERS = 2_500_000
"""How many headers are read; a hundred thousand blocks have a million files and links."""

MAX_EXTENSION = 1 << 20
"""Bytes of one header that extends the next; extended attributes may take some."""

MAX_RECORDS = 8_000_000
"""Records in all pax headers together; a member has its three times, and perhaps a path."""

MAX_NAME_LENGTH = 4096
"""PATH_MAX of Linux."""

MAX_BEHIND = 64 << 20
"""Bytes behind the mark of the end: tar fills up the last record of a tape."""


class Kind(Enum):
    """What a member is."""

    file = "file"
    folder = "folder"
    link = "link"
    hard_link = "hard link"
    sparse = "sparse file"
    other = "device or pipe"


@dataclass(frozen=True, slots=True)
class Member:
    """One member: ``size`` is in bytes, ``target`` that of a link."""

    name: str
    kind: Kind
    size: int
    target: str


_KINDS = {
    **dict.fromkeys(b"\x000", Kind.file),
    ord("1"): Kind.hard_link,
    ord("2"): Kind.link,
    **dict.fromkeys(b"346", Kind.other),
    ord("5"): Kind.folder,
    ord("S"): Kind.sparse,
}
"""By type; POSIX takes one that it does not know for a file."""

_PAX, _GLOBAL, _LONG_NAME, _LONG_TARGET = ord("x"), ord("g"), ord("L"), ord("K")
_EXTENSIONS = (_PAX, _GLOBAL, _LONG_NAME, _LONG_TARGET, ord("X"))
_WANTED = {b"path": "name", b"linkpath": "target", b"size": "size"}
_SPARSE = b"GNU.sparse."
_FIRST_SUM, _SUM_END = 148, 156
_ADLER = 65521


class Archive:
    """A tar in a stream; each member's content may be taken before the next is asked for."""

    def __init__(self, stream: Stream, source: str) -> None:
        self._stream = stream
        self._source = source
        self._headers = 0
        self._records = 0
        self._left = 0

    def next(self) -> Member | None:
        """The next member; None after the last.

        Raises:
            MachineError: this is no tar, or a damaged one, or one beyond the bounds.
        """
        overrides: dict[str, str] = {}
        while (header := self._header()) is not None:
            kind = header[156]
            size = self._number(header[124:136])
            if kind not in _EXTENSIONS:
                return self._member(header, size, overrides)
            if size > MAX_EXTENSION:
                self._refuse(f"a header in it claims {size} bytes")
            self._extend(kind, self._taken(size), overrides)
        return None

    def content(self, member: Member) -> bytes:
        """The content of the file that `next` gave last.

        Raises:
            MachineError: the archive ends before the file does.
        """
        content = self._taken(member.size)
        self._left = 0
        return content

    def _header(self) -> bytes | None:
        if self._left and not self._stream.skip(_padded(self._left)):
            self._damaged("it ends inside a member")
        self._left = 0
        header = self._stream.read(BLOCK)
        if len(header) == BLOCK and not header.strip(b"\0"):
            self._drain()
            return None
        self._headers += 1
        if len(header) < BLOCK or not _sum_is_right(header):
            self._no_header(header)
        if self._headers > MAX_HEADERS:
            self._refuse(f"more than {MAX_HEADERS} names; pack 'sys/devices/system' alone")
        return header

    def _no_header(self, header: bytes) -> NoReturn:
        if self._headers > 1:
            self._damaged(
                "what should be a header is none"
                if header
                else "no end mark where its last member ends"
            )
        if not header:
            raise MachineError(f"{self._source}: the file is empty; copy it again")
        raise MachineError(f"{self._source}: not a tar archive (plain, gzip, bzip2 or xz)")

    def _drain(self) -> None:
        """Read what is left, for the decompressor to check its checksum."""
        for _ in range(MAX_BEHIND >> 16):
            if len(self._stream.read(1 << 16)) < 1 << 16:
                return
        self._refuse(f"more than {MAX_BEHIND >> 20} MiB unpacked behind the end of the archive")

    def _member(self, header: bytes, size: int, overrides: dict[str, str]) -> Member:
        kind = _KINDS.get(header[156], Kind.file)
        if "sparse" in overrides:
            kind = Kind.sparse
        elif "size" in overrides:
            size = int(overrides["size"])
        name = overrides.get("name") or _name(header)
        if header[156] == 0 and name.endswith("/"):
            kind = Kind.folder  # as tar did before POSIX
        target = overrides.get("target") or _text(header[157:257])
        for text in (name, target):
            if len(text) > MAX_NAME_LENGTH:
                self._refuse(f"a name of {len(text)} characters")
        if kind is Kind.sparse and header[156] == ord("S"):
            self._pass_map(header)
        self._left = size if kind in (Kind.file, Kind.sparse) else 0
        return Member(name, kind, self._left, target)

    def _pass_map(self, header: bytes) -> None:
        """Pass over the rest of the map of an old sparse file: blocks that say if one follows."""
        more = header[482]
        while more:
            block = self._stream.read(BLOCK)
            if len(block) < BLOCK:
                self._damaged("it ends inside a member")
            more = block[504]

    def _extend(self, kind: int, content: bytes, overrides: dict[str, str]) -> None:
        if kind == _LONG_NAME:
            overrides["name"] = _text(content)
        elif kind == _LONG_TARGET:
            overrides["target"] = _text(content)
        else:
            records = self._pax(content)
            if kind != _GLOBAL:
                overrides |= records
            elif records:
                self._refuse(f"a global header gives each member the same {min(records)}")

    def _pax(self, content: bytes) -> dict[str, str]:
        """What is wanted of the records of a pax header, each `LENGTH KEY=VALUE` and a newline."""
        records: dict[str, str] = {}
        at = 0
        while at < len(content) and content[at]:  # each record takes some of it
            self._records += 1
            if self._records > MAX_RECORDS:
                self._refuse(f"more than {MAX_RECORDS} records in pax headers")
            blank = content.find(b" ", at, at + 8)
            length = content[at : max(at, blank)]
            end = at + int(length) if length.isdigit() else 0
            whole = blank + 1 < end <= len(content) and content[end - 1] == ord("\n")
            key, equals, value = content[blank + 1 : end - 1].partition(b"=")
            if not whole or not equals:
                self._damaged("a record of a pax header is none")
            if key.startswith(_SPARSE):
                records["sparse"] = ""
            elif key in _WANTED:
                if key == b"size" and not (value.isdigit() and len(value) <= 20):
                    self._refuse(f"a size in a pax header, {shown(_text(value))}, is no number")
                records[_WANTED[key]] = _text(value)
            at = end
        return records

    def _taken(self, size: int) -> bytes:
        padded = _padded(size)
        content = self._stream.read(padded)
        if len(content) < padded:
            self._damaged("it ends inside a member")
        return content[:size]

    def _number(self, field: bytes) -> int:
        """Octal digits; or, where these do not suffice, the bytes of a number (GNU)."""
        if field[0] in (0o200, 0o377):
            size = int.from_bytes(field[1:], "big")
            if field[0] == 0o377:
                self._refuse("a member of negative size")
            return size
        digits = field.partition(b"\0")[0].strip()
        if digits.strip(b"01234567"):
            self._damaged(f"a size, {shown(_text(digits))}, is no number")
        return int(digits or b"0", 8)

    def _refuse(self, problem: str) -> NoReturn:
        raise MachineError(f"{self._source}: refused, {problem}")

    def _damaged(self, problem: str) -> NoReturn:
        raise MachineError(
            f"{self._source}: the archive is damaged or truncated ({problem}); copy it again"
        )


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", errors="surrogateescape")


def _name(header: bytes) -> str:
    name = _text(header[:100])
    # The tars of GNU, who have a magic of their own, keep something else there.
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _sum_is_right(header: bytes) -> bool:
    """Whether the bytes add up to what the header says, its own field taken for blanks.

    Adler-32 adds up bytes, too (modulo 65521, and 1), ten times as fast as Python does.
    """
    digits = header[_FIRST_SUM:_SUM_END].partition(b"\0")[0].strip()
    if not digits or digits.strip(b"01234567"):
        return False
    blank = header[:_FIRST_SUM] + b" " * 8 + header[_SUM_END:]
    stated = int(digits, 8)
    if stated % _ADLER == ((zlib.adler32(blank) & 0xFFFF) - 1) % _ADLER:
        return True
    return stated == sum(byte - 256 if byte > 127 else byte for byte in blank)  # as some once did
