"""The memory at boot is what the device tree's memory nodes name."""

from __future__ import annotations

from pathlib import Path

import pytest

from memhp.machines.reading.device_tree import DEVICE_TREE, boot_memory
from memhp.machines.reading.directory import DirectoryTree
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.procfs import Range

GIB = 1 << 30


def tree(root: Path, registers: dict[str, bytes], cells: bytes = b"\0\0\0\2") -> DirectoryTree:
    folder = root / DEVICE_TREE
    folder.mkdir(parents=True)
    for name in ("#address-cells", "#size-cells"):
        (folder / name).write_bytes(cells)
    for name, content in registers.items():
        (folder / name).mkdir()
        (folder / name / "reg").write_bytes(content)
    return DirectoryTree(root)


def pair(start: int, length: int, cells: int = 2) -> bytes:
    return start.to_bytes(4 * cells, "big") + length.to_bytes(4 * cells, "big")


def test_every_pair_of_every_memory_node_is_a_range(tmp_path: Path) -> None:
    registers = {
        "memory@80000000": pair(8 * GIB, GIB) + pair(2 * GIB, GIB),
        "memory@40000000": pair(GIB, GIB // 2),
        "flash@0": pair(0, GIB),
    }
    assert boot_memory(tree(tmp_path, registers)) == (
        Range(GIB, GIB + GIB // 2),
        Range(2 * GIB, 3 * GIB),
        Range(8 * GIB, 9 * GIB),
    )


def test_numbers_are_as_wide_as_the_root_says(tmp_path: Path) -> None:
    made = tree(tmp_path, {"memory": pair(GIB, GIB, cells=1)}, cells=b"\0\0\0\1")
    assert boot_memory(made) == (Range(GIB, 2 * GIB),)


def test_no_device_tree_and_one_without_memory_tell_nothing(tmp_path: Path) -> None:
    assert boot_memory(DirectoryTree(tmp_path)) is None
    assert boot_memory(tree(tmp_path, {})) is None


def test_a_broken_tree_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="are no pairs of 16 bytes"):
        boot_memory(tree(tmp_path / "a", {"memory@0": b"\0" * 15}))
    with pytest.raises(MachineError, match="#address-cells: expected one word"):
        boot_memory(tree(tmp_path / "b", {"memory@0": pair(0, GIB)}, cells=b"\0"))
