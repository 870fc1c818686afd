"""Which memory hotplug capabilities a kernel configuration has: Kconfig's rules as data (U6).

Each rule was read in three releases (`RELEASES`); a kernel between two of them is
taken by the rules of the older one.  Left out: 32-bit kernels, ia64, loongarch.

Sources: the Kconfig files that each option names, of Linux 5.10.223, 6.1.176 and 6.12.117.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .kconfig_language import Expression, Option, Selection, parse

__all__ = ["ARCHITECTURE_SYMBOLS", "CAPABILITIES", "OPTIONS", "RELEASES", "Capability", "rules"]

RELEASES = ((5, 10), (6, 1), (6, 12))
"""The releases whose Kconfig files were read; the first is the oldest kernel judged."""

ARCHITECTURE_SYMBOLS = {
    "x86": ("X86", "X86_64"),
    "arm64": ("ARM64",),
    "powerpc": ("PPC", "PPC64", "PPC_BOOK3S_64"),
    "s390": ("S390",),
    "riscv": ("RISCV",),
}
"""Every architecture that is judged, by the name in a file's first lines: its own options."""


def _option(
    name: str,
    source: str,
    *,
    prompt: str = "n",
    depends: str = "y",
    default: str = "n",
    selects: Iterable[str] = (),
    tristate: bool = False,
    only: str = "",
    since: tuple[int, ...] = (0,),
    until: tuple[int, ...] | None = None,
    choice: str = "",
    elsewhere: bool = False,
) -> Option:
    """An option; ``selects`` are "NAME" or "NAME if CONDITION", ``only`` names architectures."""
    pairs = [(*text.split(" if "), "y")[:2] for text in selects]
    return Option(
        name,
        parse(prompt),
        parse(depends),
        parse(default),
        tuple(Selection(option, parse(condition)) for option, condition in pairs),
        source,
        tristate,
        tuple(only.split()),
        since,
        until,
        choice,
        elsewhere,
    )


_MM, _X86, _ARM64 = "mm/Kconfig", "arch/x86/Kconfig", "arch/arm64/Kconfig"
_POWERPC, _S390, _RISCV = "arch/powerpc/Kconfig", "arch/s390/Kconfig", "arch/riscv/Kconfig"
_ACPI, _VIRTIO, _KEXEC = "drivers/acpi/Kconfig", "drivers/virtio/Kconfig", "kernel/Kconfig.kexec"

_GENERAL = (
    _option("SMP", "arch/*/Kconfig", prompt="y", elsewhere=True),
    _option("PCI", "drivers/pci/Kconfig", prompt="y", elsewhere=True),
    _option("EFI", "arch/*/Kconfig", prompt="y", elsewhere=True),
    _option("EXPERT", "init/Kconfig", prompt="y", elsewhere=True),
    _option("PROC_FS", "fs/proc/Kconfig", prompt="EXPERT", default="y", elsewhere=True),
    _option("SYSFS", "fs/sysfs/Kconfig", prompt="EXPERT", default="y", elsewhere=True),
    _option("DEBUG_KERNEL", "lib/Kconfig.debug", prompt="y", default="EXPERT", elsewhere=True),
    _option("DEVMEM", "drivers/char/Kconfig", prompt="y", default="y"),
    _option(
        "STRICT_DEVMEM", "lib/Kconfig.debug", prompt="y", depends="DEVMEM",
        default="PPC || X86 || ARM64",
    ),
)  # fmt: skip

