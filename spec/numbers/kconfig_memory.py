"""Kconfig's rules for memory: models, migration, hotplug itself, and what shows them (U6).

What is y on each 64-bit kernel of an architecture is left out (MMU, HAVE_ARCH_*), and so are
32-bit kernels.  Where a series before and after a change was not read, the change stands at the
first release that was read with it.

Source: the Kconfig files that each option names, of the releases in `kernel_releases.READ`.
"""

from __future__ import annotations

from .kconfig_language import option

__all__ = ["GENERAL", "HOTPLUG", "MIGRATION", "MODEL", "SEEING"]

_MM, _X86, _ARM64 = "mm/Kconfig", "arch/x86/Kconfig", "arch/arm64/Kconfig"
_POWERPC, _S390, _RISCV = "arch/powerpc/Kconfig", "arch/s390/Kconfig", "arch/riscv/Kconfig"
_KEXEC, _PSERIES = "kernel/Kconfig.kexec", "arch/powerpc/platforms/pseries/Kconfig"

GENERAL = (
    option("SMP", "arch/*/Kconfig", prompt="y", only="x86 riscv", selected_elsewhere=True),
    option(
        "SMP", _POWERPC, prompt="!PPC_PSERIES && !PPC_POWERNV", only="powerpc",
        selected_elsewhere=True,
    ),
    option("SMP", "arch/*/Kconfig", default="y", only="arm64 s390"),
    option("PCI", "drivers/pci/Kconfig", prompt="y", selected_elsewhere=True),
    option("EXPERT", "init/Kconfig", prompt="y", selects=["DEBUG_KERNEL"], selected_elsewhere=True),
    option("PROC_FS", "fs/proc/Kconfig", prompt="EXPERT", default="y", selected_elsewhere=True),
    option("SYSFS", "fs/sysfs/Kconfig", prompt="EXPERT", default="y", selected_elsewhere=True),
    option("DEBUG_KERNEL", "lib/Kconfig.debug", prompt="y", selected_elsewhere=True),
    option("DEVMEM", "drivers/char/Kconfig", prompt="y", default="y"),
    option(
        "STRICT_DEVMEM", "lib/Kconfig.debug", prompt="y", depends="DEVMEM",
        default="PPC || X86 || ARM64", only="x86 arm64 powerpc s390", when="..6.13",
    ),
    option(
        "STRICT_DEVMEM", "lib/Kconfig.debug", prompt="y", depends="DEVMEM",
        default="PPC || X86 || ARM64 || S390", only="x86 arm64 powerpc s390", when="6.13..",
    ),
    option(
        "STRICT_DEVMEM", "lib/Kconfig.debug", prompt="y", depends="DEVMEM", only="riscv",
        when="5.11..",
    ),
    option(
        "PPC_PSERIES", _PSERIES, prompt="y", default="y", depends="PPC64 && PPC_BOOK3S_64",
        selects=["SMP", "PCI"], only="powerpc",
    ),
)  # fmt: skip

