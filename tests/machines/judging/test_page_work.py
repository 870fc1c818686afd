"""The work that a block's pages make, from made-up kpageflags and kpagecount."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from memhp.machines.judging.page_work import PageWork, count_work, work_of
from memhp.machines.reading.errors import MachineError

LRU, BUDDY, ANON, DIRTY, WRITEBACK, SWAPBACKED = (1 << bit for bit in (5, 10, 12, 4, 8, 14))
HEAD, TAIL, THP, SLAB, RESERVED = (1 << bit for bit in (15, 16, 22, 7, 32))
PAGE, BLOCK = 4096, 8 * 4096

BLOCKS = (
    # an anonymous page mapped twice, clean and dirty file pages, one under writeback,
    # shared memory (dirty, but in no file), a free page, one of the kernel, one not told
    (
        (LRU | ANON, 2),
        (LRU, 1),
        (LRU | DIRTY, 0),
        (LRU | WRITEBACK, 1),
        (LRU | DIRTY | SWAPBACKED, 3),
        (BUDDY, 0),
        (SLAB, 0),
        (0, 1),
    ),
    # a huge page mapped once: one PTE, though each of its pages counts one
    (
        (LRU | ANON | HEAD | THP, 1),
        *((LRU | ANON | TAIL | THP, 1),) * 3,
        *((RESERVED, 0),) * 4,
    ),
)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The two files of a machine with the blocks."""
    pages = [page for block in BLOCKS for page in block]
    made = {"flags": tmp_path / "kpageflags", "counts": tmp_path / "kpagecount"}
    for path, column in zip(made.values(), (0, 1), strict=True):
        path.write_bytes(b"".join(struct.pack("=Q", page[column]) for page in pages))
    return made


def test_each_frame_counts_for_what_it_needs(files: dict[str, Path]) -> None:
    found = count_work([0, 1], block_size=BLOCK, page_size=PAGE, **files)
    assert found[0] == PageWork(moved=5, maybe=1, mappings=(7, 8), mapped=5, dirty=1, writeback=1)
    assert found[1] == PageWork(moved=4, mappings=(0, 4), mapped=4)


def test_the_work_of_a_block_by_hand(files: dict[str, Path]) -> None:
    pages = count_work([0], block_size=BLOCK, page_size=PAGE, **files)[0]
    gib = 4096 / 2**30
    assert work_of(pages, block_size=BLOCK, page_size=PAGE) == {
        "copy": (5 * gib, 6 * gib),
        "unmap": (7, 8),
        "flush": (0, 5),
        "write_out": (0, gib),
        "wait": (0, gib),
        "block": (1, 1),
    }


def test_a_block_of_which_nothing_is_known_may_be_full() -> None:
    found = work_of(None, block_size=1 << 31, page_size=None)
    assert found["copy"] == found["write_out"] == (0, 2.0)
    assert found["unmap"] == (0, None)
    assert found["flush"] == (0, 524288)
    assert work_of(None, block_size=1 << 31, page_size=65536)["flush"] == (0, 32768)


def test_files_that_end_early_are_short_blocks(files: dict[str, Path]) -> None:
    assert count_work([2], block_size=BLOCK, page_size=PAGE, **files) == {2: PageWork()}


def test_a_file_that_is_missing_is_named(files: dict[str, Path], tmp_path: Path) -> None:
    files["counts"] = tmp_path / "nothing"
    with pytest.raises(MachineError, match="nothing: cannot be opened"):
        count_work([0], block_size=BLOCK, page_size=PAGE, **files)
