"""The words of memory hotplug as small numbers, in the order in which the kernel's pages name them.

A frame has two more codes than its observers see: `CLOSED` is a free frame of a
draining block, `BOOT` a frame that the kernel took at boot.  So the allocator
finds in the frame's own code all that it must know.
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EEXIST, EINTR, EINVAL, ENODEV, ENOENT, ENOMEM, EPERM

__all__ = [
    "BLOCK_STATES",
    "BOOT",
    "CLOSED",
    "EAGAIN",
    "EBUSY",
    "EEXIST",
    "EINTR",
    "EINVAL",
    "ENODEV",
    "ENOENT",
    "ENOMEM",
    "EPERM",
    "EVENTS",
    "FREE",
    "ISOLATED",
    "KERNEL",
    "KINDS",
    "OFFLINE",
    "ONLINE",
    "PCP",
    "SHOWN",
    "UNAVAILABLE",
    "USER",
    "ZONES",
]

UNAVAILABLE, ISOLATED, FREE, KERNEL, USER, PCP, CLOSED, BOOT = 0, 1, 2, 3, 4, 7, 8, 9

SHOWN = bytes((0, 1, 2, 3, 4, 5, 6, 7, FREE, KERNEL)) + bytes(246)
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
