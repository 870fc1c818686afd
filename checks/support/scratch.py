"""Temporary files and folders, of which nothing stays: what a killed process left goes at the next.

Each is locked (flock(2)) for as long as its process lives.  One whose name says that it is
memhp's, whose owner is this user, and which nobody holds, has been left.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["remove_leftovers", "temporary_file", "temporary_folder"]

_PREFIX, _SUFFIX = ".memhp-", ".part"


@contextmanager
def temporary_file(folder: Path) -> Iterator[tuple[int, Path]]:
    """A new file there, as a descriptor and a path; removed at the end, if it has not been moved.

    Raises:
        OSError: the folder cannot be written.
    """
    remove_leftovers(folder)
    held = False
    while not held:
        handle, name = tempfile.mkstemp(dir=folder, prefix=_PREFIX, suffix=_SUFFIX)
        held = _held(handle, name)
        if not held:
            os.close(handle)
    try:
        yield handle, Path(name)
    finally:
        with suppress(OSError):
            os.unlink(name)
        os.close(handle)


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder there, or where temporary files go; removed with its content at the end.

    Raises:
        OSError: the parent cannot be written, or there is none.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    remove_leftovers(parent)
    held = False
    while not held:
        name = tempfile.mkdtemp(dir=parent, prefix=_PREFIX, suffix=_SUFFIX)
        handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        held = _held(handle, name)
        if not held:
            os.close(handle)
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)
        os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders there whose process is gone."""
    with suppress(OSError), os.scandir(folder) as entries:
        paths = [each.path for each in entries if _is_temporary(each.name)]
        for path in paths:
            with suppress(OSError):
                _remove_if_left(path)


def _is_temporary(name: str) -> bool:
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def _held(handle: int, name: str) -> bool:
    """Lock it; whether it is still there then: somebody may have taken it for left before."""
    with suppress(OSError):  # a file system without locks: nobody else gets one either
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(name))
    except FileNotFoundError:
        return False


def _remove_if_left(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid():
            return
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISREG(status.st_mode):
            os.unlink(path)
        elif stat.S_ISDIR(status.st_mode):
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(handle)
