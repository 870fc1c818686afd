"""Memory devices: the firmware inserts, asks, is told how it went, and ejects (A1, R4).

A section is only the kernel's word for memory; the memory itself comes and goes
with devices whose ranges need not fit the blocks.  A request runs from the
firmware's notification to the one _OST code that concludes it.  In between the
memory is added, or taken offline and removed, by the same steps as ever; here
is what stands around them, and what is put back when they fail.

Onlining by the default policy is no part of an add: it follows, and its errors
never reach the firmware (mm/memory_hotplug.c, add_memory_resource).

Sources: drivers/acpi/acpi_memhotplug.c (acpi_memory_device_add), drivers/acpi/scan.c
(acpi_scan_hot_remove, acpi_device_hotplug), include/linux/acpi.h (_OST codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from errno import EBUSY, EEXIST, EINVAL, ENODEV, ENOENT, EPERM
from types import MappingProxyType

from ..blocks.block_removal import lock_is_free
from ..blocks.block_states import BlockState, block_state, in_use, knows_of_errors
from ..blocks.sections import (
    Metadata,
    block_device,
    inserted,
    memmap,
    node_online,
    pgdat,
    plugged,
    present,
)
from ..language import (
    Bool,
    Enumeration,
    action,
    all_of,
    any_of,
    definition,
    exists,
    false,
    guard,
    implies,
    ite,
    true,
    variable,
)
from ..machine.firmware_request import (
    Found,
    Request,
    eject_forbidden,
    found,
    node_found,
    request,
)
from ..machine.platform_state import is_dax
from ..machine.topology import (
    Block,
    MemoryDevice,
    Node,
    Section,
    block_of_section,
    in_range,
    lacks_ej0,
    may_be_forbidden,
    memmap_host,
    node_of,
    node_of_section,
    pgdat_block,
    vetoes_online,
)


class Ost(Enumeration):
    """What the firmware was last told about a device: _OST, its source and its code.

    `OST_CODES` has the code of each.
    """

    none: Ost
    in_progress: Ost
    added: Ost
    not_added: Ost
    ejected: Ost
    busy: Ost
    not_ejected: Ost
    not_supported: Ost


OST_CODES: Mapping[str, int] = MappingProxyType(
    {
        "in_progress": 0x84,
        "added": 0,
        "not_added": 0x01,
        "ejected": 0,
        "busy": 0x82,
        "not_ejected": 0x01,
        "not_supported": 0x80,
    }
)
"""The status code of each word (include/linux/acpi.h, ACPI_OST_SC_…)."""

told = variable(MemoryDevice, Ost, initial=lambda m: Ost.none)
"""What the firmware was last told about the device."""


@definition
def in_sysfs(s: Section) -> Bool:
    """The section's block has a device."""
    return block_device[block_of_section[s]]


@definition
def how_it_is(b: Block) -> Found:
    """How a request that begins now finds the block."""
    state = ite(block_state[b] == BlockState.online, Found.online, Found.offline)
    return ite(block_device[b], state, Found.absent)


@definition
def left_empty(m: MemoryDevice, n: Node) -> Bool:
    """The node came online since the request about device m began, and has no memory."""
    own = exists(Block, lambda b: in_range[m, b] & (node_of[b] == n))
    section = exists(Section, lambda s: (node_of_section(s) == n) & present[s])
    return all_of(own, node_online[n], ~node_found[n], ~section)


@definition
def cannot_come_back(b: Block) -> Bool:
    """The block stays offline: for a notifier, a known error, or where its mem_map lies."""

    def lacks_its_host(s: Section) -> Bool:
        host = block_of_section[memmap_host[s]]
        return (block_of_section[s] == b) & (host != b) & ~in_use(host)

    return any_of(vetoes_online[b], knows_of_errors(b), exists(Section, lacks_its_host))