_MODEL = (
    _option("NUMA", _X86, prompt="y", depends="SMP", only="x86"),
    _option("NUMA", _ARM64, prompt="y", selects=["ACPI_NUMA if ACPI"], only="arm64"),
    _option("NUMA", _POWERPC, prompt="y", depends="SMP", default="PPC_PSERIES", only="powerpc"),
    _option("NUMA", _S390, prompt="y", depends="SCHED_TOPOLOGY", only="s390"),
    _option("NUMA", _RISCV, prompt="y", depends="SMP", only="riscv"),
    _option("SCHED_TOPOLOGY", _S390, prompt="y", only="s390", elsewhere=True),
    _option("SELECT_MEMORY_MODEL", _MM, default="y", only="x86 arm64", until=(6, 1)),
    _option("SELECT_MEMORY_MODEL", _MM, default="y", only="powerpc riscv"),
    _option(
        "SPARSEMEM_MANUAL", _MM, prompt="y", depends="SELECT_MEMORY_MODEL", choice="Memory model"
    ),
    _option(
        "FLATMEM_MANUAL", _MM, prompt="y", depends="SELECT_MEMORY_MODEL && !NUMA && !X86",
        choice="Memory model",
    ),
    _option("SPARSEMEM", _MM, default="!SELECT_MEMORY_MODEL || SPARSEMEM_MANUAL"),
    _option(
        "SPARSEMEM_VMEMMAP", _MM, prompt="y", depends="SPARSEMEM", default="y",
        only="x86 powerpc riscv", elsewhere=True,
    ),
    _option("SPARSEMEM_VMEMMAP", _MM, default="SPARSEMEM", only="arm64 s390"),
)  # fmt: skip

_MIGRATION = (
    _option(
        "TRANSPARENT_HUGEPAGE", _MM, prompt="y", depends="!PREEMPT_RT", selects=["COMPACTION"]
    ),
    _option("COMPACTION", _MM, prompt="y", default="y", selects=["MIGRATION"], elsewhere=True),
    _option("CMA", _MM, prompt="y", selects=["MIGRATION", "MEMORY_ISOLATION"]),
    _option(
        "MIGRATION", _MM, prompt="y", default="y", elsewhere=True,
        depends="NUMA || ARCH_ENABLE_MEMORY_HOTREMOVE || COMPACTION || CMA",
    ),
    _option("MEMORY_ISOLATION", _MM, elsewhere=True),
    _option("CONTIG_ALLOC", _MM, default="(MEMORY_ISOLATION && COMPACTION) || CMA"),
    _option("HUGETLBFS", "fs/Kconfig", prompt="y", elsewhere=True),
    _option("HUGETLB_PAGE", "fs/Kconfig", default="HUGETLBFS"),
    _option(
        "ARCH_ENABLE_HUGEPAGE_MIGRATION", "arch/*/Kconfig", default="HUGETLB_PAGE && MIGRATION",
        only="x86 arm64 powerpc",
    ),
    _option(
        "ARCH_ENABLE_HUGEPAGE_MIGRATION", _RISCV, default="HUGETLB_PAGE && MIGRATION",
        only="riscv", since=(6, 1),
    ),
    _option(
        "ARCH_ENABLE_THP_MIGRATION", "arch/*/Kconfig", default="TRANSPARENT_HUGEPAGE",
        only="x86 arm64 powerpc",
    ),
    _option(
        "ARCH_ENABLE_THP_MIGRATION", _RISCV, default="TRANSPARENT_HUGEPAGE", only="riscv",
        since=(6, 1),
    ),
)  # fmt: skip