_SPARSE, _FLAT = "SPARSEMEM_MANUAL", "FLATMEM_MANUAL"
MODEL = (
    option("NUMA", _X86, prompt="y", depends="SMP", only="x86"),
    option("NUMA", _ARM64, prompt="y", selects=["ACPI_NUMA if ACPI"], only="arm64", when="..6.11"),
    option("NUMA", _ARM64, prompt="y", only="arm64", when="6.11.."),
    option(
        "NUMA", _POWERPC, prompt="y", default="SMP && PPC_PSERIES", only="powerpc", when="..5.11"
    ),
    option(
        "NUMA", _POWERPC, prompt="y", depends="SMP", default="PPC_PSERIES || PPC_POWERNV",
        only="powerpc", when="5.11..",
    ),
    option("NUMA", _S390, prompt="y", depends="SCHED_TOPOLOGY", only="s390"),
    option("NUMA", _RISCV, prompt="y", depends="SMP", only="riscv", when="5.12.."),
    option("SCHED_TOPOLOGY", _S390, prompt="y", default="y", only="s390", selected_elsewhere=True),
    option("SELECT_MEMORY_MODEL", _MM, default="y", only="x86", when="..5.19"),
    option("SELECT_MEMORY_MODEL", _MM, default="y", only="arm64", when="..5.14"),
    option("SELECT_MEMORY_MODEL", _MM, default="y", only="powerpc riscv"),
    option(
        _FLAT, _MM, prompt="y", depends="SELECT_MEMORY_MODEL", only="riscv", when="..5.12",
        choice="Memory model",
    ),
    option(
        _FLAT, _MM, prompt="y", depends="SELECT_MEMORY_MODEL && !NUMA", only="riscv",
        when="5.12..", choice="Memory model",
    ),
    option(_SPARSE, _MM, prompt="y", depends="SELECT_MEMORY_MODEL", choice="Memory model"),
    option(
        _FLAT, _MM, prompt="y", depends="SELECT_MEMORY_MODEL && !NUMA", only="powerpc",
        choice="Memory model",
    ),
    option(
        _FLAT, _MM, prompt="y", depends="SELECT_MEMORY_MODEL && !NUMA", only="arm64",
        when="..5.14", choice="Memory model",
    ),
    option("SPARSEMEM", _MM, default="!SELECT_MEMORY_MODEL || SPARSEMEM_MANUAL"),
    option(
        "SPARSEMEM_VMEMMAP", _MM, prompt="y", depends="SPARSEMEM", default="y",
        only="powerpc riscv", when="..6.18", selected_elsewhere=True,
    ),
    option(
        "SPARSEMEM_VMEMMAP", _MM, prompt="y", depends="SPARSEMEM", default="y", only="x86",
        when="..6.17", selected_elsewhere=True,
    ),
    option("SPARSEMEM_VMEMMAP", _MM, default="SPARSEMEM", only="x86", when="6.17..6.18"),
    option(
        "SPARSEMEM_VMEMMAP", _MM, prompt="y", depends="SPARSEMEM", default="y", only="arm64",
        when="..5.14",
    ),
    option("SPARSEMEM_VMEMMAP", _MM, default="SPARSEMEM", only="arm64", when="5.14..6.18"),
    option("SPARSEMEM_VMEMMAP", _MM, default="SPARSEMEM", only="s390", when="..6.18"),
    option("SPARSEMEM_VMEMMAP", _MM, default="SPARSEMEM", when="6.18.."),
)  # fmt: skip

_THP, _PPC_THP = "TRANSPARENT_HUGEPAGE", "PPC_RADIX_MMU || PPC_64S_HASH_MMU && PAGE_SIZE_64KB"
_MOVES = "HUGETLB_PAGE && MIGRATION"
_HUGE, _HUGE_THP = "ARCH_ENABLE_HUGEPAGE_MIGRATION", "ARCH_ENABLE_THP_MIGRATION"
MIGRATION = (
    option(
        "CMA", _MM, prompt="y", selects=["MIGRATION", "MEMORY_ISOLATION"], selected_elsewhere=True
    ),
    option(
        _THP, _MM, prompt="y", selects=["COMPACTION"], only="x86 arm64 powerpc s390",
        when="..5.17",
    ),
    option(_THP, _MM, prompt="y", selects=["COMPACTION"], only="riscv", when="5.14..5.17"),
    option(
        _THP, _MM, prompt="y", depends="!PREEMPT_RT", selects=["COMPACTION"],
        only="x86 arm64 s390 riscv", when="5.17..",
    ),
    option(
        _THP, _MM, prompt="y", depends="!PREEMPT_RT", selects=["COMPACTION"], only="powerpc",
        when="5.17..6.12",
    ),
    option(
        _THP, _MM, prompt="y", depends=f"!PREEMPT_RT && ({_PPC_THP})", selects=["COMPACTION"],
        only="powerpc", when="6.12..",
    ),
    option("COMPACTION", _MM, prompt="y", default="y", selects=["MIGRATION"]),
    option(
        "MIGRATION", _MM, prompt="y", default="y",
        depends="NUMA || ARCH_ENABLE_MEMORY_HOTREMOVE || COMPACTION || CMA", when="..7.1",
    ),
    option("NUMA_MIGRATION", _MM, prompt="y", default="y", depends="NUMA",
        selects=["MIGRATION"], when="7.1..",
    ),
    option("MIGRATION", _MM, when="7.1..", selected_elsewhere=True),
    option("MEMORY_ISOLATION", _MM, selected_elsewhere=True),
    option("CONTIG_ALLOC", _MM, default="(MEMORY_ISOLATION && COMPACTION) || CMA"),
    option("HUGETLBFS", "fs/Kconfig", prompt="y", when="..6.1"),
    option(
        "HUGETLBFS", "fs/Kconfig", prompt="y", depends="SYSFS || SYSCTL", when="6.1..6.18",
    ),
    option("HUGETLBFS", "fs/Kconfig", prompt="y", when="6.18.."),
    option("HUGETLB_PAGE", "fs/Kconfig", default="HUGETLBFS"),
    option(_HUGE, "arch/*/Kconfig", default=_MOVES, only="x86 arm64 powerpc"),
    option(_HUGE, _RISCV, default=_MOVES, only="riscv", when="5.15.."),
    option(_HUGE_THP, "arch/*/Kconfig", default=_THP, only="x86 arm64 powerpc", when="..7.3"),
    option(_HUGE_THP, _RISCV, default=_THP, only="riscv", when="5.17..7.3"),
    option(_HUGE_THP, _S390, default=_THP, only="s390", when="6.17..7.3"),
    option("ARCH_HAS_PMD_SOFTLEAVES", "arch/*/Kconfig", default=_THP, when="7.3.."),
)  # fmt: skip

