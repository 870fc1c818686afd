"""A tree in a tar: read once from beginning to end, never unpacked to disk.

Only what describes memory is kept: the files below `sys/devices/system/`, those of the
device tree, and the files directly in `proc/` and in the `memhp/` of a record, with the
names around them. The rest is passed over, so
a whole support archive can be given as it is.

The input is not trusted. Sizes are bounded before anything is read, so neither a
compression bomb nor a forged header can fill the memory. Names and links that
point out of the archive are refused, although nothing here would follow them:
they say that the archive is not a plain dump.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import posixpath
import tarfile
import zlib
from pathlib import Path
from typing import IO, cast

from memhp.machines.errors import MAX_FILE_BYTES, MachineError, NotPermitted, path_parts, too_large

MAX_UNPACKED_BYTES = 4 * 1024**3
"""How far into an archive this reads, counted after decompression."""

MAX_KEPT_BYTES = 512 * 1024**2
"""How much content is kept; the files of a hundred thousand blocks need a tenth."""

MAX_NAMES = 2_000_000
"""How many members are looked at, and how many names are kept."""

MAX_NAME_LENGTH = 4096
"""PATH_MAX of Linux."""

_DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    ValueError,  # a header field that is not what it has to be
    OverflowError,
    RecursionError,  # a long chain of extension headers
)


class TarTree:
    """The memory-related files of a tar.

    Satisfies `memhp.machines.tree.Tree`; open one with `open_tree`.
    """

    live = False

    def __init__(self, path: str | Path) -> None:
        self.source = str(path)
        self._contents: dict[str, bytes | None] = {}
        self._links: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}
        self._kept_bytes = 0
        self._kept_names = 0
        self._load(path)
        self._root = self._find_root()
        self._refuse_links_that_leave()

    def read_bytes(self, path: str) -> bytes | None:
        """See `Tree.read_bytes`."""
        key = self._key(path)
        if key not in self._contents:
            return None
        content = self._contents[key]
        if content is None:
            raise too_large(f"{path} in {self.source}")
        return content

    def read_text(self, path: str) -> str | None:
        """See `Tree.read_text`."""
        content = self.read_bytes(path)
        return None if content is None else content.decode("utf-8", errors="replace")

    def listdir(self, path: str) -> tuple[str, ...]:
        """See `Tree.listdir`."""
        return tuple(sorted(self._names.get(self._key(path), ())))

    def exists(self, path: str) -> bool:
        """See `Tree.exists`."""
        folder, _, name = self._key(path).rpartition("/")
        return not name or name in self._names.get(folder, ())

    def readlink(self, path: str) -> str | None:
        """See `Tree.readlink`."""
        return self._links.get(self._key(path))

    def _key(self, path: str) -> str:
        return "/".join(self._root + path_parts(path))

    def _load(self, path: str | Path) -> None:
        try:
            with open(path, "rb") as raw:
                self._load_archive(_Bounded(_decompressed(raw), self.source))
        except MachineError:
            raise
        except PermissionError:
            raise NotPermitted(f"{self.source}: permission denied") from None
        except _DAMAGE as error:
            raise MachineError(
                f"{self.source}: the archive is damaged or truncated "
                f"({' '.join(str(error).split()) or type(error).__name__})"
            ) from None

    def _load_archive(self, file: _Bounded) -> None:
        if not file.read(1):
            raise MachineError(f"{self.source}: the file is empty; copy it again")
        file.seek(0)
        try:
            archive = tarfile.TarFile(fileobj=cast("IO[bytes]", file))
        except tarfile.TarError:
            raise MachineError(
                f"{self.source}: not a tar archive (plain, gzip, bzip2 or xz)"
            ) from None
        count, position = 0, -1
        while (member := archive.next()) is not None:
            count += 1
            if count > MAX_NAMES:
                raise self._too_many_names()
            if member.size < 0 or member.offset <= position:
                raise self._hostile(member, f"has an impossible size, {member.size}")
            position = member.offset
            self._add(archive, member)
            # Undocumented, but the only way not to keep a record of every member.
            archive.members.clear()  # type: ignore[attr-defined]  # typeshed hides it
        if file.last != bytes(tarfile.BLOCKSIZE):
            raise MachineError(
                f"{self.source}: the archive is damaged or truncated (no end mark where its "
                f"last member ends); copy it again"
            )
        file.drain()

    def _add(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        if len(member.name) > MAX_NAME_LENGTH:
            raise MachineError(f"{self.source}: refused, a name of {len(member.name)} characters")
        if member.name.startswith("/"):
            raise self._hostile(member, "has an absolute name")
        if ".." in member.name.split("/"):
            raise self._hostile(member, "has '..' in its name")
        parts = path_parts(member.name)
        if not {"sys", "proc", "memhp"} & set(parts):
            return
        key = "/".join(parts)
        self._add_name(parts)
        self._links.pop(key, None)
        self._contents.pop(key, None)
        if member.issym():
            self._links[key] = member.linkname
        elif member.isreg() and _is_kept(parts):
            self._contents[key] = self._content(archive, member)
        elif member.islnk() and _is_kept(parts):
            self._contents[key] = self._hard_linked(member)

    def _add_name(self, parts: tuple[str, ...]) -> None:
        for depth in range(len(parts) - 1, -1, -1):
            names = self._names.setdefault("/".join(parts[:depth]), set())
            if parts[depth] in names:
                return
            names.add(parts[depth])
            self._kept_names += 1
        if self._kept_names > MAX_NAMES:
            raise self._too_many_names()

    def _content(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
        """The content of a member; None, and nothing read, if it is too large."""
        if member.size > MAX_FILE_BYTES:
            return None
        self._kept_bytes += member.size
        if self._kept_bytes > MAX_KEPT_BYTES:
            raise MachineError(
                f"{self.source}: more than {MAX_KEPT_BYTES >> 20} MiB in the files of "
                f"sys/devices/system/ and proc/, so it is not a dump of them"
            )
        file = archive.extractfile(member)
        content = b"" if file is None else file.read()
        if len(content) != member.size:
            raise MachineError(f"{self.source}: the archive ends inside {member.name!r}")
        return content

    def _hard_linked(self, member: tarfile.TarInfo) -> bytes | None:
        target = member.linkname
        if target.startswith("/") or ".." in target.split("/"):
            raise self._hostile(member, f"is a hard link that leaves the archive, to {target!r}")
        key = "/".join(path_parts(target))
        if key not in self._contents:
            raise self._hostile(member, f"is a hard link to {target!r}, which is not before it")
        return self._contents[key]

    def _find_root(self) -> tuple[str, ...]:
        """The folder of the archive that holds the `sys/` with the memory in it."""
        tail = "sys/devices/system"
        found = [
            folder.removesuffix(tail).rstrip("/")
            for folder, names in self._names.items()
            if (folder == tail or folder.endswith("/" + tail)) and names & {"memory", "node"}
        ]
        if not found:
            return ()
        depth = min(len(path_parts(folder)) for folder in found)
        roots = sorted(folder for folder in found if len(path_parts(folder)) == depth)
        if len(roots) > 1:
            raise MachineError(
                f"{self.source}: holds several machines, {roots[0]!r} and {roots[1]!r} among "
                f"them; pack one at a time"
            )
        return path_parts(roots[0])

    def _refuse_links_that_leave(self) -> None:
        prefix = "".join(part + "/" for part in self._root)
        for key, target in self._links.items():
            if not key.startswith(prefix + "sys/"):
                continue
            place = posixpath.dirname(key.removeprefix(prefix))
            if posixpath.normpath(posixpath.join(place, target)).split("/")[0] in ("", ".."):
                raise MachineError(
                    f"{self.source}: refused, the link {key!r} leaves the tree, to {target!r}"
                )

    def _too_many_names(self) -> MachineError:
        return MachineError(
            f"{self.source}: more than {MAX_NAMES} names; pack 'sys/devices/system' alone"
        )

    def _hostile(self, member: tarfile.TarInfo, problem: str) -> MachineError:
        return MachineError(f"{self.source}: refused, the member {member.name!r} {problem}")


def _is_kept(parts: tuple[str, ...]) -> bool:
    """Whether the content of a file can matter, wherever the root turns out to be."""
    below = any(
        parts[at : at + len(folder)] == folder for folder in _KEPT for at in range(len(parts))
    )
    return below or parts[-2:-1] in (("proc",), ("memhp",))


_KEPT = (("sys", "devices", "system"), ("sys", "firmware", "devicetree", "base"))


def _decompressed(raw: IO[bytes]) -> IO[bytes]:
    """The content of a file, decompressed as its first bytes ask for."""
    magic = raw.read(6)
    raw.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if magic.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(raw)
    return raw


class _Bounded(io.RawIOBase):
    """A file in which no single read, and no position, is larger than it may be.

    `tarfile` reads extension headers whole, whatever size they claim.
    """

    def __init__(self, inner: IO[bytes], source: str) -> None:
        self._inner = inner
        self._source = source
        self.last = b""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes and remember them as the last ones."""
        if not 0 <= size <= MAX_FILE_BYTES + tarfile.BLOCKSIZE:
            raise MachineError(f"{self._source}: refused, a header in it claims {size} bytes")
        self.last = self._inner.read(size)
        return self.last

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to an absolute position that lies within the bounds."""
        if whence != 0 or not 0 <= offset <= MAX_UNPACKED_BYTES:
            raise MachineError(
                f"{self._source}: refused, larger than {MAX_UNPACKED_BYTES >> 30} GiB unpacked "
                f"(or its headers say so); pack 'sys' and 'proc' alone"
            )
        return self._inner.seek(offset)

    def tell(self) -> int:
        """The position, counted after decompression."""
        return self._inner.tell()

    def drain(self) -> None:
        """Read what is left, which makes the decompressor check its checksum."""
        while self._inner.read(1 << 16):
            self.seek(self.tell())