_DEFAULT_ONLINE = "Memory Hotplug Default Online Type"
_HOTPLUG = (
    _option("ARCH_ENABLE_MEMORY_HOTPLUG", "arch/*/Kconfig", default="y", only="x86 arm64 powerpc"),
    _option("ARCH_ENABLE_MEMORY_HOTPLUG", _S390, default="SPARSEMEM", only="s390"),
    _option(
        "ARCH_ENABLE_MEMORY_HOTPLUG", _RISCV, default="SPARSEMEM_VMEMMAP", only="riscv",
        since=(6, 12),
    ),
    _option(
        "ARCH_ENABLE_MEMORY_HOTREMOVE", "arch/*/Kconfig", default="y", only="arm64 powerpc s390"
    ),
    _option("ARCH_ENABLE_MEMORY_HOTREMOVE", _X86, default="MEMORY_HOTPLUG", only="x86"),
    _option(
        "ARCH_ENABLE_MEMORY_HOTREMOVE", _RISCV, default="MEMORY_HOTPLUG", only="riscv",
        since=(6, 12),
    ),
    _option(
        "MEMORY_HOTPLUG", _MM, prompt="y", selects=["MEMORY_ISOLATION"],
        depends="SPARSEMEM && ARCH_ENABLE_MEMORY_HOTPLUG",
    ),
    _option(
        "MEMORY_HOTREMOVE", _MM, prompt="y",
        depends="MEMORY_HOTPLUG && ARCH_ENABLE_MEMORY_HOTREMOVE && MIGRATION",
    ),
    _option(
        "MEMORY_HOTPLUG_DEFAULT_ONLINE", _MM, prompt="y", depends="MEMORY_HOTPLUG", until=(6, 12)
    ),
    *(
        _option(
            f"MHP_DEFAULT_ONLINE_TYPE_{kind}", _MM, prompt="y", depends="MEMORY_HOTPLUG",
            since=(6, 12), choice=_DEFAULT_ONLINE,
        )
        for kind in ("OFFLINE", "ONLINE_AUTO", "ONLINE_KERNEL", "ONLINE_MOVABLE")
    ),
    _option("PPC_RADIX_MMU", _POWERPC, prompt="y", default="y", only="powerpc"),
    _option(
        "MHP_MEMMAP_ON_MEMORY", _MM, default="MEMORY_HOTPLUG && SPARSEMEM_VMEMMAP",
        only="x86 arm64", since=(6, 1),
    ),
    _option(
        "MHP_MEMMAP_ON_MEMORY", _MM, default="MEMORY_HOTPLUG && SPARSEMEM_VMEMMAP",
        only="s390 riscv", since=(6, 12),
    ),
    _option(
        "MHP_MEMMAP_ON_MEMORY", _MM,
        default="MEMORY_HOTPLUG && SPARSEMEM_VMEMMAP && PPC_RADIX_MMU",
        only="powerpc", since=(6, 12),
    ),
    _option("ARCH_MEMORY_PROBE", _X86, prompt="y", depends="MEMORY_HOTPLUG", only="x86"),
    _option("ARCH_MEMORY_PROBE", _POWERPC, default="MEMORY_HOTPLUG", only="powerpc"),
)  # fmt: skip

