"""Every block of a guest is tried, as data that predictions are held against.

Each block is looked at and, at once, told to go offline, then brought back into the zone
it was in; so the words that a record holds of a block are those from just before it was
tried, while its files are all from before the first.  What a block held that went is in
other blocks by the time these are looked at.
"""

from __future__ import annotations

import errno
import os
import re
from collections import Counter

from memhp.machines.findings import DONE, PageWords
from memhp.machines.lab.errors import LabError
from memhp.machines.lab.guest import Guest
from memhp.machines.lab.snapshot import block_states, files_of, packed, page_sizes, words_of
from memhp.machines.tree import MEMORY_DIR

__all__ = ["TRY_SECONDS", "try_all", "try_block"]

TRY_SECONDS = 10
"""How long an offline may take before a signal ends it."""

_ERRNO_OF = {os.strerror(code): name for code, name in errno.errorcode.items()}


def try_all(guest: Guest) -> bytes:
    """Try every block of a guest; the tar with what was seen before and how each ended.

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
        outcomes[block] = try_block(guest, block)
    return packed(files, PageWords(page, size, words), outcomes)


def try_block(guest: Guest, block: int) -> str:
    """Tell a block to go offline, and bring it back: `done`, or the name of the errno.

    Raises:
        LabError: it went, and did not come back into its zone.
    """
    folder = f"/{MEMORY_DIR}/memory{block}"
    zone = guest.read(f"{folder}/valid_zones")
    command = f"echo offline > {folder}/state"
    reply = guest.shell(f"busybox timeout -s INT {TRY_SECONDS} sh -c '{command}'")
    if reply.rc:
        return _errno(reply.rc, reply.out)
    back = "online_movable" if zone == "Movable\n" else "online_kernel"
    refused = guest.write(f"{folder}/state", back)
    now = guest.read(f"{folder}/valid_zones")
    if refused or now != zone:
        raise LabError(
            f"block {block} went offline from {zone.strip()} and came back to {now.strip()}"
            f" (errno {refused})"
        )
    return DONE


def _errno(rc: int, said: str) -> str:
    if rc > 128:
        return "EINTR"
    words = re.search(r"write error: (.+)", said)
    if words is None or words[1] not in _ERRNO_OF:
        raise LabError(f"the guest's shell answered what is no errno: {said.strip()!r}")
    return _ERRNO_OF[words[1]]
