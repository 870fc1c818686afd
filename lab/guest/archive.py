"""Archives that a guest starts with, and files that are kept.

Format: Documentation/driver-api/early-userspace/buffer-format.rst ("newc"); one may follow another.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from memhp.checks.support.files import read_whole

from ..kernels.kernel import digest, usable

__all__ = ["Entry", "cpio", "folders_of", "kept"]


@dataclass(frozen=True)
class Entry:
    """One member of the archive; the content of a link is where it leads, a device is one too."""

    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def cpio(entries: Mapping[str, Entry]) -> bytes:
    """The cpio archive of these files, in their order (folders first).

    >>> cpio({})[:6]
    b'070701'
    """
    out = bytearray()
    for number, (name, entry) in enumerate([*entries.items(), ("TRAILER!!!", Entry(0))], 1):
        path = name.encode() + b"\0"
        size, device = len(entry.content), entry.device
        fields = (number, entry.mode, 0, 0, 1, 0, size, 0, 0, *device, len(path), 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + path
        out += b"\0" * (-len(out) % 4)
        out += entry.content
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def folders_of(name: str) -> dict[str, Entry]:
    """The folders that a member is in, the outermost first.

    >>> list(folders_of("usr/lib/x.so"))
    ['usr', 'usr/lib']
    """
    parents = [str(folder) for folder in PurePosixPath(name).parents][-2::-1]
    return {folder: Entry(stat.S_IFDIR | 0o755) for folder in parents}


def kept(place: Path, make: Callable[[Path], object]) -> Path:
    """The path of a file in the cache, made if it is not there, or not as it was made.

    Args:
        place: the path.
        make: makes the file at the path that it is given.

    Raises:
        LabError: it cannot be written or read there.
    """
    note = place.with_name(f"{place.name}.sha256")
    with usable(place.parent) as folder:
        if (current := digest(place)) is None or current != _noted(note):
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                file = Path(scratch) / place.name
                make(file)
                noted = Path(scratch) / note.name
                noted.write_text(str(digest(file)))
                os.replace(noted, note)
                os.replace(file, place)
    return place


def _noted(note: Path) -> str | None:
    try:
        return read_whole(note, 64, regular=True).decode()
    except (OSError, ValueError):
        return None
