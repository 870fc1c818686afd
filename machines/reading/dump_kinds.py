"""Which files are crash dumps, by how they begin."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["COMPRESSED", "ELF", "FLATTENED", "beginning", "is_dump"]

ELF, COMPRESSED, FLATTENED = b"\x7fELF", b"KDUMP   ", b"makedumpfile"


def is_dump(path: str | Path) -> bool:
    """Whether a file begins as a crash dump does: ELF, or made by makedumpfile."""
    return beginning(path).startswith((ELF, COMPRESSED, FLATTENED))


def beginning(path: str | Path) -> bytes:
    """The first bytes of a regular file; none of what cannot be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return b""
        with open(path, "rb") as file:
            return file.read(16)
    except (OSError, ValueError):
        return b""
