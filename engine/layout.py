"""What a machine is: which memory lies where, what hosts what, and what was there at boot.

Nothing here changes while the machine runs.  Blocks are numbered from 0 and all
have the same number of sections and frames; a gap between blocks is a block that
was not there at boot and lies in no device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import Any, Protocol

from .codes import BOOT, FREE, METADATA, UNAVAILABLE

__all__ = ["Described", "Layout", "by_distance"]


class Described(Protocol):
    """A machine described by numbers of elements and row-major tables."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """The number of elements of each sort, by its name."""
        ...

    @property
    def tables(self) -> Mapping[str, tuple[int, ...]]:
        """The values of each function of elements, by its name, row-major."""
        ...


@dataclass(frozen=True)
class Layout:
    """One machine, as it is built.

    A field of type `bytes` has a number, mostly a truth value, for each element; empty, it is
    0 for all of them, unless it says otherwise.

    Raises:
        ValueError: if the tables do not fit each other.
    """

    # --- blocks and nodes --------------------------------------------------------------------

    node_of: Sequence[int]
    """The node of each block."""
    fallback: Sequence[Sequence[int]]
    """For each node all nodes, the nearest first."""
    sections: int
    """Sections of a block."""
    frames: int
    """Frames of a block."""
    early: bytes
    """For each block: it was there at boot."""
    early_zone: bytes
    """For each block its zone at boot (`codes.ZONES`); 0 where several zones share a block."""
    pgdat_section: Sequence[int]
    """The section that holds each node's pgdat."""
    holes: bytes = b""
    """For each block: some of its frames are no memory."""
    vetoes_online: bytes = b""
    """For each block: a memory notifier refuses that it goes online."""
    vetoes_offline: bytes = b""
    """For each block: a memory notifier refuses that it goes offline."""
    listeners: int = 1
    """How many memory notifiers there are."""
    asked_first: Sequence[bytes] = ()
    """For each block, by listener: it is asked before who refuses; empty: none is."""
    cpus_keep_frames: bytes = b""
    """For each node: its CPUs keep free frames on lists of their own."""
    movable_node: bytes = b""
    """For each node: memory that is added to it becomes movable, unless asked otherwise."""
    memmap_host: Sequence[int] | None = None
    """The section that holds each section's mem_map; None: its own."""
    may_fail: bytes = b""
    """For each frame: it may turn out to have an error; empty: none does."""
    metadata_frames: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """By block the places in it of frames where metadata of other memory lies."""
    rank: Sequence[int] | None = None
    """The place of each block by address; None: their numbers are in that order."""

    # --- memory devices ----------------------------------------------------------------------

    devices_of: Sequence[Sequence[int]] | None = None
    """The devices that each block lies in; None: one of its own, of the same number."""
    blocks_of: Sequence[Sequence[int]] | None = None
    """The blocks that have memory in each device; None as for ``devices_of``."""
    early_device: bytes = b""
    """For each device: it was inserted at boot; empty: as its block was there."""

    may_be_forbidden: bytes = b""
    """For each device: somebody may forbid that it is ejected."""
    lacks_ej0: bytes = b""
    """For each device: its firmware cannot let it go."""
    demands_offline: bytes = b""
    """For each device: an eject takes nothing offline, all must be so before."""

    # --- frames and folios at boot -----------------------------------------------------------

    frame_codes: Mapping[int, bytes] = field(default_factory=dict)
    """The frames' codes at boot, of the early blocks that are not uniform."""
    block_codes: bytes = b""
    """The code that all frames of an early block have at boot; empty: `codes.FREE`."""
    folios: int = 0
    """How many folios there can be; 0: one for each frame, in which it begins."""
    birth_frame: Sequence[int] | None = None
    """The frame that the record of each folio names at boot; None: that of its number."""
    boot_folio: Sequence[int] | None = None
    """The folio that the record of each frame names at boot; None: that of its number."""
    boot_data: Sequence[int] | None = None
    """What each frame holds at boot; None: 0."""

    # --- filesystems, stores and the time that a removal has ---------------------------------

    filesystem: bytes = b""
    """For each folio what its filesystem can do (`codes.OWN_METHOD`); empty: move all data."""
    store_of: Sequence[int] | None = None
    """The store of each folio; None: store 0."""
    stores: int = 1
    """How many stores there are."""
    ticks: int = 1
    """How often a removal may wait."""

    # --- page tables -------------------------------------------------------------------------

    ptes: int = 0
    """How many page-table entries there can be; 0: one for each folio."""
    vmas: int = 1
    """How many VMAs there are."""
    vma_of: Sequence[int] | None = None
    """The VMA of each entry; None: VMA 0."""
    implied_folio: Sequence[int] | None = None
    """The folio that the address of each entry implies; None: that of its number."""

    # --- devices that use folios: none, if these are empty -----------------------------------

    does_dma: bytes = b""
    """For each entry of a device's table: the device reaches user memory through it."""
    driver_moves: bytes = b""
    """For each entry: the device's driver can stop it and give it another frame."""
    first_pinned: Sequence[int] = ()
    """The folio that each entry names before it was ever used."""

    references: int = 0
    """How many references to folios somebody can have that are neither mappings nor pins."""
    first_referenced: Sequence[int] = ()
    """The folio that each of them names before it was ever taken."""

    # --- huge folios: none, if these are empty -----------------------------------------------

    range_size: int = 0
    """How many frames a huge folio takes."""
    gigantic: bytes = b""
    """For each range that a huge folio can take: it is larger than a block (1 GiB)."""
    birth_range: Sequence[int] = ()
    """The range that the record of each huge folio names at boot."""
    first_huge: Sequence[int] = ()
    """The huge folio that the record of each range names at boot."""
    boot_range_data: Sequence[int] = ()
    """What each range holds at boot."""
    reservation_node: Sequence[int] = ()
    """The node of each promise of a huge folio."""
    first_mapped: Sequence[int] = ()
    """The huge folio that each page-table entry of that size names at boot."""
    does_huge_dma: bytes = b""
    """For each entry of a device's table: the device reaches huge folios through it."""
    first_huge_pinned: Sequence[int] = ()
    """The huge folio that each such entry names before it was ever used."""

    def __post_init__(self) -> None:
        blocks, nodes, devices = len(self.node_of), len(self.fallback), self.devices
        for name, size, code in (
            ("early", blocks, 0),
            ("early_zone", blocks, 0),
            ("holes", blocks, 0),
            ("vetoes_online", blocks, 0),
            ("vetoes_offline", blocks, 0),
            ("block_codes", blocks, FREE),
            ("cpus_keep_frames", nodes, 0),
            ("movable_node", nodes, 0),
            ("may_be_forbidden", devices, 0),
            ("lacks_ej0", devices, 0),
            ("demands_offline", devices, 0),
        ):
            values = getattr(self, name)
            if values and len(values) != size:
                raise ValueError(f"{name} has {len(values)} entries; it needs {size}")
            if not values:
                object.__setattr__(self, name, bytes((code,)) * size)
        if self.frames < 1 or self.sections < 1:
            raise ValueError("a block has at least one section and one frame")

    @property
    def blocks(self) -> int:
        """How many blocks there can be."""
        return len(self.node_of)

    @property
    def nodes(self) -> int:
        """How many nodes there can be."""
        return len(self.fallback)

    @property
    def ranges(self) -> int:
        """How many ranges there are that a huge folio can take."""
        return len(self.gigantic)

    @property
    def devices(self) -> int:
        """How many memory devices there can be."""
        return self.blocks if self.blocks_of is None else len(self.blocks_of)

    def host_of(self, section: int) -> int:
        """The section that holds the section's mem_map."""
        return section if self.memmap_host is None else self.memmap_host[section]

    def in_devices(self, block: int) -> Sequence[int]:
        """The devices that the block lies in."""
        return (block,) if self.devices_of is None else self.devices_of[block]

    def in_device(self, device: int) -> Sequence[int]:
        """The blocks that have memory in the device."""
        return (device,) if self.blocks_of is None else self.blocks_of[device]

    @classmethod
    def of(cls, machine: Described) -> Layout:
        """The layout of a described machine.

        Raises:
            ValueError: if its blocks are not all of one size, in order, or its ranges for huge
                folios are not.
        """
        sizes, tables = machine.sizes, machine.tables
        nodes, blocks, devices = sizes["Node"], sizes["Block"], sizes["MemoryDevice"]
        sections, frames = _regular(machine)
        same: dict[str, Any] = {name: bytes(tables[name]) for name in _BYTES}
        same |= {name: tables[name] for name in _NUMBERS}
        if any(tables["filesystem"]):
            same["filesystem"] = bytes(tables["filesystem"])
        if not _plain(machine):
            same |= {name: tables[name] for name in ("birth_frame", "boot_folio", "boot_data")}
        in_range = [tables["in_range"][m * blocks : (m + 1) * blocks] for m in range(devices)]
        below = [tables["below"][a * blocks : (a + 1) * blocks] for a in range(blocks)]
        hole = [tables["hole"][b * frames : (b + 1) * frames] for b in range(blocks)]
        kernel = [tables["boot_kernel"][b * frames : (b + 1) * frames] for b in range(blocks)]
        held = [tables["metadata_frame"][b * frames : (b + 1) * frames] for b in range(blocks)]
        return cls(
            fallback=[_fallback(tables["nearer"], node, nodes) for node in range(nodes)],
            sections=sections,
            frames=frames,
            holes=bytes(map(any, hole)),
            rank=[sum(below[a][b] for a in range(blocks)) for b in range(blocks)],
            devices_of=[[m for m in range(devices) if in_range[m][b]] for b in range(blocks)],
            blocks_of=[[b for b in range(blocks) if in_range[m][b]] for m in range(devices)],
            frame_codes={
                b: _boot_codes(hole[b], kernel[b], held[b])
                for b in range(blocks)
                if tables["early"][b]
            },
            metadata_frames={
                b: [at for at in range(frames) if held[b][at]]
                for b in range(blocks)
                if any(held[b])
            },
            listeners=sizes["Listener"],
            asked_first=[bytes(tables["asked_first"][b::blocks]) for b in range(blocks)],
            folios=sizes["Folio"],
            stores=sizes["Store"],
            ticks=sizes["Tick"],
            ptes=sizes["Pte"],
            vmas=sizes["Vma"],
            references=sizes["Reference"],
            range_size=_range_size(machine),
            **same,
        )


