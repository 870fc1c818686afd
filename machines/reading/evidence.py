"""What holds the memory of each block: page words, and the page structures behind them.

A word of `/proc/kpageflags` leaves open what a structure tells (`page_structs`): a blank one with
no reference is a free page on the list of a CPU, one with references is the kernel's; and of a
page that could move, whether somebody refers to it whom nothing explains (`references`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .block_evidence import BlockEvidence, Stuck
from .errors import MachineError, NotPermitted
from .large_pins import PinCount, pinned_among
from .page_structs import PageStructs, Structs
from .pageflags import KPF_NOPAGE, PIN, FrameKind, frame_kind, read_words
from .references import UNTOLD, Marks, excess_of, first_of_each

__all__ = ["Words", "evidence_in", "evidence_of", "words_of_files"]

KINDS = tuple(FrameKind)
_CODE = {kind: code for code, kind in enumerate(KINDS)}
_CHUNK = 1 << 17
"""Frames that are looked at together at most: bounds the memory."""
_SHOWN = 8
"""How many frames that do not go are kept of each block."""
_MOST_RUNS = 1 << 10
"""So many pieces are looked at one by one; of more, all between them as well."""
_MAPPING_KINDS, _DRIVERS = 3, 2
"""In the lowest bits of `mapping`: a page that its driver moves has just the second."""
_MOVABLE = (FrameKind.movable, FrameKind.waiting, FrameKind.huge)
_OPEN = (FrameKind.blank, FrameKind.unknown)
_STUCK = (FrameKind.reserved, FrameKind.kernel, FrameKind.held, FrameKind.pinned)
_PASSING = (FrameKind.waiting, FrameKind.unknown, FrameKind.blank, FrameKind.held)
"""What another look may show otherwise."""

_Numbers = npt.NDArray[np.uint64]

Words = Callable[[int, int], tuple[_Numbers, _Numbers | None]]
"""The page words of so many frames from one on, and how often each is mapped, if that is told."""


@dataclass(frozen=True)
class _Look:
    """One look at frames from `first` on: the code of each one's kind, and its excess."""

    first: int
    codes: npt.NDArray[np.uint8]
    excess: npt.NDArray[np.int32]
    structs: Structs


def evidence_of(
    blocks: Iterable[int],
    structs: PageStructs,
    words: Words,
    *,
    block_size: int,
    again: Callable[[], object] | None = None,
) -> dict[int, BlockEvidence]:
    """What is in each of the blocks; one whose structures cannot be read is left out.

    Args:
        blocks: their numbers. Ask for online blocks.
        structs: where page structures are.
        words: tells page words, and how often each page is mapped.
        block_size: bytes of a block.
        again: waits a little; then what may have been in passing is looked at once more. None:
            nothing changes meanwhile.

    Raises:
        MachineError: reading fails.
    """
    frames = block_size // structs.page_size
    found: dict[int, BlockEvidence] = {}
    passing: dict[int, list[_Look]] = {}
    for block in blocks:
        kept: list[_Look] = []
        told = _summed(_kept(_looks(structs, words, block * frames, frames), kept), structs)
        if told is not None:
            found[block] = told
            if again is not None and any(told.kinds[kind] for kind in _PASSING):
                passing[block] = kept
    if passing and again is not None:
        again()
    for block, before in passing.items():
        looks = (_once_more(look, structs, words) for look in before)
        told = _summed((look for look in looks if look is not None), structs)
        if told is not None:
            found[block] = told
    return found


def evidence_in(
    blocks: Iterable[int],
    structs: PageStructs,
    *,
    block_size: int,
    again: Callable[[], object] | None = None,
    flags: str | Path = "/proc/kpageflags",
    counts: str | Path = "/proc/kpagecount",
) -> dict[int, BlockEvidence]:
    """What is in each block of this machine, now.

    Args:
        blocks: their numbers.
        structs: where page structures are.
        block_size: bytes of a block.
        again: see `evidence_of`.
        flags: the file of page words.
        counts: the file that says how often each page is mapped.

    Raises:
        NotPermitted: not root.
        MachineError: a file is not there, or reading fails.
    """
    with words_of_files(flags, counts) as words:
        return evidence_of(blocks, structs, words, block_size=block_size, again=again)


