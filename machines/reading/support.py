"""What support tools collect, made into the files that they read: sosreport and supportconfig.

sosreport (sos) keeps files of `proc` and of nodes as they are, and memory blocks only as `lsmem`
lists them.  supportconfig (supportutils) writes texts instead, with a head before each file or
command; blocks are in them as `systool` shows them, nodes as `ls` does.

Sources: sos/report/plugins/memory.py, numa.py, kernel.py; supportutils, bin/supportconfig
(memory_info, sysfs_info, proc_info) and bin/supportconfig.rc (conf_files, _log_cmd).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .files import FileTree
from .listed import is_listing, sysfs_of_listing
from .places import MEMORY_DIR, Tree

__all__ = ["LOGS", "REPORTS", "SOS", "with_report"]

SOS = "sos_commands"
"""The folder of a sosreport that holds what commands printed."""

REPORTS = frozenset(
    {"basic-environment.txt", "boot.txt", "hardware.txt", "memory.txt", "proc.txt", "sysfs.txt"}
)
"""Texts of a supportconfig that are read."""

LOGS = (f"{SOS}/kernel/dmesg", "var/log/dmesg")
"""Where a kernel's log lies in a tree."""

_UNAME = f"{SOS}/kernel/uname_-a"
_HEAD = re.compile(r"(?m)^#==\[ (?:Command|Configuration File|Log File) \]=+#\n# ([^\n]*)\n")
_DEVICE = re.compile(rf'\s*Device path = "/({MEMORY_DIR}/memory[0-9]{{1,19}})"')
_ATTRIBUTE = re.compile(r'\s+(state|online|removable|valid_zones|phys_index|phys_device) *= "(.*)"')
_LINK = re.compile(rf" /({MEMORY_DIR}/memory[0-9]{{1,19}}/node[0-9]{{1,5}}) -> ")
_RELEASE = re.compile(r"Linux \S{1,255} ([0-9]\S{1,100}) ")


def with_report(tree: Tree) -> Tree:
    """The tree with the files that a support tool's report in it tells of; else the tree itself.

    Raises:
        MachineError: a listing of blocks in it holds something that lsmem does not print.
    """
    if tree.live:
        return tree
    files: dict[str, bytes] = {}
    for name in sorted(REPORTS.intersection(tree.listdir(""))):
        for head, body in _sections(tree.read_text(name) or ""):
            _take(head, body, files)
    if not tree.exists(MEMORY_DIR):
        files |= _of_sos(tree)
    if "proc/version" not in files and not tree.exists("proc/version"):
        release = _RELEASE.match(tree.read_text(_UNAME) or "")
        if release:
            files["proc/version"] = f"Linux version {release[1]}\n".encode()
    return FileTree(tree.source, files, tree) if files else tree


def _of_sos(tree: Tree) -> dict[str, bytes]:
    """The blocks that the first listing of `lsmem` in a sosreport names."""
    folder = f"{SOS}/memory"
    for name in tree.listdir(folder):
        path = f"{folder}/{name}"
        text = tree.read_text(path) or "" if name.startswith("lsmem") else ""
        if is_listing(text):
            return sysfs_of_listing(text, path)
    return {}


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """What each head of a supportconfig's text names, and what follows it."""
    heads = list(_HEAD.finditer(text))
    stops = [head.start() for head in heads[1:]] + [len(text)]
    for head, stop in zip(heads, stops, strict=True):
        yield head[1].strip(), text[head.end() : stop]


def _take(head: str, body: str, files: dict[str, bytes]) -> None:
    """The files that one section tells of."""
    if re.fullmatch("/proc/(cpuinfo|meminfo|vmstat|zoneinfo|iomem|version|cmdline)", head):
        if body.strip():
            files[head.removeprefix("/")] = body.encode()
    elif head.endswith("uname -a") and (release := _RELEASE.match(body)):
        files.setdefault("proc/version", f"Linux version {release[1]}\n".encode())
    elif "dmesg" in head:
        files.setdefault(LOGS[1], body.encode())
    elif "systool" in head and head.endswith(" memory"):
        folder = None
        for line in body.splitlines():
            if (device := _DEVICE.match(line)) is not None:
                folder = device[1]
            elif folder is not None and (told := _ATTRIBUTE.fullmatch(line)) is not None:
                files[f"{folder}/{told[1]}"] = f"{told[2]}\n".encode()
    elif "find /sys" in head:
        files |= {link[1]: b"" for link in _LINK.finditer(body)}
