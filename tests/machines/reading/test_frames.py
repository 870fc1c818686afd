"""A copy of /proc/kpageflags in a dump: read as it is, never beyond what it tells."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.frames import KPAGEFLAGS
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.sysfs import MachineReading, read_machine

from ..conftest import MEMORY, Files, block_files, write_tree

BLOCK = 16 << 20
X86 = "flags : fpu lm\n"
S390 = "vendor_id       : IBM/S390\n"
FREE, SLAB = 1 << 10, 1 << 7


def machine(cpuinfo: str | None = X86, *, blocks: int = 2, ram: int | None = 2) -> Files:
    files = {f"{MEMORY}/block_size_bytes": f"{BLOCK:x}\n"}
    for number in range(blocks):
        files |= block_files(number)
    if cpuinfo is not None:
        files["proc/cpuinfo"] = cpuinfo
    if ram is not None:
        files["proc/iomem"] = f"00000000-{ram * BLOCK - 1:08x} : System RAM\n"
    return files


def words(*runs: tuple[int, int], order: str = "<") -> bytes:
    return b"".join(struct.pack(f"{order}Q", word) * count for word, count in runs)


@pytest.fixture
def read(tmp_path: Path, tar_file: Callable[..., Path]) -> Callable[..., MachineReading]:
    def reading(files: Files, content: bytes, *, tar: bool = False) -> MachineReading:
        if tar:
            return read_machine(tar_file({**files, KPAGEFLAGS: content.decode("latin-1")}))
        root = write_tree(tmp_path / "dump", files, {})
        (root / "proc").mkdir(exist_ok=True)
        (root / KPAGEFLAGS).write_bytes(content)
        return read_machine(root)

    return reading


FRAMES = BLOCK // 4096
CONTENT = words((FREE, FRAMES), (SLAB, 10), (FREE, FRAMES - 10))


def test_words_are_counted_by_block(read: Callable[..., MachineReading]) -> None:
    reading = read(machine(), CONTENT)
    assert reading.page_size == 4096
    assert reading.frames is not None
    assert reading.frames[0] == {FrameKind.free: FRAMES}
    assert reading.frames[1] == {FrameKind.kernel: 10, FrameKind.free: FRAMES - 10}


def test_a_tar_with_plain_bytes_tells_the_same(read: Callable[..., MachineReading]) -> None:
    content = words((0, FRAMES), (0x20, FRAMES))  # bytes that are text, too
    reading = read(machine(), content, tar=True)
    assert reading.frames is not None
    assert reading.frames[1] == {FrameKind.movable: FRAMES}


def test_words_of_the_other_byte_order_are_told_by_their_bits(
    read: Callable[..., MachineReading],
) -> None:
    reading = read(machine(S390), words((FREE, FRAMES), (SLAB, FRAMES), order=">"))
    assert reading.frames is not None
    assert reading.frames[1] == {FrameKind.kernel: FRAMES}


def test_what_lies_behind_the_end_of_memory_is_a_hole(
    read: Callable[..., MachineReading],
) -> None:
    files = machine()
    files["proc/iomem"] = f"00000000-{BLOCK + BLOCK // 2 - 1:08x} : System RAM\n"
    reading = read(files, words((FREE, FRAMES + FRAMES // 2)))
    assert reading.frames is not None
    assert reading.frames[1] == {FrameKind.free: FRAMES // 2, FrameKind.hole: FRAMES // 2}


@pytest.mark.parametrize("ram", [2, None])
def test_a_copy_that_was_cut_short_tells_of_what_is_in_it_alone(
    ram: int | None, read: Callable[..., MachineReading]
) -> None:
    reading = read(machine(ram=ram), words((FREE, FRAMES + 100)))
    assert reading.frames is not None
    assert list(reading.frames) == [0]
    assert any("cut short: it tells of 4196 frames, so of 1 of 2" in it for it in reading.notes)


def test_an_empty_copy_tells_of_no_block(read: Callable[..., MachineReading]) -> None:
    reading = read(machine(), b"")
    assert reading.frames == {}
    assert any("cut short" in note for note in reading.notes)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (CONTENT + b"abc", "65539 bytes are no whole number of words"),
        (words((0x8000_0000_0000_0001, 2 * FRAMES)), "none of kpageflags"),
        (words((FREE, FRAMES), (1 << 55, FRAMES)), "none of kpageflags"),
    ],
)
def test_what_is_no_kpageflags_is_refused(
    content: bytes, says: str, read: Callable[..., MachineReading]
) -> None:
    with pytest.raises(MachineError, match=says):
        read(machine(), content)


def test_without_a_page_size_it_is_said_that_it_cannot_be_read(
    read: Callable[..., MachineReading],
) -> None:
    reading = read(machine(None), CONTENT)
    assert reading.frames is None
    assert any("cannot be read: the page size is not told" in note for note in reading.notes)


@pytest.mark.parametrize("page", [4096, 16384, 65536])
def test_the_page_size_follows_from_what_the_zones_manage(
    page: int, read: Callable[..., MachineReading]
) -> None:
    files = machine("CPU architecture: 8\n")
    managed = 31 * 2**20 // page
    files["proc/zoneinfo"] = f"Node 0, zone Normal\n  pages free 1\n        managed {managed}\n"
    files["proc/meminfo"] = f"MemTotal: {31 * 1024 + 16} kB\n"
    reading = read(files, words((FREE, 2 * BLOCK // page)))
    assert reading.page_size == page
    assert reading.frames is not None
    assert reading.frames[1] == {FrameKind.free: BLOCK // page}


def test_the_page_size_stays_unknown_where_counts_do_not_fit(
    read: Callable[..., MachineReading],
) -> None:
    files = machine(None)
    files["proc/zoneinfo"] = "Node 0, zone Normal\n  pages free 1\n        managed 5000\n"
    files["proc/meminfo"] = "MemTotal: 31000 kB\n"
    assert read(files, CONTENT).page_size is None