@contextmanager
def words_of_files(flags: str | Path, counts: str | Path) -> Iterator[Words]:
    """Page words and mapping counts from the kernel's two files, for as long as they are open.

    Raises:
        NotPermitted: not root.
        MachineError: a file is not there.
    """
    with _opened(flags) as of_flags, _opened(counts) as of_counts:

        def words(first: int, count: int) -> tuple[_Numbers, _Numbers]:
            found = np.full(count, 1 << KPF_NOPAGE, np.uint64)
            mapped = np.zeros(count, np.uint64)
            _fill(found, of_flags, first, flags)
            _fill(mapped, of_counts, first, counts)
            return found, mapped

        yield words


@contextmanager
def _opened(path: str | Path) -> Iterator[int]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        raise NotPermitted(f"{path}: permission denied; only root may read it") from None
    except OSError as error:
        raise MachineError(f"{path}: cannot be opened ({error.strerror})") from None
    try:
        yield handle
    finally:
        os.close(handle)


def _fill(words: _Numbers, handle: int, first: int, path: str | Path) -> None:
    """Put the file's words from one on where they belong; it may end before."""
    try:
        read = np.frombuffer(read_words(handle, first, len(words)), np.uint64)
    except OSError as error:
        raise MachineError(f"{path}: cannot be read ({error.strerror})") from None
    words[: len(read)] = read


def _looks(structs: PageStructs, words: Words, first: int, frames: int) -> Iterator[_Look]:
    """A look at each piece of a range of frames."""
    marks = Marks.of(structs.core.info)
    step = min(frames, structs.frames_of_section or _CHUNK, _CHUNK)
    section = structs.section_of(first)
    added = section is not None and not section[1]
    own = structs.own_memmap(first, frames) if added else 0
    for at in range(first, first + frames, step):
        read = structs.of(at, step)
        if read is not None:
            look = _look(at, read, marks, structs.pin_count, *words(at, step))
            if own != 0:
                _mark_memmap(look, first, own)
            yield look


def _mark_memmap(look: _Look, first: int, own: int | None) -> None:
    """Mark the structures of a block's own frames; where it is not told, leave open what may be.

    They are the first of the block, nobody maps them, and each has one reference.
    """
    plain = (look.codes == _CODE[FrameKind.kernel]) & (look.structs["refcount"] == 1)
    plain &= (look.structs["mapcount"] == -1) & (look.structs["mapping"] == 0)
    leading = plain & (np.cumsum(~plain) == 0)
    if look.first != first:
        return
    if own is None:
        look.codes[leading] = _CODE[FrameKind.unknown]
    else:
        look.codes[:own][leading[:own]] = _CODE[FrameKind.memmap]


def _kept(looks: Iterable[_Look], kept: list[_Look]) -> Iterator[_Look]:
    """The same looks, kept as well, but without the structures, which are many bytes."""
    for look in looks:
        kept.append(replace(look, structs=look.structs[:0]))
        yield look


def _look(
    first: int,
    structs: Structs,
    marks: Marks,
    pin_count: PinCount | None,
    words: _Numbers,
    counts: _Numbers | None,
) -> _Look:
    distinct, which = np.unique(words, return_inverse=True)
    of_word = np.array([_CODE[frame_kind(int(word))] for word in distinct], np.uint8)
    codes = of_word[which]
    _refine(codes, structs)
    tail = (structs["head"] & 1).astype(bool)
    spare = (codes == _CODE[FrameKind.huge]) & (structs["refcount"][first_of_each(tail)] == 0)
    codes[spare & ~_cut(tail)] = _CODE[FrameKind.spare]
    movable = _are(codes, _MOVABLE) & ((structs["refcount"] > 0) | tail)
    huge = codes == _CODE[FrameKind.huge]
    excess = excess_of(structs, marks, movable, huge, counts)
    # What is on its way to the LRU is referred to by the list that it is on.
    excess[(codes == _CODE[FrameKind.waiting]) & (excess == 1)] = 0
    small = ~tail & (structs["flags"] & np.uint64(marks.head) == 0)
    codes[excess > 0] = _CODE[FrameKind.held]
    codes[(excess >= PIN) & small] = _CODE[FrameKind.pinned]
    large = np.flatnonzero(~tail & ~small & (excess > 0))
    pinned = np.zeros(len(structs), np.bool_)
    pinned[pinned_among(structs, pin_count, large, excess)] = True
    codes[pinned[first_of_each(tail)]] = _CODE[FrameKind.pinned]
    return _Look(first, codes, excess, structs)


