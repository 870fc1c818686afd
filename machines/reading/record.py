"""A machine as a tar: what its files say, and what it takes to judge its blocks later.

Such a record holds the files of sysfs about blocks and nodes, a few of procfs, the memory that a
device tree tells, where areas of CMA lie, how added memory goes online, and of its blocks the page
words and what page structures told (`memhp.machines.reading.findings`, `.block_evidence`).  No
content of any page is in it, no names of processes or files, and not where the kernel itself lies.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from .block_evidence import EVIDENCE, evidence_text
from .cma import area_files
from .device_tree import DEVICE_TREE
from .devices import firmware_node
from .errors import MachineError
from .findings import DEVICES, PAGE_WORDS, PageWords, devices_text, page_words_text
from .pageflags import count_words
from .places import CONFIG_DIR, PARAMETERS_DIR
from .policy import kept_words
from .sysfs import MachineReading
from .tree import MEMORY_DIR, NODE_DIR, Tree, open_tree

__all__ = ["FOLDERS", "PROC", "pack", "record_of_this_machine", "recorded"]

FOLDERS = (MEMORY_DIR, NODE_DIR)
"""The folders of which everything is recorded."""

_PASSED_OVER = ("power", "subsystem", "uevent")
"""Names in them that tell nothing of memory."""

PROC = tuple(
    f"proc/{name}" for name in ("cpuinfo", "iomem", "meminfo", "version", "vmstat", "zoneinfo")
)
"""The files of procfs that are recorded."""

IOMEM = "proc/iomem"
CMDLINE = "proc/cmdline"


def pack(files: Iterable[tuple[str, bytes]], links: Iterable[str] = ()) -> bytes:
    """A compressed tar of these files and links; the same for the same content.

    A link of sysfs says what it has to say in its name, so where it leads is made plain.

    >>> pack([("proc/version", b"Linux")])[:2].hex()
    '1f8b'
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files:
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for path in links:
            member = tarfile.TarInfo(path)
            member.type = tarfile.SYMTYPE
            member.linkname = f"../{path.rpartition('/')[2]}"
            archive.addfile(member)
    return gzip.compress(buffer.getvalue(), mtime=0)


def record_of_this_machine(reading: MachineReading, root: str | Path = "/") -> bytes:
    """The record of this machine, a compressed tar; without page words if they cannot be read.

    Args:
        reading: what `read_machine` gave for this machine.
        root: where its `sys` and `proc` are.

    Raises:
        MachineError: there is no memory to tell of, or page words that could be read cannot
            be now.
    """
    files, links = recorded(open_tree(root))
    words = _page_words(reading)
    if words is not None:
        files[PAGE_WORDS] = page_words_text(words).encode()
    if reading.evidence:
        files[EVIDENCE] = evidence_text(reading.evidence).encode()
    return pack(sorted(files.items()), links)


def recorded(tree: Tree) -> tuple[dict[str, bytes], list[str]]:
    """The files that are recorded of a machine, by path, and the paths of its links, sorted.

    Where the kernel itself lies, which `/proc/iomem` tells, is left out.
    """
    files: dict[str, bytes] = {}
    links: list[str] = []
    for folder in (*FOLDERS, DEVICE_TREE, CONFIG_DIR, PARAMETERS_DIR):
        _walk(tree, folder, files, links)
    for path in (*PROC, *_area_files(tree)):
        _take(tree, path, files)
    devices = dict(_devices(tree))
    if devices:
        files[DEVICES] = devices_text(devices).encode()
    if _take(tree, CMDLINE, files):
        files[CMDLINE] = kept_words(files[CMDLINE])
    if IOMEM in files:
        files[IOMEM] = _without_kernel(files[IOMEM])
    return files, sorted(links)


def _page_words(reading: MachineReading) -> PageWords | None:
    page, size = reading.page_size, reading.block_size
    if not reading.live or reading.frames is None or page is None or size is None:
        return None
    return PageWords(page, size, count_words(reading.frames, block_size=size, page_size=page))


def _without_kernel(iomem: bytes) -> bytes:
    """The lines but those that tell where the kernel lies, which its randomization hides.

    >>> _without_kernel(b"0-fff : System RAM\\n  10-1f : Kernel code\\n")
    b'0-fff : System RAM\\n'
    """
    lines = iomem.splitlines(keepends=True)
    return b"".join(line for line in lines if b" : Kernel " not in line)


def _devices(tree: Tree) -> Iterator[tuple[int, str]]:
    """The devices of ACPI that blocks are linked with."""
    for name in tree.listdir(MEMORY_DIR):
        number = name.removeprefix("memory")
        if number.isascii() and number.isdigit():
            device = firmware_node(tree, int(number))
            if device is not None:
                yield int(number), device


def _area_files(tree: Tree) -> list[str]:
    """The files that tell where areas of CMA lie, if this user may know."""
    try:
        return [path for pair in area_files(tree) for path in pair]
    except MachineError:
        return []


def _walk(tree: Tree, folder: str, files: dict[str, bytes], links: list[str]) -> None:
    """Everything below a folder; of the device tree only what tells of memory."""
    for name in tree.listdir(folder):
        path = f"{folder}/{name}"
        if name in _PASSED_OVER:
            continue
        if folder == DEVICE_TREE and not name.startswith(("memory", "#", "ibm,dynamic")):
            continue
        if tree.readlink(path) is not None:
            links.append(path)
        elif not _take(tree, path, files):
            _walk(tree, path, files, links)


def _take(tree: Tree, path: str, files: dict[str, bytes]) -> bool:
    """Take a file's content; False if it is none, or can only be written."""
    try:
        content = tree.read_bytes(path)
    except MachineError:
        return False
    if content is None:
        return False
    files[path] = content
    return True