@definition
def is_back(b: Block) -> Bool:
    """The block is as the request found it, or cannot be online again."""
    as_found = ite(
        found[b] == Found.online,
        (block_state[b] == BlockState.online)
        | ((block_state[b] == BlockState.offline) & cannot_come_back(b)),
        block_state[b] == BlockState.offline,
    )
    return implies(found[b] != Found.absent, block_device[b] & as_found)


# --- the way in ---------------------------------------------------------------------------------


@action
def insert_device(m: MemoryDevice) -> None:
    """The device appears physically: a DIMM in its slot, a hypervisor's pc-dimm."""
    guard("not_inserted", ~inserted[m], errno=EEXIST, why="the device is there already")
    inserted[m] = true


def _may_begin(m: MemoryDevice) -> None:
    guard("inserted", inserted[m], errno=ENODEV, why="the device is not there")
    guard("of_the_firmware", ~is_dax[m], errno=ENODEV, why="a driver brings its memory")
    guard(
        "device_hotplug_lock",
        lock_is_free(),
        why="another request, a write to sysfs or a block's change is not concluded"
        " (it would wait)",
    )
    guard(
        "no_add_or_removal",
        ~exists(Section, lambda s: (memmap[s] != Metadata.absent) & ~in_sysfs(s)),
        why="memory is being added or removed (the request would wait)",
    )


def _begin(m: MemoryDevice, what: Request) -> None:
    request[m] = what
    told[m] = Ost.in_progress
    found.update(where=lambda b: in_range[m, b], value=how_it_is)
    node_found.update(where=lambda n: true, value=lambda n: node_online[n])


@action
def begin_add(m: MemoryDevice) -> None:
    """The firmware reports a device; its ranges are to be added (acpi_memory_device_add)."""
    _may_begin(m)
    _begin(m, Request.adding)


@action
def finish_add(m: MemoryDevice) -> None:
    """All that the device completes is in sysfs: the firmware is told of success."""
    guard("adding", request[m] == Request.adding, why="the device is not being added")
    guard(
        "all_blocks_added",
        ~exists(Block, lambda b: in_range[m, b] & plugged(b) & ~block_device[b]),
        errno=EBUSY,
        why="a block of the device is not added",
    )
    request[m] = Request.none
    told[m] = Ost.added


@action
def fail_add(m: MemoryDevice) -> None:
    """A range could not be added: what the request has added is to go again."""
    guard("adding", request[m] == Request.adding, why="the device is not being added")
    guard(
        "a_block_is_missing",
        exists(Block, lambda b: in_range[m, b] & plugged(b) & ~block_device[b]),
        errno=EEXIST,
        why="every block of the device is added",
    )
    request[m] = Request.add_failed


@action
def conclude_failed_add(m: MemoryDevice) -> None:
    """Nothing that the add brought is left: the firmware is told of the failure."""
    guard("add_failed", request[m] == Request.add_failed, why="no add of the device has failed")
    guard(
        "taken_back",
        ~exists(
            Section,
            lambda s: (
                in_range[m, block_of_section[s]]
                & (found[block_of_section[s]] == Found.absent)
                & (memmap[s] != Metadata.absent)
            ),
        ),
        errno=EBUSY,
        why="a section that the failed add brought is still there",
    )
    guard(
        "node_taken_back",
        ~exists(Node, lambda n: left_empty(m, n)),
        errno=EBUSY,
        why="a node that the failed add brought is still online, without memory",
    )
    request[m] = Request.none
    told[m] = Ost.not_added


# --- the way out --------------------------------------------------------------------------------


@action
def forbid_eject(m: MemoryDevice) -> None:
    """Somebody forbids that the device is ejected (acpi_scan_hotplug_enabled)."""
    guard("may_be_forbidden", may_be_forbidden[m], errno=EPERM, why="nobody may forbid it")
    guard("allowed", ~eject_forbidden[m], errno=EEXIST, why="it is forbidden already")
    guard("no_request", request[m] == Request.none, why="a request runs (the write would wait)")
    eject_forbidden[m] = true


