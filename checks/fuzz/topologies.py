"""The machines that walks run on: small, and each with its own difficulties."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache

from memhp.reference.shapes import Shape
from memhp.reference.topology import Topology
from memhp.spec.language.system import System, Variable
from memhp.spec.language.terms import SortRef, Symbol
from memhp.spec.system import SYSTEM

from .rules import RULES, Rule

__all__ = ["MORE_SHAPES", "SHAPES", "built", "built_for", "machines_for"]


def _ring(node: int, other: int) -> tuple[int, int]:
    """How far two of four nodes are apart in a ring; of two at the same distance, the higher."""
    return min((node - other) % 4, (other - node) % 4), -other


def _triples(nodes: int) -> list[tuple[int, int, int]]:
    return [(n, a, b) for n in range(nodes) for a in range(nodes) for b in range(nodes)]


def _device_table(blocks_of: Sequence[Sequence[int]], blocks: int) -> tuple[int, ...]:
    return tuple(int(block in of) for of in blocks_of for block in range(blocks))


SHAPES: Mapping[str, Shape] = {
    # Mem_maps beside the pgdat, a hole, kernel memory from boot, a notifier that refuses; files
    # of three kinds of filesystems on two stores; a reader of a section that comes and goes.
    "one_node": Shape(
        blocks=6,
        frames=3,
        folios=8,
        ptes=10,
        vmas=2,
        data=3,
        added=frozenset([4, 5]),
        movable=frozenset([1, 2]),
        vetoing=frozenset([2, 4]),
        holes=frozenset([10]),
        boot_kernel=frozenset([0]),
        memmaps="pgdat",
        more=(
            ("Store", 2),
            ("Tick", 3),
            ("Pin", 3),
            ("HugeFolio", 3),
            ("HugePte", 2),
            ("Reference", 2),
            ("Listener", 2),
        ),
        tables=(
            ("asked_first", (0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)),
            ("filesystem", (0, 1, 2, 0, 1, 0, 1, 0)),
            ("store_of", (0, 1, 0, 1, 0, 1, 0, 1)),
            ("does_dma", (1, 0, 1)),
            ("driver_moves", (0, 0, 1)),
            ("boot_data", (0, 1, 2) * 6),
            ("birth_frame", (0, 3, 6, 9, 12, 15, 1, 4)),
            ("cpus_keep_frames", (1,)),
            ("vetoes_online", (0, 0, 0, 0, 0, 1)),
            ("lacks_ej0", (1, 0, 0, 0, 0, 0)),
            ("demands_offline", (0, 1, 0, 0, 1, 0)),
            ("may_be_forbidden", (0, 0, 0, 1, 0, 1)),
            ("may_fail", tuple(int(frame == 9) for frame in range(18))),
            ("at_work", (1,)),
            ("watched", (5,)),
        ),
    ),
    # Two nodes of blocks with two sections, which need each other; one block in two zones;
    # devices that hold buffers; huge folios of two sizes.
    "two_nodes": Shape(
        nodes=2,
        blocks=3,
        sections=2,
        frames=2,
        folios=12,
        ptes=6,
        data=2,
        added=frozenset([2, 5]),
        movable=frozenset([1, 4]),
        multizone=frozenset([3]),
        more=(
            ("Pin", 4),
            ("HugeFolio", 4),
            ("Reservation", 2),
            ("HugePte", 4),
            ("HugePin", 2),
            ("Reference", 3),
        ),
        tables=(
            ("first_referenced", (2, 0, 1)),
            ("does_dma", (1, 1, 1, 1)),
            ("does_huge_dma", (1, 1)),
            ("birth_range", (0, 1, 2, 3)),
            ("first_huge", (0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3)),
            ("gigantic", (0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0)),
            ("boot_range_data", (0, 1) * 6),
            ("reservation_node", (0, 1)),
            ("driver_moves", (0, 1, 0, 1)),
            ("first_pinned", (0, 1, 2, 3)),
            ("memmap_host", (0, 1, 2, 2, 5, 5, 6, 7, 8, 8, 11, 11)),
            ("pgdat_section", (2, 6)),
            ("cpus_keep_frames", (0, 1)),
            ("boot_data", (0, 1) * 12),
        ),
    ),
    # Four nodes, one of them empty at boot, mem_maps on other nodes, distances of a ring.
    "four_nodes": Shape(
        nodes=4,
        blocks=2,
        frames=2,
        folios=8,
        ptes=12,
        vmas=3,
        data=2,
        added=frozenset([3, 6, 7]),
        movable=frozenset([1, 5]),
        more=(("Tick", 5), ("HugeFolio", 3), ("Reservation", 2), ("HugePte", 2)),
        tables=(
            ("filesystem", (1,) * 8),
            ("does_dma", (1,)),
            ("does_huge_dma", (1,)),
            ("nearer", tuple(int(_ring(n, a) < _ring(n, b)) for n, a, b in _triples(4))),
            ("memmap_host", (0, 0, 2, 0, 4, 2, 6, 0)),
            ("cpus_keep_frames", (1, 0, 1, 0)),
            ("movable_node", (0, 1, 0, 1)),
            ("boot_data", (0, 1, 1, 0) * 4),
        ),
    ),
    # Devices over two blocks, blocks in two devices, one in none; a mem_map in a block that may
    # be missing when a device is added, and one beside a pgdat in a frame of another node;
    # addresses against the numbers; a folio for each frame, and an entry that maps it.
    "shared_devices": Shape(
        nodes=2,
        blocks=3,
        frames=4,
        folios=24,
        ptes=24,
        data=2,
        added=frozenset([1, 2, 5]),
        movable=frozenset([4]),
        vetoing=frozenset([4]),
        more=(("MemoryDevice", 4), ("HugeFolio", 3), ("HugePte", 4)),
        tables=(
            ("in_range", _device_table(((0, 1), (1, 2), (4,), (4, 5)), 6)),
            ("early_device", (1, 0, 1, 1)),
            ("may_be_forbidden", (0, 1, 0, 0)),
            ("memmap_host", (0, 3, 5, 3, 4, 5)),
            ("may_fail", tuple(int(frame in (6, 21)) for frame in range(24))),
            ("metadata_frame", tuple(int(frame in (13, 22)) for frame in range(24))),
            ("does_dma", (1,)),
            ("does_huge_dma", (1,)),
            ("driver_moves", (1,)),
            ("birth_frame", tuple(range(24))),
            ("boot_folio", tuple(range(24))),
            ("below", tuple(int((b * 5 % 6) < (a * 5 % 6)) for a in range(6) for b in range(6))),
        ),
    ),
}
"""By name."""

MORE_SHAPES: Mapping[str, Shape] = {
    # What only targets that name it do: a boot block, logical memory blocks of which one is
    # reserved, two blocks of a virtio-mem device in two sub-blocks each, standby increments,
    # readers of sections that come and go, kernel pages on two processors.
    "platforms": Shape(
        blocks=8,
        frames=2,
        folios=4,
        ptes=4,
        data=2,
        added=frozenset([2, 3, 4, 5]),
        movable=frozenset([1]),
        more=(("SubBlock", 4), ("Increment", 3), ("Reader", 2), ("Cpu", 2), ("KernelPage", 2)),
        tables=(
            ("is_lmb", (0, 1, 1, 0, 0, 0, 0, 1)),
            ("reserved_lmb", (0, 0, 0, 0, 0, 0, 0, 1)),
            ("is_virtio", (0, 0, 0, 1, 1, 0, 0, 0)),
            ("block_of_subblock", (3, 3, 4, 4)),
            ("subblock_of", (0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0)),
            ("memmap_host", (0, 1, 2, 0, 0, 5, 6, 7)),
            ("in_storage", (1, 1, 1)),
            ("increment_block", (5, 5, 6)),
            ("may_fail", (0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1)),
            ("at_work", (1, 1)),
            ("watched", (1, 5)),
            ("address_kept", (1, 0)),
        ),
    ),
}
"""For targets that name operations beyond `rules.RULES`, by name."""


def machines_for(rules: Collection[Rule]) -> tuple[str, ...]:
    """The names of the machines on which a target with those operations is compared."""
    usual = {rule.name for rule in RULES}
    return tuple(SHAPES) if {r.name for r in rules} <= usual else (*MORE_SHAPES, *SHAPES)


@cache
def built(name: str) -> Topology:
    """The topology of that name: the same object each time, so that its code is compiled once."""
    return {**SHAPES, **MORE_SHAPES}[name].build(SYSTEM)


def built_for(name: str, system: System) -> Topology:
    """The topology of that name for a design, which may have sorts and symbols of its own."""
    if (system.sorts, system.topology) == (SYSTEM.sorts, SYSTEM.topology):
        return built(name)
    return _of_design(name, system.sorts, system.topology, system.variables)


@lru_cache(maxsize=16)
def _of_design(
    name: str,
    sorts: tuple[SortRef, ...],
    topology: tuple[Symbol, ...],
    variables: tuple[Variable, ...],
) -> Topology:
    system = replace(SYSTEM, sorts=sorts, topology=topology, variables=variables)
    return {**SHAPES, **MORE_SHAPES}[name].build(system)
