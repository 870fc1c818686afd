"""The reading of a machine, whatever tells of it: this one, a record, or a crash dump."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .dump_kinds import is_dump
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
        from .crash_dump import read_dump  # numpy, as the evidence

        return read_dump(path)
    reading = read_machine(path, page_flags=page_flags, log=log)
    if not (page_flags and reading.live and reading.frames is not None):
        return reading
    try:
        from .live_evidence import with_evidence
    except ModuleNotFoundError as error:
        note = f"page structures are not read: {error.name} is not installed"
        return replace(reading, notes=(*reading.notes, note))
    return with_evidence(reading)