_DEVICES = (
    _option("ACPI", _ACPI, prompt="y", default="y", only="x86", elsewhere=True),
    _option("ACPI", _ACPI, prompt="y", depends="EFI", only="arm64"),
    _option("ACPI", _ACPI, prompt="y", depends="EFI", only="riscv", since=(6, 12)),
    _option(
        "X86_64_ACPI_NUMA", _X86, prompt="y", depends="NUMA && ACPI && PCI", default="y",
        selects=["ACPI_NUMA"], only="x86",
    ),
    _option(
        "ACPI_NUMA", "drivers/acpi/numa/Kconfig", prompt="y", depends="ACPI && NUMA",
        default="ARM64", only="x86 arm64", until=(6, 12),
    ),
    _option(
        "ACPI_NUMA", "drivers/acpi/numa/Kconfig", default="ACPI && NUMA && !X86",
        only="x86 arm64 riscv", since=(6, 12),
    ),
    _option(
        "ACPI_HOTPLUG_MEMORY", _ACPI, prompt="y", depends="ACPI && MEMORY_HOTPLUG",
        only="x86 arm64 riscv",
    ),
    _option(
        "PPC_PSERIES", "arch/powerpc/platforms/pseries/Kconfig", prompt="y", default="y",
        only="powerpc",
    ),
    _option("VIRTIO_MENU", _VIRTIO, prompt="y", default="y"),
    _option(
        "VIRTIO_PCI", _VIRTIO, prompt="y", depends="VIRTIO_MENU && PCI", selects=["VIRTIO"],
        tristate=True,
    ),
    _option("VIRTIO", _VIRTIO, tristate=True, elsewhere=True),
    _option("EXCLUSIVE_SYSTEM_RAM", _MM, default="!DEVMEM || STRICT_DEVMEM", since=(6, 1)),
    _option(
        "VIRTIO_MEM", _VIRTIO, prompt="y", default="m", only="x86", until=(6, 1), tristate=True,
        depends="VIRTIO_MENU && VIRTIO && MEMORY_HOTREMOVE && CONTIG_ALLOC",
    ),
    *(
        _option(
            "VIRTIO_MEM", _VIRTIO, prompt="y", only=where, since=since, tristate=True,
            depends="VIRTIO_MENU && VIRTIO && MEMORY_HOTPLUG && MEMORY_HOTREMOVE"
            " && CONTIG_ALLOC && EXCLUSIVE_SYSTEM_RAM",
        )
        for where, since in (("x86 arm64", (6, 1)), ("riscv", (6, 12)))
    ),
    _option(
        "ZONE_DEVICE", _MM, prompt="y", only="x86 arm64 powerpc",
        depends="MEMORY_HOTPLUG && MEMORY_HOTREMOVE && SPARSEMEM_VMEMMAP",
    ),
    _option(
        "ZONE_DEVICE", _MM, prompt="y", only="riscv", since=(6, 12),
        depends="MEMORY_HOTPLUG && MEMORY_HOTREMOVE && SPARSEMEM_VMEMMAP",
    ),
    _option("DAX", "drivers/dax/Kconfig", prompt="y", tristate=True, elsewhere=True),
    _option(
        "DEV_DAX", "drivers/dax/Kconfig", prompt="y", depends="DAX && TRANSPARENT_HUGEPAGE",
        tristate=True,
    ),
    _option(
        "DEV_DAX_KMEM", "drivers/dax/Kconfig", prompt="y", depends="DEV_DAX && MEMORY_HOTPLUG",
        default="DEV_DAX", tristate=True,
    ),
)  # fmt: skip

_SEEING = (
    _option(
        "PROC_PAGE_MONITOR", "fs/proc/Kconfig", prompt="EXPERT", default="y", depends="PROC_FS",
    ),
    _option("DEBUG_FS", "lib/Kconfig.debug", prompt="y", elsewhere=True),
    _option(
        "PAGE_OWNER", "mm/Kconfig.debug", prompt="y", selects=["DEBUG_FS"],
        depends="DEBUG_KERNEL",
    ),
    _option("KEXEC", _KEXEC, prompt="y", selects=["KEXEC_CORE"], since=(6, 12)),
    _option("KEXEC_FILE", _KEXEC, prompt="y", selects=["KEXEC_CORE"], since=(6, 12)),
    _option("KEXEC_CORE", _KEXEC, since=(6, 12), elsewhere=True),
    _option("CRASH_DUMP", _KEXEC, prompt="y", depends="KEXEC_CORE", default="y", since=(6, 12)),
    _option(
        "CRASH_HOTPLUG", _KEXEC, prompt="y", default="y", only="x86 powerpc", since=(6, 12),
        depends="CRASH_DUMP && (HOTPLUG_CPU || MEMORY_HOTPLUG)",
    ),
)  # fmt: skip

OPTIONS: tuple[Option, ...] = (
    *_GENERAL,
    *_MODEL,
    *_MIGRATION,
    *_HOTPLUG,
    *_DEVICES,
    *_SEEING,
)
"""Every rule; of two equally small sets of changes, the one that leaves earlier options alone."""


@dataclass(frozen=True)
class Capability:
    """Something an administrator can do, and the options that it needs."""

    name: str
    gives: str
    needs: Expression
    policy: bool = False
    """A choice between working kernels: wanted only when it is asked for."""


def _capability(name: str, gives: str, needs: str, *, policy: bool = False) -> Capability:
    return Capability(name, gives, parse(needs), policy)


