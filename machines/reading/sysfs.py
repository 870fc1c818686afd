"""A machine's memory blocks and nodes, as sysfs and procfs describe them.

Sources: drivers/base/memory.c (the files of a block), drivers/base/node.c (those
of a node), Documentation/admin-guide/mm/memory-hotplug.rst.

What a machine does not say is None, with a line in `MachineReading.notes` where a
user would wonder. What it says wrongly (a number that is none) is refused.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from .block_evidence import BlockEvidence, recorded_evidence, refined
from .block_size import derived_block_size, told_block_size
from .cma import any_cma, areas_in_log, cma_areas
from .device_tree import boot_memory
from .devices import devices_of
from .errors import MachineError, shown
from .extent import Extent
from .findings import recorded_outcomes, recorded_words
from .frames import kinds_by_block, page_size_of
from .kernel_log import KMSG, lines_of_kmsg
from .numa import (
    HugePool,
    NodeReading,
    attribute,
    hexadecimal_in,
    number_in,
    read_huge_pools,
    read_nodes,
    sizes_in,
)
from .pageflags import FrameKind
from .policy import OnlinePolicy, online_policy, unconfigured_blocks
from .procfs import (
    MemoryRanges,
    Range,
    ZoneReading,
    above_by_node,
    available,
    kernel_version,
    memory_ranges,
    pinned_pages,
    reclaimable,
    zones,
)
from .support import LOGS
from .tree import MEMORY_DIR, NODE_DIR, Tree, open_tree

__all__ = [
    "Asked",
    "BlockReading",
    "HugePool",
    "MachineReading",
    "NodeReading",
    "read_machine",
    "read_tree",
]

BLOCK_STATES = frozenset({"online", "offline", "going-offline"})
"""What `memoryX/state` says (state_show); all else is refused."""

_T = TypeVar("_T")

Asked = bool | Collection[int]
"""Whether something is read, or of which blocks."""

_MOST_ZONES = 8
_MOST_LOG = 1 << 24
"""Bytes of this machine's log; its buffer has some hundred KiB."""


@dataclass(frozen=True, slots=True)
class BlockReading:
    """One memory block; `number` is its first address divided by the block size.

    `valid_zones` holds the zone of an online block, the default first for an offline
    one, and the single word "none" for a block that belongs to no zone or to several.
    `removable` is as read: always 1 since Linux 5.7 if hot-remove is built in.
    `nodes` has more than one number if the block is linked from several nodes.
    """

    number: int
    state: str | None = None
    online: bool | None = None
    valid_zones: tuple[str, ...] | None = None
    removable: int | None = None
    phys_index: int | None = None
    phys_device: int | None = None
    nodes: tuple[int, ...] = ()


@dataclass(frozen=True)
class MachineReading:
    """Everything read from one machine. Sizes in bytes, tuples in ascending order.

    `block_size_derived` says that no file gave the block size and it was worked out;
    `iomem` holds the System RAM ranges; `frames` counts frames by block and kind and
    leaves out offline blocks; `cpuinfo` is the text of `/proc/cpuinfo`; `boot_memory`
    holds the ranges that the device tree names; `pinned` counts pins of pages; `kernel` is
    the version; `outcomes` tells of each block how its offlining ended when it was tried
    (`memhp.machines.reading.findings`; records alone have it). Each is None if it is not told.
    `huge_pools` has the pools of hugetlb that any node tells of; `driver_memory` holds the
    ranges of System RAM that drivers brought, `cma` says whether any memory is in an area of the
    contiguous memory allocator, and `cma_areas` the frame numbers of all areas
    (`memhp.machines.reading.cma`). `devices` names the device of a block
    (`memhp.machines.reading.devices`), `policy` tells how added memory goes online,
    `unconfigured` has the numbers of blocks that are there and not configured (s390), `windows`
    the ranges of dax devices and CXL windows, with their names; `evidence` is what page
    structures tell of each block (`memhp.machines.reading.evidence`), `reclaimable` what the
    kernel could take back at most, `available` what it deems available; `boot` names this boot.
    """

    source: str
    live: bool
    page_size: int | None
    block_size: int | None
    block_size_derived: bool
    blocks: tuple[BlockReading, ...]
    nodes: tuple[NodeReading, ...]
    iomem: tuple[Range, ...] | None
    zones: tuple[ZoneReading, ...] | None
    frames: Mapping[int, Counter[FrameKind]] | None
    notes: tuple[str, ...]
    cpuinfo: str | None = None
    boot_memory: tuple[Range, ...] | None = None
    pinned: int | None = None
    kernel: tuple[int, int] | None = None
    huge_pools: tuple[HugePool, ...] = ()
    outcomes: Mapping[int, str] | None = None
    driver_memory: tuple[Range, ...] = ()
    cma: bool | None = None
    cma_areas: tuple[range, ...] | None = None
    devices: Mapping[int, str] = field(default_factory=dict)
    policy: OnlinePolicy = field(default_factory=OnlinePolicy)
    unconfigured: tuple[int, ...] = ()
    windows: tuple[tuple[Range, str], ...] = ()
    evidence: Mapping[int, BlockEvidence] | None = None
    reclaimable: int | None = None
    available: int | None = None
    boot: str | None = None

    @cached_property
    def ram(self) -> Extent | None:
        """The addresses of System RAM; None if `/proc/iomem` does not tell."""
        return None if self.iomem is None else Extent(self.iomem)

    @cached_property
    def early(self) -> Extent | None:
        """The addresses of boot memory; None if no device tree tells."""
        return None if self.boot_memory is None else Extent(self.boot_memory)

    @cached_property
    def of_drivers(self) -> Extent:
        """The addresses of the memory that drivers brought."""
        return Extent(self.driver_memory)

    @cached_property
    def areas(self) -> Extent | None:
        """The frame numbers in areas of CMA; None if it is not told where all of them are."""
        areas = self.cma_areas
        return None if areas is None else Extent(Range(each.start, each.stop) for each in areas)

    @cached_property
    def zones_by_name(self) -> Mapping[str, tuple[ZoneReading, ...]]:
        """The zones of all nodes, by the name that they share."""
        by_name: dict[str, list[ZoneReading]] = {}
        for zone in self.zones or ():
            by_name.setdefault(zone.name, []).append(zone)
        return {name: tuple(its) for name, its in by_name.items()}

    @cached_property
    def above_by_node(self) -> Mapping[int, int]:
        """The pages of each node that are there for whoever asks (`above_by_node`)."""
        return above_by_node(self.zones or ())


