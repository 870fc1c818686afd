"""Where a machine has memory: read from a listing or a dump, or made up from a description.

Sources: kernel/resource.c (`/proc/iomem`), drivers/base/memory.c (blocks).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from .errors import MAX_FILE_BYTES, MachineError, NotPermitted, too_large
from .procfs import Range, memory_ranges
from .sysfs import MachineReading, read_machine

MAX_HOLES = 100_000
"""The most holes that a description may have; a real machine has a few for each node."""

MAX_ADDRESS = 1 << 64
"""Physical addresses lie below it (resource_size_t of 64-bit kernels)."""

_PAGE = 64 * 1024
"""Sizes in a description are multiples of the largest base page, so of every one."""


@dataclass(frozen=True)
class MemoryMap:
    """Ranges of memory in bytes: ascending, and at least one byte apart.

    `notes` says, a line each, what the source could not tell. `boot_end` is the address at which
    the memory that no driver brought ends, `windows` has the ranges of dax devices and CXL windows
    with their names, `free` counts the bytes that are free for the
    kernel, and `guest` says whether a hypervisor
    is below; each of these is None if it is not told.
    """

    source: str
    ranges: tuple[Range, ...]
    notes: tuple[str, ...] = ()
    boot_end: int | None = None
    windows: tuple[tuple[Range, str], ...] = ()
    free: int | None = None
    guest: bool | None = None

    @property
    def memory(self) -> int:
        """Bytes of memory, holes left out."""
        return sum(each.stop - each.start for each in self.ranges)

    @property
    def holes(self) -> tuple[Range, ...]:
        """The ranges between the first and the last byte of memory that are no memory."""
        return tuple(Range(low.stop, high.start) for low, high in pairwise(self.ranges))


def described_map(
    size: int, *, holes: int = 0, hole_size: int = 0, dimm: int = 1 << 30
) -> MemoryMap:
    """A map of `size` bytes from address 0 to its end, the holes in it spread evenly.

    A hole begins where a DIMM ends, as many DIMMs after the last hole as before the
    first, give or take one.

    Args:
        size: bytes from address 0 to the end of memory, holes included.
        holes: how many holes.
        hole_size: bytes of each.
        dimm: bytes of a DIMM.

    Raises:
        MachineError: sizes that are no multiples of 64 KiB or not whole DIMMs, or
            holes that do not fit.

    >>> described_map(4 << 30, holes=1, hole_size=64 << 20).holes == (
    ...     Range(2 << 30, (2 << 30) + (64 << 20)),
    ... )
    True
    """
    _check_sizes(size, holes, hole_size, dimm)
    stretches, dimms = holes + 1, size // dimm
    if (dimms // stretches) * dimm <= hole_size:
        raise MachineError(
            f"{holes} holes of {hole_size:#x} bytes do not fit between {dimms} DIMMs of {dimm:#x}"
            " bytes: give fewer or smaller holes, a larger size or smaller DIMMs"
        )
    edges = [dimms * i // stretches * dimm for i in range(stretches + 1)]
    return MemoryMap(
        "a description",
        tuple(Range(start + (hole_size if start else 0), stop) for start, stop in pairwise(edges)),
    )


def _check_sizes(size: int, holes: int, hole_size: int, dimm: int) -> None:
    for name, value in (("size", size), ("hole size", hole_size), ("DIMM size", dimm)):
        if value % _PAGE or value < 0:
            raise MachineError(f"the {name}, {value} bytes, is not a multiple of 64 KiB")
    if not 0 < dimm <= size <= MAX_ADDRESS or size % dimm:
        raise MachineError(
            f"a size of {size:#x} bytes is not one or more whole DIMMs of {dimm:#x} bytes below"
            f" address {MAX_ADDRESS:#x}"
        )
    if not 0 <= holes <= MAX_HOLES:
        raise MachineError(f"{holes} holes: give 0 to {MAX_HOLES}")
    if (holes == 0) != (hole_size == 0):
        raise MachineError(f"{holes} holes of {hole_size} bytes: give both a number and a size")


def read_memory_map(path: str | Path = "/") -> MemoryMap:
    """The map of this machine, or of a listing of `/proc/iomem`, a dump or a tar of one.

    Without `proc/iomem` whole memory blocks are taken for memory; a note says so.

    Args:
        path: `/` for this machine, a file with the text of `/proc/iomem`, a directory
            that holds `sys/`, or a tar of one.

    Raises:
        MachineError: nothing of these, or nothing in it says where memory is.
        NotPermitted: this user may not read the path.
    """
    text = _listing(path)
    if text is None:
        return _of_machine(read_machine(path, page_flags=False))
    memory = memory_ranges(text, str(path))
    if memory is None:
        raise MachineError(f"{path}: shows no addresses; list /proc/iomem as root")
    if not memory.ranges:
        raise MachineError(f"{path}: no line of it names System RAM")
    boot_end = _boot_end(memory.ranges, memory.of_drivers)
    return replace(_map(str(path), memory.ranges), boot_end=boot_end, windows=memory.windows)


def _boot_end(ranges: Iterable[Range], of_drivers: Iterable[Range]) -> int | None:
    """Where the memory that no driver brought ends; more may have been added, and not show."""
    return max((each.stop for each in set(ranges) - set(of_drivers)), default=None)


def _listing(path: str | Path) -> str | None:
    """The text of a file that begins as `/proc/iomem` does; None for anything else."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except PermissionError:
        raise NotPermitted(f"{path}: permission denied") from None
    except (OSError, ValueError):
        return None  # read_machine says what is wrong with the path
    if b" : " not in content.partition(b"\n")[0] or b"\0" in content[:512]:
        return None
    if len(content) > MAX_FILE_BYTES:
        raise too_large(str(path))
    return content.decode("utf-8", errors="replace")


