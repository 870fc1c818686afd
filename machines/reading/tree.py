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

from .directory import DirectoryTree
from .errors import MAX_FILE_BYTES, MachineError, NotPermitted, shown, too_large
from .files import FileTree
from .listed import is_listing, sysfs_of_listing
from .places import MEMORY_DIR, NODE_DIR, Tree
from .support import with_report
from .tarball import TarTree

__all__ = ["MEMORY_DIR", "NODE_DIR", "Tree", "open_tree"]

_LISTING_BEGINS = 4096
"""Bytes by which a listing is told from a tar."""


def open_tree(path: str | Path) -> Tree:
    """The tree in a directory that holds `sys/`, or in a tar (plain, gz, bz2, xz) of one.

    A tar is read once, here, and never unpacked to disk; `sys/` may lie below
    leading folders in it.  What `sosreport` and `supportconfig` collect is read, too, and a
    listing of `lsmem`.

    Args:
        path: `/` for this machine, a directory, a tar, or what `lsmem` printed.

    Raises:
        MachineError: no such path, none of these, a damaged, truncated or hostile tar, or no
            memory or node folder of sysfs inside.
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
        tree = _listing(path) or TarTree(path)
    else:
        raise MachineError(f"{source}: neither a directory nor a tar file")
    tree = with_report(tree)
    if not (tree.exists(MEMORY_DIR) or tree.exists(NODE_DIR)):
        raise MachineError(_no_sysfs(tree))
    return tree


def _listing(path: str | Path) -> Tree | None:
    """The tree that a listing of `lsmem` tells of; None if the file is none."""
    try:
        with open(path, "rb") as file:
            content = file.read(_LISTING_BEGINS)
            if not is_listing(content.decode("utf-8", errors="replace")):
                return None
            content += file.read(MAX_FILE_BYTES + 1 - len(content))
    except OSError:
        return None  # the reader of tars says what is wrong with the file
    if len(content) > MAX_FILE_BYTES:
        raise too_large(str(path))
    text = content.decode("utf-8", errors="replace")
    return FileTree(str(path), sysfs_of_listing(text, str(path)))


def _no_sysfs(tree: Tree) -> str:
    problem = f"{tree.source}: not a sysfs tree, it holds neither {MEMORY_DIR} nor {NODE_DIR}"
    if tree.exists("devices/system"):
        return f"{problem}; give the directory above this one, the one that holds 'sys'"
    if tree.readlink("sys") is not None:
        return f"{problem} (its 'sys' is a link, and links are not followed)"
    return f"{problem}; give '/', a directory or tar that holds 'sys', or what lsmem printed"
