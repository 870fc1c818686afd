"""What a machine is: which memory lies where, what hosts what, and what was there at boot.

Nothing here changes while the machine runs.  Blocks are numbered from 0 and all
have the same number of sections and frames; a gap between blocks is a block that
was not there at boot and lies in no device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import Protocol

__all__ = ["Described", "Layout", "by_distance"]


class Described(Protocol):
    """A machine described by numbers of elements and row-major tables."""

    @property
    def sizes(self) -> Mapping[str, int]: ...

    @property
    def tables(self) -> Mapping[str, tuple[int, ...]]: ...


@dataclass(frozen=True)
class Layout:
    """One machine, as it is built.

    Parameters: ``node_of``, the node of each block; ``fallback``, for each node
    all nodes, the nearest first; ``sections`` and ``frames``, how many of each a
    block has; ``early``, ``early_zone``, what was there at boot, and its zone (0
    where several zones share a block); ``holes``, ``vetoes_online``,
    ``vetoes_offline``, truth values for each block; ``cpus_keep_frames``, for each
    node; ``pgdat_section``, the section that holds a node's pgdat;
    ``memmap_host``, the section that holds a section's mem_map (without it, each
    its own); ``devices_of`` a block, ``blocks_of`` a device (without them, each
    block lies in a device of its own) and ``early_device``; ``rank``, the place of
    each block by address; ``folios``, how many folios there can be (without it,
    one for each frame, which it begins in); ``birth_frame``, ``boot_folio`` and
    ``boot_data``, what records name at boot; ``filesystem``, what the one of each
    folio can do (without it, move all data), ``store_of`` a folio (0) and how many
    ``stores``; ``ticks``, how often a removal may wait; ``ptes``, how many page-table
    entries there can be (one for each folio), ``vmas``, and for each entry ``vma_of``
    (0) and ``implied_folio`` (that of its number); for each entry of a device's table
    ``does_dma``, ``driver_moves`` and ``first_pinned`` (there is none);
    ``range_size``, how many frames a huge folio takes, ``gigantic``, ``first_huge``
    and ``boot_range_data`` for each range, ``birth_range`` for each huge folio, and
    ``reservation_node`` for each promise (there are no huge folios).

    Raises ValueError if the tables do not fit each other.
    """

    node_of: Sequence[int]
    fallback: Sequence[Sequence[int]]
    sections: int
    frames: int
    early: bytes
    early_zone: bytes
    pgdat_section: Sequence[int]
    holes: bytes = b""
    vetoes_online: bytes = b""
    vetoes_offline: bytes = b""
    cpus_keep_frames: bytes = b""
    memmap_host: Sequence[int] | None = None
    devices_of: Sequence[Sequence[int]] | None = None
    blocks_of: Sequence[Sequence[int]] | None = None
    early_device: bytes = b""
    rank: Sequence[int] | None = None
    folios: int = 0
    birth_frame: Sequence[int] | None = None
    boot_folio: Sequence[int] | None = None
    boot_data: Sequence[int] | None = None
    filesystem: bytes = b""
    store_of: Sequence[int] | None = None
    stores: int = 1
    ticks: int = 1
    ptes: int = 0
    vmas: int = 1
    vma_of: Sequence[int] | None = None
    implied_folio: Sequence[int] | None = None
    does_dma: bytes = b""
    driver_moves: bytes = b""
    first_pinned: Sequence[int] = ()
    range_size: int = 0
    gigantic: bytes = b""
    birth_range: Sequence[int] = ()
    first_huge: Sequence[int] = ()
    boot_range_data: Sequence[int] = ()
    reservation_node: Sequence[int] = ()
    frame_codes: Mapping[int, bytes] = field(default_factory=dict)
    """The frames' codes at boot, of the early blocks that are not uniform."""
    block_codes: bytes = b""
    """The code that all frames of an early block have at boot (without it, free)."""

    def __post_init__(self) -> None:
        blocks, nodes = len(self.node_of), len(self.fallback)
        for name, per in (
            ("early", blocks),
            ("early_zone", blocks),
            ("holes", blocks),
            ("vetoes_online", blocks),
            ("vetoes_offline", blocks),
            ("block_codes", blocks),
            ("cpus_keep_frames", nodes),
        ):
            given = getattr(self, name)
            if given and len(given) != per:
                raise ValueError(f"{name} has {len(given)} entries; it needs {per}")
            if not given:
                filler = b"\x02" if name == "block_codes" else b"\x00"
                object.__setattr__(self, name, filler * per)
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

        Raises ValueError if its blocks are not all of one size, in order, or
        its ranges for huge folios are not.
        """
        sizes, tables = machine.sizes, machine.tables
        nodes, blocks, devices = sizes["Node"], sizes["Block"], sizes["MemoryDevice"]
        sections, frames = _regular(machine)
        range_size = _range_size(machine)
        frame_codes = {}
        for block in range(blocks):
            if tables["early"][block]:
                part = slice(block * frames, (block + 1) * frames)
                holes, kernel = tables["hole"][part], tables["boot_kernel"][part]
                codes = (0 if h else 9 if k else 2 for h, k in zip(holes, kernel, strict=True))
                frame_codes[block] = bytes(codes)
        plain = _plain(machine)
        in_range = [tables["in_range"][m * blocks : (m + 1) * blocks] for m in range(devices)]
        return cls(
            node_of=tables["node_of"],
            fallback=[_fallback(tables["nearer"], node, nodes) for node in range(nodes)],
            sections=sections,
            frames=frames,
            early=bytes(tables["early"]),
            early_zone=bytes(tables["early_zone"]),
            pgdat_section=tables["pgdat_section"],
            holes=bytes(any(tables["hole"][b * frames : (b + 1) * frames]) for b in range(blocks)),
            vetoes_online=bytes(tables["vetoes_online"]),
            vetoes_offline=bytes(tables["vetoes_offline"]),
            cpus_keep_frames=bytes(tables["cpus_keep_frames"]),
            memmap_host=tables["memmap_host"],
            devices_of=[[m for m in range(devices) if in_range[m][b]] for b in range(blocks)],
            blocks_of=[[b for b in range(blocks) if in_range[m][b]] for m in range(devices)],
            early_device=bytes(tables["early_device"]),
            rank=[
                sum(tables["below"][a * blocks + b] for a in range(blocks)) for b in range(blocks)
            ],
            folios=sizes["Folio"],
            birth_frame=None if plain else tables["birth_frame"],
            boot_folio=None if plain else tables["boot_folio"],
            boot_data=None if plain else tables["boot_data"],
            filesystem=bytes(tables["filesystem"]) if any(tables["filesystem"]) else b"",
            store_of=tables["store_of"],
            stores=sizes["Store"],
            ticks=sizes["Tick"],
            ptes=sizes["Pte"],
            vmas=sizes["Vma"],
            vma_of=tables["vma_of"],
            implied_folio=tables["implied_folio"],
            does_dma=bytes(tables["does_dma"]),
            driver_moves=bytes(tables["driver_moves"]),
            first_pinned=tables["first_pinned"],
            range_size=range_size,
            gigantic=bytes(tables["gigantic"]),
            birth_range=tables["birth_range"],
            first_huge=tables["first_huge"],
            boot_range_data=tables["boot_range_data"],
            reservation_node=tables["reservation_node"],
            frame_codes=frame_codes,
        )


def by_distance(distance: Sequence[Sequence[int]]) -> list[list[int]]:
    """For each node all nodes, the nearest first, equal ones in their order.

    Parameters: ``distance``, node by node, as /sys/devices/system/node shows it.

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
    frames, left = divmod(sizes["Frame"], sizes["Section"])
    regular = (
        not rest
        and not left
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
