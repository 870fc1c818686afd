"""One read-only view of a machine's files, whether a directory or a tar holds them.

A tree is seen from its root, the folder that holds `sys/`. Links are never
followed: a link in sysfs says everything in its own name (`node0/memory32`), its
target is missing from most dumps, and a link that is not followed cannot lead out
of the tree. No file that matters here lies behind a link in sysfs itself.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol

from .directory import DirectoryTree
from .errors import MachineError, NotPermitted, shown
from .tarball import TarTree

MEMORY_DIR = "sys/devices/system/memory"
NODE_DIR = "sys/devices/system/node"


class Tree(Protocol):
    """Files below one root. Paths are relative to it: `sys/devices/system/node`.

    Every operation raises `MachineError` for a path with a `..` component, for a
    file over `MAX_FILE_BYTES` and for an I/O error, and its subclass `NotPermitted`
    for what this user may not read.
    """

    @property
    def source(self) -> str:
        """Where the tree came from, as the user named it."""

    @property
    def live(self) -> bool:
        """Whether this is the running machine rather than a record of one."""

    def read_bytes(self, path: str) -> bytes | None:
        """The content of a regular file; None for anything else."""

    def read_text(self, path: str) -> str | None:
        """The content as text, undecodable bytes replaced; None as `read_bytes` gives it."""

    def listdir(self, path: str) -> tuple[str, ...]:
        """The sorted names in a directory, dangling links included; () if there is none."""

    def exists(self, path: str) -> bool:
        """Whether the path itself is there; a dangling link is."""

    def readlink(self, path: str) -> str | None:
        """The target of a link, as text; None for anything that is not a link."""


def open_tree(path: str | Path) -> Tree:
    """The tree in a directory that holds `sys/`, or in a tar (plain, gz, bz2, xz) of one.

    A tar is read once, here, and never unpacked to disk; `sys/` may lie below
    leading folders in it.

    Args:
        path: `/` for this machine, a directory, or a tar.

    Raises:
        MachineError: no such path, neither a directory nor a tar, a damaged,
            truncated or hostile tar, or no memory or node folder of sysfs inside.
        NotPermitted: this user may not read the path.

    >>> open_tree("/no/such/place")
    Traceback (most recent call last):
    ...
    memhp.machines.reading.errors.MachineError: /no/such/place: no such file or directory
    """
    source = str(path)
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise MachineError(f"{source}: no such file or directory") from None
    except PermissionError:
        raise NotPermitted(f"{source}: permission denied") from None
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or error
        raise MachineError(f"{shown(source)}: {problem}") from None
    if stat.S_ISDIR(mode):
        tree: Tree = DirectoryTree(path)
    elif stat.S_ISREG(mode):
        tree = TarTree(path)
    else:
        raise MachineError(f"{source}: neither a directory nor a tar file")
    if not (tree.exists(MEMORY_DIR) or tree.exists(NODE_DIR)):
        raise MachineError(_no_sysfs(tree))
    return tree


def _no_sysfs(tree: Tree) -> str:
    problem = f"{tree.source}: not a sysfs tree, it holds neither {MEMORY_DIR} nor {NODE_DIR}"
    if tree.exists("devices/system"):
        return f"{problem}; give the directory above this one, the one that holds 'sys'"
    if tree.readlink("sys") is not None:
        return f"{problem} (its 'sys' is a link, and links are not followed)"
    return f"{problem}; give '/' or a directory or tar that holds 'sys'"
