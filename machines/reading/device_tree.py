"""The memory that a machine had at boot, where a device tree tells it (arm64, riscv64, ppc64).

The nodes `memory@…` of the root hold it in `reg`: addresses and sizes, as many big-endian
words for each as the root's `#address-cells` and `#size-cells` say (Devicetree
Specification, 3.4 and 2.3.5).  Memory that is added later is in none of them, but a
machine that was started through UEFI has none at all: its firmware tells the memory.
"""

from __future__ import annotations

import re

from .errors import MachineError
from .procfs import Range
from .tree import Tree

__all__ = ["DEVICE_TREE", "boot_memory"]

DEVICE_TREE = "sys/firmware/devicetree/base"

_CELL = 4
_MOST_CELLS = 4


def boot_memory(tree: Tree) -> tuple[Range, ...] | None:
    """The ranges of memory that the device tree names, ascending; None if it names none.

    Raises:
        MachineError: a cell count or a `reg` that is none.

    Source: Devicetree Specification, 3.4 and 2.3.5.
    """
    nodes = [name for name in tree.listdir(DEVICE_TREE) if re.fullmatch("memory(@.*)?", name)]
    ranges: list[Range] = []
    for path in (f"{DEVICE_TREE}/{name}/reg" for name in nodes):
        content = tree.read_bytes(path)
        if content is not None:
            cells = _cells(tree, "#address-cells"), _cells(tree, "#size-cells")
            ranges += _ranges(content, *cells, path)
    return tuple(sorted(ranges, key=lambda each: each.start)) or None


def _cells(tree: Tree, name: str) -> int:
    """How many words a number has."""
    content = tree.read_bytes(f"{DEVICE_TREE}/{name}")
    count = -1 if content is None or len(content) != _CELL else int.from_bytes(content, "big")
    if not 1 <= count <= _MOST_CELLS:
        raise MachineError(
            f"{DEVICE_TREE}/{name}: expected one word with a number from 1 to {_MOST_CELLS}"
        )
    return count


def _ranges(content: bytes, address_cells: int, size_cells: int, path: str) -> list[Range]:
    address, size = address_cells * _CELL, size_cells * _CELL
    pair = address + size
    if len(content) % pair:
        raise MachineError(f"{path}: {len(content)} bytes are no pairs of {pair} bytes")
    ranges = []
    for at in range(0, len(content), pair):
        start = int.from_bytes(content[at : at + address], "big")
        length = int.from_bytes(content[at + address : at + pair], "big")
        ranges.append(Range(start, start + length))
    return ranges
