"""A guest as a tar of its sysfs and procfs, for `memhp.machines.reading.sysfs.read_machine`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from memhp.machines.reading.findings import (
    OUTCOMES,
    PAGE_WORDS,
    PageWords,
    outcomes_text,
    page_words_text,
)
from memhp.machines.reading.pageflags import filled
from memhp.machines.reading.record import pack, recorded
from memhp.machines.reading.tree import MEMORY_DIR

from ..tools.errors import LabError, whole_number
from .files import files_in
from .guest import Guest

__all__ = ["block_states", "files_of", "packed", "page_sizes", "snapshot", "tallied", "words_of"]

GuestFiles = tuple[list[tuple[str, bytes]], list[str]]
"""The files of a guest with their contents, and the paths of its links."""


def snapshot(guest: Guest) -> bytes:
    """The tar of what the guest says about its memory, and of its page words.

    It is not taken at one instant: a block that changes meanwhile may differ between files.
    """
    files = files_of(guest)
    online = [block for block, state in block_states(guest).items() if state == "online"]
    return packed(files, page_words(guest, online))


def packed(files: GuestFiles, words: PageWords, outcomes: Mapping[int, str] | None = None) -> bytes:
    """The tar of a guest.

    Args:
        files: its files and links.
        words: what its blocks held.
        outcomes: how trying each ended; None: they were not tried.
    """
    own = [(PAGE_WORDS, page_words_text(words).encode())]
    if outcomes is not None:
        own.append((OUTCOMES, outcomes_text(outcomes).encode()))
    return pack([*files[0], *own], files[1])


def files_of(guest: Guest) -> GuestFiles:
    """The files and links of a guest that a record takes (`memhp.machines.reading.record`).

    Raises:
        LabError: the guest has no memory blocks.
    """
    files, links = recorded(files_in(guest))
    if not any(path.startswith(f"{MEMORY_DIR}/memory") for path in files):
        raise LabError("the guest has no memory blocks to record")
    return sorted(files.items()), links


def block_states(guest: Guest) -> dict[int, str]:
    """The state of each block of the guest, in the order of their numbers."""
    listed = guest.shell(f"cd /{MEMORY_DIR}; grep . memory[0-9]*/state").out
    pairs = re.findall(r"(?m)^memory(\d+)/state:(\S+)$", listed)
    return dict(sorted((whole_number(block), state) for block, state in pairs))


def page_sizes(guest: Guest) -> tuple[int, int]:
    """The bytes of a page, and those of a block.

    Raises:
        LabError: the guest does not tell them.
    """
    page = re.search(r"KernelPageSize: +(\d+) kB", guest.read("/proc/self/smaps"))
    if page is None:
        raise LabError("the guest's smaps do not tell the size of a page")
    return whole_number(page[1]) * 1024, whole_number(
        guest.read(f"/{MEMORY_DIR}/block_size_bytes"), 16
    )


def page_words(guest: Guest, blocks: Iterable[int]) -> PageWords:
    """The page words of these blocks, which should be online.

    Raises:
        LabError: the guest cannot read or send them.
    """
    page, size = page_sizes(guest)
    return PageWords(page, size, {block: words_of(guest, block, size // page) for block in blocks})


def words_of(guest: Guest, block: int, frames: int) -> Counter[int]:
    """How many of a block's frames have which word of `/proc/kpageflags`, now.

    Raises:
        LabError: the guest cannot read or send them.
    """
    return filled(tallied(guest, "/proc/kpageflags", block * frames, frames), frames)


def tallied(guest: Guest, path: str, first: int, count: int) -> dict[int, int]:
    """How often each 64-bit word occurs in a part of a guest's file.

    Args:
        guest: the guest.
        path: the file.
        first: the number of the first word.
        count: how many words.

    Raises:
        LabError: the guest cannot read or send them.
    """
    answer = guest.agent("tally", path, str(first), str(count))
    if answer.code:
        raise LabError(f"{count} words of {path} from {first}: {os.strerror(answer.code)}")
    counts = (part.partition(":") for part in answer.data.decode("ascii", "replace").split())
    return {whole_number(word, 16): whole_number(many) for word, _, many in counts}
