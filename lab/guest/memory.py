"""A guest's memory, read from outside: what is in its blocks, without a change in the guest.

QEMU writes it to a file (its command `dump-guest-memory`), the guest waits meanwhile, and the file
is read as a crash dump is (`memhp.machines.reading.crash_dump`).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from memhp.machines.reading.crash_dump import read_dump
from memhp.machines.reading.sysfs import MachineReading

from ..tools.errors import whole_number
from .guest import Guest

__all__ = ["memory_of"]

_VMCOREINFO = "/sys/kernel/vmcoreinfo"
"""Tells where in physical memory the kernel's note is, and how large (kernel/ksysfs.c)."""


def memory_of(guest: Guest, *, limit: float | None = None) -> MachineReading:
    """The reading of a guest's memory, with evidence of each online section.

    Args:
        guest: the guest.
        limit: how many seconds writing the file may take.

    Raises:
        OSError: the guest's kernel has no such note.
        MachineError: its memory cannot be read.
    """
    place, size = guest.read(_VMCOREINFO).split()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory"
        guest.qmp("dump-guest-memory", limit=limit, paging=False, protocol=f"file:{path}")
        return read_dump(path, note_at=(whole_number(place, 16), whole_number(size, 16)))
