"""What is read from a machine, what stays None, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from memhp.machines.reading import sysfs
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.procfs import Range
from memhp.machines.reading.sysfs import (
    BlockReading,
    MachineReading,
    NodeReading,
    read_machine,
    read_tree,
)
from memhp.machines.reading.tree import open_tree

MEMORY = "sys/devices/system/memory"
NODE = "sys/devices/system/node"
NODE = "sys/devices/system/node"
MIB = 1024 * 1024
Machine = tuple[dict[str, str], dict[str, str]]
Build = Callable[..., Path]


def test_blocks_and_nodes_are_read(machine: Machine, directory: Build) -> None:
    reading = read_machine(directory(*machine))
    assert reading.block_size == 128 * MIB
    assert not reading.block_size_derived
    assert [block.number for block in reading.blocks] == [0, 1, 32]
    assert reading.blocks[2] == BlockReading(
        number=32,
        state="offline",
        online=False,
        valid_zones=("Normal", "Movable"),
        removable=1,
        phys_index=32,
        phys_device=0,
        nodes=(1,),
    )
    assert reading.nodes[0] == NodeReading(
        number=0,
        distance=(10, 20),
        mem_total_kib=262000,
        mem_free_kib=1000,
        blocks=(0, 1),
        cpus=(0, 1, 4),
    )
    assert reading.nodes[1].cpus == ()


def test_a_dump_is_not_live_and_has_no_page_size(machine: Machine, tar_file: Build) -> None:
    reading = read_machine(tar_file(*machine))
    assert not reading.live
    assert reading.page_size is None
    assert reading.frames is None
    assert "the page size is not recorded in a dump" in reading.notes


def test_tar_and_directory_read_alike(machine: Machine, directory: Build, tar_file: Build) -> None:
    one, other = read_machine(directory(*machine)), read_machine(tar_file(*machine))
    assert (one.blocks, one.nodes, one.notes) == (other.blocks, other.nodes, other.notes)


def test_what_is_missing_is_none(directory: Build) -> None:
    reading = read_machine(directory({f"{MEMORY}/memory5/uevent": "\n"}))
    assert reading.blocks == (BlockReading(number=5),)
    assert reading.nodes == ()
    assert reading.block_size is None
    assert reading.iomem is None
    assert reading.zones is None
    assert any("block size is not recorded and does not follow" in note for note in reading.notes)


def test_a_node_known_only_from_a_link_is_listed(directory: Build) -> None:
    files = {f"{MEMORY}/memory5/state": "online\n"}
    reading = read_machine(directory(files, {f"{MEMORY}/memory5/node3": "../../node/node3"}))
    assert reading.nodes == (NodeReading(number=3, blocks=(5,)),)


def test_a_block_linked_from_two_nodes_has_both(machine: Machine, directory: Build) -> None:
    files, links = machine
    links[f"{NODE}/node1/memory1"] = "../../memory/memory1"
    reading = read_machine(directory(files, links))
    assert reading.blocks[1].nodes == (0, 1)
    assert reading.nodes[1].blocks == (1, 32)


def test_a_tree_without_blocks_is_read_and_noted(directory: Build) -> None:
    reading = read_machine(directory({f"{NODE}/node0/meminfo": "Node 0 MemTotal: 8 kB\n"}))
    assert reading.blocks == ()
    assert reading.block_size is None
    assert not reading.block_size_derived
    assert any("no memory blocks" in note for note in reading.notes)


def linked_blocks(totals_kib: dict[int, int], blocks: dict[int, range]) -> Machine:
    files = {
        f"{NODE}/node{node}/meminfo": f"Node {node} MemTotal: {total} kB\n"
        for node, total in totals_kib.items()
    }
    links = {
        f"{NODE}/node{node}/memory{block}": f"../../memory/memory{block}"
        for node, members in blocks.items()
        for block in members
    }
    return files, links


def derived(directory: Build, machine: Machine) -> MachineReading:
    return read_machine(directory(*machine))


def test_the_block_size_is_derived_from_node_links_and_said_to_be(directory: Build) -> None:
    full, half = 8 * 128 * 1024, 4 * 128 * 1024
    machine = linked_blocks({0: full - 9000, 1: half}, {0: range(8), 1: range(32, 36)})
    reading = derived(directory, machine)
    assert reading.block_size == 128 * MIB
    assert reading.block_size_derived
    assert any("128 MiB is derived from MemTotal" in note for note in reading.notes)
    assert reading.blocks[0] == BlockReading(number=0, nodes=(0,))


@pytest.mark.parametrize(
    ("totals", "blocks"),
    [
        pytest.param({0: 1 << 20, 1: 1 << 20}, {0: range(8), 1: range(8, 24)}, id="disagreement"),
        pytest.param({0: 600 * 1024}, {0: range(8)}, id="not filled"),
        pytest.param({0: 8 * 1024}, {0: range(8)}, id="too small"),
        pytest.param({0: 1 << 40}, {0: range(8)}, id="too large"),
        pytest.param({0: 0}, {0: range(8)}, id="no memory"),
        pytest.param({0: 1 << 20}, {0: range(8), 1: range(8, 16)}, id="a total is missing"),
    ],
)
def test_an_implausible_block_size_is_not_derived(
    directory: Build, totals: dict[int, int], blocks: dict[int, range]
) -> None:
    reading = derived(directory, linked_blocks(totals, blocks))
    assert reading.block_size is None
    assert not reading.block_size_derived


def test_offline_blocks_do_not_count_when_the_size_is_derived(directory: Build) -> None:
    files, links = linked_blocks({0: 4 * 128 * 1024}, {0: range(8)})
    for block in range(8):
        state = "online" if block < 4 else "offline"
        files[f"{MEMORY}/memory{block}/state"] = f"{state}\n"
    assert derived(directory, (files, links)).block_size == 128 * MIB


def test_iomem_of_a_dump_is_read(machine: Machine, directory: Build) -> None:
    files, links = machine
    files["proc/iomem"] = "00001000-0009ffff : System RAM\n"
    assert read_machine(directory(files, links)).iomem == (Range(0x1000, 0xA0000),)


def test_iomem_without_addresses_is_none_and_noted(machine: Machine, directory: Build) -> None:
    files, links = machine
    files["proc/iomem"] = "00000000-00000000 : System RAM\n  00000000-00000000 : Kernel code\n"
    reading = read_machine(directory(files, links))
    assert reading.iomem is None
    assert any("shows no addresses" in note for note in reading.notes)


@pytest.mark.parametrize(
    ("path", "text", "shown"),
    [
        (f"{MEMORY}/block_size_bytes", "128M\n", "'128M\\n'"),
        (f"{MEMORY}/block_size_bytes", "0\n", "0x0"),
        (f"{MEMORY}/block_size_bytes", "7000000\n", "0x7000000"),
        (f"{MEMORY}/block_size_bytes", f"{1 << 79:x}\n", "below 2^64"),
        (f"{NODE}/node0/cpulist", "0-3,2-5\n", "'2-5'"),
        (f"{NODE}/node0/cpulist", ",".join(["0-65535"] * 9), "65536, found '0-65535'"),
        (f"{NODE}/node0/cpulist", "1," * (1 << 20), "larger than 1 MiB"),
        (f"{NODE}/node0/distance", "10 " * (1 << 19), "larger than 1 MiB"),
        (f"{MEMORY}/memory1/phys_index", "0x1\n", "'0x1\\n'"),
        (f"{MEMORY}/memory1/phys_device", "1_0\n", "'1_0\\n'"),
        (f"{MEMORY}/memory1/removable", "", "''"),
        (f"{MEMORY}/memory1/removable", "-1", "'-1'"),
        (f"{MEMORY}/memory1/online", "yes\n", "'yes\\n'"),
        (f"{MEMORY}/memory1/state", "asleep\n", "'asleep\\n'"),
        (f"{MEMORY}/memory1/state", "", "''"),
        (f"{MEMORY}/memory1/valid_zones", "Nor/mal\n", "'Nor/mal\\n'"),
        (f"{MEMORY}/memory1/valid_zones", "\n", "'\\n'"),
        (f"{NODE}/node0/distance", "10 far\n", "'far'"),
        (f"{NODE}/node0/cpulist", "0-99999999999\n", "'0-99999999999'"),
        (f"{NODE}/node0/cpulist", "3-1\n", "'3-1'"),
        (f"{NODE}/node0/cpulist", "a\n", "'a'"),
        (f"{NODE}/node0/meminfo", "Node 0 MemTotal: much kB\n", "much'"),
        (f"{NODE}/node0/meminfo", "Node 0 MemTotal: " + "9" * 5000 + " kB\n", "…'"),
        ("proc/zoneinfo", "nothing\n", "'nothing\\n'"),
        ("proc/zoneinfo", "Node 0, zone DMA\n  pages free   x\n", "'x'"),
        ("proc/iomem", "garbage\n", "'garbage'"),
        ("proc/iomem", "00002000-00001000 : System RAM\n", "'00002000-"),
    ],
)
def test_garbage_is_refused_with_the_file_and_the_text(
    machine: Machine, directory: Build, path: str, text: str, shown: str
) -> None:
    files, links = machine
    files[path] = text
    with pytest.raises(MachineError) as caught:
        read_machine(directory(files, links))
    message = str(caught.value)
    assert message.startswith(path)
    assert shown in message
    assert "\n" not in message
    assert len(message) < 200


@pytest.mark.parametrize("state", ["online", "offline", "going-offline"])
def test_each_state_of_the_kernel_is_read(machine: Machine, directory: Build, state: str) -> None:
    files, links = machine
    files[f"{MEMORY}/memory1/state"] = f"{state}\n"
    assert read_machine(directory(files, links)).blocks[1].state == state


@pytest.mark.parametrize("name", ["memory01", "memoryx", "memory-1", "memory٣", "xmemory3"])
def test_a_name_that_the_kernel_does_not_give_is_no_block(
    machine: Machine, directory: Build, name: str
) -> None:
    files, links = machine
    files[f"{MEMORY}/{name}/state"] = "garbage\n"
    assert len(read_machine(directory(files, links)).blocks) == 3


@pytest.mark.skipif(not os.path.isdir(f"/{MEMORY}/memory0"), reason="no memory blocks here")
def test_this_machine_is_read() -> None:
    reading = read_machine("/", page_flags=False)
    assert reading.live
    assert reading.page_size == os.sysconf("SC_PAGE_SIZE")
    assert reading.blocks
    assert reading.frames is None


def test_lists_of_nodes_are_read_once_however_many_nodes_there_are(
    machine: Machine, directory: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, links = machine
    files |= {f"{NODE}/online": "0-49\n", f"{NODE}/has_memory": "0-1\n"}
    files |= {f"{NODE}/node{node}/distance": "10\n" for node in range(50)}
    asked: list[str] = []
    tree = open_tree(directory(files, links))
    read = tree.read_text
    monkeypatch.setattr(tree, "read_text", lambda path: asked.append(path) or read(path))
    nodes = read_tree(tree).nodes
    assert [(node.online, node.has_memory) for node in nodes[:3]] == [
        (True, i < 2) for i in range(3)
    ]
    assert [asked.count(f"{NODE}/{name}") for name in ("online", "has_memory")] == [1, 1]


def test_a_cpu_is_on_one_node(machine: Machine, directory: Build) -> None:
    files, links = machine
    files |= {f"{NODE}/node{node}/cpulist": "0-65535\n" for node in range(2)}
    with pytest.raises(MachineError, match="more than 65536 CPUs"):
        read_machine(directory(files, links))


CMA = "sys/kernel/debug/cma"
ZONEINFO = "Node 0, zone Normal\n  pages free 1\n        cma      512\n"


@pytest.mark.parametrize(
    ("more", "areas"),
    [
        ({}, None),
        ({f"{CMA}/a/base_pfn": "64\n", f"{CMA}/a/count": "512\n"}, (range(64, 576),)),
        ({f"{CMA}/a/ranges/0/base_pfn": "64\n", f"{CMA}/a/count": "512\n"}, (range(64, 576),)),
        ({f"{CMA}/a/base_pfn": "64\n", f"{CMA}/a/count": "256\n"}, None),
        ({f"{CMA}/a/base_pfn": "many\n", f"{CMA}/a/count": "512\n"}, None),
        ({f"{CMA}/a/base_pfn": "64\n"}, None),
        (
            {
                f"{CMA}/a/ranges/0/base_pfn": "64\n",
                f"{CMA}/a/ranges/1/base_pfn": "6400\n",
                f"{CMA}/a/count": "512\n",
            },
            None,
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_areas_of_cma_are_known_when_all_are(
    machine: Machine,
    directory: Build,
    tar_file: Build,
    more: dict[str, str],
    areas: tuple[range, ...] | None,
    packed: bool,
) -> None:
    files, links = machine
    files |= {"proc/zoneinfo": ZONEINFO, **more}
    reading = read_machine((tar_file if packed else directory)(files, links))
    assert (reading.cma, reading.cma_areas) == (True, areas)


@pytest.mark.parametrize(
    ("version", "meminfo", "zoneinfo", "cma"),
    [
        ("6.12.0", None, ZONEINFO, True),
        ("6.12.0", None, ZONEINFO.replace("512", "0"), False),
        ("6.12.0", None, None, None),
        ("5.10.0", "MemTotal: 9 kB\n", None, False),
        ("5.10.0", "MemTotal: 9 kB\nCmaTotal: 0 kB\n", None, False),
        ("5.10.0", "MemTotal: 9 kB\nCmaTotal: 64 kB\n", None, True),
        ("5.10.0", "", None, None),
        ("3.18.0", "MemTotal: 9 kB\n", None, None),
        ("3.4.0", None, None, False),
    ],
)
def test_whether_there_is_any_cma_two_files_tell(
    machine: Machine,
    directory: Build,
    version: str,
    meminfo: str | None,
    zoneinfo: str | None,
    cma: bool | None,
) -> None:
    files, links = machine
    files["proc/version"] = f"Linux version {version} (x)\n"
    files |= {} if meminfo is None else {"proc/meminfo": meminfo}
    files |= {} if zoneinfo is None else {"proc/zoneinfo": zoneinfo}
    assert read_machine(directory(files, links)).cma is cma


def test_memory_of_drivers_is_told_apart(machine: Machine, directory: Build) -> None:
    files, links = machine
    files["proc/iomem"] = "0-fff : System RAM\n1000-1fff : System RAM (NVIDIA)\n"
    reading = read_machine(directory(files, links))
    assert reading.iomem == (Range(0, 0x1000), Range(0x1000, 0x2000))
    assert reading.driver_memory == (Range(0x1000, 0x2000),)


@pytest.mark.parametrize(("cma", "log"), [(True, "one\ntwo"), (False, ""), (None, "")])
def test_this_machines_log_is_read_where_it_has_cma(
    monkeypatch: pytest.MonkeyPatch, cma: bool | None, log: str
) -> None:
    class Live:
        live = True

    monkeypatch.setattr(sysfs, "lines_of_kmsg", lambda path, most: ["one", "two"])
    assert sysfs._log(Live(), cma) == log


def test_a_log_that_may_not_be_read_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Live:
        live = True

    def refused(path: str, most: int) -> list[str]:
        raise PermissionError

    monkeypatch.setattr(sysfs, "lines_of_kmsg", refused)
    assert sysfs._log(Live(), True) == ""