_BYTES = (
    "early",
    "early_zone",
    "vetoes_online",
    "vetoes_offline",
    "cpus_keep_frames",
    "movable_node",
    "may_fail",
    "early_device",
    "may_be_forbidden",
    "lacks_ej0",
    "demands_offline",
    "does_dma",
    "does_huge_dma",
    "driver_moves",
    "gigantic",
)
_NUMBERS = (
    "node_of",
    "pgdat_section",
    "memmap_host",
    "store_of",
    "vma_of",
    "implied_folio",
    "first_pinned",
    "first_referenced",
    "birth_range",
    "first_huge",
    "first_huge_pinned",
    "first_mapped",
    "boot_range_data",
    "reservation_node",
)
"""The tables of a described machine that are fields as they are."""


def _boot_codes(holes: Sequence[int], kernel: Sequence[int], held: Sequence[int]) -> bytes:
    """The codes that the frames of an early block have at boot."""
    return bytes(
        UNAVAILABLE if hole else BOOT if taken else METADATA if metadata else FREE
        for hole, taken, metadata in zip(holes, kernel, held, strict=True)
    )


def by_distance(distance: Sequence[Sequence[int]]) -> list[list[int]]:
    """For each node all nodes, the nearest first, equal ones in their order.

    Args:
        distance: node by node, as /sys/devices/system/node shows it (SLIT).

    >>> by_distance([[10, 20], [20, 10]])
    [[0, 1], [1, 0]]
    """
    return [
        sorted(range(len(row)), key=lambda other: (other != node, row[other], other))
        for node, row in enumerate(distance)
    ]


