"""Kconfig's rules for what brings memory: firmware, virtio, dax, CXL, Hyper-V, Xen (U6).

Source: the Kconfig files that each option names, of the releases in `kernel_releases.READ`.
"""

from __future__ import annotations

from .kconfig_language import option

__all__ = ["DEVICES"]

_ACPI, _NUMA = "drivers/acpi/Kconfig", "drivers/acpi/numa/Kconfig"
_VIRTIO, _CXL, _DAX = "drivers/virtio/Kconfig", "drivers/cxl/Kconfig", "drivers/dax/Kconfig"
_EFI, _X86, _HV = "drivers/firmware/efi/Kconfig", "arch/x86/Kconfig", "drivers/hv/Kconfig"
_XEN, _S390 = "drivers/xen/Kconfig", "arch/s390/Kconfig"

_FIRMWARE = (
    option("EFI", _X86, prompt="y", depends="ACPI", only="x86"),
    option(
        "EFI", "arch/arm64/Kconfig", prompt="y", default="y", depends="!CPU_BIG_ENDIAN",
        only="arm64", selected_elsewhere=True,
    ),
    option(
        "EFI", "arch/riscv/Kconfig", prompt="y", default="y", depends="!XIP_KERNEL",
        only="riscv", selected_elsewhere=True,
    ),
    option("EFI_STUB", _X86, prompt="y", depends="EFI", only="x86"),
    option("EFI_STUB", "arch/*/Kconfig", default="EFI", only="arm64 riscv"),
    option("ACPI", _ACPI, prompt="y", default="y", only="x86", selected_elsewhere=True),
    option("ACPI", _ACPI, prompt="y", depends="EFI", only="arm64", selected_elsewhere=True),
    option(
        "ACPI", _ACPI, prompt="y", depends="EFI", only="riscv", when="6.5..",
        selected_elsewhere=True,
    ),
    option(
        "X86_64_ACPI_NUMA", _X86, prompt="y", depends="NUMA && ACPI && PCI", default="y",
        selects=["ACPI_NUMA"], only="x86",
    ),
    option(
        "ACPI_NUMA", _NUMA, prompt="y", depends="ACPI && NUMA", default="ARM64",
        only="x86 arm64", when="..6.11",
    ),
    option(
        "ACPI_NUMA", _NUMA, prompt="y", depends="ACPI && NUMA", only="riscv", when="6.5..6.11"
    ),
    option(
        "ACPI_NUMA", _NUMA, default="ACPI && NUMA && !X86", only="x86 arm64 riscv", when="6.11.."
    ),
    option("ACPI_HMAT", _NUMA, prompt="y", depends="ACPI && ACPI_NUMA", only="x86 arm64"),
    option(
        "ACPI_HMAT", _NUMA, prompt="y", depends="ACPI && ACPI_NUMA", only="riscv", when="6.5.."
    ),
    option(
        "EFI_SOFT_RESERVE", _EFI, prompt="y", depends="EFI && EFI_STUB && ACPI_HMAT",
        default="ACPI_HMAT", only="x86 arm64 riscv",
    ),
    option(
        "ACPI_HOTPLUG_MEMORY", _ACPI, prompt="y", depends="ACPI && MEMORY_HOTPLUG",
        only="x86 arm64",
    ),
    option(
        "ACPI_HOTPLUG_MEMORY", _ACPI, prompt="y", depends="ACPI && MEMORY_HOTPLUG",
        only="riscv", when="6.5..",
    ),
)  # fmt: skip

