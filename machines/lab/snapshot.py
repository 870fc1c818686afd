"""A guest as a tar of its sysfs and procfs, as `memhp.machines.sysfs.read_machine` takes it."""

from __future__ import annotations

import io
import tarfile

from memhp.machines.lab.errors import LabError
from memhp.machines.lab.guest import Guest

__all__ = ["snapshot"]

_FOLDERS = "/sys/devices/system/memory /sys/devices/system/node"
_PROC = ("/proc/cpuinfo", "/proc/iomem", "/proc/meminfo", "/proc/version", "/proc/zoneinfo")


def snapshot(guest: Guest) -> bytes:
    """A plain tar of what the guest says about its memory.

    It is not taken at one instant: a block that changes meanwhile may differ between files.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in (*_PROC, *_found(guest, "-type f")):
            try:
                content = guest.read(path).encode()
            except OSError:
                continue  # it can only be written, or it went away since
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for path in _found(guest, "-type l"):
            member = tarfile.TarInfo(path.lstrip("/"))
            member.type = tarfile.SYMTYPE
            # A link says what it has to say in its name; where it leads is made plain.
            member.linkname = f"../{path.rpartition('/')[2]}"
            archive.addfile(member)
    return buffer.getvalue()


def _found(guest: Guest, kind: str) -> list[str]:
    reply = guest.shell(f"find {_FOLDERS} {kind}")
    if reply.rc:
        raise LabError(f"the guest has no memory blocks to record: {reply.out.strip()}")
    return reply.out.split()
