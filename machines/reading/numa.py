"""The NUMA nodes of a machine, and what they tell of CPUs, distances and huge pages.

Sources: drivers/base/node.c; mm/hugetlb_sysfs.c (its folders in those of the nodes).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .errors import MachineError, shown
from .procfs import meminfo, number
from .tree import NODE_DIR, Tree

__all__ = [
    "HugePool",
    "NodeReading",
    "attribute",
    "hexadecimal_in",
    "number_in",
    "read_huge_pools",
    "read_nodes",
    "sizes_in",
]

MOST_LISTED = 65536
"""The most CPUs or nodes that a list may name; x86 allows 8192 and 1024."""

MOST_DISTANCES = 1 << 22
"""The most distances that all nodes together may tell: those of 2,048 nodes, twice as many as
x86 allows."""

MOST_ATTRIBUTE_BYTES = 1 << 20
"""The largest attribute that is parsed; sysfs gives a page for one, lists of CPUs may be longer."""


@dataclass(frozen=True)
class NodeReading:
    """One NUMA node; `blocks` are the numbers of the blocks linked with it.

    `distance` has one entry for each online node, in ascending node order, and 10
    means local. MemTotal is what the allocator got, which is less than the blocks hold.
    `cache_kib` is page cache of files that need not be written first.
    `online` and `has_memory` say whether the lists of such nodes name it.
    """

    number: int
    distance: tuple[int, ...] | None = None
    mem_total_kib: int | None = None
    mem_free_kib: int | None = None
    cache_kib: int | None = None
    blocks: tuple[int, ...] = ()
    cpus: tuple[int, ...] | None = None
    online: bool | None = None
    has_memory: bool | None = None


@dataclass(frozen=True)
class HugePool:
    """The huge pages of one size (in bytes), those of all nodes together."""

    size: int
    total: int
    free: int


def read_nodes(tree: Tree, members: Mapping[int, frozenset[int]]) -> tuple[NodeReading, ...]:
    """The nodes, ascending.

    Args:
        tree: the machine's files.
        members: the blocks of each node; every node is named.

    Raises:
        MachineError: a file holds something that the kernel does not write.
    """
    online, has_memory = _listed(tree, "online"), _listed(tree, "has_memory")
    nodes = []
    cpus = distances = 0
    for each, blocks in sorted(members.items()):
        folder = f"{NODE_DIR}/node{each}"
        node = NodeReading(
            each,
            blocks=tuple(sorted(blocks)),
            distance=_distance(tree, f"{folder}/distance"),
            cpus=_list(tree, f"{folder}/cpulist"),
            online=None if online is None else each in online,
            has_memory=None if has_memory is None else each in has_memory,
            **_memory_of(tree, f"{folder}/meminfo"),
        )
        nodes.append(node)
        cpus += len(node.cpus or ())
        distances += len(node.distance or ())
        if cpus > MOST_LISTED or distances > MOST_DISTANCES:
            raise MachineError(
                f"{NODE_DIR}: its nodes name more than {MOST_LISTED} CPUs, or tell more than"
                f" {MOST_DISTANCES} distances"
            )
    return tuple(nodes)


def _memory_of(tree: Tree, path: str) -> dict[str, int | None]:
    sizes = sizes_in(tree, path) or {}
    files = [sizes.get("Active(file)"), sizes.get("Inactive(file)")]
    dirty = sizes.get("Dirty", 0) + sizes.get("Writeback", 0)
    told = None not in files
    return {
        "mem_total_kib": sizes.get("MemTotal"),
        "mem_free_kib": sizes.get("MemFree"),
        "cache_kib": max(0, sum(each or 0 for each in files) - dirty) if told else None,
    }


def _listed(tree: Tree, name: str) -> frozenset[int] | None:
    """The nodes that a list of them names."""
    nodes = _list(tree, f"{NODE_DIR}/{name}")
    return None if nodes is None else frozenset(nodes)


def sizes_in(tree: Tree, path: str) -> dict[str, int] | None:
    """The sizes in KiB in a `meminfo`, by name; None if there is no such file.

    Raises:
        MachineError: a size that is not a number.
    """
    text = attribute(tree, path)
    return None if text is None else meminfo(text, path)


def _distance(tree: Tree, path: str) -> tuple[int, ...] | None:
    text = attribute(tree, path)
    if text is None:
        return None
    words = text.split()
    values = {word: number(word, path) for word in set(words)}
    return tuple(values[word] for word in words)


def read_huge_pools(tree: Tree, nodes: Iterable[int]) -> tuple[HugePool, ...]:
    """The pools of huge pages of these nodes, those of one size added up, by ascending size.

    Raises:
        MachineError: a count that is not a number.

    Source: mm/hugetlb_sysfs.c.
    """
    total: Counter[int] = Counter()
    free: Counter[int] = Counter()
    for folder in (f"{NODE_DIR}/node{node}/hugepages" for node in nodes):
        for name in tree.listdir(folder):
            match = re.fullmatch(r"hugepages-([1-9][0-9]{0,12})kB", name)
            if match is not None:
                size = int(match[1]) * 1024
                total[size] += number_in(tree, f"{folder}/{name}/nr_hugepages") or 0
                free[size] += number_in(tree, f"{folder}/{name}/free_hugepages") or 0
    return tuple(HugePool(size, total[size], free[size]) for size in sorted(total))


def attribute(tree: Tree, path: str) -> str | None:
    """The text of a small file; None if there is no such file.

    Raises:
        MachineError: it is larger than any attribute of sysfs.
    """
    text = tree.read_text(path)
    if text is not None and len(text) > MOST_ATTRIBUTE_BYTES:
        raise MachineError(
            f"{path}: larger than {MOST_ATTRIBUTE_BYTES >> 20} MiB, as the kernel writes none"
        )
    return text


def number_in(tree: Tree, path: str) -> int | None:
    """The decimal number in a file; None if there is no such file.

    Raises:
        MachineError: the file holds anything else.
    """
    text = tree.read_text(path)
    return None if text is None else number(text, path)


def hexadecimal_in(tree: Tree, path: str) -> int | None:
    """The hexadecimal number in a file; None if there is no such file.

    Raises:
        MachineError: the file holds anything else.
    """
    text = tree.read_text(path)
    return None if text is None else number(text, path, base=16)


def _list(tree: Tree, path: str) -> tuple[int, ...] | None:
    text = attribute(tree, path)
    return None if text is None else _numbers(text, path)


def _numbers(text: str, path: str) -> tuple[int, ...]:
    """The CPUs or nodes in a list such as `0-3,8`: ascending, perhaps none."""
    numbers: list[int] = []
    for part in filter(None, text.strip(" \n").split(",")):
        first, dash, last = part.partition("-")
        start = number(first, path)
        stop = number(last, path) if dash else start
        if not (numbers[-1] if numbers else -1) < start <= stop < MOST_LISTED:
            raise MachineError(
                f"{path}: expected ascending numbers below {MOST_LISTED}, found {shown(part)}"
            )
        numbers += range(start, stop + 1)
    return tuple(numbers)
