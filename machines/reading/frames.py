"""What the frames of a machine's blocks are used for, wherever that is told.

A live machine has `/proc/kpageflags`, a record its page words (`memhp.machines.reading.findings`),
and a dump may have a copy of `/proc/kpageflags` itself: words of 8 bytes, in the order of the
machine that wrote them.  A copy may be cut short, and a frame that is not in it is not known: only
behind the end of memory it is a hole.

Sources: fs/proc/page.c (kpageflags_read, get_max_dump_pfn);
include/linux/kernel-page-flags.h.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence

from .cpuinfo import page_of
from .errors import MachineError
from .findings import PageWords
from .pageflags import FrameKind, count_words, filled, kinds_of
from .places import Tree
from .procfs import MemoryRanges, ZoneReading

__all__ = ["KPAGEFLAGS", "dumped_words", "kinds_by_block", "page_size_of"]

KPAGEFLAGS = "proc/kpageflags"

_WORD = 8
_MEANT = (1 << 48) - 1
"""The bits that any kernel sets: the highest is KPF_ARCH_3, 42."""

_PAGES = (4096, 16384, 65536)
_NEAR = 0.1
"""How far MemTotal and the pages of all zones may be apart, for they are read one by one."""


def page_size_of(
    tree: Tree,
    words: PageWords | None,
    zones: tuple[ZoneReading, ...] | None,
    meminfo: Mapping[str, int] | None,
) -> int | None:
    """The bytes of a base page; None if nothing tells.

    Args:
        tree: the machine's files.
        words: the page words of a record.
        zones: what `/proc/zoneinfo` says; MemTotal counts the pages that zones manage.
        meminfo: the sizes in `/proc/meminfo`, in KiB.
    """
    if words is not None:
        return words.page_size
    if tree.live:
        return os.sysconf("SC_PAGE_SIZE")
    managed = sum(zone.managed or 0 for zone in zones or ())
    total = 1024 * (meminfo or {}).get("MemTotal", 0)
    near = [page for page in _PAGES if abs(total - managed * page) < _NEAR * total]
    return near[0] if near else page_of(tree.read_text("proc/cpuinfo"))


def kinds_by_block(
    tree: Tree,
    words: PageWords | None,
    states: Mapping[int, str | None],
    sizes: tuple[int | None, int | None],
    ram: MemoryRanges | None,
    notes: list[str],
) -> Mapping[int, Counter[FrameKind]] | None:
    """How many frames of each block are of each kind; None if nothing tells of any.

    Args:
        tree: the machine's files.
        words: the page words of a record.
        states: of each block, by number; those that are offline are left out.
        sizes: bytes of a block and of a page.
        ram: the ranges of System RAM.
        notes: what could not be read is said here.
    """
    if words is not None:
        return {block: kinds_of(counts) for block, counts in words.blocks.items()}
    block_size, page_size = sizes
    online = [block for block, state in states.items() if state != "offline"]
    if not tree.live and tree.size_of(KPAGEFLAGS) is None:
        return None
    if block_size is None or page_size is None:
        if not tree.live:
            unknown = "block size" if block_size is None else "page size"
            notes.append(f"{KPAGEFLAGS} is there, but cannot be read: the {unknown} is not told")
        return None
    try:
        if tree.live:
            counted = count_words(online, block_size=block_size, page_size=page_size)
        else:
            end = ram.ranges[-1].stop if ram and ram.ranges else None
            counted, cut = dumped_words(tree, online, block_size, page_size, end)
            notes += [cut] if cut else []
    except MachineError as error:
        if not tree.live:
            raise
        notes.append(f"what the frames are used for cannot be read: {error}")
        return None
    return {block: kinds_of(counts) for block, counts in counted.items()}


def dumped_words(
    tree: Tree, blocks: Sequence[int], block_size: int, page_size: int, end: int | None
) -> tuple[dict[int, Counter[int]], str | None]:
    """How many frames of each block have which word in a copy of `/proc/kpageflags`.

    Args:
        tree: the files of a dump that has one.
        blocks: numbers of blocks.
        block_size: bytes in a block.
        page_size: bytes in a page.
        end: the address at which memory ends; None if that is not known.

    Returns:
        The counts of the blocks that the copy tells of, and a note if it was cut short.

    Raises:
        MachineError: the size is no whole number of words, or these are none of kpageflags.
    """
    size = tree.size_of(KPAGEFLAGS) or 0
    frames, rest = divmod(size, _WORD)
    if rest:
        raise MachineError(
            f"{KPAGEFLAGS}: {size} bytes are no whole number of words of 8; copy it again"
        )
    each = block_size // page_size
    needed = [(block + 1) * each for block in blocks]
    whole = end is not None and frames * page_size >= end
    told = [block for block, stop in zip(blocks, needed, strict=True) if whole or stop <= frames]
    counted = {block: _words_of(tree, block * each, each) for block in told}
    if not all(_meant(counts) for counts in counted.values()):
        counted = {block: _swapped(counts) for block, counts in counted.items()}
    if not all(_meant(counts) for counts in counted.values()):
        raise MachineError(f"{KPAGEFLAGS}: its words are none of kpageflags; copy it again")
    cut = None
    if len(told) < len(blocks):
        cut = (
            f"{KPAGEFLAGS} was cut short: it tells of {frames} frames, so of {len(told)} of"
            f" {len(blocks)} blocks"
        )
    return {block: filled(counts, each) for block, counts in counted.items()}, cut


def _words_of(tree: Tree, first: int, frames: int) -> Counter[int]:
    """How many frames from the first one on have which word; a word counts as little-endian."""
    content = tree.read_at(KPAGEFLAGS, first * _WORD, frames * _WORD) or b""
    words = array("Q")
    words.frombytes(content[: len(content) // _WORD * _WORD])
    if sys.byteorder == "big":
        words.byteswap()
    counts = Counter(words)
    if not (_meant(counts) or _meant(_swapped(counts))):
        raise MachineError(f"{KPAGEFLAGS}: its words are none of kpageflags; copy it again")
    return counts


def _meant(words: Counter[int]) -> bool:
    return all(word <= _MEANT for word in words)


def _swapped(words: Counter[int]) -> Counter[int]:
    """The same counts of words whose bytes are in the other order."""
    return Counter(
        {int.from_bytes(word.to_bytes(8, "little"), "big"): n for word, n in words.items()}
    )
