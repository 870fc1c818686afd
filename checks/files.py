"""Files: read up to a bound, written whole or not at all; JSON that anybody may have written."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["json_of", "read_whole", "write_whole"]


def read_whole(path: Path, most: int, *, regular: bool = False) -> bytes:
    """The content of the file, of at most ``most`` bytes.

    Args:
        path: what to read; a device or a pipe, too, unless ``regular``.
        most: the bound, in bytes: not one more is kept in memory.
        regular: take nothing but a regular file, and do not wait for one.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is larger, or is not ``regular``.
    """
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | (os.O_NONBLOCK * regular)), "rb") as file:
        if regular and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is not a regular file")
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it is larger than {most} bytes")
    return content


def json_of(text: str | bytes) -> Any:
    """The document, whoever wrote it.

    Raises:
        ValueError: if it is no JSON, is nested too deeply to be read, or has a number
            that is none (NaN), is infinite, or has more digits than Python converts.

    >>> json_of('{"steps": [1, 2.5]}')
    {'steps': [1, 2.5]}
    """
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{digits[:20]} is too large a number")
    return number


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace the file in one move; its folder must exist, and nothing half-written is left.

    Raises OSError if it cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, _mode(path))
            file.write(content.encode() if isinstance(content, str) else content)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _mode(path: Path) -> int:
    """What the file may be used for: as it was, or as `open` would make it."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
