"""What the firmware has asked for, and which blocks may change state meanwhile (A1).

Adding or ejecting a device is many steps; device_hotplug_lock keeps everybody
else away until the request is concluded.  A write to a block's file takes the same
lock.  It stands apart so that blocks can respect the lock without knowing how
devices come and go.

Sources: drivers/acpi/scan.c (acpi_device_hotplug, acpi_scan_try_to_offline,
acpi_scan_is_offline), drivers/base/core.c (lock_device_hotplug).
"""

from __future__ import annotations

from ..language import (
    Bool,
    Enumeration,
    definition,
    exists,
    false,
    forall,
    implies,
    variable,
)
from .bookkeeping import FileUse, state_file
from .topology import Block, MemoryDevice, Node, demands_offline, in_range


class Request(Enumeration):
    """How far a request of the firmware is; anything but ``none`` holds device_hotplug_lock.

    ``add_failed``: what was added is taken away again.  ``refused``, ``ej0_failed``:
    the memory stays, and what the eject took away is brought back.
    """

    none: Request
    adding: Request
    add_failed: Request
    ejecting: Request
    refused: Request
    ej0_failed: Request


class Found(Enumeration):
    """How a request found a block: not in sysfs, offline, or online."""

    absent: Found
    offline: Found
    online: Found


request = variable(MemoryDevice, Request, initial=lambda m: Request.none)
"""How far the firmware's request about the device is."""

eject_forbidden = variable(MemoryDevice, Bool, initial=lambda m: false)
"""The device is not to be ejected (hotplug.enabled is 0)."""

found = variable(Block, Found, initial=lambda b: Found.absent)
"""How the last request about one of the block's devices found it."""

node_found = variable(Node, Bool, initial=lambda n: false)
"""The last request found the node online."""


@definition
def going_back(m: MemoryDevice) -> Bool:
    """The device was to be ejected, and stays: its memory comes back."""
    return (request[m] == Request.refused) | (request[m] == Request.ej0_failed)


@definition
def a_writer_has_the_lock() -> Bool:
    """A write to some block's file has device_hotplug_lock."""
    return exists(Block, lambda b: state_file[b] == FileUse.locked)


@definition
def another_writer_has_the_lock(b: Block) -> Bool:
    """A write to another block's file has device_hotplug_lock."""
    return exists(Block, lambda c: (c != b) & (state_file[c] == FileUse.locked))


@definition
def lock_allows_add(b: Block) -> Bool:
    """While a request runs, only blocks that it adds, or brings back, come into sysfs."""
    return ~a_writer_has_the_lock() & forall(
        MemoryDevice,
        lambda m: implies(
            request[m] != Request.none,
            in_range[m, b] & ((request[m] == Request.adding) | going_back(m)),
        ),
    )


@definition
def lock_allows_removal(b: Block) -> Bool:
    """While a request runs, only blocks that it ejects, or takes back, leave sysfs."""
    return ~a_writer_has_the_lock() & forall(
        MemoryDevice,
        lambda m: implies(
            request[m] != Request.none,
            in_range[m, b]
            & ((request[m] == Request.ejecting) | (request[m] == Request.add_failed)),
        ),
    )


@definition
def lock_allows_online(b: Block) -> Bool:
    """What goes online while a request or a write has the lock: what it took, or its block."""
    return ~another_writer_has_the_lock(b) & forall(
        MemoryDevice,
        lambda m: implies(
            request[m] != Request.none,
            in_range[m, b] & going_back(m) & (found[b] == Found.online),
        ),
    )


@definition
def lock_allows_offline(b: Block) -> Bool:
    """What goes offline while a request or a write has the lock: what it ejects, or its block.

    A device that demands that its memory be offline before takes none of it offline.
    """
    return ~another_writer_has_the_lock(b) & forall(
        MemoryDevice,
        lambda m: implies(
            request[m] != Request.none,
            in_range[m, b] & (request[m] == Request.ejecting) & ~demands_offline[m],
        ),
    )
