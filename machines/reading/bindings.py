"""Who is bound to nodes: memory policies of processes, and cpusets.

Sources: Documentation/admin-guide/mm/numa_memory_policy.rst, mm/mempolicy.c (mpol_to_str, what
`/proc/PID/numa_maps` shows), Documentation/admin-guide/cgroup-v2.rst (cpuset.mems).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

__all__ = ["bound_to"]

_POLICY = re.compile(r"(?m)^[0-9a-f]+ bind(?:=\w+(?:\|\w+)*)?:([0-9,-]+)")
_MOST_BYTES = 1 << 22
"""Of the policies of one process."""
_MOST_GROUPS = 4096
_MOST_NODES = 1 << 16


def bound_to(
    nodes: Collection[int], *, proc: str | Path = "/proc", groups: str | Path = "/sys/fs/cgroup"
) -> Iterator[str]:
    """Who may use memory of these nodes alone, each in a few words.

    What cannot be read is passed over: processes come and go.

    Args:
        nodes: that are going to have no memory.
        proc: where procfs is.
        groups: where the groups of version 2 are.
    """
    gone = set(nodes)
    for number in sorted(int(name) for name in _names(proc) if name.isdecimal()):
        text = _read(Path(proc, str(number), "numa_maps"))
        if any(_listed(match) <= gone for match in set(_POLICY.findall(text))):
            name = _read(Path(proc, str(number), "comm")).strip()
            yield f"process {number} ({name}), by its memory policy"
    for place in _groups(Path(groups)):
        mems = _read(place / "cpuset.mems").strip()
        if mems and _listed(mems) <= gone:
            yield f"cpuset /{place.relative_to(groups)}"


def _groups(root: Path) -> Iterator[Path]:
    """The groups below one, itself included, of very many the first."""
    walk = os.walk(root)
    for _, (folder, below, _files) in zip(range(_MOST_GROUPS), walk, strict=False):
        below.sort()
        yield Path(folder)


def _listed(text: str) -> set[int]:
    """The nodes in a list such as 0-1,4; more than there are if it is none."""
    nodes: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()):
            return {_MOST_NODES}
        nodes.update(range(int(first), min(int(last or first), _MOST_NODES) + 1))
    return nodes


def _names(folder: str | Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode(errors="replace")
    except OSError:
        return ""
