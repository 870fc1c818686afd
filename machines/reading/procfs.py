"""The text files of procfs, and the `meminfo` of a node, as plain values.

Parsers only: each takes a text, and the path to name in an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .errors import MachineError, shown

_IOMEM_LINE = re.compile(r" *(?P<start>[0-9a-f]{1,20})-(?P<end>[0-9a-f]{1,20}) : (?P<name>.*)")
_ZONE_LINE = re.compile(r"Node (?P<node>[0-9]{1,20}), zone +(?P<name>[A-Za-z0-9]{1,16})\b")
_ZONE_FIELD = re.compile(
    r"  +(?:pages )?(?P<name>free|low|spanned|present|managed|cma|start_pfn):? +(.*)"
)
_RAM = "System RAM"
_WINDOW = re.compile(r"dax[0-9]{1,6}\.[0-9]{1,6}|CXL Window [0-9]{1,6}")
_LISTED = re.compile(r" +count: +(.*)")
_PROTECTION = re.compile(r" +protection: \(([0-9, ]{1,400})\)")


@dataclass(frozen=True)
class Range:
    """Physical addresses from `start` up to, not including, `stop`; in bytes."""

    start: int
    stop: int


@dataclass(frozen=True)
class ZoneReading:
    """One zone of one node in `/proc/zoneinfo`; all counts in base pages.

    `spanned` counts holes, `present` does not, `managed` is what the buddy allocator
    got (absent before Linux 3.9). `start_pfn` is the number of the first frame. `listed`
    counts the free frames that wait on the lists of CPUs, outside the buddy allocator, and
    `cma` those in areas of the contiguous memory allocator (absent before Linux 5.12). `low` is
    the watermark below which kswapd begins to reclaim, and `protection` what is kept besides from
    allocations that could use a higher zone, the most of all (lowmem_reserve).
    """

    node: int
    name: str
    free: int | None
    spanned: int | None
    present: int | None
    managed: int | None
    start_pfn: int | None
    listed: int = 0
    cma: int | None = None
    low: int | None = None
    protection: int = 0

    @property
    def above(self) -> int | None:
        """The free pages that are there for whoever asks, before anything is reclaimed."""
        if self.free is None or not self.low:
            return None
        return max(0, self.free - self.low - self.protection)


def system_ram(text: str, path: str = "proc/iomem") -> tuple[Range, ...] | None:
    """The ranges of System RAM in `/proc/iomem`, ascending.

    Lines named `System RAM (kmem)` or `System RAM (virtio_mem)` count too and lie
    below the device that brought them, so the depth of a line does not matter; what
    lies inside System RAM (the kernel image, the crash kernel) does not split it.

    Returns:
        None if every address is zero: the kernel shows that to a reader without
        CAP_SYS_ADMIN (kernel/resource.c, r_show), and it means nothing.

    Raises:
        MachineError: a line that is not `start-end : name`, or ends before it starts.

    >>> system_ram("00001000-0009ffff : System RAM\\n000a0000-000fffff : Reserved\\n")
    (Range(start=4096, stop=655360),)
    """
    memory = memory_ranges(text, path)
    return None if memory is None else memory.ranges


@dataclass(frozen=True)
class MemoryRanges:
    """The ranges of System RAM, ascending, and those of them that a driver brought.

    A driver's have a name behind the words, as `System RAM (kmem)` has
    (add_memory_driver_managed in mm/memory_hotplug.c); none of them was there at boot.
    ``below`` names, for each of these that lies below a range, that range: a device's.
    ``windows`` holds the whole ranges that devices of dax, or CXL windows without any, have.
    """

    ranges: tuple[Range, ...]
    of_drivers: tuple[Range, ...]
    below: tuple[tuple[Range, str], ...] = ()
    windows: tuple[tuple[Range, str], ...] = ()


def memory_ranges(text: str, path: str = "proc/iomem") -> MemoryRanges | None:
    """The ranges of System RAM, and those that drivers brought.

    Returns:
        None if every address is zero (`system_ram`).

    Raises:
        MachineError: a line that is not `start-end : name`, or ends before it starts.

    >>> memory = memory_ranges("240000000-2bfffffff : System RAM (kmem)\\n")
    >>> memory.ranges == memory.of_drivers
    True
    """
    ranges: list[Range] = []
    of_drivers: list[Range] = []
    below: list[tuple[Range, str]] = []
    above: list[tuple[int, str, Range]] = []
    windows: dict[Range, str] = {}
    any_address = False
    for line in filter(None, text.splitlines()):
        match = _IOMEM_LINE.fullmatch(line)
        if match is None:
            raise MachineError(f"{path}: expected 'start-end : name', found {shown(line)}")
        start, end = int(match["start"], 16), int(match["end"], 16)
        if end < start:
            raise MachineError(f"{path}: a range that ends before it starts, {shown(line)}")
        any_address = any_address or end > 0
        name, here = match["name"], Range(start, end + 1)
        depth = len(line) - len(line.lstrip(" "))
        while above and above[-1][0] >= depth:
            above.pop()
        if name == _RAM:
            ranges.append(here)
        elif name.startswith(f"{_RAM} ("):
            of_drivers.append(here)
            below += [(here, above[-1][1])] if above else []
        elif _WINDOW.fullmatch(name):
            for _, _, around in above:
                windows.pop(around, None)
            windows[here] = name
        above.append((depth, name, here))
    if not any_address:
        return None
    return MemoryRanges(
        _ascending(ranges + of_drivers),
        _ascending(of_drivers),
        tuple(below),
        tuple(windows.items()),
    )


def _ascending(ranges: list[Range]) -> tuple[Range, ...]:
    return tuple(sorted(ranges, key=lambda each: each.start))


def zones(text: str, path: str = "proc/zoneinfo") -> tuple[ZoneReading, ...]:
    """The zones in `/proc/zoneinfo`, in the order of the file.

    Raises:
        MachineError: a text without any zone, or a count that is not a number.

    >>> zone, = zones("Node 0, zone   Normal\\n  pages free     3\\n        spanned  8\\n")
    >>> zone.name, zone.free, zone.spanned, zone.managed
    ('Normal', 3, 8, None)
    """
    all_zones = tuple(_zone(heading, body, path) for heading, body in _zone_sections(text))
    if not all_zones:
        raise MachineError(f"{path}: no zone in it, it begins with {shown(text)}")
    return all_zones


def _zone_sections(text: str) -> Iterator[tuple[re.Match[str], list[str]]]:
    heading: re.Match[str] | None = None
    body: list[str] = []
    for line in text.splitlines():
        match = _ZONE_LINE.match(line)
        if match is None:
            body.append(line)
            continue
        if heading is not None:
            yield heading, body
        heading, body = match, []
    if heading is not None:
        yield heading, body


def _zone(heading: re.Match[str], body: list[str], path: str) -> ZoneReading:
    where = f"{path}, node {heading['node']} zone {heading['name']}"
    fields: dict[str, int] = {}
    listed = protection = 0
    for line in body:
        match = _ZONE_FIELD.fullmatch(line)
        if match is not None and match["name"] not in fields:
            fields[match["name"]] = number(match[2], f"{where}, {match['name']}")
        elif (match := _PROTECTION.fullmatch(line)) is not None:
            words = match[1].split(",")
            protection = max(number(word, f"{where}, protection") for word in words)
        elif (match := _LISTED.fullmatch(line)) is not None:
            listed += number(match[1], f"{where}, count")
    return ZoneReading(
        node=number(heading["node"], where),
        name=heading["name"],
        free=fields.get("free"),
        spanned=fields.get("spanned"),
        present=fields.get("present"),
        managed=fields.get("managed"),
        start_pfn=fields.get("start_pfn"),
        listed=listed,
        cma=fields.get("cma"),
        low=fields.get("low"),
        protection=protection,
    )


def kernel_version(text: str) -> tuple[int, int] | None:
    """The version in `/proc/version`; None if it has none.

    >>> kernel_version("Linux version 6.12.117+deb13-amd64 (debian-kernel@lists.debian.org)\\n")
    (6, 12)
    """
    match = re.match(r"Linux version ([0-9]{1,4})\.([0-9]{1,4})", text)
    return None if match is None else (int(match[1]), int(match[2]))


def pinned_pages(text: str, path: str = "proc/vmstat") -> int | None:
    """How many pins of pages (FOLL_PIN) last, by `/proc/vmstat`; None before Linux 5.7.

    Each CPU keeps the latest changes to itself for a while, so it may be a few off.
    References that are no pins, such as a pipe's, are not counted (mm/gup.c).

    Raises:
        MachineError: a count that is not a number.

    >>> pinned_pages("nr_foll_pin_acquired 2050\\nnr_foll_pin_released 2\\n")
    2048
    """
    counts = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    names = ("nr_foll_pin_acquired", "nr_foll_pin_released")
    if not set(names) <= counts.keys():
        return None
    acquired, released = (number(counts[name], f"{path}, {name}") for name in names)
    return max(0, acquired - released)


def meminfo(text: str, path: str) -> dict[str, int]:
    """The sizes in KiB in `/proc/meminfo` or a node's, by name; counts without kB left out.

    Raises:
        MachineError: a size that is not a number.

    >>> meminfo("Node 1 MemTotal:  2048 kB\\nNode 1 HugePages_Total: 0\\n", "meminfo")
    {'MemTotal': 2048}
    """
    sizes: dict[str, int] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and value.endswith(" kB"):
            key = name.split()[-1] if name.split() else ""
            sizes[key] = number(value.removesuffix(" kB"), f"{path}, {shown(key)}")
    return sizes


def reclaimable(sizes: dict[str, int] | None) -> int | None:
    """Bytes that the kernel could take back at most: page cache, slab, what fits into swap.

    Args:
        sizes: those in `/proc/meminfo`, in KiB; None: not told.

    >>> reclaimable({"Active(file)": 1, "Inactive(file)": 2, "SReclaimable": 0, "SwapFree": 5})
    8192
    """
    names = ("Active(file)", "Inactive(file)", "SReclaimable", "SwapFree")
    if sizes is None or not set(names) <= sizes.keys():
        return None
    return 1024 * sum(sizes[name] for name in names)


LEAST_AVAILABLE = 64 << 20
"""Bytes of `MemAvailable` below which removal stops: the kernel may have to end processes then."""


def available(sizes: dict[str, int] | None) -> int | None:
    """Bytes that the kernel deems available to new users of memory.

    Args:
        sizes: those in `/proc/meminfo`, in KiB; None: not told.

    >>> available({"MemAvailable": 8})
    8192
    """
    told = (sizes or {}).get("MemAvailable")
    return None if told is None else 1024 * told


def above_by_node(zones: Iterable[ZoneReading]) -> dict[int, int]:
    """`ZoneReading.above` of the nodes all of whose zones tell it, their zones together."""
    above: dict[int, int] = {}
    silent = set()
    for zone in zones:
        if zone.managed and zone.above is None:
            silent.add(zone.node)
        elif zone.managed:
            above[zone.node] = above.get(zone.node, 0) + (zone.above or 0)
    return {node: pages for node, pages in above.items() if node not in silent}


def number(text: str, path: str, base: int = 10) -> int:
    """A number as the kernel prints it: digits only, at most twenty of them.

    Raises:
        MachineError: anything else; the message names the path and shows the text.

    >>> number("00000064\\n", "memory100/phys_index", base=16)
    100
    """
    digits = "[0-9a-fA-F]" if base == 16 else "[0-9]"
    if re.fullmatch(digits + "{1,20}", text.strip(" \t\n")) is None:
        kind = "hexadecimal number" if base == 16 else "number"
        raise MachineError(f"{path}: expected a {kind}, found {shown(text)}")
    return int(text, base)
