"""Machines: tars, folders and listings, each with a few files or links made wrong."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random

from . import mutate
from .archive import tar
from .bounded import Case
from .cases import Reader, command

__all__ = ["READERS", "changed", "prepare", "small"]

DATA = Path(__file__).parents[1] / "data"
MEMORY, NODE = "sys/devices/system/memory", "sys/devices/system/node"

Files = dict[str, bytes]
Links = dict[str, str]


@cache
def small() -> tuple[Mapping[str, bytes], Mapping[str, str]]:
    """Two nodes, three blocks, and all else that is read."""
    texts = {f"{MEMORY}/block_size_bytes": "8000000\n", f"{MEMORY}/auto_online_blocks": "online\n"}
    links: Links = {}
    for block, node, state, zones in (
        (0, 0, "online", "none"),
        (1, 0, "online", "Normal"),
        (32, 1, "offline", "Normal Movable"),
    ):
        folder = f"{MEMORY}/memory{block}"
        texts |= {f"{folder}/state": f"{state}\n", f"{folder}/valid_zones": f"{zones}\n"}
        texts |= {f"{folder}/removable": "1\n", f"{folder}/phys_index": f"{block:08x}\n"}
        links[f"{folder}/node{node}"] = f"../../node/node{node}"
        links[f"{NODE}/node{node}/memory{block}"] = f"../../memory/memory{block}"
    for node in (0, 1):
        texts[f"{NODE}/node{node}/distance"] = "10 20\n" if node == 0 else "20 10\n"
        texts[f"{NODE}/node{node}/cpulist"] = "0-1,4\n" if node == 0 else "\n"
        texts[f"{NODE}/node{node}/meminfo"] = (
            f"Node {node} MemTotal:  262000 kB\nNode {node} MemFree:  1000 kB\n"
        )
        pool = f"{NODE}/node{node}/hugepages/hugepages-2048kB"
        texts |= {f"{pool}/{name}_hugepages": "2\n" for name in ("nr", "free", "surplus")}
    for name in ("online", "possible", "has_memory", "has_cpu", "has_normal_memory"):
        texts[f"{NODE}/{name}"] = "0-1\n"
    return {name: text.encode() for name, text in texts.items()} | _from_record(), links


@cache
def _record(name: str) -> tuple[Mapping[str, bytes], Mapping[str, str]]:
    """The files and links of a record of tests/data."""
    files, links = {}, {}
    with tarfile.open(DATA / f"{name}.tar.gz") as archive:
        for member in archive:
            if member.issym():
                links[member.name] = member.linkname
            elif (content := archive.extractfile(member)) is not None:
                files[member.name] = content.read()
    return files, links


@cache
def _from_record() -> Files:
    """What a real machine says in /proc, and of its page words."""
    files, _ = _record("busy")
    return {name: data for name, data in files.items() if not name.startswith("sys/")}


_RECORDS = ("busy", "dimms", "arm64-device", "movablecore")


def changed(random: Random) -> tuple[Files, Links]:
    """A machine with one to three files or links changed."""
    seed = _record(random.choice(_RECORDS)) if random.random() < 0.03 else small()
    files, links = dict(seed[0]), dict(seed[1])
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        path = random.choice(list(files))
        how = random.randrange(12)
        if how == 0:
            del files[path]
        elif how == 1:
            folder, _, name = path.rpartition("/")
            files[f"{folder}/{mutate.word(random)[:5000]}{name}"] = files[path]
        elif how == 2 and links:
            link = random.choice(list(links))
            some = (mutate.word(random), "../" * 5000 + "x", link.rpartition("/")[2], "/" + link)
            links[link] = random.choice(some)
        elif how == 3 and links:
            del links[random.choice(list(links))]
        elif how == 4:
            path = random.choice((f"{MEMORY}/memory{{}}", f"{NODE}/node{{}}"))
            leaf = "state" if path.startswith(MEMORY) else "distance"
            files[f"{path.format(mutate.number(random)[:4000])}/{leaf}"] = b"online\n"
        elif how == 5:
            count = random.choice((10, 100, 1_000))
            files |= {f"{MEMORY}/memory{n}/state": b"online\n" for n in range(count)}
            files |= {f"{MEMORY}/memory{n}/valid_zones": b"Normal\n" for n in range(count)}
        elif how == 6:
            files |= {f"{NODE}/node{n}/cpulist": b"0-3\n" for n in range(random.choice((10, 500)))}
        else:
            files[path] = mutate.text(files[path].decode(errors="replace"), random)
    return files, links


def _inspecting(reader: str, path: str, random: Random) -> Case:
    more = random.choice(
        ((), (), ("--json",), ("--reboot",), ("--reboot", "--json"), ("--node", "1"))
    )
    if random.random() < 0.1:
        return command(reader, "sections", path, "--json")
    return command(reader, "inspect", path, *more)


def _of_tar(random: Random, folder: Path) -> Case:
    files, links = changed(random) if random.random() < 0.5 else small()
    data = mutate.packed(tar(files, links, random), random)
    (folder / "machine.tar").write_bytes(data)
    return _inspecting("tar", "machine.tar", random)


def _of_directory(random: Random, folder: Path) -> Case:
    files, links = changed(random)
    root = folder / "machine"
    for path, data in files.items():
        with suppress(OSError, ValueError):  # a name that no file system has
            place = root / path.lstrip("/").replace("../", "")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    for path, target in links.items():
        with suppress(OSError, ValueError):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).symlink_to(target)
    if random.random() < 0.02:
        place = root / random.choice(list(files))
        with suppress(OSError, ValueError):
            place.unlink(missing_ok=True)
            random.choice((os.mkfifo, os.mkdir))(place)
    return _inspecting("directory", "machine", random)


def _of_iomem(random: Random, folder: Path) -> Case:
    (folder / "iomem").write_bytes(mutate.text(_from_record()["proc/iomem"].decode(), random))
    return command("iomem", "sections", "iomem", *random.choice(((), ("--json",))))


_LSMEM = """\
RANGE                                  SIZE   STATE REMOVABLE  ZONES NODE   BLOCK
0x0000000000000000-0x000000001fffffff  512M  online       yes Normal    0     0-3
0x0000000a90000000-0x0000000a9fffffff  256M offline           Normal    1 338-339

