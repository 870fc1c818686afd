"""What moving a block's pages takes: how many are to be copied, unmapped, written out.

From `/proc/kpageflags` and `/proc/kpagecount`, one 64-bit word each for every page
frame, readable by root only (fs/proc/page.c; Documentation/admin-guide/mm/pagemap.rst).
kpagecount says how often a page is mapped; a page inside a large folio counts every
mapping of the whole, so for these the number of PTEs is smaller, down to one.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..reading.errors import MachineError, NotPermitted
from ..reading.pageflags import (
    KPF_ANON,
    KPF_COMPOUND_HEAD,
    KPF_COMPOUND_TAIL,
    KPF_DIRTY,
    KPF_SWAPBACKED,
    KPF_WRITEBACK,
    FrameKind,
    frame_kind,
    read_words,
)

__all__ = ["LEAST_PAGE", "Bounds", "PageWork", "count_work", "work_of"]

LEAST_PAGE = 4096
"""The smallest base page of any 64-bit architecture: where the page size is not known,
a block has at most as many frames as fit."""

GIB = 1 << 30

Bounds = tuple[float, float | None]
"""At least, and at most; None if there is no bound."""

_LARGE = 1 << KPF_COMPOUND_HEAD | 1 << KPF_COMPOUND_TAIL
_NO_FILE = 1 << KPF_ANON | 1 << KPF_SWAPBACKED
_MOVED = frozenset({FrameKind.movable, FrameKind.waiting, FrameKind.huge})
_MAYBE = frozenset({FrameKind.blank, FrameKind.unknown, FrameKind.offline})


@dataclass(frozen=True)
class PageWork:
    """The frames of one block by what they need when the block goes; all are counts of frames.

    ``moved`` are moved for certain, ``maybe`` are those whose flags do not tell;
    ``mappings`` counts PTEs, at least and at most, of all these; ``mapped`` the frames
    with any; ``dirty`` and ``writeback`` file pages whose data is not on its store.
    """

    moved: int = 0
    maybe: int = 0
    mappings: tuple[int, int] = (0, 0)
    mapped: int = 0
    dirty: int = 0
    writeback: int = 0


def work_of(pages: PageWork | None, *, block_size: int, page_size: int | None) -> dict[str, Bounds]:
    """The work of removing one block, by kind, in the units of `removal_time.COSTS`.

    Args:
        pages: its frames, counted; None if nothing is known. Then all of the block may have
            to move, and nothing bounds how often it is mapped.
        block_size: bytes.
        page_size: bytes of a base page; None (not known) counts as the smallest.

    >>> work_of(PageWork(moved=262144), block_size=1 << 31, page_size=4096)["copy"]
    (1.0, 1.0)
    """
    page = page_size or LEAST_PAGE
    if pages is None:
        whole = block_size / GIB
        return {
            "copy": (0, whole),
            "unmap": (0, None),
            "flush": (0, block_size // page),
            "write_out": (0, whole),
            "wait": (0, whole),
            "block": (1, 1),
        }
    gib = page / GIB
    return {
        "copy": (pages.moved * gib, (pages.moved + pages.maybe) * gib),
        "unmap": pages.mappings,
        "flush": (0, pages.mapped),
        "write_out": (0, pages.dirty * gib),
        "wait": (0, pages.writeback * gib),
        "block": (1, 1),
    }


def count_work(
    blocks: Iterable[int],
    *,
    block_size: int,
    page_size: int,
    flags: str | Path = "/proc/kpageflags",
    counts: str | Path = "/proc/kpagecount",
) -> dict[int, PageWork]:
    """The frames of each block, counted by what they need when it goes.

    The kernel keeps changing both files meanwhile.

    Args:
        blocks: block numbers.
        block_size: bytes in a block.
        page_size: bytes in a base page.
        flags: the file of page flags.
        counts: the file that says how often each page is mapped.

    Raises:
        NotPermitted: not root.
        MachineError: there is no such file, or reading fails.
    """
    frames = block_size // page_size
    work = {}
    with _Opened(flags) as words, _Opened(counts) as mapped:
        for block in blocks:
            pairs = zip(
                words.read(block * frames, frames),
                mapped.read(block * frames, frames),
                strict=False,  # either file may end first while memory is added
            )
            work[block] = _sum(Counter(pairs))
    return work


def _sum(pairs: Mapping[tuple[int, int], int]) -> PageWork:
    moved = maybe = least = most = mapped = dirty = writeback = 0
    for (word, count), number in pairs.items():
        kind = frame_kind(word)
        if kind not in _MOVED | _MAYBE:
            continue
        is_file = not word & _NO_FILE
        if kind in _MOVED:
            moved += number
            least += 0 if word & _LARGE else number * count
        else:
            maybe += number
        most += number * count
        mapped += number if count else 0
        dirty += number if is_file and word & 1 << KPF_DIRTY else 0
        writeback += number if is_file and word & 1 << KPF_WRITEBACK else 0
    return PageWork(moved, maybe, (least, most), mapped, dirty, writeback)


class _Opened:
    """A file of words, whose errors name it."""

    def __init__(self, path: str | Path) -> None:
        self._path = path

    def __enter__(self) -> _Opened:
        try:
            self._handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except PermissionError:
            raise NotPermitted(f"{self._path}: permission denied; only root may read it") from None
        except OSError as error:
            raise MachineError(f"{self._path}: cannot be opened ({error.strerror})") from None
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def read(self, first: int, frames: int) -> array[int]:
        try:
            return read_words(self._handle, first, frames)
        except PermissionError:
            raise NotPermitted(f"{self._path}: permission denied; only root may read it") from None
        except OSError as error:
            raise MachineError(f"{self._path}: cannot be read ({error.strerror})") from None
