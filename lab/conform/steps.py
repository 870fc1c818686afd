"""What the steps of scenarios are made of: asking the guest, and the reference.

A prediction is what the reference does, or what one of its properties says: that nothing moved,
that contents are kept.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from memhp.reference.machine import Machine
from memhp.reference.topology import Value

from ..guest.guest import Guest, HoldKind
from ..tools.errors import LabError
from .board import BOOT_BLOCKS
from .follow import Follower

__all__ = [
    "FIRST",
    "MEMORY",
    "NODE",
    "SECOND",
    "Check",
    "allowed",
    "begin_leaving",
    "contents_kept",
    "figures",
    "hold",
    "move_huge",
    "pages_on",
    "plug",
    "take",
    "take_steps",
]

FIRST, SECOND = BOOT_BLOCKS, BOOT_BLOCKS + 1
"""The blocks of the first DIMM, on a node of its own."""

MEMORY = "/sys/devices/system/memory"
NODE = "/sys/devices/system/node/node1"


@dataclass(frozen=True)
class Check:
    """One thing that was predicted, and what the kernel showed."""

    what: str
    predicted: str
    seen: str

    @property
    def agrees(self) -> bool:
        """The kernel showed what was predicted."""
        return self.predicted == self.seen


def take_steps(follower: Follower, *steps: tuple[Value, ...]) -> None:
    """Do operations on both, each given as its name and its parameters.

    Raises:
        LabError: kernel and reference disagree before the last one.
    """
    for name, *params in steps:
        follower.step((str(name), tuple(params)))


def plug(follower: Follower, word: str) -> Guest:
    """Add a DIMM to node 1, and write ``word`` to the state of both blocks; returns the guest."""
    take_steps(
        follower,
        ("add_device", 1),
        ("write_state", FIRST, word),
        ("write_state", SECOND, word),
    )
    return follower.target.booted


def hold(guest: Guest, kind: HoldKind, size: int, *, node: int = 1) -> int:
    """The process id of a new holder of memory of a node.

    Args:
        guest: the guest.
        kind: what memory.
        size: bytes.
        node: of which node.

    Raises:
        LabError: it gets none.
    """
    errno, holder = guest.hold(kind, size, node=node)
    if errno:
        raise LabError(f"no {kind} memory on node {node}: {os.strerror(errno)}", guest.last_lines())
    return holder


def figures(guest: Guest, *names: str) -> int:
    """The bytes that these lines of node 1's meminfo add up to."""
    kib = re.findall(rf"(?m)(?:{'|'.join(names)}):\s+(\d+)", guest.read(f"{NODE}/meminfo"))
    return 1024 * sum(map(int, kib))


def pages_on(guest: Guest, holder: int, node: int) -> int:
    """How many pages of a process are on a node (/proc/PID/numa_maps)."""
    return sum(map(int, re.findall(rf"\bN{node}=(\d+)", guest.read(f"/proc/{holder}/numa_maps"))))


def contents_kept(guest: Guest, *holders: int) -> Check:
    """Have holders give their memory back; the check that it was as they wrote it (M1)."""
    ends = [guest.release(holder) for holder in holders]
    return Check("contents of what was moved", str([0] * len(holders)), str(ends))


def take(machine: Machine, action: str, *params: int | str) -> None:
    """Take a step of the reference.

    Raises:
        LabError: it refuses.
    """
    if not (outcome := machine.step(action, *params)):
        raise LabError(f"the reference does not take {action}{params}: {outcome}")


def move_huge(machine: Machine, folio: int, target: int) -> None:
    """Have a huge folio of the reference, mapped by one entry, change places with a free one.

    Raises:
        LabError: a step of it is refused.
    """
    take(machine, "begin_huge_migration", folio, target)
    take(machine, "replace_huge_pte", 0, folio)
    take(machine, "copy_huge", folio)
    take(machine, "change_huge_home", folio)
    take(machine, "restore_huge_pte", 0)
    take(machine, "finish_huge_migration", folio)


def begin_leaving(machine: Machine, block: int) -> None:
    """Have a block of the reference begin to go, and all who listen told.

    Raises:
        LabError: it refuses.
    """
    take(machine, "begin_offline", block)
    if "announce_last_memory" in machine.system.action_by_name:
        machine.step("announce_last_memory", block)  # which is none while the node keeps memory
    take(machine, "announce_offline", block)


def allowed(machine: Machine, action: str, *params: int | str) -> str:
    """Whether the reference would take a step: ``done`` or ``refused``."""
    return "done" if machine.why_not(action, *params) is None else "refused"
