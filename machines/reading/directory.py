"""A tree in a directory: the running machine (`/`) or an unpacked dump."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .errors import (
    MAX_FILE_BYTES,
    MachineError,
    NotPermitted,
    path_parts,
    text_of,
    too_large,
)

_T = TypeVar("_T")
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENODEV, errno.ENXIO})
"""Not there, behind a link, or hot-removed between listing and reading."""


class DirectoryTree:
    """Files below a directory, without passing or following any link below it.

    Satisfies `memhp.machines.reading.tree.Tree`; open one with `open_tree`.
    """

    def __init__(self, root: str | Path) -> None:
        self.source = str(root)
        self._root = os.path.realpath(root)
        self.live = self._root == "/"
        self._plain: dict[tuple[str, ...], bool] = {(): True}

    def read_bytes(self, path: str) -> bytes | None:
        """See `Tree.read_bytes`."""
        return self._opened(path, lambda handle: self._content(path, handle))

    def read_text(self, path: str) -> str | None:
        """See `Tree.read_text`."""
        content = self.read_bytes(path)
        return None if content is None else text_of(path, content)

    def read_at(self, path: str, offset: int, size: int) -> bytes | None:
        """See `Tree.read_at`."""
        return self._opened(path, lambda handle: os.pread(handle, size, offset))

    def size_of(self, path: str) -> int | None:
        """See `Tree.size_of`."""
        return self._opened(path, lambda handle: os.fstat(handle).st_size)

    def listdir(self, path: str) -> tuple[str, ...]:
        """See `Tree.listdir`."""
        if not self._is_plain_directory(path_parts(path)):
            return ()
        try:
            return tuple(sorted(os.listdir(os.path.join(self._root, *path_parts(path)))))
        except OSError as error:
            self._refuse_unless_absent(path, error)
            return ()

    def exists(self, path: str) -> bool:
        """See `Tree.exists`."""
        return self._mode(path) is not None

    def readlink(self, path: str) -> str | None:
        """See `Tree.readlink`."""
        mode = self._mode(path)
        if mode is None or not stat.S_ISLNK(mode):
            return None
        try:
            return os.readlink(os.path.join(self._root, *path_parts(path)))
        except OSError as error:
            self._refuse_unless_absent(path, error)
            return None

    def _opened(self, path: str, use: Callable[[int], _T]) -> _T | None:
        """What is made of a regular file's handle; None for anything else."""
        place = self._place(path)
        if place is None:
            return None
        try:
            # O_NONBLOCK: opening a pipe that stands in for a file must not hang.
            handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            self._refuse_unless_absent(path, error)
            return None
        try:
            return use(handle) if stat.S_ISREG(os.fstat(handle).st_mode) else None
        except OSError as error:
            self._refuse_unless_absent(path, error)
            return None
        finally:
            os.close(handle)

    def _content(self, path: str, handle: int) -> bytes:
        chunks: list[bytes] = []
        room = MAX_FILE_BYTES + 1
        while room > 0 and (chunk := os.read(handle, min(room, 1 << 16))):
            chunks.append(chunk)
            room -= len(chunk)
        if room <= 0:
            raise too_large(path)
        return b"".join(chunks)

    def _place(self, path: str) -> str | None:
        """The real path of a file whose directories are no links, else None."""
        parts = path_parts(path)
        if not self._is_plain_directory(parts[:-1]):
            return None
        return os.path.join(self._root, *parts)

    def _is_plain_directory(self, parts: tuple[str, ...]) -> bool:
        """Whether every component is a directory itself and not a link to one."""
        earlier = self._plain.get(parts)
        if earlier is not None:
            return earlier
        plain = self._is_plain_directory(parts[:-1])
        if plain:
            mode = self._lstat(os.path.join(self._root, *parts), "/".join(parts))
            plain = mode is not None and stat.S_ISDIR(mode)
        self._plain[parts] = plain
        return plain

    def _mode(self, path: str) -> int | None:
        place = self._place(path)
        return None if place is None else self._lstat(place, path)

    def _lstat(self, place: str, path: str) -> int | None:
        try:
            return os.lstat(place).st_mode
        except OSError as error:
            self._refuse_unless_absent(path, error)
            return None

    def _refuse_unless_absent(self, path: str, error: OSError) -> None:
        """Pass over what is simply not there; tell the user everything else."""
        if error.errno in _ABSENT:
            return
        where = f"{path} in {self.source}"
        if error.errno in (errno.EACCES, errno.EPERM):
            raise NotPermitted(f"{where}: permission denied") from None
        raise MachineError(f"{where}: cannot be read ({error.strerror})") from None
