"""Who holds a block's memory: the processes that map it, and what of theirs it is.

`/proc/PID/pagemap` says for each page of a process which frame it is in, to root alone
(Documentation/admin-guide/mm/pagemap.rst); `/proc/PID/maps` says of what the page is: a file, the
heap, memory without a name.  Page cache that nobody maps has no process, and is not told here.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["Holder", "Holding", "holding_of"]

_PRESENT = 1 << 63
_FRAME = (1 << 55) - 1
_AT_ONCE = 1 << 18
"""Pages whose entries are read together: 2 MiB of entries."""
_MOST_BYTES = 1 << 26
"""Of the maps of one process."""
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)")
_DEVICES = ("io_uring", "vfio", "infiniband", "kvm", "pipe:", "dma_heap", "nvidia")
"""Parts of the names of open files whose users refer to pages, or pin them."""


@dataclass(frozen=True)
class Holder:
    """A process that maps memory of a block.

    `frames` counts those of the block; `of` the same by what it maps (a path, ``[heap]``, or
    ``[anon]`` for memory without a name); `devices` has open files that can hold pages, if any.
    """

    process: int
    name: str
    frames: int
    of: Mapping[str, int]
    devices: tuple[str, ...] = ()


@dataclass
class Holding:
    """What processes hold: of each block its holders, those with most frames first.

    `of_frame` has the processes that map the frames that were asked about; `unread` counts
    processes that could not be looked at.
    """

    of_block: dict[int, list[Holder]] = field(default_factory=dict)
    of_frame: dict[int, list[int]] = field(default_factory=dict)
    unread: int = 0


def holding_of(
    blocks: Collection[int],
    *,
    frames: int,
    asked: Collection[int] = (),
    proc: str | Path = "/proc",
) -> Holding:
    """Which processes map memory of these blocks.

    Processes come and go meanwhile; one that is gone is passed over.

    Args:
        blocks: their numbers.
        frames: how many frames a block has.
        asked: frames of which every process that maps them is told.
        proc: where procfs is.
    """
    told = Holding({block: [] for block in blocks}, {frame: [] for frame in asked})
    wanted = np.array(sorted(asked), np.uint64)
    for number in _processes(proc):
        folder = f"{proc}/{number}"
        try:
            counts, found = _mapped_by(folder, frozenset(blocks), frames, wanted)
        except OSError:
            told.unread += 1
            continue
        for frame in found:
            told.of_frame[frame].append(number)
        name = _name(folder)
        devices = _devices(folder) if counts else ()
        for block, of in counts.items():
            told.of_block[block].append(Holder(number, name, of.total(), of, devices))
    for holders in told.of_block.values():
        holders.sort(key=lambda holder: (-holder.frames, holder.process))
    return told


def _processes(proc: str | Path) -> list[int]:
    return sorted(int(name) for name in os.listdir(proc) if name.isdecimal())


def _mapped_by(
    folder: str, blocks: frozenset[int], frames: int, wanted: npt.NDArray[np.uint64]
) -> tuple[dict[int, Counter[str]], set[int]]:
    """Of each block how many frames a process maps of what, and which wanted frames it maps."""
    counts: dict[int, Counter[str]] = {}
    found: set[int] = set()
    page = os.sysconf("SC_PAGE_SIZE")
    mappings = list(_mappings(folder, page))
    if not mappings:  # a thread of the kernel's, which has no pagemap either
        return counts, found
    handle = os.open(f"{folder}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    try:
        for first, last, what in mappings:
            for mapped in _frames(handle, first, last):
                found.update(mapped[np.isin(mapped, wanted)].tolist())
                numbers, each = np.unique(mapped // np.uint64(frames), return_counts=True)
                for block, count in zip(numbers.tolist(), each.tolist(), strict=True):
                    if block in blocks:
                        counts.setdefault(block, Counter())[what] += count
    finally:
        os.close(handle)
    return counts, found


def _mappings(folder: str, page: int) -> Iterator[tuple[int, int, str]]:
    """First and last page number of each mapping, the last one excluded, and of what it is."""
    with open(f"{folder}/maps", encoding="utf-8", errors="replace") as file:
        text = file.read(_MOST_BYTES)
    for line in text.splitlines():
        match = _MAPPING.fullmatch(line)
        if match is not None and match[3] != "[vsyscall]":
            yield int(match[1], 16) // page, int(match[2], 16) // page, match[3] or "[anon]"


def _frames(handle: int, first: int, last: int) -> Iterator[npt.NDArray[np.uint64]]:
    """The frames that pages from the first to before the last are in."""
    while first < last:
        content = os.pread(handle, 8 * min(_AT_ONCE, last - first), 8 * first)
        entries = np.frombuffer(content[: len(content) // 8 * 8], np.uint64)
        if not len(entries):
            return
        first += len(entries)
        frames = entries[entries & np.uint64(_PRESENT) != 0] & np.uint64(_FRAME)
        yield frames[frames != 0]


def _name(folder: str) -> str:
    try:
        return Path(folder, "comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return "?"


def _devices(folder: str) -> tuple[str, ...]:
    """What a process has open that can hold pages, each once."""
    names: set[str] = set()
    try:
        for entry in os.listdir(f"{folder}/fd"):
            target = os.readlink(f"{folder}/fd/{entry}")
            if any(part in target for part in _DEVICES):
                names.add("pipe" if target.startswith("pipe:") else target)
    except OSError:  # the process ends, or is not ours
        return tuple(sorted(names))
    return tuple(sorted(names))
