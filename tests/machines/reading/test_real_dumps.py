"""Dumps of real machines, where they lie beside the project; they are not part of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from memhp.machines.reading.sysfs import MachineReading, read_machine

DUMPS = Path(__file__).resolve().parents[4] / "shared" / "data"
MIB = 1024 * 1024


def read(name: str) -> MachineReading:
    path = DUMPS / name
    if not path.exists():
        pytest.skip("the dumps of real machines are not here")
    return read_machine(path)


def test_x86_64_of_2016_has_a_hole_and_blocks_in_no_single_zone() -> None:
    reading = read("util-linux-x86_64-16g.tar.bz2")
    assert [block.number for block in reading.blocks] == [*range(24), *range(32, 136)]
    assert reading.block_size == 128 * MIB
    zones = Counter(block.valid_zones for block in reading.blocks)
    assert zones == {("none",): 2, ("DMA32",): 23, ("Normal",): 103}
    assert sum(block.removable == 0 for block in reading.blocks) == 75
    assert all(block.nodes == (0,) for block in reading.blocks)


def test_s390x_has_offline_blocks_and_a_default_zone_first() -> None:
    reading = read("util-linux-s390-zvm-6g.tar.bz2")
    assert reading.block_size == 256 * MIB
    assert Counter(block.state for block in reading.blocks) == {"online": 19, "offline": 5}
    assert {("Normal", "Movable"), ("Movable", "Normal"), ("DMA", "Normal")} <= {
        block.valid_zones for block in reading.blocks
    }
    assert reading.blocks[-1].phys_device == 736


def test_four_nodes_have_their_own_distances_and_blocks() -> None:
    reading = read("pcp-sysfs-numa-001.tar.gz")
    assert [node.distance for node in reading.nodes][1] == (20, 10, 20, 20)
    assert [len(node.blocks) for node in reading.nodes] == [8, 8, 8, 8]
    assert reading.nodes[3].blocks == tuple(range(32, 40))
    assert reading.nodes[2].mem_total_kib == 965616


def test_a_machine_without_blocks_still_has_nodes_and_zones() -> None:
    reading = read("pcp-meminfo-root-002.tar.gz")
    assert reading.blocks == ()
    assert [node.mem_total_kib for node in reading.nodes] == [67077488, 67108864]
    assert reading.zones is not None
    assert [(zone.node, zone.name) for zone in reading.zones] == [
        (0, "DMA"),
        (0, "DMA32"),
        (0, "Normal"),
        (1, "Normal"),
    ]


def test_a_block_size_is_derived_where_only_node_links_are_left() -> None:
    reading = read("hwloc-40intel64-2g2n4c.tar.bz2")
    assert len(reading.blocks) == 4096
    assert set(range(4112)) - {block.number for block in reading.blocks} == set(range(16, 32))
    assert reading.block_size == 128 * MIB
    assert reading.block_size_derived
    assert all(block.state is None and len(block.nodes) == 1 for block in reading.blocks)
