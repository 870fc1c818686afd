"""The reading of a machine, whatever tells of it: this one, a record, or a crash dump."""

from __future__ import annotations

from pathlib import Path

from .crash_dump import is_dump, read_dump
from .live_evidence import with_evidence
from .sysfs import Asked, MachineReading, read_machine

__all__ = ["read_any"]


def read_any(
    path: str | Path = "/", *, page_flags: Asked = True, log: str | None = None
) -> MachineReading:
    """What `path` tells of a machine.

    Args:
        path: `/` for this machine, a directory or tar with its `sys/`, or a crash dump.
        page_flags: also read what each frame is used for, and who holds it; numbers ask
            about these blocks alone. Of a crash dump all is read.
        log: the kernel's log, as `read_machine` has it.

    Raises:
        MachineError: it is no machine, or is damaged; the message names the file.
    """
    if is_dump(path):
        return read_dump(path)
    reading = read_machine(path, page_flags=page_flags, log=log)
    return with_evidence(reading) if page_flags else reading