def _of_machine(reading: MachineReading) -> MemoryMap:
    if reading.iomem:
        free = [zone.free for zone in reading.zones or () if zone.name != "Movable"]
        pages = None if None in free or not free else sum(each or 0 for each in free)
        page = reading.page_size
        hypervisor = re.search(r"(?m)^flags\s*:.*\bhypervisor\b", reading.cpuinfo or "")
        return replace(
            _map(reading.source, reading.iomem),
            boot_end=_boot_end(reading.iomem, reading.driver_memory),
            windows=reading.windows,
            free=None if pages is None or page is None else pages * page,
            guest=None if reading.cpuinfo is None else hypervisor is not None,
        )
    size = reading.block_size
    if size is None or not reading.blocks:
        raise MachineError(
            f"{reading.source}: neither proc/iomem nor memory blocks of a known size say where"
            " memory is; list /proc/iomem as root and give that file"
        )
    blocks = (Range(each.number * size, (each.number + 1) * size) for each in reading.blocks)
    note = "holes inside memory blocks are not known: each block counts as memory throughout"
    return _map(reading.source, blocks, (note,))


def _map(source: str, ranges: Iterable[Range], notes: tuple[str, ...] = ()) -> MemoryMap:
    """Ascending ranges, those that touch or overlap joined; a note counts those that overlap."""
    joined: list[Range] = []
    overlaps = 0
    for each in ranges:
        overlaps += bool(joined and each.start < joined[-1].stop)
        if joined and each.start <= joined[-1].stop:
            joined[-1] = Range(joined[-1].start, max(joined[-1].stop, each.stop))
        else:
            joined.append(each)
    if joined[-1].stop > MAX_ADDRESS:
        raise MachineError(f"{source}: memory at {joined[-1].stop - 1:#x}, beyond 64 bits")
    if overlaps:
        notes += (
            f"{overlaps} of the ranges of System RAM overlap one before them, as no kernel lists"
            " them: what they share counts once",
        )
    return MemoryMap(source, tuple(joined), notes)
