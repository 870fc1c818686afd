"""A compressed file as a stream of bytes, bounded whatever is in it.

No decompressor is asked for more than a chunk at a time, and none may take more memory than
the strongest preset of `xz` needs.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Protocol

from .errors import MachineError

__all__ = ["Stream"]

CHUNK = 1 << 16
"""How many bytes are unpacked at a time."""

_PACKED_CHUNK = 1 << 14
"""How many are read at a time: what is behind the end of a part is copied for each part."""

MAX_PARTS = 100_000
"""How many parts a file may consist of, each packed alone; bgzip makes one for each 64 KiB."""

MAX_MEMORY = 128 << 20
"""What a decompressor may take: `xz -9` asks for 65 MiB."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Gzip:
    """zlib's decompressor, as those of bz2 and lzma are."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        content = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self.needs_input = len(content) < max_length
        return content


_KINDS: tuple[tuple[bytes, Callable[[], _Decompressor]], ...] = (
    (b"\x1f\x8b", _Gzip),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_MEMORY)),
)


class Stream:
    """The content of a file, unpacked as its first bytes ask for, from beginning to end."""

    def __init__(self, raw: IO[bytes], source: str, most: int) -> None:
        self._chunks = _chunks(raw)
        self._source = source
        self._most = most
        self._chunk = b""
        self._at = 0
        self._passed = 0

    def read(self, size: int) -> bytes:
        """The next bytes, fewer where the file ends.

        Raises:
            MachineError: more than the stream's bound is asked for, or the file is damaged.
        """
        stop = self._at + size
        if stop <= len(self._chunk):
            content = self._chunk[self._at : stop]
            self._at = stop
            return content
        return b"".join(self._pieces(size))

    def skip(self, size: int) -> bool:
        """Pass over so many bytes; False if the file ends before.

        Raises:
            MachineError: as `read`.
        """
        return sum(map(len, self._pieces(size))) == size

    def _pieces(self, size: int) -> Iterator[bytes]:
        if self._passed + self._at + size > self._most:
            raise MachineError(
                f"{self._source}: refused, larger than {self._most >> 20} MiB unpacked"
                " (or its headers say so); pack 'sys' and 'proc' alone"
            )
        while size:
            if self._at == len(self._chunk):
                self._passed += self._at
                self._chunk, self._at = self._next(), 0
                if not self._chunk:
                    return
            piece = self._chunk[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def _next(self) -> bytes:
        try:
            return next(self._chunks, b"")
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            what = " ".join(str(error).split()) or type(error).__name__
            raise MachineError(
                f"{self._source}: the archive is damaged or truncated ({what})"
            ) from None


def _chunks(raw: IO[bytes]) -> Iterator[bytes]:
    data = raw.read(_PACKED_CHUNK)
    make = next((make for magic, make in _KINDS if data.startswith(magic)), None)
    if make is not None:
        yield from _unpacked(raw, data, make)
        return
    while data:
        yield data
        data = raw.read(CHUNK)


def _unpacked(raw: IO[bytes], data: bytes, make: Callable[[], _Decompressor]) -> Iterator[bytes]:
    """What every part holds; zeros between and behind them are passed over."""
    for _ in range(MAX_PARTS):
        part = make()
        while not part.eof:
            if part.needs_input and not data:
                data = raw.read(_PACKED_CHUNK)
                if not data:
                    raise EOFError("it ends too early")
            content = part.decompress(data, CHUNK)
            data = b""
            if content:
                yield content
        data = part.unused_data.lstrip(b"\0")
        while not data:
            data = raw.read(_PACKED_CHUNK)
            if not data:
                return
            data = data.lstrip(b"\0")
    raise ValueError(f"it is packed in more than {MAX_PARTS} parts")
