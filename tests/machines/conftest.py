"""Small machines, written as files: what each test changes is visible in the test."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

MEMORY = "sys/devices/system/memory"
NODE = "sys/devices/system/node"

Files = dict[str, str]
Links = dict[str, str]


def block_files(number: int, *, state: str = "online", zones: str = "Normal") -> Files:
    """The files of one memory block."""
    folder = f"{MEMORY}/memory{number}"
    return {
        f"{folder}/state": f"{state}\n",
        f"{folder}/online": "1\n" if state == "online" else "0\n",
        f"{folder}/valid_zones": f"{zones}\n",
        f"{folder}/removable": "1\n",
        f"{folder}/phys_index": f"{number:08x}\n",
        f"{folder}/phys_device": "0\n",
    }


def small_machine() -> tuple[Files, Links]:
    """Two nodes, blocks 0, 1 and 32; block 32 is offline."""
    files = {f"{MEMORY}/block_size_bytes": "8000000\n"}
    files |= block_files(0, zones="none") | block_files(1)
    files |= block_files(32, state="offline", zones="Normal Movable")
    links: Links = {}
    for block, node in ((0, 0), (1, 0), (32, 1)):
        links[f"{MEMORY}/memory{block}/node{node}"] = f"../../node/node{node}"
        links[f"{NODE}/node{node}/memory{block}"] = f"../../memory/memory{block}"
    for node, distance in ((0, "10 20\n"), (1, "20 10\n")):
        files[f"{NODE}/node{node}/distance"] = distance
        files[f"{NODE}/node{node}/cpulist"] = "0-1,4\n" if node == 0 else "\n"
        files[f"{NODE}/node{node}/meminfo"] = (
            f"Node {node} MemTotal:  262000 kB\nNode {node} MemFree:  1000 kB\n"
        )
    return files, links


def write_tree(root: Path, files: Mapping[str, str], links: Mapping[str, str]) -> Path:
    """A directory with these files and links."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    for path, target in links.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target, root / path)
    return root


def tar_bytes(files: Mapping[str, str], links: Mapping[str, str], prefix: str = "") -> bytes:
    """A plain tar with these files and links, names exactly as given."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(prefix + path)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
        for path, target in links.items():
            member = tarfile.TarInfo(prefix + path)
            member.type = tarfile.SYMTYPE
            member.linkname = target
            archive.addfile(member)
    return buffer.getvalue()


@pytest.fixture
def machine() -> tuple[Files, Links]:
    """The files and links of `small_machine`, free to be changed."""
    return small_machine()


@pytest.fixture
def directory(tmp_path: Path) -> Callable[..., Path]:
    """Writes files and links into a fresh directory and gives its path."""

    def build(files: Mapping[str, str], links: Mapping[str, str] | None = None) -> Path:
        root = tmp_path / "machine"
        root.mkdir()
        return write_tree(root, files, links or {})

    return build


@pytest.fixture
def tar_file(tmp_path: Path) -> Callable[..., Path]:
    """Packs files and links into a plain tar and gives its path."""

    def build(
        files: Mapping[str, str], links: Mapping[str, str] | None = None, prefix: str = ""
    ) -> Path:
        path = tmp_path / "machine.tar"
        path.write_bytes(tar_bytes(files, links or {}, prefix))
        return path

    return build
