"""What the frames of each memory block are used for, from `/proc/kpageflags`.

One 64-bit word for each page frame number, native byte order, readable by root
only (fs/proc/page.c; Documentation/admin-guide/mm/pagemap.rst). Bits 0 to 26 are
ABI (include/uapi/linux/kernel-page-flags.h); 32 and up are not promised, but
KPF_RESERVED has been 32 since 2.6.31 (include/linux/kernel-page-flags.h).

The words do not show everything that decides an offline: there is no reference
count, no pin, no CMA and no mark for driver pages that can be migrated. So a kind
says what the word shows, by the order in which `has_unmovable_pages` asks
(mm/page_isolation.c), and `unknown` where the word does not tell.
"""

from __future__ import annotations

import functools
import os
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path

from .errors import MachineError, NotPermitted

PIN = 1024
"""What a pin adds to the reference count of a small page (GUP_PIN_COUNTING_BIAS)."""

KPF_UPTODATE = 3
KPF_DIRTY = 4
KPF_LRU = 5
KPF_SLAB = 7
KPF_WRITEBACK = 8
KPF_BUDDY = 10
KPF_MMAP = 11
KPF_ANON = 12
KPF_SWAPCACHE = 13
KPF_SWAPBACKED = 14
KPF_COMPOUND_HEAD = 15
KPF_COMPOUND_TAIL = 16
KPF_HUGE = 17
KPF_HWPOISON = 19
KPF_NOPAGE = 20
KPF_THP = 22
KPF_OFFLINE = 23
KPF_ZERO_PAGE = 24
KPF_PGTABLE = 26
KPF_RESERVED = 32

_WORD_BYTES = 8


class FrameKind(Enum):
    """What a word of `/proc/kpageflags` shows about its frame."""

    __hash__ = object.__hash__  # that of an enumeration is Python code, and millions are counted

    free = "free"
    """In the buddy allocator."""
    movable = "movable"
    """On an LRU list, or part of a THP: offline migrates it, if nothing pins it."""
    huge = "huge"
    """Of hugetlb: offline migrates it to a page of its size, or dissolves it if it is free."""
    waiting = "waiting"
    """Anonymous, and on the list of a CPU from where it comes to the LRU. Linux 6.1 empties
    these lists before it isolates a block (offline_pages, lru_cache_disable); Linux 5.10
    refuses the block with EBUSY, as records of its guests show."""
    reserved = "reserved"
    """PG_reserved: boot allocations, the kernel image, boot memmap, holes inside an
    online block. Isolation refuses it in every zone."""
    kernel = "kernel"
    """Slab, page table, zero page, or another compound or mapped page that is not on
    an LRU list. Isolation refuses it outside ZONE_MOVABLE."""
    offline = "offline"
    """PageOffline: taken away by a balloon or virtio-mem (before Linux 5.1 this bit
    was KPF_BALLOON)."""
    hwpoison = "hwpoison"
    """Failed memory; offline passes over it."""
    hole = "hole"
    """No struct page: NOPAGE, or past the last frame that the kernel has."""
    memmap = "memmap"
    """The structures of the block's own frames, which lie in it (memmap_on_memory) and go with it.
    Only page structures tell."""
    spare = "spare"
    """A huge page of hugetlb that nobody uses; structures tell. Offline dissolves it."""
    listed = "listed"
    """Free, on the list of a CPU: its word is blank, and nothing refers to it. Only page
    structures tell (`evidence`); offline empties these lists."""
    held = "held"
    """As movable, but somebody refers to it whom no mapping and no cache explains."""
    pinned = "pinned"
    """The same, by so much that it is a pin (`references`)."""
    blank = "blank"
    """The word is zero, which does not tell: a hole, a frame never given to the allocator,
    a free page on the list of a CPU, or a plain page of the kernel's."""
    unknown = "unknown"
    """The word does not tell. Page-cache bits off the LRU are
    either on their way to it or file-system metadata. Private bits alone are a
    driver's, which may be able to migrate the page (zsmalloc) or not."""


def _mask(*bits: int) -> int:
    return sum(1 << bit for bit in bits)