@action
def allow_eject(m: MemoryDevice) -> None:
    """Somebody allows that the device is ejected again (acpi_scan_hotplug_enabled)."""
    guard("forbidden", eject_forbidden[m], errno=ENOENT, why="it is allowed already")
    eject_forbidden[m] = false


@action
def request_eject(m: MemoryDevice) -> None:
    """The firmware, or a write to the device's eject file, asks that it goes (notify 3).

    The file tells who writes ENODEV for what is forbidden, too (eject_store).
    """
    _may_begin(m)
    guard("eject_allowed", ~eject_forbidden[m], errno=EPERM, why="somebody has forbidden it")
    guard("has_ej0", ~lacks_ej0[m], errno=ENODEV, why="the firmware cannot let the device go")
    _begin(m, Request.ejecting)


@action
def decline_eject(m: MemoryDevice) -> None:
    """The firmware asks for what is not to go, or cannot, and hears so at once: nothing begins."""
    _may_begin(m)
    guard("stays", eject_forbidden[m] | lacks_ej0[m], errno=EINVAL, why="the device may go")
    told[m] = ite(eject_forbidden[m], Ost.not_supported, Ost.not_ejected)


@action
def refuse_eject(m: MemoryDevice) -> None:
    """A block cannot go: what the request took offline is to be online again."""
    guard("ejecting", request[m] == Request.ejecting, why="the device is not being ejected")
    guard("inserted", inserted[m], errno=ENODEV, why="the device has left already")
    request[m] = Request.refused


def _all_back(m: MemoryDevice) -> None:
    guard(
        "all_back",
        ~exists(Block, lambda b: in_range[m, b] & ~is_back(b)),
        errno=EBUSY,
        why="a block of the device is not as it was before the eject",
    )


@action
def conclude_refusal(m: MemoryDevice) -> None:
    """Every block is as the request found it: the firmware is told that the device is busy."""
    guard("refused", request[m] == Request.refused, why="no eject of the device was refused")
    _all_back(m)
    request[m] = Request.none
    told[m] = Ost.busy


def sections_are_left(m: MemoryDevice) -> Bool:
    """A section of the device has a mem_map yet."""
    return exists(
        Section, lambda s: in_range[m, block_of_section[s]] & (memmap[s] != Metadata.absent)
    )


def _evaluate_ej0(m: MemoryDevice) -> None:
    guard("ejecting", request[m] == Request.ejecting, why="the device is not being ejected")
    guard("inserted", inserted[m], errno=ENODEV, why="the device has left already")
    guard(
        "no_memmap_left",
        ~sections_are_left(m),
        errno=EBUSY,
        why="a section of the device is not removed",
    )
    guard(
        "holds_no_pgdat",
        ~exists(Node, lambda n: in_range[m, pgdat_block(n)] & (pgdat[n] != Metadata.absent)),
        errno=EBUSY,
        why="the device holds the pgdat of a node",
    )


@action
def eject_device(m: MemoryDevice) -> None:
    """The device leaves physically, and the memory in it (_EJ0)."""
    _evaluate_ej0(m)
    inserted[m] = false


@action
def finish_eject(m: MemoryDevice) -> None:
    """The device is gone: the firmware is told of success."""
    guard("ejecting", request[m] == Request.ejecting, why="the device is not being ejected")
    guard("gone", ~inserted[m], errno=EBUSY, why="the device is still there")
    request[m] = Request.none
    told[m] = Ost.ejected


@action
def ej0_fails(m: MemoryDevice) -> None:
    """_EJ0 fails although all memory is removed: the device stays, its memory is to come back."""
    _evaluate_ej0(m)
    request[m] = Request.ej0_failed


@action
def conclude_failed_ej0(m: MemoryDevice) -> None:
    """Every block is as the request found it: the firmware is told of the failure."""
    guard("ej0_failed", request[m] == Request.ej0_failed, why="no _EJ0 of the device failed")
    _all_back(m)
    request[m] = Request.none
    told[m] = Ost.not_ejected
