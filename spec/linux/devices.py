"""What firmware and s390 asked for, when it fails half-way.

Sources: mm/memory_hotplug.c, drivers/acpi (scan.c, acpi_memhotplug.c), drivers/s390/char
(sclp_cmd.c, sclp_mem.c).
"""

from __future__ import annotations

from ..language import AddModule, DropUpdate, ReplaceGuard
from . import storage
from .choice import Choice, edits_of

__all__ = ["CHOICES"]

CHOICES = (
    Choice(
        name="s390-storage-with-the-memory",
        doc="s390 assigns storage when memory is added, and takes it back before it is removed.",
        since=(6, 19),
        edits=(
            ReplaceGuard("assign_increment", "preparing", storage.not_added_yet),
            ReplaceGuard("allocate_memmap", "memory_plugged", storage.plugged_and_assigned),
            DropUpdate("cancel_online", "assigned_increment"),
            *edits_of("storage-kept-while-offline"),
            AddModule(storage),
        ),
        gives_up=(
            (
                "offline_blocks_have_no_assigned_increment",
                "storage stays assigned until the block is deconfigured (sclp_config_mem_store(),"
                " drivers/s390/char/sclp_mem.c)",
            ),
            (
                "mem_maps_lie_in_assigned_storage",
                "sclp_config_mem_store() gives the storage back and then calls"
                " __remove_memory(): a mem_map in it goes when it is not there any more",
            ),
        ),
    ),
    Choice(
        name="s390-partial-assignment",
        doc="S2: an increment cannot be assigned; those before it stay so, the block offline.",
        before=(6, 19),
        edits=edits_of("s390-partial-assignment"),
        gives_up=(
            (
                "offline_blocks_have_no_assigned_increment",
                "memory_block_online() sends no MEM_FINISH_OFFLINE when MEM_PREPARE_ONLINE"
                " fails (drivers/base/memory.c, drivers/s390/char/sclp_cmd.c)",
            ),
        ),
    ),
    Choice(
        name="firmware-map-forgets-too-early",
        doc="S1: the entry of the firmware map goes before what can refuse the removal.",
        edits=edits_of("firmware-map-forgets-too-early"),
        gives_up=(
            (
                "the_firmware_map_names_the_blocks",
                "try_remove_memory() calls firmware_map_remove() before it looks at the altmaps,"
                " which can refuse (mm/memory_hotplug.c)",
            ),
        ),
    ),
    Choice(
        name="failed-add-left-behind",
        doc="S3: an add that fails at a later range leaves the earlier ranges added.",
        edits=edits_of("failed-add-left-behind"),
        gives_up=(
            (
                "a_failed_add_leaves_no_block",
                "acpi_memory_enable_device() leaves the ranges added before one that cannot be"
                " bound (drivers/acpi/acpi_memhotplug.c)",
            ),
            (
                "a_failed_add_leaves_no_section",
                "the sections of those ranges stay as well (drivers/acpi/acpi_memhotplug.c)",
            ),
        ),
    ),
    Choice(
        name="ej0-looked-for-last",
        doc="That a device cannot go is found out when its memory is removed.",
        edits=edits_of("ej0-looked-for-last"),
        gives_up=(
            (
                "what_cannot_go_is_left_alone",
                "acpi_scan_hot_remove() evaluates _EJ0 last, and returns -ENODEV where there is"
                " none (drivers/acpi/scan.c); only the device's eject file is not there then",
            ),
        ),
    ),
    Choice(
        name="failed-ej0-not-undone",
        doc="S4: _EJ0 fails after the memory was removed, and nobody adds it again.",
        edits=edits_of("failed-ej0-not-undone"),
        gives_up=(
            (
                "an_eject_that_fails_removes_nothing",
                "_EJ0 comes last: when it fails all is removed already (drivers/acpi/scan.c)",
            ),
            (
                "a_failed_ej0_leaves_online_blocks_online",
                "acpi_scan_hot_remove() returns -EIO after the removal, and nobody adds the"
                " memory again (drivers/acpi/scan.c)",
            ),
            (
                "ejects_are_concluded_when_their_blocks_have_settled",
                "acpi_scan_hot_remove() returns -EIO without a look at the blocks"
                " (drivers/acpi/scan.c)",
            ),
        ),
    ),
    Choice(
        name="driver-leaves-its-memory",
        doc="dax/kmem lets go of a device whose memory is online: it stays until the next boot.",
        edits=edits_of("driver-leaves-its-memory"),
        gives_up=(
            (
                "dax_memory_has_its_driver",
                "dev_dax_kmem_remove() cannot fail: what remove_memory() refuses stays"
                " (drivers/dax/kmem.c)",
            ),
        ),
    ),
    Choice(
        name="part-of-a-device-is-success",
        doc="One usable range of a device is success.",
        edits=edits_of("part-of-a-device-is-success"),
        gives_up=(
            (
                "success_of_an_add_means_all_there",
                "one usable range is enough for acpi_memory_enable_device()"
                " (drivers/acpi/acpi_memhotplug.c)",
            ),
        ),
    ),
    Choice(
        name="eject-told-too-early",
        doc="An eject is told as a success although _STA still shows the device.",
        edits=edits_of("eject-told-too-early"),
        gives_up=(
            (
                "success_of_an_eject_means_gone",
                "acpi_scan_hot_remove() only warns when _STA still shows the device"
                " (drivers/acpi/scan.c)",
            ),
        ),
    ),
)
