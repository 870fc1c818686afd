"""Whether the contiguous memory allocator has areas in a machine's memory, and where (CMA).

An area is set aside at boot and stays what it is: its page blocks are of a type of their own,
and isolation takes these for an allocation of CMA only.  So a block of which an area is a part
is refused with EBUSY, in every zone (mm/page_isolation.c, has_unmovable_pages: since Linux 5.1,
commit 1a9f219157b2; before, what is free in an area went).  No word of a frame shows the type.

How many pages are in areas `/proc/zoneinfo` tells for each zone (``cma``, since 5.12; it is 0
where CMA is not built in: mm/vmstat.c), and `/proc/meminfo` in all (``CmaTotal``, since 3.19;
where CMA is not built in there is no such line: fs/proc/meminfo.c).  Where they are only
debugfs tells, and root alone: `cma/NAME/base_pfn` and `count` (mm/cma_debug.c).  Where an area
has several ranges (folders of their own), how long each of them is is not told.  The kernel's log
has a line for each area, too, with its size in MiB (cma_declare_contiguous_nid in mm/cma.c;
rmem_cma_setup in kernel/dma/contiguous.c).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import MachineError
from .procfs import ZoneReading, number
from .tree import Tree

__all__ = ["CMA_DIR", "any_cma", "area_files", "areas_in_log", "cma_areas"]

CMA_DIR = "sys/kernel/debug/cma"

_FIRST = (3, 5)
"""The first Linux that has CMA."""

_TOTAL_TOLD = (3, 19)
"""The first whose `/proc/meminfo` has CmaTotal if CMA is built in."""

_PAGES_KIB = (4, 16, 64)
"""The sizes of a base page."""

_LOGGED = re.compile(
    r"cma: Reserved ([0-9]{1,9}) MiB at 0x([0-9a-f]{1,16})"
    r"|created CMA memory pool at 0x([0-9a-f]{1,16}), size ([0-9]{1,9}) MiB"
)

_MOST_AREAS = 1024
"""More areas than a kernel has (CONFIG_CMA_AREAS: 8 by default, 20 with NUMA)."""


def any_cma(
    zones: tuple[ZoneReading, ...] | None,
    meminfo: Mapping[str, int] | None,
    kernel: tuple[int, int] | None,
) -> bool | None:
    """Whether any memory of the machine is in an area of CMA; None if that is not told.

    Args:
        zones: what `/proc/zoneinfo` says.
        meminfo: the sizes in `/proc/meminfo`, in KiB.
        kernel: the version.
    """
    counts = [zone.cma for zone in zones or ()]
    total = None if meminfo is None else meminfo.get("CmaTotal")
    if total or any(counts):
        return True
    if total == 0 or (counts and None not in counts) or (kernel is not None and kernel < _FIRST):
        return False
    whole = meminfo is not None and "MemTotal" in meminfo
    return False if whole and kernel is not None and kernel >= _TOTAL_TOLD else None


def cma_areas(
    tree: Tree,
    zones: tuple[ZoneReading, ...] | None,
    meminfo: Mapping[str, int] | None,
    log: tuple[range, ...] = (),
) -> tuple[range, ...] | None:
    """The page frame numbers of every area of CMA; None if it is not told where all of them are.

    Args:
        tree: the machine's files.
        zones: what `/proc/zoneinfo` says.
        meminfo: the sizes in `/proc/meminfo`, in KiB.
        log: the areas that the kernel's log names (`areas_in_log`), where debugfs tells none.
    """
    told = _in_debugfs(tree)
    for areas in (told, log):
        if areas is not None and _are_all(sum(map(len, areas)), zones, meminfo):
            return areas
    return None


def areas_in_log(text: str, page_size: int | None) -> tuple[range, ...]:
    """The page frame numbers of the areas of CMA that the lines of a kernel's log name.

    Args:
        text: the log.
        page_size: bytes of a page; None: nothing can be said.

    >>> areas_in_log("[    0.0] cma: Reserved 16 MiB at 0x000000003b000000 on node -1\\n", 4096)
    (range(241664, 245760),)
    """
    if page_size is None:
        return ()
    areas = set()
    for match in _LOGGED.finditer(text):
        size, base = (match[1], match[2]) if match[1] else (match[4], match[3])
        first = int(base, 16) // page_size
        areas.add((first, first + (int(size) << 20) // page_size))
    return tuple(range(*area) for area in sorted(areas))


def _in_debugfs(tree: Tree) -> tuple[range, ...] | None:
    """The areas that debugfs tells of; None where it tells of one half."""
    areas = []
    try:
        for base_path, count_path in area_files(tree):
            base, count = tree.read_text(base_path), tree.read_text(count_path)
            if base is None or count is None:
                return None
            first = number(base, base_path)
            areas.append(range(first, first + number(count, count_path)))
    except MachineError:  # debugfs is root's, and may be locked
        return None
    return tuple(areas)


def area_files(tree: Tree) -> list[tuple[str, str]]:
    """The paths of each area's `base_pfn` and `count`; areas of several ranges are left out.

    Source: mm/cma_debug.c.
    """
    paths = []
    for folder in (f"{CMA_DIR}/{name}" for name in tree.listdir(CMA_DIR)[:_MOST_AREAS]):
        ranges = tree.listdir(f"{folder}/ranges")
        # With folders of ranges, `base_pfn` is a link to that of the first.
        base = f"{folder}/ranges/0/base_pfn" if ranges else f"{folder}/base_pfn"
        if len(ranges) < 2:
            paths.append((base, f"{folder}/count"))
    return paths


def _are_all(
    pages: int, zones: tuple[ZoneReading, ...] | None, meminfo: Mapping[str, int] | None
) -> bool:
    """Whether areas of so many pages are all that the kernel counts."""
    counts = [zone.cma for zone in zones or ()]
    if counts and None not in counts:
        return pages == sum(each or 0 for each in counts)
    kib = (meminfo or {}).get("CmaTotal")
    return bool(pages) and kib in [pages * page for page in _PAGES_KIB]
