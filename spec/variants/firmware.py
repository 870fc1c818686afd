"""Wrong designs of how memory devices come and go (A1, R4)."""

from __future__ import annotations

from ..blocks.block_removal import altmaps_differ
from ..blocks.sections import Metadata, block_device, inserted, memmap
from ..language import (
    Bool,
    DropGuard,
    ReplaceDefinition,
    ReplaceGuard,
    ReplaceUpdate,
    Variant,
    exists,
    forall,
    implies,
)
from ..machine.firmware_request import (
    Request,
    another_writer_has_the_lock,
    eject_forbidden,
    going_back,
    request,
)
from ..machine.topology import (
    Block,
    MemoryDevice,
    Section,
    Zone,
    block_of_section,
    in_range,
    lacks_ej0,
)
from .sources import LIST

__all__ = ["VARIANTS"]


def _shared(b: Block, m: MemoryDevice) -> Bool:
    return exists(MemoryDevice, lambda other: (other != m) & in_range[other, b])


def _own_blocks_removed(m: MemoryDevice) -> Bool:
    return ~exists(
        Section,
        lambda s: (
            in_range[m, block_of_section[s]]
            & ~_shared(block_of_section[s], m)
            & (memmap[s] != Metadata.absent)
        ),
    )


def _stays_after_all(b: Block) -> Bool:
    return altmaps_differ(b)


def _one_block_added(m: MemoryDevice) -> Bool:
    return exists(Block, lambda b: in_range[m, b] & block_device[b])


def _every_block_comes_back(b: Block, z: Zone) -> Bool:
    return forall(
        MemoryDevice,
        lambda m: implies(request[m] != Request.none, in_range[m, b] & going_back(m)),
    )


def _whatever_it_demands(b: Block) -> Bool:
    mine = forall(
        MemoryDevice,
        lambda m: implies(
            request[m] != Request.none, in_range[m, b] & (request[m] == Request.ejecting)
        ),
    )
    return ~another_writer_has_the_lock(b) & mine


def _there_with_ej0(m: MemoryDevice) -> Bool:
    return inserted[m] & ~lacks_ej0[m]


def _forbidden(m: MemoryDevice) -> Bool:
    return eject_forbidden[m]