def read_machine(
    path: str | Path = "/", *, page_flags: Asked = True, log: str | None = None
) -> MachineReading:
    """The reading of this machine, an unpacked dump, or a tar of one. Writes nothing.

    Args:
        path: `/` for this machine, a directory that holds `sys/`, a tar, or what `lsmem` printed.
        page_flags: also read what each frame is used for, if that was recorded; on a live
            machine this takes root, and about 30 ms for each GiB; numbers ask about blocks.
        log: the text of the kernel's log, if it is at hand.

    Raises:
        MachineError: the path is no machine, is damaged or hostile, or a file holds
            something that the kernel does not write. The message names the file.

    >>> reading = read_machine("/")  # doctest: +SKIP
    >>> reading.block_size, len(reading.blocks)  # doctest: +SKIP
    (134217728, 192)
    """
    return read_tree(open_tree(path), page_flags=page_flags, log=log)


def read_tree(tree: Tree, *, page_flags: Asked = True, log: str | None = None) -> MachineReading:
    """The reading of a machine whose files are at hand: `read_machine` opens them first.

    Raises:
        MachineError: a file holds something that the kernel does not write.
    """
    notes: list[str] = []
    links = _links(tree)
    blocks = tuple(_block(tree, block, nodes) for block, nodes in sorted(links.blocks.items()))
    nodes = read_nodes(tree, links.nodes)
    words = recorded_words(tree, told := told_block_size(tree), links.blocks)
    zone_readings = _parsed(tree, "proc/zoneinfo", zones)
    meminfo = sizes_in(tree, "proc/meminfo")
    states = {each.number: each.state for each in blocks}
    page_size = page_size_of(tree, words, zone_readings, meminfo)
    block_size = told or derived_block_size(states, nodes, meminfo, notes)
    kernel, ram = _parsed(tree, "proc/version", kernel_version), _iomem(tree, notes)
    asked, sizes = _asked(states, page_flags), (block_size, page_size)
    frames = kinds_by_block(tree, words, asked, sizes, ram, notes) if page_flags else None
    evidence = recorded_evidence(tree, links.blocks) if page_flags else None
    return MachineReading(
        source=tree.source,
        live=tree.live,
        page_size=page_size,
        block_size=block_size,
        block_size_derived=told is None and block_size is not None,
        blocks=blocks,
        nodes=nodes,
        iomem=None if ram is None else ram.ranges,
        zones=zone_readings,
        frames=refined(frames, evidence),
        notes=(*_lacking(blocks, page_size), *notes),
        cpuinfo=tree.read_text("proc/cpuinfo"),
        boot_memory=boot_memory(tree),
        pinned=_parsed(tree, "proc/vmstat", pinned_pages),
        huge_pools=read_huge_pools(tree, links.nodes),
        kernel=kernel,
        outcomes=recorded_outcomes(tree, links.blocks),
        driver_memory=ram.of_drivers if ram else (),
        cma=(cma := any_cma(zone_readings, meminfo, kernel)),
        cma_areas=cma_areas(tree, zone_readings, meminfo, _logged(tree, log, cma, page_size)),
        devices=devices_of(tree, states, block_size, ram.below if ram else ()),
        policy=online_policy(tree),
        windows=ram.windows if ram else (),
        unconfigured=tuple(each for each in unconfigured_blocks(tree) if each not in states),
        evidence=evidence,
        reclaimable=reclaimable(meminfo),
        available=available(meminfo),
        boot=_boot(tree),
    )


def _asked(states: Mapping[int, str | None], page_flags: Asked) -> Mapping[int, str | None]:
    """The blocks whose frames are looked at, with their states."""
    if isinstance(page_flags, bool):
        return states
    return {block: state for block, state in states.items() if block in page_flags}


