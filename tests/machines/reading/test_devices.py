"""Whose memory a block is: DIMMs of ACPI, dax, virtio-mem, logical memory blocks."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from memhp.machines.reading.devices import DRCONF, logical_blocks
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.files import FileTree
from memhp.machines.reading.sysfs import read_machine

from ..conftest import MEMORY, Files, Links, block_files

SIZE = 0x8000000
Build = Callable[..., Path]


def machine(*numbers: int) -> Files:
    files = {f"{MEMORY}/block_size_bytes": f"{SIZE:x}\n"}
    for number in numbers:
        files |= block_files(number)
    return files


def test_a_dimm_is_told_by_the_link_of_its_blocks(directory: Build, tar_file: Build) -> None:
    target = "../../../LNXSYSTM:00/LNXSYBUS:00/PNP0C80:01"
    links: Links = {f"{MEMORY}/memory33/firmware_node": target}
    for root in (directory(machine(32, 33), links), tar_file(machine(32, 33), links)):
        assert read_machine(root).devices == {33: "PNP0C80:01"}


@pytest.mark.parametrize(
    ("lines", "devices"),
    [
        ("100000000-10fffffff : System RAM\n", {}),
        (
            "100000000-10fffffff : virtio0\n  100000000-10fffffff : System RAM (virtio_mem)\n",
            {32: "virtio0", 33: "virtio0"},
        ),
        (
            "100000000-10fffffff : CXL Window 0\n  100000000-10fffffff : region0\n"
            "    100000000-10fffffff : dax0.0\n      108000000-10fffffff : System RAM (kmem)\n",
            {33: "dax0.0"},
        ),
        (
            "100000000-107ffffff : dax0.0\n  100000000-107ffffff : System RAM (kmem)\n"
            "108000000-10fffffff : dax1.0\n  108000000-10fffffff : System RAM (kmem)\n",
            {32: "dax0.0", 33: "dax1.0"},
        ),
        ("100000000-10fffffff : a\x1b[2J\n  100000000-10fffffff : System RAM (kmem)\n", {}),
        ("100000000-103ffffff : dax0.0\n  100000000-103ffffff : System RAM (kmem)\n", {}),
    ],
    ids=["none", "virtio-mem", "cxl", "two", "no-name", "half"],
)
def test_drivers_memory_lies_below_the_range_of_its_device(
    lines: str, devices: dict[int, str], directory: Build
) -> None:
    root = directory({**machine(32, 33), "proc/iomem": lines})
    assert read_machine(root).devices == devices


def entry(address: int, index: int) -> bytes:
    return struct.pack(">QIIII", address, index, 0, 0, 8)


def in_a_row(count: int, address: int, index: int) -> bytes:
    return struct.pack(">IQIII", count, address, index, 0, 8)


def listed(name: str, count: int, *entries: bytes) -> FileTree:
    content = struct.pack(">I", count) + b"".join(entries)
    size = struct.pack(">Q", SIZE)
    return FileTree("a partition", {f"{DRCONF}/{name}": content, f"{DRCONF}/ibm,lmb-size": size})


@pytest.mark.parametrize(
    "tree",
    [
        listed("ibm,dynamic-memory", 2, entry(0, 0x80000000), entry(SIZE, 0x80000001)),
        listed("ibm,dynamic-memory-v2", 1, in_a_row(2, 0, 0x80000000)),
    ],
    ids=["v1", "v2"],
)
def test_a_logical_memory_block_is_named_by_its_connector(tree: FileTree) -> None:
    found = {each.range.start: each.name for each in logical_blocks(tree)}
    assert found == {0: "DRC 0x80000000", SIZE: "DRC 0x80000001"}


@pytest.mark.parametrize(
    "tree",
    [
        listed("ibm,dynamic-memory", 3, entry(0, 1)),
        listed("ibm,dynamic-memory", 1, entry(0, 1)[:-1]),
        listed("ibm,dynamic-memory-v2", 1, in_a_row(0xFFFFFFFF, 0, 1)),
    ],
)
def test_a_list_that_is_none_is_refused(tree: FileTree) -> None:
    with pytest.raises(MachineError, match="dynamic"):
        list(logical_blocks(tree))


def test_a_machine_without_one_has_no_logical_blocks() -> None:
    assert list(logical_blocks(FileTree("a machine", {}))) == []