_DEFAULT_ONLINE = "Memory Hotplug Default Online Type"
_CHOICE_SINCE = "6.12.110..6.13 6.14.."
_RISK = {"ONLINE_KERNEL": 1, "ONLINE_MOVABLE": 2}
_ADD, _REMOVE = "ARCH_ENABLE_MEMORY_HOTPLUG", "ARCH_ENABLE_MEMORY_HOTREMOVE"
_ON_MEMORY = "MEMORY_HOTPLUG && SPARSEMEM_VMEMMAP"
HOTPLUG = (
    option(_ADD, "arch/*/Kconfig", default="y", only="x86 arm64 powerpc"),
    option(_ADD, _S390, default="SPARSEMEM", only="s390"),
    option(_ADD, _RISCV, default="SPARSEMEM_VMEMMAP", only="riscv", when="6.11.."),
    option(_REMOVE, "arch/*/Kconfig", default="y", only="arm64 powerpc s390", when="..7.1"),
    option(_REMOVE, _X86, default="MEMORY_HOTPLUG", only="x86", when="..7.1"),
    option(_REMOVE, _RISCV, default="MEMORY_HOTPLUG", only="riscv", when="6.11..7.1"),
    option(
        "MEMORY_HOTPLUG", _MM, prompt="y", selects=["MEMORY_ISOLATION"],
        depends=f"SPARSEMEM && {_ADD}", when="..7.1",
    ),
    option(
        "MEMORY_HOTPLUG", _MM, prompt="y", selects=["MEMORY_ISOLATION"],
        depends=f"SPARSEMEM_VMEMMAP && {_ADD}", when="7.1..",
    ),
    option(
        "MEMORY_HOTREMOVE", _MM, prompt="y", when="..7.1",
        depends=f"MEMORY_HOTPLUG && {_REMOVE} && MIGRATION",
    ),
    option(
        "MEMORY_HOTREMOVE", _MM, prompt="y", depends="MEMORY_HOTPLUG", selects=["MIGRATION"],
        when="7.1..",
    ),
    option(
        "MEMORY_HOTPLUG_DEFAULT_ONLINE", _MM, prompt="y", depends="MEMORY_HOTPLUG",
        when="..6.12.110 6.13..6.14",
    ),
    *(
        option(
            f"MHP_DEFAULT_ONLINE_TYPE_{kind}", _MM, prompt="y", depends="MEMORY_HOTPLUG",
            when=_CHOICE_SINCE, choice=_DEFAULT_ONLINE, risk=_RISK.get(kind, 0),
        )
        for kind in ("OFFLINE", "ONLINE_AUTO", "ONLINE_KERNEL", "ONLINE_MOVABLE")
    ),
    option(
        "PPC_RADIX_MMU", "arch/powerpc/platforms/Kconfig.cputype", prompt="y", default="y",
        depends="PPC_BOOK3S_64", only="powerpc",
    ),
    option("MHP_MEMMAP_ON_MEMORY", _MM, default=_ON_MEMORY, only="x86 arm64", when="5.14.."),
    option(
        "MHP_MEMMAP_ON_MEMORY", _MM, default=f"{_ON_MEMORY} && PPC_RADIX_MMU", only="powerpc",
        when="6.6..",
    ),
    option("MHP_MEMMAP_ON_MEMORY", _MM, default=_ON_MEMORY, only="s390", when="6.8.."),
    option("MHP_MEMMAP_ON_MEMORY", _MM, default=_ON_MEMORY, only="riscv", when="6.11.."),
    option("ARCH_MEMORY_PROBE", _X86, prompt="y", depends="MEMORY_HOTPLUG", only="x86"),
    option("ARCH_MEMORY_PROBE", _POWERPC, default="MEMORY_HOTPLUG", only="powerpc"),
)  # fmt: skip

