"""A record of a machine says what the machine says."""

from __future__ import annotations

import os
import tarfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from memhp.machines.reading.block_evidence import BlockEvidence, Stuck
from memhp.machines.reading.device_tree import DEVICE_TREE
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.record import pack, record_of_this_machine
from memhp.machines.reading.sysfs import read_machine
from memhp.machines.reading.tree import open_tree

from ..conftest import MEMORY, Files, Links, block_files


def test_the_same_content_gives_the_same_bytes() -> None:
    files = [("proc/version", b"Linux version 6.12.0\n")]
    assert pack(files, ["sys/a"]) == pack(files, ["sys/a"])


def test_a_record_is_read_as_the_machine_was(
    machine: tuple[Files, Links], directory: Callable[..., Path], tmp_path: Path
) -> None:
    files, links = machine
    files |= {
        "proc/version": "Linux version 6.12.0\n",
        "proc/iomem": "00000000-0fffffff : System RAM\n  01000000-01ffffff : Kernel code\n",
        "proc/zoneinfo": "Node 0, zone Normal\n        cma      512\n",
        "sys/kernel/debug/cma/a/base_pfn": "64\n",
        "sys/kernel/debug/cma/a/count": "512\n",
        "sys/kernel/debug/cma/a/used": "3\n",
        f"{MEMORY}/memory1/power/control": "auto\n",
        f"{DEVICE_TREE}/#address-cells": "\0\0\0\1",
        f"{DEVICE_TREE}/#size-cells": "\0\0\0\1",
        f"{DEVICE_TREE}/memory@0/reg": "\0\0\0\0\1\0\0\0",
        f"{DEVICE_TREE}/serial/reg": "not of interest",
    }
    root = directory(files, links)
    seen = read_machine(root)
    path = tmp_path / "record.tar.gz"
    path.write_bytes(record_of_this_machine(seen, root))
    assert replace(read_machine(path), source=str(root)) == seen
    tree = open_tree(path)
    assert tree.listdir(f"{MEMORY}/memory1/power") == ()
    assert tree.listdir("sys/kernel/debug/cma/a") == ("base_pfn", "count")
    assert tree.read_text("proc/iomem") == "00000000-0fffffff : System RAM\n"


@pytest.mark.skipif(
    not (os.access("/proc/kpageflags", os.R_OK) and os.path.isdir("/sys/devices/system/memory")),
    reason="page flags cannot be read here",
)
def test_a_record_of_this_machine_has_its_page_words(tmp_path: Path) -> None:
    seen = read_machine("/")
    path = tmp_path / "record.tar.gz"
    path.write_bytes(record_of_this_machine(seen))
    kept = read_machine(path)
    assert kept.page_size == seen.page_size
    assert kept.blocks == seen.blocks
    assert kept.frames is not None
    assert seen.frames is not None
    assert kept.frames.keys() == seen.frames.keys()


def test_a_record_keeps_what_page_structures_told_but_not_of_which_frames(
    machine: tuple[Files, Links], directory: Callable[..., Path], tmp_path: Path
) -> None:
    root = directory(*machine)
    stuck = (Stuck(0x8123, FrameKind.held, 1, 2, 1),)
    found = BlockEvidence(Counter({FrameKind.held: 1}), untold=2, stuck=stuck, early=False)
    seen = replace(read_machine(root), evidence={1: found})
    path = tmp_path / "record.tar.gz"
    path.write_bytes(record_of_this_machine(seen, root))
    assert read_machine(path).evidence == {1: replace(found, stuck=())}


def test_what_is_no_file_is_left_out(
    machine: tuple[Files, Links], directory: Callable[..., Path], tmp_path: Path
) -> None:
    root = directory(*machine)
    os.mkfifo(root / MEMORY / "pipe")
    path = tmp_path / "record.tar.gz"
    path.write_bytes(record_of_this_machine(read_machine(root), root))
    assert "pipe" not in open_tree(path).listdir(MEMORY)


def test_a_record_names_devices_and_keeps_no_words_of_the_command_line_but_its_own(
    directory: Callable[..., Path], tmp_path: Path
) -> None:
    files = {f"{MEMORY}/block_size_bytes": "8000000\n", **block_files(32), **block_files(33)}
    files["proc/cmdline"] = "root=/dev/vda movable_node token=secret\n"
    files["sys/module/memory_hotplug/parameters/online_policy"] = "auto-movable\n"
    links = {f"{MEMORY}/memory33/firmware_node": "../../../LNXSYSTM:00/PNP0C80:02"}
    root = directory(files, links)
    reading = read_machine(root)
    path = tmp_path / "record.tar.gz"
    path.write_bytes(record_of_this_machine(reading, root))
    again = read_machine(path)
    assert again.devices == reading.devices == {33: "PNP0C80:02"}
    assert (again.policy.movable_node, again.policy.zones) == (True, "auto-movable")
    with tarfile.open(path) as archive:
        content = archive.extractfile("proc/cmdline")
        assert content is not None
        assert content.read() == b"movable_node\n"


@pytest.mark.parametrize("text", ["", "memhp-devices/2\n", "memhp-devices/1\nx y\n"])
def test_devices_that_no_record_has_are_refused(text: str, directory: Callable[..., Path]) -> None:
    files = {f"{MEMORY}/block_size_bytes": "8000000\n", "memhp/devices": text, **block_files(1)}
    with pytest.raises(MachineError, match="memhp/devices"):
        read_machine(directory(files))
