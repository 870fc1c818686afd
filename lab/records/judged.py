"""Every block of a guest is judged inside it, by memhp, and at once tried.

The answer that a user would get just then stands beside what the kernel did.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from ..guest.guest import Guest
from ..guest.python import PYTHON
from ..tools.errors import LabError
from . import judging

__all__ = ["JudgedBlock", "judged_blocks"]


@dataclass(frozen=True)
class JudgedBlock:
    """A block: what was said of it, how trying it ended, and what was seen in it before.

    `agrees` is None where it could not be told; `kinds` counts frames by kind, `notes` are the
    reading's.
    """

    number: int
    verdict: str
    why: str
    outcome: str
    agrees: bool | None
    kinds: dict[str, int]
    notes: tuple[str, ...]


def judged_blocks(guest: Guest, *, patience: int, limit: float) -> list[JudgedBlock]:
    """Judge and try each online block of a guest that has memhp (`GuestMachine.memhp`).

    Args:
        guest: the guest.
        patience: after so many seconds a signal ends an offline, which is EINTR.
        limit: how many seconds all of it may take.

    Raises:
        LabError: it failed, or a block that went did not come back.
    """
    reply = guest.shell(f"{PYTHON} -m {judging.__name__} {patience}", limit=limit)
    if reply.rc:
        raise LabError(f"{guest.kernel.name}: judging failed: {reply.out[-2000:]}")
    lines = [json.loads(line) for line in reply.out.splitlines() if line.startswith("{")]
    return [JudgedBlock(**{**each, "notes": tuple(each["notes"])}) for each in lines]
