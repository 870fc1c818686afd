"""Page words of a crash dump, made of its page structures.

A dump has no `/proc/kpageflags`.  What a word would say of a frame follows from its structure as
far as VMCOREINFO names the bits: on the LRU, in the buddy allocator, slab, hugetlb, offline,
failed, parts of larger pages (include/linux/page-flags.h, fs/proc/page.c).  The bit that reserved
pages have the note does not name; the frame of the kernel's first instruction shows it, which is
reserved at boot and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .page_structs import PageStructs, Structs
from .page_tables import page_tables_of
from .pageflags import (
    KPF_ANON,
    KPF_BUDDY,
    KPF_COMPOUND_HEAD,
    KPF_COMPOUND_TAIL,
    KPF_HUGE,
    KPF_HWPOISON,
    KPF_LRU,
    KPF_NOPAGE,
    KPF_OFFLINE,
    KPF_PGTABLE,
    KPF_RESERVED,
    KPF_SLAB,
    KPF_SWAPBACKED,
)
from .references import Marks, first_of_each, heads_of
from .vmcoreinfo import Vmcoreinfo

__all__ = ["DumpWords"]

_Words = npt.NDArray[np.uint64]
_FLAG_BITS = 24
"""The lowest bits of `flags`: enough for every page flag up to PG_reserved in any order."""

_FLAGS = {
    "PG_lru": KPF_LRU,
    "PG_slab": KPF_SLAB,
    "PG_swapbacked": KPF_SWAPBACKED,
    "PG_hwpoison": KPF_HWPOISON,
}
_TYPES = {
    "PAGE_BUDDY_MAPCOUNT_VALUE": KPF_BUDDY,
    "PAGE_SLAB_MAPCOUNT_VALUE": KPF_SLAB,
    "PAGE_HUGETLB_MAPCOUNT_VALUE": KPF_HUGE,
    "PAGE_OFFLINE_MAPCOUNT_VALUE": KPF_OFFLINE,
}
_LARGEST_ORDER = 20
_LEAST_TYPE = -(1 << 7)
"""A page that is mapped has a count from -1 on; what is less is a type (mm/page-flags.h)."""


@dataclass(frozen=True)
class DumpWords:
    """Makes the words of a dump's frames; `reserved` is the mask of that bit, 0 if not known."""

    structs: PageStructs
    marks: Marks
    reserved: int

    @classmethod
    def of(cls, structs: PageStructs) -> DumpWords:
        """Those of one dump.

        Raises:
            MachineError: reading fails.
        """
        return cls(structs, Marks.of(structs.core.info), _reserved(structs))

    def __call__(self, first: int, count: int) -> tuple[_Words, None]:
        """The words of so many frames from one on; how often each is mapped is not told.

        Raises:
            MachineError: reading fails.
        """
        read = self.structs.of(first, count)
        if read is None:
            return np.full(count, 1 << KPF_NOPAGE, np.uint64), None
        return self._words(read), None

    def _words(self, read: Structs) -> _Words:
        info = self.structs.core.info
        head, tail = heads_of(read, self.marks)
        of_folio = first_of_each(tail)
        flags = read["flags"][of_folio]
        words = np.zeros(len(read), np.uint64)
        for name, bit in _FLAGS.items():
            mask = _flag(info, name)
            own = read["flags"] if bit == KPF_HWPOISON else flags
            words |= _where(own & np.uint64(mask) != 0, bit)
        words |= _where(flags & np.uint64(self.reserved) != 0, KPF_RESERVED)
        typed = read["mapcount"] < _LEAST_TYPE
        for name, bit in _TYPES.items():
            words |= _where(_has_type(read["mapcount"], info, name)[of_folio], bit)
        words |= _where(_free(read, words), KPF_BUDDY)
        known = words & np.uint64(sum(1 << bit for bit in set(_TYPES.values()))) != 0
        words |= _where(typed & ~known, KPF_PGTABLE)  # of a type that the note does not name
        words |= _where(_of_hugetlb(read, info, head)[of_folio], KPF_HUGE)
        words |= _where((read["mapping"][of_folio] & 1 == 1) & ~typed[of_folio], KPF_ANON)
        words |= _where(head, KPF_COMPOUND_HEAD) | _where(tail, KPF_COMPOUND_TAIL)
        unread = (flags == 0) & (read["refcount"] == 0) & (read["mapcount"] == 0)
        return np.where(unread, np.uint64(1 << KPF_NOPAGE), words)


def _where(truths: npt.NDArray[np.bool_], bit: int) -> _Words:
    return np.where(truths, np.uint64(1 << bit), np.uint64(0))


def _flag(info: Vmcoreinfo, name: str) -> int:
    number = info.numbers.get(name, -1)
    return 1 << number if 0 <= number < 64 else 0


def _has_type(
    mapcounts: npt.NDArray[np.int32], info: Vmcoreinfo, name: str
) -> npt.NDArray[np.bool_]:
    """Which frames have this type: a byte at the top, or in older kernels a bit that is cleared."""
    value = info.numbers.get(name)
    if value is None or not -(1 << 31) <= value < 1 << 32:
        return np.zeros(len(mapcounts), np.bool_)
    unsigned = mapcounts.astype(np.uint32)
    value &= 0xFFFFFFFF
    if value & 0xFFFFFF == 0:
        return np.asarray(unsigned >> 24 == value >> 24)
    bit = ~value & 0xFFFFFFFF
    base = np.uint32(0xF0000000 | bit)
    return np.asarray((unsigned & base) == np.uint32(0xF0000000))


def _free(read: Structs, words: _Words) -> npt.NDArray[np.bool_]:
    """Which frames are free: the first of each free range says how many it has (its order)."""
    first = np.flatnonzero(words & np.uint64(1 << KPF_BUDDY))
    orders = np.minimum(read["private"][first], np.uint64(_LARGEST_ORDER)).astype(np.int64)
    steps = np.zeros(len(read) + 1, np.int64)
    np.add.at(steps, first, 1)
    np.add.at(steps, np.minimum(first + (np.int64(1) << orders), len(read)), -1)
    return np.cumsum(steps[:-1]) > 0


def _of_hugetlb(
    read: Structs, info: Vmcoreinfo, head: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Which first frames older kernels mark in the one behind them as of hugetlb."""
    found = np.zeros(len(read), np.bool_)
    mark = _flag(info, "PG_hugetlb")
    if mark:
        found[:-1] = head[:-1] & (read["flags"][1:] & np.uint64(mark) != 0)
    if "destructor" in (read.dtype.names or ()):
        value = info.numbers.get("HUGETLB_PAGE_DTOR", -1)
        found[:-1] |= head[:-1] & (read["destructor"][1:] == value)
    return found


def _reserved(structs: PageStructs) -> int:
    """The mask of PG_reserved, as the frame of the kernel's first instruction has it; or 0."""
    core = structs.core
    tables, address = page_tables_of(core), core.info.symbols.get("_stext")
    place = None if tables is None or address is None else tables.physical(core, address)
    if place is None:
        return 0
    read = structs.of(place[0] // structs.page_size, 1)
    low = 0 if read is None else int(read["flags"][0]) & (1 << _FLAG_BITS) - 1
    return low if low.bit_count() == 1 else 0