def _regular(machine: Described) -> tuple[int, int]:
    """Sections and frames of a block, which must lie in order."""
    sizes, tables = machine.sizes, machine.tables
    sections, rest = divmod(sizes["Section"], sizes["Block"])
    frames, odd = divmod(sizes["Frame"], sizes["Section"])
    regular = (
        not rest
        and not odd
        and all(b == s // sections for s, b in enumerate(tables["block_of_section"]))
        and all(s == f // frames for f, s in enumerate(tables["section_of"]))
    )
    if not regular:
        raise ValueError("the engine needs blocks of one size, their sections and frames in order")
    return sections, sections * frames


def _range_size(machine: Described) -> int:
    """Frames of a range for huge folios; ranges must lie in order, each in one block."""
    sizes = machine.sizes
    size, rest = divmod(sizes["Frame"], sizes["Range"])
    regular = not rest and sizes["Frame"] // sizes["Block"] % size == 0
    if not regular or any(r != f // size for f, r in enumerate(machine.tables["range_of"])):
        raise ValueError("the engine needs ranges for huge folios of one size, in order")
    return size


def _plain(machine: Described) -> bool:
    """Folios and frames are named as on a machine that is not described one by one."""
    tables = machine.tables
    frames = tuple(range(machine.sizes["Frame"]))
    return tables["birth_frame"] == tables["boot_folio"] == frames and not any(tables["boot_data"])


def _fallback(nearer: Sequence[int], node: int, nodes: int) -> list[int]:
    def closer(a: int, b: int) -> int:
        return -1 if nearer[(node * nodes + a) * nodes + b] else 1

    order: Callable[[int], object] = cmp_to_key(closer)
    return sorted(range(nodes), key=order)  # type: ignore[arg-type]  # a key that can be compared
