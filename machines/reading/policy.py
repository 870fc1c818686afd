"""How added memory goes online on a machine, and which of its memory is not configured.

Sources: drivers/base/memory.c (auto_online_blocks), mm/memory_hotplug.c (online_policy and its
parameters, memhp_default_state=), Documentation/admin-guide/kernel-parameters.txt (movable_node),
drivers/s390/char/sclp_mem.c (config, since Linux 6.19).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import MachineError, shown
from .numa import attribute, number_in
from .places import CONFIG_DIR, MEMORY_DIR, PARAMETERS_DIR, Tree

__all__ = ["OnlinePolicy", "kept_words", "online_policy", "unconfigured_blocks"]

_DEFAULTS = ("offline", "online", "online_kernel", "online_movable")
_POLICIES = ("contig-zones", "auto-movable")
_KEPT = re.compile(
    r"(?:movable_node|(?:memhp_default_state|movablecore|kernelcore"
    r"|memory_hotplug\.\w{1,40})=[\w.%-]{1,40})",
    re.ASCII,
)


@dataclass(frozen=True)
class OnlinePolicy:
    """What becomes of memory that is added; each is None if it is not told.

    ``added`` is what `auto_online_blocks` says: offline, online, online_kernel or online_movable;
    ``zones`` the policy by which *online* chooses a zone, contig-zones or auto-movable;
    ``ratio`` the most movable memory for each part of kernel memory, in percent (auto-movable);
    ``movable_node`` whether the kernel was started with that word; ``own_memmap`` whether added
    memory may hold its own memmap (memmap_on_memory).
    """

    added: str | None = None
    zones: str | None = None
    ratio: int | None = None
    movable_node: bool | None = None
    own_memmap: bool | None = None


def online_policy(tree: Tree) -> OnlinePolicy:
    """The policy that a machine's files tell.

    Raises:
        MachineError: a file holds something that the kernel does not write.
    """
    words = None
    own = attribute(tree, f"{PARAMETERS_DIR}/memmap_on_memory")
    if (line := attribute(tree, "proc/cmdline")) is not None:
        words = line.split()
    return OnlinePolicy(
        added=_one_of(tree, f"{MEMORY_DIR}/auto_online_blocks", _DEFAULTS),
        zones=_one_of(tree, f"{PARAMETERS_DIR}/online_policy", _POLICIES),
        ratio=number_in(tree, f"{PARAMETERS_DIR}/auto_movable_ratio"),
        movable_node=None if words is None else "movable_node" in words,
        own_memmap=None if own is None else own.strip() in ("Y", "force"),
    )


def unconfigured_blocks(tree: Tree) -> tuple[int, ...]:
    """The numbers of the blocks that are there and not configured, ascending.

    Raises:
        MachineError: a file holds anything but 0 or 1.
    """
    return tuple(sorted(_unconfigured(tree)))


def kept_words(cmdline: bytes) -> bytes:
    """The words of a command line that are about memory; no other is anybody's business.

    >>> kept_words(b"root=/dev/vda movable_node secret=1 memory_hotplug.online_policy=x\\n")
    b'movable_node memory_hotplug.online_policy=x\\n'
    """
    words = cmdline.decode("utf-8", errors="replace").split()
    return " ".join(filter(_KEPT.fullmatch, words)).encode() + b"\n"


def _unconfigured(tree: Tree) -> Iterator[int]:
    for name in tree.listdir(CONFIG_DIR):
        if re.fullmatch("memory(0|[1-9][0-9]{0,18})", name):
            path = f"{CONFIG_DIR}/{name}/config"
            config = number_in(tree, path)
            if config not in (None, 0, 1):
                raise MachineError(f"{path}: expected 0 or 1, found {config}")
            if config == 0:
                yield int(name.removeprefix("memory"))


def _one_of(tree: Tree, path: str, words: tuple[str, ...]) -> str | None:
    text = attribute(tree, path)
    if text is None:
        return None
    word = text.strip(" \n")
    if word not in words:
        raise MachineError(f"{path}: expected one of {', '.join(words)}, found {shown(text)}")
    return word
