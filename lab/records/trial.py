"""Every block of a guest is tried, as data that predictions are held against.

Each block is looked at and, at once, told to go offline, then brought back into the zone
it was in; so the words that a record holds of a block are those from just before it was
tried, while its files are all from before the first.  What a block held that went is in
other blocks by the time these are looked at.
"""

from __future__ import annotations

import errno
from collections import Counter

from memhp.machines.reading.findings import DONE, PageWords
from memhp.machines.reading.tree import MEMORY_DIR

from ..guest.guest import Guest
from ..guest.snapshot import (
    block_states,
    files_of,
    packed,
    page_sizes,
    words_of,
)
from ..tools.errors import LabError

__all__ = ["try_all", "try_block"]


def try_all(guest: Guest, *, patience: int | None = None) -> bytes:
    """The tar of a guest whose blocks are all tried: what was seen before, and how each ended.

    Args:
        guest: the guest.
        patience: see `try_block`.

    Raises:
        LabError: a block that went did not come back as it was.
    """
    page, size = page_sizes(guest)
    files = files_of(guest)
    words: dict[int, Counter[int]] = {}
    outcomes = {}
    for block, state in block_states(guest).items():
        if state == "online":
            words[block] = words_of(guest, block, size // page)
        outcomes[block] = try_block(guest, block, patience=patience)
    return packed(files, PageWords(page, size, words), outcomes)


def try_block(guest: Guest, block: int, *, patience: int | None = None) -> str:
    """Tell a block to go offline, and bring it back; returns `done`, or the name of the errno.

    Args:
        guest: the guest.
        block: its number in the guest.
        patience: after so many seconds a signal ends it, which is EINTR. None: it cannot last.

    Raises:
        LabError: it went, and did not come back into its zone.
    """
    folder = f"/{MEMORY_DIR}/memory{block}"
    zone = guest.read(f"{folder}/valid_zones")
    code = guest.write(f"{folder}/state", "offline", patience=patience)
    if code:
        return errno.errorcode[code]
    back = "online_movable" if zone == "Movable\n" else "online_kernel"
    refused = guest.write(f"{folder}/state", back)
    now = guest.read(f"{folder}/valid_zones")
    if refused or now != zone:
        raise LabError(
            f"block {block} went offline from {zone.strip()} and came back to {now.strip()}"
            f" (errno {refused})"
        )
    return DONE