_VIRTIO_MEM = "VIRTIO_MENU && VIRTIO && MEMORY_HOTPLUG && MEMORY_HOTREMOVE && CONTIG_ALLOC"
_VIRTUAL = (
    option("VIRTIO_MENU", _VIRTIO, prompt="y", default="y"),
    option(
        "VIRTIO_MMIO", _VIRTIO, prompt="y", depends="VIRTIO_MENU", selects=["VIRTIO"],
        tristate=True, only="x86 arm64 powerpc riscv",
    ),
    option(
        "VIRTIO_PCI", _VIRTIO, prompt="y", depends="VIRTIO_MENU && PCI", selects=["VIRTIO"],
        tristate=True,
    ),
    option(
        "VIRTIO_MMIO", _VIRTIO, prompt="y", depends="VIRTIO_MENU && PCI", selects=["VIRTIO"],
        tristate=True, only="s390",
    ),
    option("S390_GUEST", _S390, prompt="y", default="y", selects=["VIRTIO"], only="s390"),
    option("VIRTIO", _VIRTIO, tristate=True, selected_elsewhere=True),
    option("EXCLUSIVE_SYSTEM_RAM", "mm/Kconfig", default="!DEVMEM || STRICT_DEVMEM", when="5.17.."),
    option(
        "VIRTIO_MEM", _VIRTIO, prompt="y", default="m", only="x86", when="..5.17", tristate=True,
        depends=_VIRTIO_MEM,
    ),
    option(
        "VIRTIO_MEM", _VIRTIO, prompt="y", default="m", only="x86", when="5.17..5.19",
        tristate=True, depends=f"{_VIRTIO_MEM} && EXCLUSIVE_SYSTEM_RAM",
    ),
    *(
        option(
            "VIRTIO_MEM", _VIRTIO, prompt="y", only=where, when=f"{since}..", tristate=True,
            depends=f"{_VIRTIO_MEM} && EXCLUSIVE_SYSTEM_RAM",
        )
        for where, since in (("x86 arm64", "5.19"), ("riscv", "6.11"), ("s390", "6.13"))
    ),
    option("HYPERVISOR_GUEST", _X86, prompt="y", only="x86", selected_elsewhere=True),
    option(
        "HYPERV", _HV, prompt="y", depends="ACPI && HYPERVISOR_GUEST", selects=["PARAVIRT"],
        tristate=True, only="x86", when="..6.4",
    ),
    option(
        "HYPERV", _HV, prompt="y", depends="HYPERVISOR_GUEST", selects=["PARAVIRT"],
        tristate=True, only="x86", when="6.4..6.18",
    ),
    option(
        "HYPERV", _HV, prompt="y", depends="HYPERVISOR_GUEST", selects=["PARAVIRT"], only="x86",
        when="6.18..",
    ),
    option(
        "HYPERV", _HV, prompt="y", depends="ACPI && !CPU_BIG_ENDIAN", tristate=True,
        selects=["PARAVIRT"], only="arm64", when="5.15..6.17",
    ),
    option(
        "HYPERV", _HV, prompt="y", depends="!CPU_BIG_ENDIAN", tristate=True,
        selects=["PARAVIRT"], only="arm64", when="6.17..6.18",
    ),
    option(
        "HYPERV", _HV, prompt="y", depends="!CPU_BIG_ENDIAN", selects=["PARAVIRT"], only="arm64",
        when="6.18..",
    ),
    option(
        "HYPERV_VMBUS", _HV, prompt="y", depends="HYPERV", default="HYPERV", tristate=True,
        only="x86 arm64", when="6.18..",
    ),
    option("HYPERV_BALLOON", _HV, prompt="y", depends="HYPERV", tristate=True, when="..6.18"),
    option("HYPERV_BALLOON", _HV, prompt="y", depends="HYPERV_VMBUS", tristate=True, when="6.18.."),
    option(
        "PARAVIRT", _X86, prompt="y", depends="HYPERVISOR_GUEST", only="x86",
        selected_elsewhere=True,
    ),
    option("PARAVIRT", "arch/arm64/Kconfig", prompt="y", only="arm64", selected_elsewhere=True),
    option(
        "PARAVIRT", "arch/riscv/Kconfig", prompt="y", only="riscv", when="6.8..",
        selected_elsewhere=True,
    ),
    option(
        "PARAVIRT", "arch/powerpc/Kconfig", only="powerpc", when="6.1..", selected_elsewhere=True,
    ),
    option(
        "XEN", "arch/x86/xen/Kconfig", prompt="y", depends="HYPERVISOR_GUEST && PARAVIRT",
        only="x86",
    ),
    option("XEN", "arch/arm64/Kconfig", prompt="y", selects=["PARAVIRT"], only="arm64"),
    option("XEN_BALLOON", _XEN, prompt="y", default="y", depends="XEN"),
    option(
        "XEN_BALLOON_MEMORY_HOTPLUG", _XEN, prompt="y", default="y",
        depends="XEN_BALLOON && MEMORY_HOTPLUG",
    ),
)  # fmt: skip