_RULES: tuple[tuple[int, FrameKind], ...] = (
    (_mask(KPF_NOPAGE), FrameKind.hole),
    (_mask(KPF_RESERVED), FrameKind.reserved),
    (_mask(KPF_HWPOISON), FrameKind.hwpoison),
    (_mask(KPF_BUDDY), FrameKind.free),
    (_mask(KPF_OFFLINE), FrameKind.offline),
    # Before ANON: the kernel reads ANON and KSM out of a field that slab and page
    # tables use for something else, so both show on slab pages.
    (_mask(KPF_SLAB, KPF_PGTABLE, KPF_ZERO_PAGE), FrameKind.kernel),
    (_mask(KPF_HUGE), FrameKind.huge),
    (_mask(KPF_LRU, KPF_THP), FrameKind.movable),
    (_mask(KPF_ANON), FrameKind.waiting),
    (
        _mask(KPF_UPTODATE, KPF_DIRTY, KPF_WRITEBACK, KPF_SWAPCACHE, KPF_SWAPBACKED),
        FrameKind.unknown,
    ),
    (_mask(KPF_COMPOUND_HEAD, KPF_COMPOUND_TAIL, KPF_MMAP), FrameKind.kernel),
)


@functools.cache
def frame_kind(word: int) -> FrameKind:
    """The kind of frame that one word shows; the first rule that has one of its bits set decides.

    >>> frame_kind(1 << KPF_BUDDY).name, frame_kind(0).name
    ('free', 'blank')
    """
    for mask, kind in _RULES:
        if word & mask:
            return kind
    return FrameKind.unknown if word else FrameKind.blank


def kinds_of(words: Mapping[int, int]) -> Counter[FrameKind]:
    """How many frames are of each kind, given how many have each word.

    >>> kinds_of({1 << KPF_BUDDY: 3, 0: 1})
    Counter({<FrameKind.free: 'free'>: 3, <FrameKind.blank: 'blank'>: 1})
    """
    kinds: Counter[FrameKind] = Counter()
    for word, count in words.items():
        kinds[frame_kind(word)] += count
    return kinds


def count_words(
    blocks: Iterable[int],
    *,
    block_size: int,
    page_size: int,
    path: str | Path = "/proc/kpageflags",
) -> dict[int, Counter[int]]:
    """How many frames of each block have which word of `/proc/kpageflags`.

    One block is read at a time; each distinct word is looked at once. Measured: 0.7 s
    for 24 GiB. The kernel keeps changing the flags meanwhile.

    Args:
        blocks: block numbers. Ask for online blocks: an offline one reads as holes
            or zeros.
        block_size: bytes in a block, a multiple of the page size.
        page_size: bytes in a base page.
        path: the file of words.

    Returns:
        For each block counts that add up to `block_size // page_size`; frames past the
        end of the file have the word of a hole.

    Raises:
        NotPermitted: not root.
        MachineError: there is no such file, the sizes do not fit, or reading fails.

    >>> count_words([0], block_size=1 << 27, page_size=4096)  # doctest: +SKIP
    {0: Counter({1024: 23093, 4294967296: 9675})}
    """
    if page_size <= 0 or block_size < page_size or block_size % page_size:
        raise MachineError(f"a block of {block_size} bytes does not hold pages of {page_size}")
    frames = block_size // page_size
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        raise NotPermitted(f"{path}: permission denied; only root may read page flags") from None
    except OSError as error:
        raise MachineError(f"{path}: cannot be opened ({error.strerror})") from None
    try:
        return {
            block: filled(Counter(read_words(handle, block * frames, frames)), frames)
            for block in blocks
        }
    except PermissionError:
        raise NotPermitted(f"{path}: permission denied; only root may read page flags") from None
    except OSError as error:
        raise MachineError(f"{path}: cannot be read ({error.strerror})") from None
    finally:
        os.close(handle)


def filled(words: Mapping[int, int], frames: int) -> Counter[int]:
    """How many of a block's frames have each word; frames that no word counts are holes.

    >>> filled({1 << KPF_BUDDY: 3}, 4)[1 << KPF_NOPAGE]
    1
    """
    counts = Counter(words)
    missing = frames - counts.total()
    if missing:
        counts[1 << KPF_NOPAGE] += missing
    return counts


def read_words(handle: int, first: int, frames: int) -> array[int]:
    """The words of ``frames`` frames from frame ``first`` on; fewer at the end of the file.

    Args:
        handle: an open file of 64-bit words, one for each page frame number.
        first: the number of the first frame.
        frames: how many.

    Raises:
        OSError: reading fails.
    """
    content = bytearray()
    wanted = frames * _WORD_BYTES
    while len(content) < wanted:
        chunk = os.pread(handle, wanted - len(content), first * _WORD_BYTES + len(content))
        if not chunk:
            break
        content += chunk
    words = array("Q")
    words.frombytes(content[: len(content) // _WORD_BYTES * _WORD_BYTES])
    return words