CAPABILITIES = (
    _capability("hot-add", "memory is added to a running kernel", "MEMORY_HOTPLUG"),
    _capability("hot-remove", "memory is removed from a running kernel", "MEMORY_HOTREMOVE"),
    _capability(
        "online-policy", "memoryN/state and auto_online_blocks in sysfs", "MEMORY_HOTPLUG && SYSFS"
    ),
    _capability(
        "auto-online", "new memory is online at once, without a user's policy",
        "MEMORY_HOTPLUG_DEFAULT_ONLINE || MHP_DEFAULT_ONLINE_TYPE_ONLINE_AUTO"
        " || MHP_DEFAULT_ONLINE_TYPE_ONLINE_KERNEL || MHP_DEFAULT_ONLINE_TYPE_ONLINE_MOVABLE",
        policy=True,
    ),
    _capability("movable-zone", "blocks onlined for what can move", "MEMORY_HOTPLUG && MIGRATION"),
    _capability("migration", "pages move away from a leaving block", "MIGRATION"),
    _capability(
        "huge-page-migration", "huge pages move away too",
        "ARCH_ENABLE_HUGEPAGE_MIGRATION && MIGRATION",
    ),
    _capability(
        "thp-migration", "transparent huge pages move whole",
        "ARCH_ENABLE_THP_MIGRATION && MIGRATION",
    ),
    _capability("memmap-on-memory", "a block holds its own memmap", "MHP_MEMMAP_ON_MEMORY"),
    _capability("acpi-memory", "ACPI memory devices are added", "ACPI_HOTPLUG_MEMORY"),
    _capability(
        "acpi-eject", "ACPI memory devices are ejected", "ACPI_HOTPLUG_MEMORY && MEMORY_HOTREMOVE"
    ),
    _capability(
        "dlpar", "pseries: LMBs come and go", "PPC_PSERIES && MEMORY_HOTPLUG && MEMORY_HOTREMOVE"
    ),
    _capability("s390-standby", "s390: standby memory goes online", "S390 && MEMORY_HOTPLUG"),
    _capability("virtio-mem", "virtio-mem devices, m or y", "VIRTIO_MEM && VIRTIO_PCI"),
    _capability(
        "probe-file", "memory/probe adds a block by address (testing)", "ARCH_MEMORY_PROBE",
        policy=True,
    ),
    _capability(
        "node-hotplug", "new nodes with their distances",
        "MEMORY_HOTPLUG && NUMA && (ACPI_NUMA || PPC)",
    ),
    _capability("contig-alloc", "ranges are allocated by address", "CONTIG_ALLOC"),
    _capability("cma", "areas of movable memory for devices", "CMA", policy=True),
    _capability("zone-device", "memory of devices has a memmap", "ZONE_DEVICE"),
    _capability("dax-kmem", "a dax device becomes System RAM", "DEV_DAX_KMEM"),
    _capability("page-flags", "/proc/kpageflags: `memhp inspect` reads it", "PROC_PAGE_MONITOR"),
    _capability("page-owner", "who allocated what stays (debugfs)", "PAGE_OWNER", policy=True),
    _capability(
        "crash-hotplug", "the crash image follows hotplug", "CRASH_HOTPLUG && MEMORY_HOTPLUG"
    ),
)  # fmt: skip
"""In the order in which they are shown."""


def rules(architecture: str, version: tuple[int, ...]) -> dict[str, Option]:
    """The rule of every option there is; ValueError for an unknown architecture or old version.

    >>> "VIRTIO_MEM" in rules("x86", (6, 1)), "VIRTIO_MEM" in rules("s390", (6, 1))
    (True, False)
    """
    if architecture not in ARCHITECTURE_SYMBOLS:
        raise ValueError(f"{architecture!r} is not one of {', '.join(ARCHITECTURE_SYMBOLS)}")
    if version < RELEASES[0]:
        raise ValueError(f"{'.'.join(map(str, version))} is older than 5.10, the first one read")
    return {o.name: o for o in OPTIONS if o.applies(architecture, version)}
