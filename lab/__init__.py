"""The lab: guests on QEMU with Debian's kernels, in which memory really comes and goes.

    with Guest.boot(kernel, Layout(nodes=(Node(512 * MIB, 1), Node(256 * MIB)))) as guest:
        guest.write("/sys/devices/system/memory/memory5/state", "offline")

- `kernels`: which kernels there are; `packages`: fetching them (`sources`: from where);
  `images`: what an image is of.
- `layout`: a guest's nodes, DIMM slots and options; `platforms`: QEMU for an architecture.
- `guest`: booting, asking, ending.  `protocol`, `agent/`: how it is asked; `qmp`: QEMU's
  monitor; `initramfs`, `modules`: what it starts with.
- `devices`: DIMMs and virtio-mem that come and go; `files`: a guest's files; `snapshot`: a
  guest as a tar.
- `trial`: every block of a guest is tried; `recordings`: the guests of which that is kept.

Needs `qemu-system-x86`, `busybox-static` and a C compiler; nothing is written outside the
cache folder and the guests.
"""

from .errors import GuestDied, GuestSilent, LabError
from .guest.devices import (
    Ejection,
    add_dimm,
    eject_dimm,
    resize,
    wait_for_blocks,
)
from .guest.guest import Guest, Reply, identified, usable_accelerator
from .guest.layout import MIB, Layout, Node, VirtioMem
from .guest.qmp import MonitorRefused
from .guest.snapshot import snapshot
from .kernels.kernel import STOCK, Kernel, load, own
from .kernels.packages import fetch

__all__ = [
    "MIB",
    "STOCK",
    "Ejection",
    "Guest",
    "GuestDied",
    "GuestSilent",
    "Kernel",
    "LabError",
    "Layout",
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
