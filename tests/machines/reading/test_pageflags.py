"""Each word counts as what it shows, and no more than that."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from pathlib import Path

import pytest

from memhp.machines.reading import pageflags
from memhp.machines.reading.errors import MachineError, NotPermitted
from memhp.machines.reading.pageflags import FrameKind, count_words, frame_kind, kinds_of
from memhp.machines.reading.sysfs import read_machine

PAGE = 4096


def bits(*names: str) -> int:
    return sum(1 << getattr(pageflags, f"KPF_{name}") for name in names)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        (0, FrameKind.blank),
        (bits("BUDDY"), FrameKind.free),
        (bits("BUDDY", "UPTODATE"), FrameKind.free),
        (bits("BUDDY", "HWPOISON"), FrameKind.hwpoison),
        (bits("NOPAGE"), FrameKind.hole),
        (bits("RESERVED"), FrameKind.reserved),
        (bits("RESERVED", "LRU"), FrameKind.reserved),
        (bits("RESERVED", "HWPOISON"), FrameKind.reserved),
        (bits("LRU", "UPTODATE"), FrameKind.movable),
        (bits("LRU", "HWPOISON"), FrameKind.hwpoison),
        (bits("ANON", "UPTODATE", "SWAPBACKED"), FrameKind.waiting),
        (bits("ANON", "LRU", "SWAPBACKED"), FrameKind.movable),
        (bits("ANON", "THP", "COMPOUND_TAIL"), FrameKind.movable),
        (bits("THP", "COMPOUND_TAIL"), FrameKind.movable),
        (bits("THP", "ZERO_PAGE"), FrameKind.kernel),
        (bits("HUGE", "COMPOUND_TAIL"), FrameKind.huge),
        (bits("SLAB"), FrameKind.kernel),
        (bits("SLAB", "ANON", "COMPOUND_HEAD"), FrameKind.kernel),
        (bits("PGTABLE"), FrameKind.kernel),
        (bits("COMPOUND_TAIL"), FrameKind.kernel),
        (bits("MMAP"), FrameKind.kernel),
        (bits("OFFLINE"), FrameKind.offline),
        (bits("UPTODATE"), FrameKind.unknown),
        (bits("UPTODATE", "MMAP"), FrameKind.unknown),
        (1 << 35, FrameKind.unknown),
    ],
)
def test_a_word_is_classified_by_what_it_shows(word: int, kind: FrameKind) -> None:
    assert frame_kind(word) is kind


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Two blocks of four frames, and one and a half words of a third."""
    content = array("Q", [0, bits("BUDDY"), bits("BUDDY"), bits("LRU")])
    content.extend([bits("SLAB"), bits("SLAB"), bits("RESERVED"), bits("NOPAGE")])
    path = tmp_path / "kpageflags"
    path.write_bytes(content.tobytes() + array("Q", [bits("BUDDY")]).tobytes() + b"half")
    return path


def test_frames_are_counted_by_block_and_add_up(words: Path) -> None:
    counted = count_words([0, 1, 2, 9], block_size=4 * PAGE, page_size=PAGE, path=words)
    counts = {block: kinds_of(found) for block, found in counted.items()}
    assert counts == {
        0: Counter({FrameKind.free: 2, FrameKind.movable: 1, FrameKind.blank: 1}),
        1: Counter({FrameKind.kernel: 2, FrameKind.reserved: 1, FrameKind.hole: 1}),
        2: Counter({FrameKind.free: 1, FrameKind.hole: 3}),
        9: Counter({FrameKind.hole: 4}),
    }
    assert all(count.total() == 4 for count in counts.values())


@pytest.mark.parametrize(("block", "page"), [(PAGE, 0), (0, PAGE), (PAGE + 1, PAGE)])
def test_sizes_that_do_not_fit_are_refused(words: Path, block: int, page: int) -> None:
    with pytest.raises(MachineError, match="does not hold pages"):
        count_words([0], block_size=block, page_size=page, path=words)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="No such file"):
        count_words([0], block_size=PAGE, page_size=PAGE, path=tmp_path / "nothing")


def test_without_root_the_refusal_says_so(words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(NotPermitted, match="only root"):
        count_words([0], block_size=PAGE, page_size=PAGE, path=words)


@pytest.mark.skipif(
    not (os.access("/proc/kpageflags", os.R_OK) and os.path.isdir("/sys/devices/system/memory")),
    reason="page flags cannot be read here",
)
def test_every_frame_of_this_machine_is_counted_once() -> None:
    reading = read_machine("/")
    assert reading.frames is not None
    assert reading.block_size is not None
    assert reading.page_size is not None
    frames = reading.block_size // reading.page_size
    assert {count.total() for count in reading.frames.values()} <= {frames}
