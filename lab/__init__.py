"""The lab: guests on QEMU with Debian's kernels, in which memory really comes and goes.

    with Guest.boot(kernel, GuestMachine(nodes=(Node(512 * MIB, 1), Node(256 * MIB)))) as guest:
        guest.write("/sys/devices/system/memory/memory5/state", "offline")

- `tools`: errors, and programs that it runs. `kernels`: which there are, and fetching them.
- `guest`: one guest, from its boot to its end. `records`: guests kept, with what went.
- `conform`: kernels held against the reference.

Needs `qemu-system-x86`, `busybox-static` and a C compiler; nothing is written outside the cache
folder and the guests.

May import: lab.tools, lab.kernels, lab.guest.
"""

from .guest.devices import (
    Ejection,
    add_dimm,
    eject_dimm,
    resize,
    wait_for_blocks,
)
from .guest.guest import Guest, Reply, identified, usable_accelerator
from .guest.machine import MIB, GuestMachine, Node, VirtioMem
from .guest.qmp import MonitorRefused
from .guest.snapshot import snapshot
from .kernels.kernel import STOCK, Kernel, load, own
from .kernels.packages import fetch
from .tools.errors import GuestDied, GuestSilent, LabError

__all__ = [
    "MIB",
    "STOCK",
    "Ejection",
    "Guest",
    "GuestDied",
    "GuestMachine",
    "GuestSilent",
    "Kernel",
    "LabError",
    "MonitorRefused",
    "Node",
    "Reply",
    "VirtioMem",
    "add_dimm",
    "eject_dimm",
    "fetch",
    "identified",
    "load",
    "own",
    "resize",
    "snapshot",
    "usable_accelerator",
    "wait_for_blocks",
]
