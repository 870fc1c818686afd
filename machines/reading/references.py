"""Which references to a page nothing explains: such a page does not move.

A page migrates only while its reference count is what its mappings, the page cache or swap cache
and the private data of its file system make it (mm/migrate.c, folio_expected_refs and
folio_migrate_mapping).  What is over is somebody's who needs the page where it is: a pipe that it
was spliced into, a device.  A long-term pin of a small page counts as 1024 (GUP_PIN_COUNTING_BIAS,
include/linux/mm.h; Documentation/core-api/pin_user_pages.rst); of a large folio each pin counts
one, beside a count of its own (`large_pins`).

How often a large folio is mapped as a whole the note does not lead to either; `/proc/kpagecount`
tells (fs/proc/page.c).  Without that, references of a large folio stay unexplained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .page_structs import Structs
from .vmcoreinfo import Vmcoreinfo

__all__ = ["UNTOLD", "Marks", "excess_of", "first_of_each", "heads_of"]

UNTOLD = -1
"""The excess of a frame for which it is not told."""

_ANONYMOUS, _KINDS = 1, 3
"""In the lowest bits of `mapping`: anonymous memory, or KSM (both bits); 2 alone is a driver's."""

_Numbers = npt.NDArray[np.int32]
_Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Marks:
    """The bits of `flags` that the note names, as masks; 0 where it does not."""

    head: int
    private: int
    swapcache: int

    @classmethod
    def of(cls, info: Vmcoreinfo) -> Marks:
        """Those of one kernel. In the swap cache a page has two bits (PG_swapbacked is one)."""

        def bit(name: str) -> int:
            number = info.numbers.get(name)
            return 0 if number is None or not 0 <= number < 64 else 1 << number

        swapcache = bit("PG_swapcache") and bit("PG_swapbacked")
        both = bit("PG_swapcache") | bit("PG_swapbacked") if swapcache else 0
        return cls(info.numbers.get("PG_head_mask", 0) & (1 << 64) - 1, bit("PG_private"), both)


def heads_of(structs: Structs, marks: Marks) -> tuple[_Truths, _Truths]:
    """Of each frame whether it is the first of a large folio, and whether it is a later one."""
    tail = (structs["head"] & 1).astype(bool)
    head = (structs["flags"] & np.uint64(marks.head)).astype(bool) & ~tail
    return head, tail


def first_of_each(tail: _Truths) -> npt.NDArray[np.intp]:
    """For each frame the first of its folio; of one that begins before, the frame itself."""
    places = np.arange(len(tail))
    first = np.maximum.accumulate(np.where(tail, 0, places))
    return np.where(tail & (first == 0) & tail[0], places, first)


def excess_of(
    structs: Structs,
    marks: Marks,
    movable: _Truths,
    huge: _Truths,
    mapped: npt.NDArray[Any] | None,
) -> _Numbers:
    """How many references of each frame nothing explains; `UNTOLD` where that is not told.

    All frames of a large folio have the number of the folio.

    Args:
        structs: of consecutive frames.
        marks: the kernel's.
        movable: which frames hold what could be moved; all others get 0.
        huge: which of them are of hugetlb.
        mapped: the words of `/proc/kpagecount`; None if they cannot be had.
    """
    excess = np.zeros(len(structs), np.int32)
    head, tail = heads_of(structs, marks)
    small = movable & ~head & ~tail
    excess[small] = _of_small(structs[small], marks)
    starts = np.flatnonzero(head)
    ends = _ends(head, tail, starts)
    lost = movable & tail
    for first, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if movable[first]:
            counts = None if mapped is None else mapped[first:end]
            folio = structs[first:end]
            excess[first:end] = _of_large(folio, marks, bool(huge[first]), counts)
        lost[first:end] = False
    excess[lost] = UNTOLD  # the first frame of the folio is not here
    return excess


def _cached(structs: Structs, marks: Marks) -> _Truths:
    """Which frames the page cache or the swap cache refers to."""
    mapping = structs["mapping"]
    file = (mapping != 0) & ((mapping & _ANONYMOUS) == 0)
    if not marks.swapcache:
        return np.asarray(file)
    both = np.uint64(marks.swapcache)
    return np.asarray(file | ((structs["flags"] & both) == both))


def _of_small(structs: Structs, marks: Marks) -> _Numbers:
    explained = structs["mapcount"].astype(np.int32) + 1
    explained += _cached(structs, marks)
    explained += (structs["flags"] & np.uint64(marks.private)) != 0
    excess = structs["refcount"].astype(np.int32) - explained
    return np.where(excess < 0, UNTOLD, excess)  # it changed while it was read


def _of_large(structs: Structs, marks: Marks, huge: bool, mapped: npt.NDArray[Any] | None) -> int:
    """The excess of one large folio: the least that any way of mapping it leaves.

    Its pages may be mapped each, or the whole at once, or both; older kernels count a whole
    mapping of a file's folio for each page as well. The page cache refers to each page of a folio;
    to a huge page of hugetlb some kernels count one reference, and one for private data or none.
    """
    references, pages = int(structs["refcount"][0]), len(structs)
    cached = bool(_cached(structs[:1], marks)[0])
    private = bool(int(structs["flags"][0]) & marks.private)
    caches = ({1, pages} if huge else {pages}) if cached else {0}
    privates = ({0, 1} if huge else {1}) if private else {0}
    each = int(np.maximum(structs["mapcount"].astype(np.int64) + 1, 0).sum())
    ways = {each}
    if mapped is not None:
        total, least = int(mapped.astype(np.int64).sum()), int(mapped.min())
        ways |= {each + (total - each) // pages, each - pages}
        if least == int(mapped.max()):
            ways.add(least)
    over = [
        references - way - cache - its
        for way in ways
        for cache in caches
        for its in privates
        if way >= 0
    ]
    if mapped is None:
        return 0 if 0 in over else UNTOLD
    return min((each for each in over if each >= 0), default=UNTOLD)


def _ends(head: _Truths, tail: _Truths, starts: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Behind the last frame of each large folio."""
    others = np.flatnonzero(~tail)
    at = np.searchsorted(others, starts, side="right")
    return np.append(others, len(head))[at]
