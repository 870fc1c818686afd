"""Claims on Kconfig's rules for memory hotplug, for every configuration that they allow (U6)."""

from __future__ import annotations

from dataclasses import dataclass

from .kconfig import ARCHITECTURE_SYMBOLS, RELEASES
from .kernel_releases import Release, inside, ranges

__all__ = ["CLAIMS", "ConfigurationClaim"]


@dataclass(frozen=True)
class ConfigurationClaim:
    """Wherever the option ``given`` is m or y, ``then`` is not n; Kconfig's own expressions."""

    name: str
    doc: str
    given: str
    then: str
    when: str = ".."
    """Ranges of releases, see `kernel_releases.ranges`."""
    true: bool = True
    """False: a wrong belief that the checks must refute with a configuration."""

    @property
    def cases(self) -> tuple[tuple[str, Release], ...]:
        """The architectures and releases that it speaks of."""
        releases = [release for release in RELEASES if inside(release, ranges(self.when))]
        return tuple((name, release) for name in ARCHITECTURE_SYMBOLS for release in releases)


_TYPES = tuple(
    f"MHP_DEFAULT_ONLINE_TYPE_{kind}"
    for kind in ("OFFLINE", "ONLINE_AUTO", "ONLINE_KERNEL", "ONLINE_MOVABLE")
)
_JUST_ONE = " || ".join(
    "(" + " && ".join(name if name == on else f"!{name}" for name in _TYPES) + ")" for on in _TYPES
)

CLAIMS = (
    ConfigurationClaim(
        "what_is_removed_was_added_by_sections",
        "Hot-remove comes with hot-add, and that with SPARSEMEM.",
        "MEMORY_HOTREMOVE",
        "MEMORY_HOTPLUG && SPARSEMEM",
    ),
    ConfigurationClaim(
        "hot_remove_can_migrate", "No kernel removes without migration.", "MEMORY_HOTREMOVE",
        "MIGRATION",
    ),
    ConfigurationClaim(
        "hot_added_memory_can_be_isolated", "Going offline needs isolation.", "MEMORY_HOTPLUG",
        "MEMORY_ISOLATION",
    ),
    ConfigurationClaim(
        "virtio_mem_can_give_memory_back",
        "The driver has hot-remove and allocation by address, both as y.",
        "VIRTIO_MEM",
        "MEMORY_HOTREMOVE && CONTIG_ALLOC && VIRTIO",
    ),
    ConfigurationClaim(
        "dev_mem_does_not_reach_virtio_mem", "The driver comes with STRICT_DEVMEM or without "
        "/dev/mem.", "VIRTIO_MEM", "!DEVMEM || STRICT_DEVMEM", when="5.17..",
    ),
    ConfigurationClaim(
        "dev_mem_does_not_reach_virtio_mem_in_5_10",
        "Defect: 5.10 has no such rule; /dev/mem may map memory that the driver takes away.",
        "VIRTIO_MEM", "!DEVMEM || STRICT_DEVMEM", when="..5.17", true=False,
    ),
    ConfigurationClaim(
        "device_memory_can_be_removed", "ZONE_DEVICE comes with hot-remove.", "ZONE_DEVICE",
        "MEMORY_HOTREMOVE && SPARSEMEM_VMEMMAP",
    ),
    ConfigurationClaim(
        "a_memmap_on_memory_is_virtual", "memmap_on_memory comes with SPARSEMEM_VMEMMAP.",
        "MHP_MEMMAP_ON_MEMORY", "SPARSEMEM_VMEMMAP",
    ),
    ConfigurationClaim(
        "one_default_online_type_is_chosen", "Exactly one of the four is y with hot-add.",
        "MEMORY_HOTPLUG", _JUST_ONE, when="6.12.110..6.13 6.14..",
    ),
    ConfigurationClaim(
        "virtio_mem_comes_with_pci", "Wrong belief: virtio-mem comes with PCI.",
        "VIRTIO_MEM", "PCI", true=False,
    ),
    ConfigurationClaim(
        "a_removable_block_has_a_virtual_memmap",
        "Hot-remove comes with SPARSEMEM_VMEMMAP.", "MEMORY_HOTREMOVE", "SPARSEMEM_VMEMMAP",
        when="7.1..",
    ),
    ConfigurationClaim(
        "cxl_memory_as_ram_can_be_added", "DEV_DAX_KMEM comes with hot-add.",
        "DEV_DAX_KMEM", "MEMORY_HOTPLUG && DEV_DAX",
    ),
    ConfigurationClaim(
        "a_dax_device_of_cxl_has_a_region", "DEV_DAX_CXL comes with regions.",
        "DEV_DAX_CXL", "CXL_REGION && CXL_BUS", when="6.4..",
    ),
    ConfigurationClaim(
        "xen_hotplug_adds_memory", "XEN_BALLOON_MEMORY_HOTPLUG comes with hot-add and Xen.",
        "XEN_BALLOON_MEMORY_HOTPLUG", "MEMORY_HOTPLUG && XEN",
    ),
    ConfigurationClaim(
        "the_balloon_of_hyper_v_can_add_memory",
        "Wrong belief: HYPERV_BALLOON does not depend on MEMORY_HOTPLUG.",
        "HYPERV_BALLOON", "MEMORY_HOTPLUG", true=False,
    ),
    ConfigurationClaim(
        "what_can_be_added_can_be_removed",
        "Wrong belief: MEMORY_HOTPLUG alone gives no removal.",
        "MEMORY_HOTPLUG", "MEMORY_HOTREMOVE", true=False,
    ),
)  # fmt: skip
