"""A tree of files that are at hand, perhaps laid over another tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from .errors import path_parts, text_of
from .places import Tree

__all__ = ["FileTree"]

_Node: TypeAlias = "dict[str, _Node] | bytes"


class FileTree:
    """Files by path; where there are none, those of the tree below.

    Satisfies `memhp.machines.reading.tree.Tree`.

    >>> FileTree("a listing", {"sys/x/state": b"online\\n"}).listdir("sys/x")
    ('state',)
    """

    live = False

    def __init__(self, source: str, files: Mapping[str, bytes], below: Tree | None = None) -> None:
        self.source = source
        self._below = below
        self._root: dict[str, _Node] = {}
        for path, content in files.items():
            *folders, name = path_parts(path)
            at = self._root
            for folder in folders:
                inner = at.setdefault(folder, {})
                if not isinstance(inner, dict):
                    inner = at[folder] = {}
                at = inner
            at[name] = content

    def read_bytes(self, path: str) -> bytes | None:
        """See `Tree.read_bytes`."""
        node = self._find(path)
        if isinstance(node, bytes):
            return node
        return None if self._below is None else self._below.read_bytes(path)

    def read_text(self, path: str) -> str | None:
        """See `Tree.read_text`."""
        content = self.read_bytes(path)
        return None if content is None else text_of(path, content)

    def listdir(self, path: str) -> tuple[str, ...]:
        """See `Tree.listdir`."""
        node = self._find(path)
        names = set(node) if isinstance(node, dict) else set()
        below = () if self._below is None else self._below.listdir(path)
        return tuple(sorted(names | set(below)))

    def exists(self, path: str) -> bool:
        """See `Tree.exists`."""
        below = self._below is not None and self._below.exists(path)
        return below or self._find(path) is not None

    def readlink(self, path: str) -> str | None:
        """See `Tree.readlink`."""
        return None if self._below is None else self._below.readlink(path)

    def read_at(self, path: str, offset: int, size: int) -> bytes | None:
        """See `Tree.read_at`."""
        node = self._find(path)
        if isinstance(node, bytes):
            return node[offset : offset + size]
        return None if self._below is None else self._below.read_at(path, offset, size)

    def size_of(self, path: str) -> int | None:
        """See `Tree.size_of`."""
        node = self._find(path)
        if isinstance(node, bytes):
            return len(node)
        return None if self._below is None else self._below.size_of(path)

    def _find(self, path: str) -> _Node | None:
        node: _Node | None = self._root
        for part in path_parts(path):
            if not isinstance(node, dict):
                return None
            node = node.get(part)
        return node
