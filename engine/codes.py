"""The words of memory hotplug as small numbers, in the order in which the kernel's pages name them.

A frame has three more codes than its observers see: `CLOSED` is a free frame of a
draining block, `BOOT` a frame that the kernel took at boot, `METADATA` one where
what describes other memory lies.  So the allocator finds in the frame's own code
all that it must know.  `OFF_BUDDY` is a frame that an error has taken from it.
"""

from __future__ import annotations

from errno import (
    EAGAIN,
    EBUSY,
    EEXIST,
    EFAULT,
    EINTR,
    EINVAL,
    EIO,
    ENODEV,
    ENOENT,
    ENOMEM,
    ENXIO,
    EPERM,
)

__all__ = [
    "ABSENT",
    "ADDED",
    "ADD_FAILED",
    "ALTMAP_ABSENT",
    "ALTMAP_FREED",
    "ALTMAP_HELD",
    "BLOCK_STATES",
    "BOOT",
    "BUSY",
    "CLOSED",
    "DIRTY",
    "EAGAIN",
    "EBUSY",
    "EEXIST",
    "EFAULT",
    "EHWPOISON",
    "EINTR",
    "EINVAL",
    "EIO",
    "EJECTED",
    "ENODEV",
    "ENOENT",
    "ENOMEM",
    "ENXIO",
    "EPERM",
    "EVENTS",
    "FILE",
    "FOUND_OFFLINE",
    "FOUND_ONLINE",
    "FREE",
    "HELD",
    "HUGE",
    "INITIALISED",
    "IN_PROGRESS",
    "ISOLATED",
    "KERNEL",
    "KIND",
    "KINDS",
    "LONGTERM",
    "MAPPED",
    "METADATA",
    "NEITHER",
    "NOTHING",
    "NOT_ADDED",
    "NOT_EJECTED",
    "NOT_GONE",
    "NOT_SUPPORTED",
    "OFFLINE",
    "OFF_BUDDY",
    "ONLINE",
    "OWN_METHOD",
    "PCP",
    "PRIVATE",
    "RELEASABLE",
    "SHORT",
    "SHOWN",
    "UNAVAILABLE",
    "USAGE_ABSENT",
    "USAGE_BOOT",
    "USAGE_FREED",
    "USAGE_OWN",
    "USER",
    "WRITEBACK",
    "ZONES",
]

UNAVAILABLE, ISOLATED, FREE, KERNEL, USER, HUGE, PCP, CLOSED, BOOT = 0, 1, 2, 3, 4, 6, 7, 8, 9
METADATA, OFF_BUDDY = 10, 11

EHWPOISON = 133
"""Memory with a hardware error (Python has the name from 3.14 on)."""

SHOWN = bytes((*range(CLOSED), FREE, KERNEL, KERNEL, 9)).ljust(256, b"\0")
"""For each code of a frame what its observers see (`bytes.translate`)."""

BLOCK_STATES = ("offline", "going_online", "online", "going_offline")
OFFLINE, ONLINE = BLOCK_STATES.index("offline"), BLOCK_STATES.index("online")

ZONES = ("none", "kernel", "movable")

EVENTS = (
    "none",
    "going_online",
    "online",
    "cancel_online",
    "going_offline",
    "offline",
    "cancel_offline",
)

KINDS = ("none", "anonymous", "page_cache")
FILE = KINDS.index("page_cache")

KIND, DIRTY, WRITEBACK, PRIVATE, BUSY, MAPPED, HELD = 3, 4, 8, 16, 32, 64, 128
"""A folio's state: its kind, and flags: of its data, of its private data, of who uses it.

``HELD``: a device has it, or somebody has a reference that migration does not expect.
"""

OWN_METHOD, RELEASABLE, NEITHER = 0, 1, 2
"""What a filesystem can do with private data when a folio is to move."""

SHORT, LONGTERM = 1, 2
"""How a device uses a folio."""

(NOTHING, IN_PROGRESS, ADDED, NOT_ADDED, EJECTED, NOT_GONE, NOT_EJECTED, NOT_SUPPORTED) = range(8)
"""What the firmware was last told about a device."""

ABSENT, FOUND_OFFLINE, FOUND_ONLINE = 0, 1, 2
"""How a request of the firmware found a block."""

ADD_FAILED = 2
"""Of a request of the firmware: what was added is taken away again."""

INITIALISED = 2
"""Of a pgdat that is there."""

ALTMAP_ABSENT, ALTMAP_HELD, ALTMAP_FREED = 0, 1, 2
"""The life of a block's altmap."""

USAGE_ABSENT, USAGE_BOOT, USAGE_OWN, USAGE_FREED = 0, 1, 2, 3
"""The life of a section's usage map."""
