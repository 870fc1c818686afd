"""Files: read up to a bound, written whole or not at all; JSON that anybody may have written."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from pathlib import Path
from typing import Any, NoReturn

from .scratch import temporary_file

__all__ = ["cache_home", "json_of", "read_whole", "write_whole"]

_LINKS = 40
"""So many links are followed, as the kernel does."""


def cache_home() -> Path | None:
    """Where the user's caches live: ``$XDG_CACHE_HOME``, or ``~/.cache``.

    None if there is no such place: nobody has a home, or it is not there.  A path that is
    not absolute counts as none, as the XDG Base Directory Specification has it.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(named):
        return Path(named)
    home = os.path.expanduser("~")
    return Path(home, ".cache") if os.path.isabs(home) and os.path.isdir(home) else None


def read_whole(path: Path, most: int, *, regular: bool = False, own: bool = False) -> bytes:
    """The content of the file, of at most ``most`` bytes.

    Args:
        path: what to read; a device or a pipe, too, unless ``regular``.
        most: the bound, in bytes: not one more is kept in memory.
        regular: take nothing but a regular file, and do not wait for one.
        own: take nothing that belongs to another user.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is larger, or is not ``regular``, or not this user's ``own``.
    """
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | (os.O_NONBLOCK * regular)), "rb") as file:
        status = os.fstat(file.fileno())
        if regular and not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a regular file")
        if own and status.st_uid != os.geteuid():
            raise ValueError("it belongs to another user")
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it is larger than {most} bytes")
    return content


def json_of(text: str | bytes) -> Any:
    """The document that the text holds, whoever wrote it.

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


def write_whole(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Replace the file in one move; its folder must exist, and nothing half-written is left.

    A link stays, and the file that it leads to is replaced.  What is no regular file, such as
    a device, a pipe, or a descriptor in /dev/fd, is not replaced but written to.

    Args:
        path: the file.
        content: what it will hold; text as UTF-8.
        private: let nobody else read it, whatever its mode was.

    Raises:
        OSError: if it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    place = _followed(path)
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG | _mode_of_new_files()
    if not stat.S_ISREG(mode) or _is_of_a_process(place):
        with open(_descriptor(place), "wb") as there:
            there.write(data)
        return
    with temporary_file(place.parent) as (handle, name), open(handle, "wb", closefd=False) as file:
        os.fchmod(handle, 0o600 if private else mode & 0o777)
        file.write(data)
        file.flush()
        os.replace(name, place)


def _followed(path: Path) -> Path:
    """Where links lead to; those in /proc lead to what has no other name."""
    for _ in range(_LINKS):
        path = Path(os.path.realpath(path.parent), path.name)
        if _is_of_a_process(path) or not path.is_symlink():
            return path
        path = path.parent / os.readlink(path)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _is_of_a_process(path: Path) -> bool:
    return path.is_relative_to("/proc")


def _descriptor(path: Path) -> int:
    """For writing to what is there; a descriptor of this process goes on where it stands."""
    own = re.fullmatch(rf"/proc/{os.getpid()}(?:/task/\d+)?/fd/(\d{{1,9}})", str(path))
    return os.dup(int(own[1])) if own else os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY)


def _mode_of_new_files() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
