"""memhp, run in a guest: what it says of that kernel, and what it does to it."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from ..tools.errors import LabError
from . import standing
from .guest import Guest
from .python import PYTHON

__all__ = ["Ran", "Standing", "memhp"]

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


class Standing:
    """memhp, started once in a guest, for many commands: each is a fork that has all imported.

    Args:
        guest: a guest whose machine has memhp.
        first: the words of the command that it runs first, unseen, to compile what others need.

    Raises:
        LabError: it does not start.
    """

    def __init__(self, guest: Guest, *first: str) -> None:
        self.guest = guest
        log = "/tmp/memhp-standing"
        guest.shell(f"{PYTHON} -m memhp.lab.guest.standing >{log} 2>&1 &")
        waits = f"for i in $(seq 3000); do test -p {standing.CODE} && break; sleep 0.1; done"
        if guest.shell(f"{waits}; test -p {standing.CODE}").rc:
            raise LabError(f"memhp does not start in the guest: {guest.read(log)[-2000:]}")
        self._ask(first)

    def __call__(self, *words: str, meanwhile: str = "") -> Ran:
        """How a command ends.

        Args:
            words: what follows `memhp`.
            meanwhile: done by a shell, once the command has begun; ``$pid`` is its process.

        Raises:
            LabError: it writes more than 1 MiB.
        """
        code = self._ask(words, meanwhile)
        return Ran(code, self.guest.read(standing.OUT), self.guest.read(standing.ERR))

    def _ask(self, words: tuple[str, ...], meanwhile: str = "") -> int:
        asked = shlex.quote(json.dumps(words))
        script = f"rm -f {standing.PID}; echo {asked} >{standing.ASK}; "
        if meanwhile:
            script += f"while ! test -s {standing.PID}; do usleep 1000; done; "
            script += f"pid=$(cat {standing.PID}); {meanwhile}; "
        return int(self.guest.shell(f"{script} cat {standing.CODE}").out.split()[-1])