Memory block size:       128M
"""
_LSMEM_S390 = """\
Address Range                          Size (MB)  State    Removable  Device
===============================================================================
0x0000000000000000-0x000000000fffffff        256  online   no         0-255
0x0000000010000000-0x000000003fffffff        768  offline  -          256-1023

Memory device size  : 1 MB
Memory block size   : 256 MB
"""
_LSMEM_JSON = (
    '{"memory": [{"range":"0x0-0x1fffffff","size":"512M","state":"online",'
    '"removable":true,"block":"0-3","zones":"Normal","node":0}]}'
)
_LOG = "[    0.0] cma: Reserved 64 MiB at 0x0000000008000000 on node -1\n"
_SYSTOOL = """\
#==[ Command ]======================================#
# /usr/bin/systool -vb memory
  Device path = "/sys/devices/system/memory/memory0"
    state               = "online"
    valid_zones         = "Normal"
#==[ Configuration File ]===========================#
# /proc/meminfo
MemTotal:  130000 kB
#==[ Command ]======================================#
# /bin/find /sys | xargs ls -ld
l 1 root root 0 d /sys/devices/system/memory/memory0/node0 -> ../../node/node0
"""


def _of_listing(random: Random, folder: Path) -> Case:
    if random.random() < 0.5:
        (folder / "lsmem").write_bytes(mutate.text(random.choice((_LSMEM, _LSMEM_S390)), random))
    else:
        (folder / "lsmem").write_bytes(mutate.json_text(_LSMEM_JSON, random))
    return _inspecting("listing", "lsmem", random)


def _of_report(random: Random, folder: Path) -> Case:
    """A supportconfig or a sosreport."""
    if random.random() < 0.5:
        files = {"scc/sysfs.txt": mutate.text(_SYSTOOL, random)}
    else:
        files = {
            "sos/sos_commands/memory/lsmem_-a": mutate.text(_LSMEM, random),
            "sos/sos_commands/kernel/uname_-a": mutate.text("Linux h 5.14.0 #1 x\n", random),
            "sos/sos_commands/kernel/dmesg": mutate.text(_LOG, random),
        }
    (folder / "report.tar").write_bytes(mutate.packed(tar(files, {}, random), random))
    return _inspecting("report", "report.tar", random)


def _of_words(random: Random, folder: Path) -> Case:
    """A copy of kpageflags."""
    files, _ = small()
    words = b"".join(bits.to_bytes(8, "little") * 8192 for bits in (0, 1 << 10, 1 << 7, 1 << 32))
    for path, data in {**files, "proc/kpageflags": mutate.bytes_of(words, random)}.items():
        if path != "memhp/page_words":
            (folder / "dump" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "dump" / path).write_bytes(data)
    (folder / "log").write_bytes(mutate.text(_LOG, random))
    return command("words", "inspect", "dump", "--log", "log", *random.choice(((), ("--json",))))


READERS: Mapping[str, Reader] = {
    "tar": _of_tar,
    "directory": _of_directory,
    "iomem": _of_iomem,
    "listing": _of_listing,
    "report": _of_report,
    "words": _of_words,
}


def prepare() -> None:
    """Make the sound inputs once."""
    small()
