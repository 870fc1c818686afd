"""Claims on Kconfig's rules for memory hotplug, for every configuration that they allow (U6)."""

from __future__ import annotations

from dataclasses import dataclass

from .configuration import ARCHITECTURE_SYMBOLS, RELEASES

__all__ = ["CLAIMS", "ConfigurationClaim"]


@dataclass(frozen=True)
class ConfigurationClaim:
    """Wherever the option ``given`` is m or y, ``then`` is not n; Kconfig's own expressions."""

    name: str
    doc: str
    given: str
    then: str
    since: tuple[int, ...] = (0,)
    until: tuple[int, ...] | None = None
    true: bool = True
    """False: a wrong belief that the checks must refute with a configuration."""

    @property
    def cases(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """The architectures and releases that it speaks of."""
        releases = [
            release
            for release in RELEASES
            if self.since <= release and (self.until is None or release < self.until)
        ]
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
        "/dev/mem.", "VIRTIO_MEM", "!DEVMEM || STRICT_DEVMEM", since=(6, 1),
    ),
    ConfigurationClaim(
        "dev_mem_does_not_reach_virtio_mem_in_5_10",
        "Defect: 5.10 has no such rule; /dev/mem may map memory that the driver takes away.",
        "VIRTIO_MEM", "!DEVMEM || STRICT_DEVMEM", until=(6, 1), true=False,
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
        "MEMORY_HOTPLUG", _JUST_ONE, since=(6, 12),
    ),
    ConfigurationClaim(
        "what_can_be_added_can_be_removed",
        "Wrong belief: MEMORY_HOTPLUG alone gives no removal.",
        "MEMORY_HOTPLUG", "MEMORY_HOTREMOVE", true=False,
    ),
)  # fmt: skip