_MAPPED = "MEMORY_HOTPLUG && MEMORY_HOTREMOVE && SPARSEMEM_VMEMMAP"
_AS_CXL = "EFI_SOFT_RESERVE && DAX"
_ALONGSIDE = " && ".join(f"({name} || !{name})" for name in ("CXL_ACPI", "CXL_PCI", "CXL_BUS"))
_DIRECT = (
    option("ZONE_DEVICE", "mm/Kconfig", prompt="y", only="x86 arm64 powerpc", depends=_MAPPED),
    option("ZONE_DEVICE", "mm/Kconfig", prompt="y", only="riscv", when="6.11..", depends=_MAPPED),
    option("ZONE_DEVICE", "mm/Kconfig", prompt="y", only="s390", when="6.17..", depends=_MAPPED),
    option("DAX", _DAX, prompt="y", tristate=True, selected_elsewhere=True),
    option(
        "DEV_DAX", _DAX, prompt="y", depends="DAX && TRANSPARENT_HUGEPAGE", tristate=True
    ),
    option(
        "DEV_DAX_HMEM", _DAX, prompt="y", depends=_AS_CXL, default="DEV_DAX", tristate=True,
        when="..7.1",
    ),
    option(
        "DEV_DAX_HMEM", _DAX, prompt="y", depends=f"{_AS_CXL} && {_ALONGSIDE}",
        default="DEV_DAX", tristate=True, when="7.1..",
    ),
    option(
        "DEV_DAX_CXL", _DAX, prompt="y", depends="DAX && CXL_BUS && CXL_REGION && DEV_DAX",
        default="CXL_REGION && DEV_DAX", tristate=True, when="6.3..7.1",
    ),
    option(
        "DEV_DAX_CXL", _DAX, prompt="y", default="CXL_REGION && DEV_DAX", tristate=True,
        depends="DAX && CXL_BUS && CXL_REGION && DEV_DAX && (DEV_DAX_HMEM || !DEV_DAX_HMEM)",
        when="7.1..",
    ),
    option(
        "DEV_DAX_KMEM", _DAX, prompt="y", depends="DAX && DEV_DAX && MEMORY_HOTPLUG",
        default="DEV_DAX", tristate=True,
    ),
    option("CXL_BUS", _CXL, prompt="y", depends="PCI", tristate=True, when="5.12.."),
    option(
        "CXL_PCI", _CXL, prompt="y", depends="CXL_BUS", default="CXL_BUS", tristate=True,
        when="5.19..7.0",
    ),
    option(
        "CXL_PCI", _CXL, prompt="y", depends="CXL_BUS", default="CXL_BUS", tristate=True,
        selects=["CXL_MEM"], when="7.0..",
    ),
    option("CXL_MEM", _CXL, prompt="y", depends="CXL_BUS", tristate=True, when="5.12..5.14"),
    option(
        "CXL_MEM", _CXL, prompt="y", depends="CXL_BUS", default="CXL_BUS", tristate=True,
        when="5.14..5.19",
    ),
    option(
        "CXL_MEM", _CXL, prompt="y", depends="CXL_BUS && CXL_PCI", default="CXL_BUS",
        tristate=True, when="5.19..7.0",
    ),
    option(
        "CXL_MEM", _CXL, prompt="y", depends="CXL_BUS", default="CXL_BUS", tristate=True,
        when="7.0..",
    ),
    option(
        "CXL_ACPI", _CXL, prompt="y", depends="ACPI && CXL_BUS", default="CXL_BUS",
        tristate=True, when="5.14..6.8",
    ),
    option(
        "CXL_ACPI", _CXL, prompt="y", depends="ACPI && ACPI_NUMA && CXL_BUS", default="CXL_BUS",
        selects=["ACPI_HMAT"], tristate=True, when="6.8..7.0",
    ),
    option(
        "CXL_ACPI", _CXL, prompt="y", default="CXL_BUS", selects=["ACPI_HMAT"], tristate=True,
        depends="ACPI && ACPI_NUMA && (CXL_PMEM || !CXL_PMEM) && CXL_BUS", when="7.0..",
    ),
    option("CXL_REGION", _CXL, default="SPARSEMEM && CXL_BUS", when="6.0..6.3"),
    option(
        "CXL_REGION", _CXL, prompt="y", depends="SPARSEMEM && CXL_BUS", default="CXL_BUS",
        when="6.3..",
    ),
)  # fmt: skip

DEVICES = (*_FIRMWARE, *_VIRTUAL, *_DIRECT)
