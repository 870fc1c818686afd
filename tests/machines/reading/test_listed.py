"""Machines as `lsmem` lists them: what it says is read, and what it does not say stays unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.listed import is_listing
from memhp.machines.reading.sysfs import BlockReading, MachineReading, read_machine

TABLE = """\
RANGE                                  SIZE   STATE REMOVABLE   BLOCK
0x0000000000000000-0x000000001fffffff  512M  online       yes     0-3
0x0000000100000000-0x0000000107ffffff  128M  online        no      32
0x0000000a90000000-0x0000000a9fffffff  256M offline           338-339

Memory block size:       128M
Total online memory:     640M
Total offline memory:    256M
"""
ALL = """\
RANGE                                  SIZE  STATE REMOVABLE          ZONES NODE BLOCK
0x0000000000000000-0x0000000007ffffff  128M online       yes           None    0     0
0x0000000008000000-0x000000000fffffff  128M online       yes          DMA32    0     1
0x0000000010000000-0x0000000017ffffff  128M offline         Movable/Normal     1     2
0x0000000018000000-0x000000001fffffff  128M on->off         Movable            1     3
"""


def read(tmp_path: Path, text: str) -> MachineReading:
    path = tmp_path / "lsmem.txt"
    path.write_text(text)
    return read_machine(path)


def by_number(reading: MachineReading) -> dict[int, BlockReading]:
    return {block.number: block for block in reading.blocks}


def test_the_table_tells_ranges_states_and_the_block_size(tmp_path: Path) -> None:
    reading = read(tmp_path, TABLE)
    blocks = by_number(reading)
    assert reading.block_size == 128 << 20
    assert not reading.block_size_derived
    assert sorted(blocks) == [0, 1, 2, 3, 32, 338, 339]
    assert [blocks[n].state for n in (3, 32, 338)] == ["online", "online", "offline"]
    assert [blocks[n].removable for n in (3, 32, 338)] == [1, 0, None]
    assert blocks[0].valid_zones is None
    assert reading.iomem is None


def test_zones_and_nodes_are_told_where_they_are_columns(tmp_path: Path) -> None:
    blocks = by_number(read(tmp_path, ALL))
    assert [blocks[n].valid_zones for n in range(4)] == [
        ("none",),
        ("DMA32",),
        ("Movable", "Normal"),
        ("Movable",),
    ]
    assert [blocks[n].nodes for n in range(4)] == [(0,), (0,), (1,), (1,)]
    assert blocks[3].state == "going-offline"


@pytest.mark.parametrize(
    "text",
    [
        "RANGE STATE BLOCK\n0x0-0x1fffffff online 0-3\n",
        'RANGE="0x0-0x1fffffff" SIZE="512M" STATE="online" REMOVABLE="yes" BLOCK="0-3"\n',
        '{"memory": [{"range":"0x0-0x1fffffff","size":"512M","state":"online",'
        '"removable":true,"block":"0-3"}]}\n',
        '{\n   "memory": [\n{"range":"0x0-0x1fffffff","size":536870912,"state":"online",'
        '"removable":false,"block":"0-3"}]}\n',
        "\ufeffRANGE SIZE STATE\r\n0x0-0x1fffffff 512M online\r\nMemory block size: 128M\r\n",
        "RANGE STATE\n0x0-0x1fffffff online\nMemory block size: 134217728\n",
    ],
    ids=["raw", "pairs", "json", "json-bytes", "crlf", "bytes"],
)
def test_every_form_of_output_tells_the_same(text: str, tmp_path: Path) -> None:
    reading = read(tmp_path, text)
    assert reading.block_size == 128 << 20
    assert [(block.number, block.state) for block in reading.blocks] == [
        (n, "online") for n in range(4)
    ]


def test_memory_that_is_not_configured_is_no_block(tmp_path: Path) -> None:
    rows = [
        {"range": "0x0-0x7ffffff", "state": "online", "block": 0, "configured": True},
        {"range": "0x8000000-0xfffffff", "state": "offline", "block": 1, "configured": False},
    ]
    reading = read(tmp_path, json.dumps({"memory": rows}))
    assert sorted(by_number(reading)) == [0]
    assert reading.unconfigured == (1,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("RANGE STATE\n", "no row of lsmem"),
        ("RANGE STATE\n0x0-0x7ffffff online\n", "the block size is not told"),
        ("RANGE STATE BLOCK\n0x0-0x7ffffff online 0-2\n", "do not fit together"),
        ("RANGE STATE BLOCK\n0x0-0x7ffffff online 3\n", "do not fit together"),
        ("RANGE STATE BLOCK\n0x0-0x5ffffff online 0\n", "do not fit together"),
        ("RANGE STATE BLOCK\n0x8000000-0x7ffffff online 1\n", "expected a range"),
        ("RANGE STATE BLOCK\n0x0-0x7ffffff gone 0\n", "expected online, offline or on->off"),
        ("RANGE STATE BLOCK\n0x0-0x7ffffff online 0 1\n", "expected 3 columns"),
        ("RANGE STATE BLOCK\n0x0-0x7ffffff online\n", "expected 3 columns"),
        ("RANGE STATE BLOCK\n0x0-0x7ffffff online x\n", "expected blocks such as"),
        ("RANGE STATE\n0x0-0x7ffffff online\nMemory block size: big\n", "a block size such as"),
        ("RANGE STATE\n0x0-0x3ffffff online\nMemory block size: 128M\n", "no whole number"),
        (
            "RANGE STATE\n0x0-0xffffffffffffffff online\nMemory block size: 128M\n",
            "more than 131072 blocks",
        ),
        ('{"memory": [', "neither lsmem's JSON"),
        ('{"memory": 3}', "a list of rows"),
        ('{"memory": [3]}', "a list of rows"),
        ('{"memory": [{"range": {}}]}', "expected a range"),
        ('{"memory": ' + "[" * 100_000, "neither lsmem's JSON"),
    ],
)
def test_what_lsmem_does_not_print_is_refused(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=says) as refused:
        read(tmp_path, text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["00000000-0009ffff : System RAM\n", "CONFIG_SMP=y\n", "", "RANGE of colours\n", "{}", "RANGE"],
)
def test_other_texts_are_no_listings(text: str) -> None:
    assert not is_listing(text)


S390 = """\
Address Range                          Size (MB)  State    Removable  Device
===============================================================================
0x0000000000000000-0x000000000fffffff        256  online   no         0-255
0x0000000010000000-0x000000001fffffff        256  online   yes        256-511
0x0000000020000000-0x000000003fffffff        512  offline  -          512-1023
0x0000000040000000-0x000000004fffffff        256  on->off  yes        1024-1279

Memory device size  : 1 MB
Memory block size   : 256 MB
Total online memory : 512 MB
Total offline memory: 512 MB
"""


def test_the_table_of_s390_tools_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "lsmem.txt"
    path.write_text(S390)
    reading = read_machine(path)
    assert reading.block_size == 256 << 20
    assert [(each.number, each.state, each.removable) for each in reading.blocks] == [
        (0, "online", 0),
        (1, "online", 1),
        (2, "offline", None),
        (3, "offline", None),
        (4, "going-offline", 1),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("online   no  ", "online   no  x"),
        ("0fffffff   ", "0ffffffe   "),
        ("offline", "away"),
        (": 256 MB", ": 300 MB"),
        ("Memory block size", "Memory"),
    ],
)
def test_a_wrong_table_of_s390_tools_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "lsmem.txt"
    path.write_text(S390.replace(old, new))
    with pytest.raises(MachineError, match="lsmem"):
        read_machine(path)