def _lacking(blocks: tuple[BlockReading, ...], page_size: int | None) -> Iterator[str]:
    """What is not there and everybody expects."""
    if not blocks:
        yield "no memory blocks: the kernel has no memory hotplug, or a dump left them out"
    if page_size is None:
        yield "the page size is not recorded in a dump"


def _logged(
    tree: Tree, log: str | None, cma: bool | None, page_size: int | None
) -> tuple[range, ...]:
    """The areas of CMA that a log names: the one that is given, or what is at hand."""
    return areas_in_log(_log(tree, cma) if log is None else log, page_size)


def _log(tree: Tree, cma: bool | None) -> str:
    """The kernel's log, where a dump has one; this machine's if it has CMA, for it is long."""
    try:
        if tree.live:
            return "\n".join(lines_of_kmsg(KMSG, _MOST_LOG)) if cma else ""
        return "".join(tree.read_text(path) or "" for path in LOGS)
    except (MachineError, OSError):  # too large, or root's; it is not needed
        return ""


def _boot(tree: Tree) -> str | None:
    text = attribute(tree, "proc/sys/kernel/random/boot_id")
    match = None if text is None else re.fullmatch(r"[0-9a-f-]{36}", text.strip())
    return match and match[0]


@dataclass(frozen=True)
class _Links:
    blocks: Mapping[int, frozenset[int]]
    nodes: Mapping[int, frozenset[int]]


def _links(tree: Tree) -> _Links:
    """Which block is on which node, from the names of both folders' links."""
    pairs: set[tuple[int, int]] = set()
    blocks = list(_numbered(tree, MEMORY_DIR, "memory"))
    nodes = list(_numbered(tree, NODE_DIR, "node"))
    for block in blocks:
        pairs.update(
            (block, node) for node in _numbered(tree, f"{MEMORY_DIR}/memory{block}", "node")
        )
    for node in nodes:
        pairs.update((block, node) for block in _numbered(tree, f"{NODE_DIR}/node{node}", "memory"))
    return _Links(
        _grouped(blocks, pairs), _grouped(nodes, ((node, block) for block, node in pairs))
    )


def _grouped(
    numbers: Iterable[int], pairs: Iterable[tuple[int, int]]
) -> Mapping[int, frozenset[int]]:
    """For each number, and for the first of each pair, the others that it is paired with."""
    linked: dict[int, set[int]] = {}
    for one, other in pairs:
        linked.setdefault(one, set()).add(other)
    shared: dict[frozenset[int], frozenset[int]] = {}  # most have none or the same one
    members = dict.fromkeys(numbers, frozenset[int]())
    for one, others in linked.items():
        members[one] = shared.setdefault(frozenset(others), frozenset(others))
    return members


def _numbered(tree: Tree, folder: str, word: str) -> Iterator[int]:
    """The numbers N of the entries `<word>N` of a folder."""
    for name in tree.listdir(folder):
        if re.fullmatch(word + "(0|[1-9][0-9]{0,18})", name):
            yield int(name.removeprefix(word))


def _block(tree: Tree, block: int, nodes: frozenset[int]) -> BlockReading:
    folder = f"{MEMORY_DIR}/memory{block}"
    there = set(tree.listdir(folder))

    def value(name: str, read: Callable[[Tree, str], _T | None]) -> _T | None:
        return read(tree, f"{folder}/{name}") if name in there else None

    online = value("online", number_in)
    return BlockReading(
        number=block,
        state=value("state", _state),
        online=None if online is None else online != 0,
        valid_zones=value("valid_zones", _zone_names),
        removable=value("removable", number_in),
        phys_index=value("phys_index", hexadecimal_in),
        phys_device=value("phys_device", number_in),
        nodes=tuple(sorted(nodes)),
    )


def _state(tree: Tree, path: str) -> str | None:
    text = tree.read_text(path)
    if text is None:
        return None
    word = text.removesuffix("\n")
    if word not in BLOCK_STATES:
        words = ", ".join(sorted(BLOCK_STATES))
        raise MachineError(f"{path}: expected one of {words}, found {shown(text)}")
    return word


def _zone_names(tree: Tree, path: str) -> tuple[str, ...] | None:
    text = attribute(tree, path)
    if text is None:
        return None
    names = tuple(sys.intern(name) for name in text.split(maxsplit=_MOST_ZONES))
    if not names or not all(re.fullmatch("[A-Za-z0-9]{1,16}", name) for name in names):
        raise MachineError(f"{path}: expected zone names, found {shown(text)}")
    return names


def _iomem(tree: Tree, notes: list[str]) -> MemoryRanges | None:
    try:
        text = tree.read_text("proc/iomem")
    except MachineError as error:
        notes.append(str(error))
        return None
    if text is None:
        notes.append("no proc/iomem: holes inside blocks cannot be told")
        return None
    ram = memory_ranges(text)
    if ram is None:
        notes.append("proc/iomem shows no addresses (read without root): holes cannot be told")
    return ram


def _parsed(tree: Tree, path: str, parse: Callable[[str], _T | None]) -> _T | None:
    text = tree.read_text(path)
    return None if text is None else parse(text)
