"""What is known from before: JSON files in a folder that the caller names.

A file that is damaged, too large or somebody else's is as good as none, and a folder that cannot
be written is no reason to fail.  A seal tells damage; who can write the folder can still lie.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from .files import json_of, read_whole, write_whole
from .scratch import remove_leftovers

__all__ = ["code_digest", "digest_of", "keep", "kept", "newest", "sealed", "tidy", "unsealed"]

_LARGEST = 64 << 20
"""No more bytes of a file are read."""


def kept(path: Path | None) -> Any:
    """The document in the file; None if there is none that can be used, or no path."""
    if path is None or not _is_ours(path.parent):
        return None
    try:
        return json_of(read_whole(path, _LARGEST, regular=True, own=True))
    except (OSError, ValueError):
        return None


def keep(path: Path | None, document: Any) -> None:
    """Write the document, for this user alone, in a folder that is made if it is not there.

    Nothing is written without a path, or where that is not possible.
    """
    if path is None:
        return
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_ours(path.parent) and (path.is_file() or not path.exists()):
            text = json.dumps(document, separators=(",", ":"))
            write_whole(path, text, private=True)


def tidy(folder: Path | None) -> None:
    """Remove the temporary files that killed writers left in the folder."""
    if folder is not None and _is_ours(folder):
        remove_leftovers(folder)


def newest(folder: Path | None, pattern: str, most: int) -> None:
    """Remove all but the newest files in the folder that match.

    Args:
        pattern: as for `Path.glob`.
        most: so many stay.
    """
    if folder is None or not _is_ours(folder):
        return
    with suppress(OSError):
        paths = sorted(folder.glob(pattern), key=lambda each: -each.lstat().st_mtime_ns)
        for path in paths[most:]:
            path.unlink()


def digest_of(*texts: str) -> str:
    """The digest of the texts, in their order: 32 hexadecimal digits of SHA-256."""
    return sha256("\0".join(texts).encode()).hexdigest()[:32]


def code_digest(*patterns: str) -> str:
    """A digest of memhp's own files that match: what is kept is good for that code alone.

    Args:
        patterns: as for `Path.glob`, from the folder of the package.
    """
    root = Path(__file__).parents[2]
    digest = sha256()
    for source in sorted({each for pattern in patterns for each in root.glob(pattern)}):
        if not source.is_file():
            continue
        digest.update(b"\0%s\0" % source.relative_to(root).as_posix().encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with a seal: a digest of all else, which tells whether it is damaged."""
    return {**document, "seal": _seal(document)}


def unsealed(document: Any) -> dict[str, Any]:
    """The document that was `sealed`, without its seal.

    Raises:
        ValueError: it is no document, or another than was sealed.
    """
    if not isinstance(document, dict):
        raise ValueError("it is no document")
    content = {name: value for name, value in document.items() if name != "seal"}
    if document.get("seal") != _seal(content):
        raise ValueError("it is damaged")
    return content


def _seal(document: Mapping[str, Any]) -> str:
    return digest_of(json.dumps(document, separators=(",", ":"), sort_keys=True))


def _is_ours(folder: Path) -> bool:
    """Nobody else can put a file there, but root."""
    try:
        status = os.stat(folder)
    except OSError:
        return False
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not others_write
