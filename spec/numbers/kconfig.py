"""Which memory hotplug capabilities a kernel configuration has: Kconfig's rules as data (U6).

Each rule holds in exact ranges of releases, and was read there: see `kernel_releases`.
Left out: 32-bit kernels, ia64, loongarch.

Source: the Kconfig files that each option names, of the releases in `kernel_releases.READ`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .kconfig_devices import DEVICES
from .kconfig_language import Expression, Option, parse
from .kconfig_memory import (
    GENERAL,
    HOTPLUG,
    MIGRATION,
    MODEL,
    SEEING,
)
from .kernel_releases import (
    READ,
    Ranges,
    Release,
    dots,
    full,
)

__all__ = [
    "ARCHITECTURE_SYMBOLS",
    "CAPABILITIES",
    "OPTIONS",
    "RELEASES",
    "REPLACED",
    "Capability",
    "every_range",
    "rules",
]

RELEASES: tuple[Release, ...] = READ
"""The releases whose rules were read; the first is the oldest that is judged by rules."""

ARCHITECTURE_SYMBOLS = {
    "x86": ("X86", "X86_64"),
    "arm64": ("ARM64",),
    "powerpc": ("PPC", "PPC64", "PPC_BOOK3S_64"),
    "s390": ("S390",),
    "riscv": ("RISCV",),
}
"""Every architecture that is judged, by the name in a file's first lines: its own options."""

OPTIONS: tuple[Option, ...] = (*GENERAL, *MODEL, *MIGRATION, *HOTPLUG, *DEVICES, *SEEING)
"""Every rule; of two equally small sets of changes, the one that leaves earlier options alone."""

REPLACED = {
    "MEMORY_HOTPLUG_DEFAULT_ONLINE": "MHP_DEFAULT_ONLINE_TYPE_ONLINE_AUTO",
    "MHP_DEFAULT_ONLINE_TYPE_ONLINE_AUTO": "MEMORY_HOTPLUG_DEFAULT_ONLINE",
    "MHP_DEFAULT_ONLINE_TYPE_ONLINE_KERNEL": "MEMORY_HOTPLUG_DEFAULT_ONLINE",
    "MHP_DEFAULT_ONLINE_TYPE_ONLINE_MOVABLE": "MEMORY_HOTPLUG_DEFAULT_ONLINE",
    "ARCH_ENABLE_THP_MIGRATION": "ARCH_HAS_PMD_SOFTLEAVES",
    "ARCH_HAS_PMD_SOFTLEAVES": "ARCH_ENABLE_THP_MIGRATION",
}
"""What stands in an option's place in the releases that do not have it."""


@dataclass(frozen=True)
class Capability:
    """Something an administrator can do, and the options that it needs."""

    name: str
    gives: str
    needs: Expression
    seen: Release
    """The oldest Linux that was read and has the options, on some architecture."""
    policy: bool = False
    """A choice between working kernels: wanted only when it is asked for."""


def _capability(
    name: str, gives: str, needs: str, seen: str, *, policy: bool = False
) -> Capability:
    return Capability(name, gives, parse(needs), tuple(map(int, seen.split("."))), policy)