VARIANTS = (
    Variant(
        name="eject-although-forbidden",
        doc="A device is ejected although somebody has forbidden it.",
        covers=("A1", "R4"),
        source="drivers/acpi/scan.c: acpi_generic_hotplug_event() without hotplug.enabled",
        breaks="a_device_stays_until_it_may_go",
        edits=(DropGuard("request_eject", "eject_allowed"),),
    ),
    Variant(
        name="forbidden-while-it-goes",
        doc="Whoever forbids an eject does not wait for the one that runs.",
        covers=("A1", "R4"),
        source="drivers/acpi/scan.c: acpi_scan_hotplug_enabled() without acpi_scan_lock",
        breaks="what_is_forbidden_is_not_being_ejected",
        edits=(DropGuard("forbid_eject", "no_request"),),
    ),
    Variant(
        name="ej0-looked-for-last",
        doc="That a device cannot go is found out when its memory is removed.",
        covers=("A1", "R4"),
        source="drivers/acpi/scan.c: acpi_scan_hot_remove(), AE_NOT_FOUND",
        breaks="what_cannot_go_is_left_alone",
        edits=(
            DropGuard("request_eject", "has_ej0"),
            ReplaceGuard("decline_eject", "stays", _forbidden),
            ReplaceGuard("eject_device", "inserted", _there_with_ej0),
        ),
    ),
    Variant(
        name="eject-takes-all-offline",
        doc="An eject takes memory offline that was to be offline before.",
        covers=("A1", "R4"),
        source="drivers/acpi/scan.c: acpi_scan_hot_remove() without demand_offline",
        breaks="an_eject_takes_nothing_offline_that_was_to_be_before",
        edits=(ReplaceDefinition("lock_allows_offline", _whatever_it_demands),),
    ),
    Variant(
        name="shared-block-ignored",
        doc="A device is ejected without looking at the block that it shares with another.",
        covers=("A1",),
        source=LIST + ": mem section is just logical definition",
        breaks="a_shared_block_keeps_all_its_devices",
        edits=(ReplaceGuard("eject_device", "no_memmap_left", _own_blocks_removed),),
    ),
    Variant(
        name="eject-told-too-early",
        doc="Success is told after _EJ0 although _STA still shows the device.",
        covers=("A1", "R4"),
        source="drivers/acpi/scan.c: acpi_scan_hot_remove() warns of an incomplete eject",
        breaks="success_of_an_eject_means_gone",
        edits=(DropGuard("finish_eject", "gone"),),
    ),
    Variant(
        name="part-of-a-device-is-success",
        doc="A device counts as added when one of its ranges could be added.",
        covers=("A1", "R4"),
        source="drivers/acpi/acpi_memhotplug.c: acpi_memory_enable_device() counts usable ranges",
        breaks="success_of_an_add_means_all_there",
        edits=(ReplaceGuard("finish_add", "all_blocks_added", _one_block_added),),
    ),
    Variant(
        name="failed-add-left-behind",
        doc="An add that fails at a later range leaves the ranges before it added.",
        covers=("A1", "R4"),
        source="drivers/acpi/acpi_memhotplug.c: acpi_memory_enable_device(), bind fails",
        breaks="a_failed_add_leaves_no_block",
        edits=(DropGuard("conclude_failed_add", "taken_back"),),
    ),
    Variant(
        name="failed-add-leaves-its-node",
        doc="An add fails after its node came online, and the node stays, without memory.",
        covers=("A1", "N1"),
        source="mm/memory_hotplug.c: add_memory_resource() without its roll-back, which it has"
        " since it sets the node online first (6.18)",
        breaks="a_failed_add_leaves_no_empty_node",
        edits=(DropGuard("conclude_failed_add", "node_taken_back"),),
    ),
    Variant(
        name="refused-blocks-stay-offline",
        doc="An eject is refused, and the blocks that it took offline stay so.",
        covers=("A1",),
        source="drivers/acpi/scan.c: acpi_scan_try_to_offline() without its roll-back",
        breaks="a_refused_eject_leaves_online_blocks_online",
        edits=(DropGuard("conclude_refusal", "all_back"),),
    ),
    Variant(
        name="refusal-puts-everything-online",
        doc="The roll-back of an eject puts blocks online that were offline before it.",
        covers=("A1",),
        source="drivers/acpi/scan.c: acpi_scan_try_to_offline() onlines what it took offline",
        breaks="ejects_leave_offline_blocks_offline",
        edits=(ReplaceGuard("begin_online", "device_hotplug_lock", _every_block_comes_back),),
    ),
    Variant(
        name="failed-ej0-not-undone",
        doc="_EJ0 fails, and memory that is there stays removed.",
        covers=("A1", "R4"),
        source="drivers/acpi/scan.c: acpi_scan_hot_remove() returns -EIO after the removal",
        breaks="a_failed_ej0_leaves_online_blocks_online",
        edits=(DropGuard("conclude_failed_ej0", "all_back"),),
    ),
    Variant(
        name="requests-overlap",
        doc="The firmware's next request begins before the last is concluded.",
        covers=("A1",),
        source="drivers/base/core.c: device_hotplug_lock",
        breaks="one_request_at_a_time",
        edits=(DropGuard("request_eject", "device_hotplug_lock"),),
    ),
    Variant(
        name="firmware-map-forgets-too-early",
        doc="S1: the entry of the firmware map goes before a check that still refuses the removal.",
        covers=("A1", "R4"),
        source="mm/memory_hotplug.c: try_remove_memory(), firmware_map_remove()",
        breaks="the_firmware_map_names_the_blocks",
        edits=(
            DropGuard("delete_block_device", "one_kind_of_memmap"),
            ReplaceUpdate("delete_block_device", "block_device", _stays_after_all),
        ),
    ),
)
