"""Where files of memory lie in a machine's tree, and what a tree of them can do.

A tree is seen from its root, the folder that holds `sys/`.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["CONFIG_DIR", "MEMORY_DIR", "NODE_DIR", "PARAMETERS_DIR", "Tree"]

MEMORY_DIR = "sys/devices/system/memory"
NODE_DIR = "sys/devices/system/node"
CONFIG_DIR = "sys/firmware/memory"
"""s390, since Linux 6.19: which blocks are configured (drivers/s390/char/sclp_mem.c)."""

PARAMETERS_DIR = "sys/module/memory_hotplug/parameters"
"""How hot-added memory goes online (mm/memory_hotplug.c)."""


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

    def read_at(self, path: str, offset: int, size: int) -> bytes | None:
        """So many bytes of a regular file from an offset on, fewer where it ends; None if none.

        The bound on files that are read whole does not hold here.
        """

    def size_of(self, path: str) -> int | None:
        """The bytes of a regular file; None for anything else."""
