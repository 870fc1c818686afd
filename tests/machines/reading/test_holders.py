"""Processes that map a block's memory are named, with what of theirs it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from memhp.machines.reading.holders import Holding, holding_of

PAGE = os.sysconf("SC_PAGE_SIZE")
PRESENT = 1 << 63
FRAMES = 1000
"""Of a block."""


def process(
    proc: Path, number: int, frames: Mapping[int, int], maps: str, *files: str, name: str = "sh"
) -> None:
    """A process whose pages, by number, are in these frames."""
    folder = proc / str(number)
    (folder / "fd").mkdir(parents=True)
    (folder / "maps").write_text(maps)
    (folder / "comm").write_text(f"{name}\n")
    with open(folder / "pagemap", "wb") as file:
        for page, frame in frames.items():
            file.seek(8 * page)
            file.write((PRESENT ^ frame).to_bytes(8, "little"))
        file.write(bytes(8))
    for at, target in enumerate(files):
        os.symlink(target, folder / "fd" / str(at))


def lines(*mappings: tuple[int, int, str]) -> str:
    """The text of maps."""
    return "".join(
        f"{first * PAGE:x}-{last * PAGE:x} rw-p 00000000 00:00 0 {what}\n"
        for first, last, what in mappings
    )


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "self").mkdir()
    return tmp_path


def held(proc: Path, *blocks: int, asked: tuple[int, ...] = ()) -> Holding:
    return holding_of(blocks, frames=FRAMES, asked=asked, proc=proc)


def test_each_process_is_told_with_what_it_maps(proc: Path) -> None:
    maps = lines((10, 14, "/lib/a b.so"), (20, 22, ""), (30, 31, "[heap]"))
    frames = {10: 2001, 11: 2002, 12: 3001, 20: 2003, 30: 9, 40: 2004}
    process(proc, 7, frames, maps, "anon_inode:[io_uring]", "/tmp/x", "pipe:[4]", "pipe:[5]")
    process(proc, 8, {20: 2001, 21: 2999}, lines((20, 22, "")), name="tall")
    told = held(proc, 2, asked=(2001, 2999, 5))
    first, second = told.of_block[2]
    assert (first.process, first.name, first.frames) == (7, "sh", 3)
    assert first.of == {"/lib/a b.so": 2, "[anon]": 1}
    assert first.devices == ("anon_inode:[io_uring]", "pipe")
    assert (second.process, second.name, second.frames, second.devices) == (8, "tall", 2, ())
    assert told.of_frame == {2001: [7, 8], 2999: [8], 5: []}


def test_pages_that_are_not_there_are_nobodys(proc: Path) -> None:
    process(proc, 7, {10: 2001 | PRESENT}, lines((10, 12, "")))
    assert held(proc, 2).of_block == {2: []}


def test_a_process_that_cannot_be_looked_at_is_counted(proc: Path) -> None:
    process(proc, 7, {10: 2001}, lines((10, 12, "")))
    (proc / "7" / "pagemap").unlink()
    told = held(proc, 2)
    assert (told.of_block, told.unread) == ({2: []}, 1)


def test_a_thread_of_the_kernels_has_no_memory(proc: Path) -> None:
    process(proc, 2, {}, "")
    (proc / "2" / "pagemap").unlink()
    told = held(proc, 2)
    assert (told.of_block, told.unread) == ({2: []}, 0)


def test_without_its_frames_a_process_maps_none(proc: Path) -> None:
    """To others than root the kernel tells frame 0 of every page."""
    process(proc, 7, {10: 0}, lines((10, 12, "")))
    assert held(proc, 0).of_block == {0: []}
