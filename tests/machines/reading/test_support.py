"""What sosreport and supportconfig collect: blocks, nodes and zones are read from it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.sysfs import read_machine

from ..conftest import Files, write_tree

LSMEM = "sos_commands/memory/lsmem_-a_-o_RANGE_SIZE_STATE_REMOVABLE_ZONES_NODE_BLOCK"
ROWS = """\
RANGE                                  SIZE  STATE REMOVABLE   ZONES NODE BLOCK
0x0000000100000000-0x0000000107ffffff  128M online       yes  Normal    0    32
0x0000000108000000-0x000000010fffffff  128M online       yes Movable    1    33
"""
UNAME = "Linux host 5.14.0-427.el9.x86_64 #1 SMP PREEMPT_DYNAMIC x86_64 GNU/Linux\n"
NODE = "sys/devices/system/node"
SOS: Files = {
    LSMEM: ROWS,
    "sos_commands/kernel/uname_-a": UNAME,
    f"{NODE}/node0/meminfo": "Node 0 MemTotal: 130000 kB\n",
    f"{NODE}/node1/meminfo": "Node 1 MemTotal: 130000 kB\n",
    "proc/meminfo": "MemTotal: 260000 kB\n",
    "proc/iomem": "100000000-10fffffff : System RAM\n",
}
HEAD = "#==[ {} ]{}#\n# {}\n"


def section(kind: str, what: str, body: str) -> str:
    return HEAD.format(kind, "=" * (47 - len(kind)), what) + body + "\n"


def device(number: int, state: str, zones: str) -> str:
    return (
        f'  Device = "memory{number}"\n'
        f'  Device path = "/sys/devices/system/memory/memory{number}"\n'
        f'    online              = "{int(state == "online")}"\n'
        f'    phys_index          = "{number:08x}"\n'
        f'    removable           = "1"\n'
        f'    state               = "{state}"\n'
        "    uevent              = \n"
        f'    valid_zones         = "{zones}"\n\n'
    )


LINKS = "".join(
    f"lrwxrwxrwx 1 root root 0 2026-01-01 00:00 /sys/devices/system/memory/memory{number}/node0"
    " -> ../../node/node0\n"
    for number in (0, 1)
)
SUPPORT: Files = {
    "basic-environment.txt": section("Command", "/usr/bin/uname -a", UNAME),
    "memory.txt": section("Command", "/usr/bin/free -k", "no matter\n")
    + section("Configuration File", "/proc/meminfo", "MemTotal:  250000 kB\n")
    + section(
        "Configuration File",
        "/proc/zoneinfo",
        "Node 0, zone   Normal\n  pages free 8\n        present 8\n        managed 62500\n",
    ),
    "hardware.txt": section("Configuration File", "/proc/cpuinfo", "flags : fpu lm\n"),
    "sysfs.txt": section("Command", "/bin/find /sys | xargs ls -ld", LINKS)
    + section(
        "Command",
        "/usr/bin/systool -vb memory",
        'Bus = "memory"\n\n' + device(0, "online", "Normal") + device(1, "online", "Movable"),
    )
    + section("Command", "/usr/bin/systool -vb cpu", 'Device = "cpu0"\n'),
}


def packed(path: Path, files: Files, prefix: str) -> Path:
    with tarfile.open(path, "w:xz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def folder(path: Path, files: Files, prefix: str) -> Path:
    return write_tree(path / prefix, files, {}) if prefix else write_tree(path, files, {})


Pack = Callable[[Path, Files, str], Path]
BOTH = pytest.mark.parametrize("pack", [packed, folder], ids=["tar", "folder"])


@BOTH
def test_a_sosreport_tells_blocks_by_its_listing(pack: Pack, tmp_path: Path) -> None:
    reading = read_machine(pack(tmp_path / "sos", SOS, "sosreport-host-2026/"))
    assert [(b.number, b.state, b.valid_zones, b.nodes) for b in reading.blocks] == [
        (32, "online", ("Normal",), (0,)),
        (33, "online", ("Movable",), (1,)),
    ]
    assert reading.block_size == 128 << 20
    assert reading.kernel == (5, 14)
    assert [node.mem_total_kib for node in reading.nodes] == [130000, 130000]
    assert reading.iomem is not None


@BOTH
def test_a_sosreport_without_nodes_is_found_by_its_listing(pack: Pack, tmp_path: Path) -> None:
    files = {path: text for path, text in SOS.items() if not path.startswith("sys/")}
    reading = read_machine(pack(tmp_path / "sos", files, "sosreport-host/"))
    assert [block.number for block in reading.blocks] == [32, 33]
    assert reading.iomem is not None


def test_the_blocks_of_sysfs_count_more_than_a_listing(tmp_path: Path) -> None:
    path = "sys/devices/system/memory/memory7/state"
    reading = read_machine(packed(tmp_path / "sos", {**SOS, path: "online\n"}, "sos/"))
    assert [block.number for block in reading.blocks] == [7]


def test_a_sosreport_whose_lsmem_failed_tells_of_no_block(tmp_path: Path) -> None:
    failed = {**SOS, LSMEM: "lsmem: This system does not support memory blocks\n"}
    reading = read_machine(packed(tmp_path / "sos", failed, "sos/"))
    assert reading.blocks == ()
    assert any("no memory blocks" in note for note in reading.notes)


@BOTH
def test_a_supportconfig_tells_blocks_by_systool_and_nodes_by_ls(
    pack: Pack, tmp_path: Path
) -> None:
    reading = read_machine(pack(tmp_path / "scc", SUPPORT, "scc_host_260101_0000/"))
    assert [(b.number, b.state, b.valid_zones, b.nodes) for b in reading.blocks] == [
        (0, "online", ("Normal",), (0,)),
        (1, "online", ("Movable",), (0,)),
    ]
    assert reading.kernel == (5, 14)
    assert reading.page_size == 4096
    assert (reading.block_size, reading.block_size_derived) == (128 << 20, True)
    assert reading.zones is not None
    assert reading.zones[0].managed == 62500


def test_a_supportconfig_without_sysfs_is_no_machine(tmp_path: Path) -> None:
    files = {name: text for name, text in SUPPORT.items() if name != "sysfs.txt"}
    with pytest.raises(MachineError, match="not a sysfs tree"):
        read_machine(packed(tmp_path / "scc", files, "scc/"))


def test_notes_beside_a_dump_are_no_report(tmp_path: Path) -> None:
    path = "host/sys/devices/system/memory/memory7/state"
    files = {path: "online\n", "memory.txt": "bought in May\n", "x/proc.txt": "nothing\n"}
    reading = read_machine(packed(tmp_path / "dump.tar.xz", files, ""))
    assert [block.number for block in reading.blocks] == [7]
