"""Which device each memory block belongs to, where a machine's files tell.

- A DIMM of ACPI: the block's link `firmware_node` ends at its device, such as PNP0C80:00
  (drivers/acpi/acpi_memhotplug.c, acpi_bind_memory_blocks).
- dax and virtio-mem: in `/proc/iomem` their memory lies below a range with the device's name
  (drivers/dax/bus.c; drivers/virtio/virtio_mem.c, virtio_mem_create_resource).
- pseries: the device tree lists logical memory blocks with the index of their connector (DRC), in
  one of two forms (arch/powerpc/mm/drmem.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .errors import MachineError
from .extent import Extent
from .findings import recorded_devices
from .places import MEMORY_DIR, Tree
from .procfs import Range

__all__ = ["DRCONF", "DeviceRange", "devices_of", "firmware_node", "logical_blocks"]

DRCONF = "sys/firmware/devicetree/base/ibm,dynamic-reconfiguration-memory"

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,40}", re.ASCII)
_CELL = 4
_ENTRY = 6 * _CELL
_MOST_LMBS = 1 << 18
"""More logical memory blocks than any partition has: 64 TiB of 256 MiB."""


@dataclass(frozen=True)
class DeviceRange:
    """Addresses that belong to a device."""

    name: str
    range: Range


def devices_of(
    tree: Tree,
    blocks: Iterable[int],
    block_size: int | None,
    ranges: tuple[tuple[Range, str], ...],
) -> Mapping[int, str]:
    """The name of the device of each block that lies in one device alone.

    Args:
        tree: the machine's files.
        blocks: the numbers of its blocks.
        block_size: bytes in a block; None: only links tell.
        ranges: of drivers' memory, each with the range that it lies below in `/proc/iomem`
            (`memhp.machines.reading.procfs`).

    Raises:
        MachineError: the device tree's list of logical memory blocks is none.
    """
    extents: dict[str, list[Range]] = {}
    named = ((name, at) for at, name in ranges if _NAME.fullmatch(name))
    for name, at in (*named, *((each.name, each.range) for each in logical_blocks(tree))):
        extents.setdefault(name, []).append(at)
    places = _Places(extents)
    recorded = recorded_devices(tree)
    devices: dict[int, str] = {}
    for block in blocks:
        device = firmware_node(tree, block) or recorded.get(block)
        if device is None and block_size is not None:
            device = places.at(block * block_size, block_size)
        if device is not None and _NAME.fullmatch(device.removeprefix("DRC ")):
            devices[block] = device
    return devices


def firmware_node(tree: Tree, block: int) -> str | None:
    """The name at the end of a block's link to a device of ACPI; None if it has none.

    Args:
        tree: the machine's files.
        block: its number.
    """
    target = tree.readlink(f"{MEMORY_DIR}/memory{block}/firmware_node")
    name = "" if target is None else target.rstrip("/").rpartition("/")[2]
    return name if _NAME.fullmatch(name) and name != "firmware_node" else None


class _Places:
    """Which device has the whole of a range of addresses, asked often."""

    def __init__(self, extents: Mapping[str, list[Range]]) -> None:
        self._extents = {name: Extent(ranges) for name, ranges in extents.items()}
        self._starts = {each.start: name for name, its in extents.items() for each in its}

    def at(self, start: int, size: int) -> str | None:
        named = self._starts.get(start)
        if named is not None and self._extents[named].covers(start, start + size):
            return named
        if len(self._extents) > _FEW:
            return None
        its = [name for name, extent in self._extents.items() if extent.covers(start, start + size)]
        return its[0] if len(its) == 1 else None


_FEW = 1024
"""Of more devices only those are looked at that begin where the block does."""


def logical_blocks(tree: Tree) -> Iterator[DeviceRange]:
    """The logical memory blocks of pseries, each named by the index of its connector.

    Raises:
        MachineError: the list is none of the two forms.

    Source: arch/powerpc/mm/drmem.c, read_drconf_v1_cell and read_drconf_v2_cell.
    """
    size = _number(tree.read_bytes(f"{DRCONF}/ibm,lmb-size"))
    for name, entries in (("-v2", _of_sets), ("", _of_entries)):
        path = f"{DRCONF}/ibm,dynamic-memory{name}"
        content = tree.read_bytes(path)
        if content is not None and size:
            count = _number(content[:_CELL])
            if len(content) != _CELL + count * _ENTRY:
                raise MachineError(f"{path}: {len(content)} bytes are no list of {count} entries")
            starts = range(_CELL, len(content), _ENTRY)
            yield from entries([content[at : at + _ENTRY] for at in starts], size)
            return


def _of_entries(entries: list[bytes], size: int) -> Iterator[DeviceRange]:
    """An address, the index of the connector, and three words more."""
    for entry in entries:
        start = int.from_bytes(entry[:8], "big")
        yield _named(int.from_bytes(entry[8:12], "big"), start, size)


def _of_sets(sets: list[bytes], size: int) -> Iterator[DeviceRange]:
    """How many there are in a row, the first address, the first index, and two words more."""
    left = _MOST_LMBS
    for each in sets:
        count = int.from_bytes(each[:4], "big")
        left -= count
        if left < 0:
            raise MachineError(f"{DRCONF}: lists more than {_MOST_LMBS} logical memory blocks")
        start, index = int.from_bytes(each[4:12], "big"), int.from_bytes(each[12:16], "big")
        for at in range(count):
            yield _named(index + at, start + at * size, size)


def _named(index: int, start: int, size: int) -> DeviceRange:
    return DeviceRange(f"DRC {index:#x}", Range(start, start + size))


def _number(content: bytes | None) -> int:
    """The big-endian number in a property of one or two words; 0 if there is none."""
    return int.from_bytes(content, "big") if content and len(content) in (4, 8) else 0