CAPABILITIES = (
    _capability("hot-add", "memory is added to a running kernel", "MEMORY_HOTPLUG", "2.6.20"),
    _capability(
        "hot-remove", "memory is removed from a running kernel", "MEMORY_HOTREMOVE", "2.6.24"
    ),
    _capability(
        "online-policy", "memoryN/state and auto_online_blocks in sysfs",
        "MEMORY_HOTPLUG && SYSFS", "4.9.45",
    ),
    _capability(
        "auto-online", "new memory is online at once, without a user's policy",
        "MEMORY_HOTPLUG_DEFAULT_ONLINE || MHP_DEFAULT_ONLINE_TYPE_ONLINE_AUTO"
        " || MHP_DEFAULT_ONLINE_TYPE_ONLINE_KERNEL || MHP_DEFAULT_ONLINE_TYPE_ONLINE_MOVABLE",
        "4.9.45", policy=True,
    ),
    _capability(
        "movable-zone", "blocks onlined for what can move", "MEMORY_HOTPLUG && MIGRATION",
        "3.10.4",
    ),
    _capability("migration", "pages move away from a leaving block", "MIGRATION", "2.6.20"),
    _capability(
        "huge-page-migration", "huge pages move away too",
        "ARCH_ENABLE_HUGEPAGE_MIGRATION && MIGRATION", "4.4.121",
    ),
    _capability(
        "thp-migration", "transparent huge pages move whole",
        "(ARCH_ENABLE_THP_MIGRATION || ARCH_HAS_PMD_SOFTLEAVES) && MIGRATION", "4.19.108",
    ),
    _capability(
        "memmap-on-memory", "a block holds its own memmap", "MHP_MEMMAP_ON_MEMORY", "5.14.0"
    ),
    _capability("acpi-memory", "ACPI memory devices are added", "ACPI_HOTPLUG_MEMORY", "2.6.24"),
    _capability(
        "acpi-eject", "ACPI memory devices are ejected",
        "ACPI_HOTPLUG_MEMORY && MEMORY_HOTREMOVE", "2.6.24",
    ),
    _capability(
        "dlpar", "pseries: LMBs come and go", "PPC_PSERIES && MEMORY_HOTPLUG && MEMORY_HOTREMOVE",
        "2.6.32.67",
    ),
    _capability(
        "s390-standby", "s390: standby memory goes online", "S390 && MEMORY_HOTPLUG", "2.6.32.67"
    ),
    _capability("virtio-mem", "virtio-mem devices, m or y", "VIRTIO_MEM", "5.10.223"),
    _capability(
        "probe-file", "memory/probe adds a block by address (testing)", "ARCH_MEMORY_PROBE",
        "2.6.24", policy=True,
    ),
    _capability(
        "node-hotplug", "new nodes with their distances",
        "MEMORY_HOTPLUG && NUMA && (ACPI_NUMA || PPC)", "2.6.24",
    ),
    _capability("contig-alloc", "ranges are allocated by address", "CONTIG_ALLOC", "5.10.223"),
    _capability("cma", "areas of movable memory for devices", "CMA", "3.4.84", policy=True),
    _capability("zone-device", "memory of devices has a memmap", "ZONE_DEVICE", "4.4.121"),
    _capability(
        "dax-kmem", "a dax device that is there becomes System RAM (for CXL see cxl-memory)",
        "DEV_DAX_KMEM", "5.10.223",
    ),
    _capability(
        "cxl-memory", "CXL memory becomes a dax device and System RAM",
        "CXL_ACPI && CXL_MEM && CXL_REGION && (DEV_DAX_CXL || DEV_DAX_HMEM) && DEV_DAX_KMEM",
        "6.0.0", policy=True,
    ),
    _capability(
        "hyperv-memory", "Hyper-V adds memory through its balloon",
        "HYPERV_BALLOON && MEMORY_HOTPLUG", "3.10.4", policy=True,
    ),
    _capability(
        "xen-memory", "a Xen balloon grows beyond the memory of the boot",
        "XEN_BALLOON_MEMORY_HOTPLUG", "3.4.84", policy=True,
    ),
    _capability(
        "page-flags", "/proc/kpageflags: `memhp inspect` reads it", "PROC_PAGE_MONITOR",
        "2.6.32.67",
    ),
    _capability(
        "page-owner", "who allocated what stays (debugfs)", "PAGE_OWNER", "4.4.121", policy=True
    ),
    _capability(
        "crash-hotplug", "the crash image follows hotplug", "CRASH_HOTPLUG && MEMORY_HOTPLUG",
        "6.6.9",
    ),
)  # fmt: skip
"""In the order in which they are shown.

`policy` marks what is wanted only when asked for: choices, testing aids, one hypervisor or bus.
"""


def rules(architecture: str, version: Release) -> dict[str, Option]:
    """The rule of each option that an architecture has in a version, by name, without ``CONFIG_``.

    Raises:
        ValueError: for an unknown architecture, or a version before the first that was read.

    >>> "VIRTIO_MEM" in rules("x86", (6, 1)), "VIRTIO_MEM" in rules("s390", (6, 1))
    (True, False)
    """
    if architecture not in ARCHITECTURE_SYMBOLS:
        raise ValueError(f"{architecture!r} is not one of {', '.join(ARCHITECTURE_SYMBOLS)}")
    if full(version)[:2] < RELEASES[0][:2]:
        raise ValueError(f"{dots(version)} is older than 5.10, the first series read")
    return {o.name: o for o in OPTIONS if o.applies(architecture, version)}


def every_range(name: str, architecture: str) -> Ranges:
    """The ranges of releases in which an architecture has the option; none if it never has.

    >>> every_range("VIRTIO_MEM", "s390")
    (((6, 13, 0), None),)
    """
    parts = sorted(
        (
            part
            for o in OPTIONS
            if o.name == name and (not o.architectures or architecture in o.architectures)
            for part in o.releases
        ),
        key=lambda part: part[0],
    )
    joined: list[tuple[Release, Release | None]] = []
    for first, last in parts:
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return tuple(joined)
