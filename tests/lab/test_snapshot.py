"""A guest's tar has what a record of a machine has: no guest is booted."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import cast

import pytest

from memhp.lab.guest.guest import Guest, Reply
from memhp.lab.guest.protocol import Answer
from memhp.lab.guest.snapshot import files_of, packed
from memhp.lab.tools.errors import LabError
from memhp.machines.reading.findings import PageWords
from memhp.machines.reading.record import recorded
from memhp.machines.reading.sysfs import read_machine
from memhp.machines.reading.tree import open_tree

from ..machines.conftest import MEMORY, small_machine, write_tree

CMA = "sys/kernel/debug/cma"
TREE = "sys/firmware/devicetree/base"


class Folder:
    """A guest whose files are those of a folder; it finds and reads as busybox and the agent do."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def shell(self, command: str) -> Reply:
        name, *words = command.split()
        assert name == "find"
        folders = [word for word in words if word.startswith("/sys")]
        kind, depth = words[words.index("-type") + 1], int(words[words.index("-maxdepth") + 1])
        paths = [
            path
            for folder in folders
            for path in sorted((self.root / folder[1:]).rglob("*"))
            if len(path.relative_to(self.root / folder[1:]).parts) <= depth
        ]
        wanted = [path for path in paths if path.is_symlink() == (kind == "l")]
        found = [path for path in wanted if kind == "l" or path.is_file()]
        return Reply(0, "".join(f"/{path.relative_to(self.root)}\n" for path in found))

    def agent(self, verb: str, path: str) -> Answer:
        file = self.root / path[1:]
        if verb != "read" or not file.is_file() or file.name == "probe":
            return Answer(0, errno.EACCES, b"")
        return Answer(0, 0, file.read_bytes())


def guest_of(root: Path) -> Guest:
    return cast(Guest, Folder(root))


def test_a_snapshot_has_what_a_record_of_the_same_machine_has(tmp_path: Path) -> None:
    files, links = small_machine()
    files |= {
        "proc/version": "Linux version 6.12.0\n",
        "proc/iomem": "00000000-0fffffff : System RAM\n  01000000-01ffffff : Kernel code\n",
        "proc/zoneinfo": "Node 0, zone Normal\n        cma      512\n",
        f"{CMA}/a/ranges/0/base_pfn": "64\n",
        f"{CMA}/a/count": "512\n",
        f"{CMA}/a/used": "3\n",
        f"{MEMORY}/probe": "",
        f"{MEMORY}/memory1/power/control": "auto\n",
        f"{TREE}/#address-cells": "\0\0\0\1",
        f"{TREE}/#size-cells": "\0\0\0\1",
        f"{TREE}/memory@0/reg": "\0\0\0\0\1\0\0\0",
        f"{TREE}/serial/reg": "not of interest",
        "proc/kallsyms": "not of interest",
    }
    root = write_tree(
        tmp_path / "machine", files, {**links, f"{CMA}/a/base_pfn": "ranges/0/base_pfn"}
    )
    taken, names = files_of(guest_of(root))
    os.remove(root / MEMORY / "probe")
    expected, expected_names = recorded(open_tree(root))
    assert dict(taken) == expected
    assert names == expected_names
    path = tmp_path / "guest.tar"
    path.write_bytes(packed((taken, names), PageWords(4096, 128 << 20, {})))
    tree, reading = open_tree(path), read_machine(path)
    assert tree.read_text("proc/iomem") == "00000000-0fffffff : System RAM\n"
    assert reading.cma_areas == (range(64, 576),)
    assert reading.boot_memory is not None
    assert len(reading.blocks) == 3


def test_a_guest_without_blocks_is_none_to_record(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no memory blocks"):
        files_of(guest_of(tmp_path))