def _refine(codes: npt.NDArray[np.uint8], structs: Structs) -> None:
    """Say of a frame whose word leaves it open what its structure tells."""
    open_ = _are(codes, _OPEN)
    mapping = structs["mapping"]
    nobody = (structs["refcount"] == 0) & (structs["mapcount"] == -1)
    codes[open_ & nobody & (structs["head"] & 1 == 0)] = _CODE[FrameKind.listed]
    somebody = (structs["refcount"] > 0) & (mapping == 0)
    codes[open_ & somebody] = _CODE[FrameKind.kernel]
    driver = (structs["refcount"] > 0) & ((mapping & _MAPPING_KINDS) == _DRIVERS)
    codes[open_ & driver] = _CODE[FrameKind.unknown]


def _cut(tail: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which frames are of a folio that begins before these."""
    return np.asarray(np.cumsum(~tail) == 0)


def _are(codes: npt.NDArray[np.uint8], kinds: tuple[FrameKind, ...]) -> npt.NDArray[np.bool_]:
    """Which of the frames are of one of these kinds."""
    return np.isin(codes, [_CODE[kind] for kind in kinds])


def _once_more(before: _Look, structs: PageStructs, words: Words) -> _Look | None:
    """The same frames, those looked at again that may have been in somebody's hands.

    Just these, for what a look itself takes and gives back is in the words, too.  Held is what is
    held now and was before.  None if they are gone.
    """
    again = structs.of(before.first, len(before.codes))
    if again is None:
        return None
    marks = Marks.of(structs.core.info)
    codes, excess = before.codes.copy(), before.excess.copy()
    for first, last in _runs(_are(codes, _PASSING)):
        read = structs.of(before.first + first, last - first)
        if read is None:
            continue
        at = before.first + first
        now = _look(at, read, marks, structs.pin_count, *words(at, last - first))
        was = before.excess[first:last]
        passed = (now.codes == _CODE[FrameKind.held]) & (was <= 0)
        codes[first:last] = np.where(passed, _CODE[FrameKind.movable], now.codes)
        excess[first:last] = np.where(passed, 0, now.excess)
    return replace(before, codes=codes, excess=excess, structs=again)


def _runs(truths: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The first, and the one behind the last, of each run of frames; of many one run of all."""
    edges = np.flatnonzero(np.diff(truths.astype(np.int8), prepend=0, append=0)).tolist()
    if len(edges) > 2 * _MOST_RUNS:
        return [(0, len(truths))]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _summed(looks: Iterable[_Look], structs: PageStructs) -> BlockEvidence | None:
    """What the looks at one block show together; None if there are none."""
    kinds: Counter[FrameKind] = Counter()
    untold = 0
    stuck: list[Stuck] = []
    early: set[bool | None] = set()
    for look in looks:
        for code, count in enumerate(np.bincount(look.codes, minlength=len(KINDS)).tolist()):
            if count:
                kinds[KINDS[code]] += count
        untold += int((look.excess == UNTOLD).sum())
        stuck += _stuck_in(look, _SHOWN - len(stuck))
        section = structs.section_of(look.first)
        early.add(None if section is None else section[1])
    if not early:
        return None
    return BlockEvidence(kinds, untold, tuple(stuck), early.pop() if len(early) == 1 else None)


def _stuck_in(look: _Look, most: int) -> list[Stuck]:
    """The first pages that do not go; a large one is one."""
    frames = np.flatnonzero(_are(look.codes, _STUCK))
    tail = (look.structs["head"] & 1).astype(bool)
    pages: list[Stuck] = []
    for at in frames[~tail[frames]][: max(most, 0)].tolist():
        others = np.flatnonzero(~tail[at + 1 :])
        length = int(others[0]) + 1 if len(others) else len(tail) - at
        pages.append(
            Stuck(
                look.first + at,
                KINDS[look.codes[at]],
                length,
                int(look.structs["refcount"][at]),
                max(0, int(look.excess[at])),
            )
        )
    return pages
