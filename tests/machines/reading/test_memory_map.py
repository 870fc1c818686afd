"""Memory maps: what a listing, a dump and a description say, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.memory_map import MAX_HOLES, described_map, read_memory_map
from memhp.machines.reading.procfs import Range
from memhp.spec.numbers.architectures import GIB, KIB, MIB

Build = Callable[..., Path]
Dump = tuple[dict[str, str], dict[str, str]]
LISTING = (
    "00001000-0009ffff : System RAM\n"
    "000a0000-000fffff : Reserved\n"
    "00100000-7fffffff : System RAM\n"
    "  01000000-01ffffff : Kernel code\n"
    "80000000-8fffffff : System RAM\n"
)


def test_a_listing_gives_its_system_ram_joined_where_it_touches(tmp_path: Path) -> None:
    path = tmp_path / "iomem"
    path.write_text(LISTING)
    found = read_memory_map(path)
    assert found.ranges == (Range(0x1000, 0xA0000), Range(0x100000, 0x90000000))
    assert found.holes == (Range(0xA0000, 0x100000),)
    assert found.notes == ()


def test_a_dump_with_iomem_gives_its_ranges(directory: Build, machine: Dump) -> None:
    files, links = machine
    assert read_memory_map(directory({**files, "proc/iomem": LISTING}, links)).memory == (
        0x9F000 + 0x8FF00000
    )


def test_a_tar_without_iomem_gives_whole_blocks_and_says_so(tar_file: Build, machine: Dump) -> None:
    found = read_memory_map(tar_file(*machine))
    assert found.ranges == (Range(0, 256 * MIB), Range(32 * 128 * MIB, 33 * 128 * MIB))
    assert "holes inside memory blocks are not known" in found.notes[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"00000000-00000000 : System RAM\n", "as root"),
        (b"00000000-00000fff : Reserved\n", "no line of it names System RAM"),
        (b"00000010-0000000f : System RAM\n", "ends before it starts"),
        (b"0-fff : System RAM\nnonsense\n", "expected 'start-end : name'"),
        (b"0-1ffffffffffffffff : System RAM\n", "beyond 64 bits"),
        (b"0-fff : System RAM\n" + b"\n" * (17 << 20), "larger than 16 MiB"),
        (b"", ""),
        (b"\0" * 4096, ""),
        (b" : \0", ""),
    ],
)
def test_a_file_that_is_no_map_is_refused_on_one_line(
    content: bytes, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "iomem"
    path.write_bytes(content)
    with pytest.raises(MachineError) as refusal:
        read_memory_map(path)
    assert says in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_dump_that_says_nowhere_where_memory_is_is_refused(
    directory: Build, machine: Dump
) -> None:
    files, links = machine
    unsized = {p: t for p, t in files.items() if "block_size" not in p and "meminfo" not in p}
    with pytest.raises(MachineError, match="say where memory is"):
        read_memory_map(directory(unsized, links))


def test_holes_of_a_description_are_spread_evenly_and_begin_where_a_dimm_ends() -> None:
    found = described_map(1 << 50, holes=1000, hole_size=64 * MIB)
    assert found.memory == (1 << 50) - 1000 * 64 * MIB
    assert {hole.stop - hole.start for hole in found.holes} == {64 * MIB}
    assert len(found.holes) == 1000
    assert all(hole.start % GIB == 0 for hole in found.holes)
    starts = [0, *(hole.start for hole in found.holes), 1 << 50]
    assert {(b - a) // GIB for a, b in pairwise(starts)} == {1047, 1048}


def test_a_description_without_holes_is_one_range() -> None:
    assert described_map(GIB).ranges == (Range(0, GIB),)


@pytest.mark.parametrize(
    ("size", "holes", "hole_size", "dimm", "says"),
    [
        (GIB, 1, 64 * MIB, GIB, "do not fit"),
        (4 * GIB, 1, 2 * GIB, GIB, "do not fit"),
        (4 * GIB, -1, 64 * MIB, GIB, "give 0 to"),
        (1 << 60, MAX_HOLES + 1, MIB, GIB, "give 0 to"),
        (4 * GIB, 1, 0, GIB, "give both"),
        (4 * GIB, 0, MIB, GIB, "give both"),
        (4 * GIB, 1, 4 * KIB, GIB, "hole size"),
        (4 * GIB, 0, 0, 0, "whole DIMMs"),
        (512 * MIB, 0, 0, GIB, "whole DIMMs"),
        (0, 0, 0, GIB, "whole DIMMs"),
        (1 << 70, 0, 0, GIB, "whole DIMMs"),
        (-GIB, 0, 0, GIB, "multiple of 64 KiB"),
    ],
)
def test_a_description_that_cannot_be_is_refused(
    size: int, holes: int, hole_size: int, dimm: int, says: str
) -> None:
    with pytest.raises(MachineError, match=says):
        described_map(size, holes=holes, hole_size=hole_size, dimm=dimm)
