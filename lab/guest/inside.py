"""memhp, run in a guest: what it says of that kernel, and what it does to it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from .guest import Guest
from .python import PYTHON

__all__ = ["Ran", "memhp"]

_ERRORS = "/tmp/memhp-stderr"


@dataclass(frozen=True)
class Ran:
    """How a command of memhp ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str


def memhp(guest: Guest, *words: str, limit: float | None = None) -> Ran:
    """Run memhp in a guest whose machine has it (`GuestMachine.memhp`), as root.

    Args:
        guest: the guest.
        words: what follows `memhp`.
        limit: how many seconds it may take.

    Raises:
        LabError: it writes more than 1 MiB.
    """
    reply = guest.shell(f"{PYTHON} -m memhp {shlex.join(words)} 2>{_ERRORS}", limit=limit)
    return Ran(reply.rc, reply.out, guest.read(_ERRORS, limit=limit))