SEEING = (
    option(
        "PROC_PAGE_MONITOR", "fs/proc/Kconfig", prompt="EXPERT", default="y", depends="PROC_FS"
    ),
    option("DEBUG_FS", "lib/Kconfig.debug", prompt="y", selected_elsewhere=True),
    option(
        "PAGE_OWNER", "mm/Kconfig.debug", prompt="y", selects=["DEBUG_FS"],
        depends="DEBUG_KERNEL",
    ),
    option(
        "KEXEC_FILE", _KEXEC, prompt="y", selects=["KEXEC_CORE"], only="x86 powerpc",
        depends="CRYPTO && CRYPTO_SHA256", when="..6.6.17",
    ),
    option(
        "KEXEC_FILE", _KEXEC, prompt="y", selects=["KEXEC_CORE"], only="s390",
        depends="CRYPTO && CRYPTO_SHA256", when="..6.6.17",
    ),
    option("KEXEC_FILE", _ARM64, prompt="y", selects=["KEXEC_CORE"], only="arm64", when="..6.6.17"),
    option(
        "KEXEC_FILE", _RISCV, prompt="y", selects=["KEXEC_CORE"], only="riscv",
        when="5.19..6.6.17",
    ),
    option("KEXEC_FILE", _KEXEC, prompt="y", selects=["KEXEC_CORE"], when="6.6.17.."),
    option("KEXEC", _KEXEC, prompt="y", selects=["KEXEC_CORE"], only="x86 powerpc"),
    option(
        "KEXEC", _KEXEC, prompt="y", depends="PM_SLEEP_SMP", selects=["KEXEC_CORE"], only="arm64"
    ),
    option("KEXEC", _S390, default="y", selects=["KEXEC_CORE"], only="s390", when="..6.6"),
    option("KEXEC", _KEXEC, prompt="y", selects=["KEXEC_CORE"], only="s390", when="6.6.."),
    option("KEXEC", _RISCV, prompt="y", selects=["KEXEC_CORE"], only="riscv", when="5.14.."),
    option("KEXEC_CORE", _KEXEC, selected_elsewhere=True),
    option(
        "CRASH_DUMP", "arch/*/Kconfig", prompt="y", only="x86 arm64 powerpc s390", when="..6.6"
    ),
    option("CRASH_DUMP", _RISCV, prompt="y", only="riscv", when="5.14..6.6"),
    option("CRASH_DUMP", _KEXEC, prompt="y", selects=["KEXEC_CORE"], when="6.6..6.9"),
    option("CRASH_DUMP", _KEXEC, prompt="y", depends="KEXEC_CORE", default="y", when="6.9.."),
    option(
        "CRASH_HOTPLUG", _KEXEC, prompt="y", default="y", only="x86", when="6.6..",
        depends="CRASH_DUMP && (HOTPLUG_CPU || MEMORY_HOTPLUG)",
    ),
    option(
        "CRASH_HOTPLUG", _KEXEC, prompt="y", default="y", only="powerpc", when="6.10..",
        depends="CRASH_DUMP && (HOTPLUG_CPU || MEMORY_HOTPLUG)",
    ),
)  # fmt: skip
