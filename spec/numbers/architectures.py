"""Sizes of sections, pages and address spaces, architecture by architecture (R1 to R5).

Sources: Linux 6.12 `arch/*/include/asm/sparsemem.h`, `arch/*/Kconfig`
(ARCH_FORCE_MAX_ORDER), `include/linux/mmzone.h`; ia64: the same files of 2.6.34.
Other section sizes: arm64 before 5.12 (commit f0b13ee23241), s390x from 6.13 on.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ARCHITECTURES",
    "GIB",
    "KIB",
    "MIB",
    "STRUCT_PAGE",
    "SUBSECTION",
    "Architecture",
    "architecture",
    "chosen_by",
]

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

SUBSECTION = 2 * MIB
"""What ZONE_DEVICE adds at a time; a section holds at least one (include/linux/mmzone.h)."""

STRUCT_PAGE = 64
"""sizeof(struct page) on 64-bit kernels, the entry of mem_map (include/linux/mm_types.h)."""


@dataclass(frozen=True)
class Architecture:
    """The figures of one architecture with one page size; every size is in bytes."""

    name: str
    page: int
    max_page_order: int
    """The largest buddy block is 2**max_page_order pages."""
    section_bits: int
    physmem_bits: int
    boot_memory_removable: bool
    source: str
    granule: int = 0
    """The unit of identity mappings (IA64_GRANULE_SIZE); 0 where there is none."""
    mem_section: int = 16
    """sizeof(struct mem_section) without PAGE_EXTENSION (include/linux/mmzone.h)."""

    earlier_section_bits: int = 0
    """What section_bits was before `changed`; 0 if it was always the same."""
    later_section_bits: int = 0
    """What section_bits is from `changed` on; 0 if it is still the same."""
    changed: tuple[int, int] = (0, 0)
    """The version of Linux that changed it."""

    @property
    def section(self) -> int:
        """Bytes of a section."""
        return 1 << self.section_bits

    def section_in(self, version: tuple[int, int] | None) -> int:
        """Bytes of a section in that version of Linux; None: as in the version of `source`.

        >>> architecture("s390x").section_in((7, 2)) // MIB
        128
        """
        earlier = version is not None and version < self.changed
        later = version is not None and version >= self.changed
        bits = (earlier and self.earlier_section_bits) or (later and self.later_section_bits)
        return 1 << (bits or self.section_bits)

    @property
    def max_order_block(self) -> int:
        """Bytes of the largest buddy block."""
        return self.page << self.max_page_order

    def flat_table(self, section: int) -> int:
        """Bytes of SPARSEMEM_STATIC's table for sections of that many bytes."""
        return ((1 << self.physmem_bits) // section) * self.mem_section


ARCHITECTURES = (
    Architecture("x86_64", 4 * KIB, 10, 27, 46, True, "6.12 arch/x86 (46 bits: 4-level paging)"),
    Architecture("x86_64-la57", 4 * KIB, 10, 27, 52, True, "6.12 arch/x86 (5-level paging)"),
    *(
        Architecture(
            f"arm64-{kib}k",
            kib * KIB,
            order,
            bits,
            48,
            False,
            "6.12 arch/arm64",
            earlier_section_bits=30,
            changed=(5, 12),
        )
        for kib, order, bits in ((4, 10, 27), (16, 11, 27), (64, 13, 29))
    ),
    Architecture("ppc64-4k", 4 * KIB, 12, 24, 46, True, "6.12 arch/powerpc"),
    Architecture("ppc64-64k", 64 * KIB, 8, 24, 51, True, "6.12 arch/powerpc"),
    Architecture(
        "s390x",
        4 * KIB,
        10,
        28,
        46,
        True,
        "6.12 arch/s390 (46 bits: the default)",
        later_section_bits=27,
        changed=(6, 13),
    ),
    Architecture("riscv64", 4 * KIB, 10, 27, 56, True, "6.12 arch/riscv (order: the default)"),
    Architecture("ia64-4k", 4 * KIB, 16, 30, 50, True, "2.6.34 arch/ia64", 16 * MIB),
    Architecture("ia64-16k", 16 * KIB, 16, 30, 50, True, "2.6.34 arch/ia64", 16 * MIB),
    Architecture("ia64-64k", 64 * KIB, 16, 32, 50, True, "2.6.34 arch/ia64", 16 * MIB),
)
"""Granules of 16 MiB for ia64; 64 MiB is its other configuration."""


def chosen_by(section: int) -> list[str]:
    """The architectures that have sections of that many bytes, or had them.

    >>> chosen_by(256 * MIB), chosen_by(GIB)[:2]
    (['s390x'], ['arm64-4k (before)', 'arm64-16k (before)'])
    >>> chosen_by(128 * MIB)[-1]
    's390x (later)'
    """
    now = [a.name for a in ARCHITECTURES if a.section == section]
    before = [a.name for a in ARCHITECTURES if 1 << a.earlier_section_bits == section]
    later = [a.name for a in ARCHITECTURES if 1 << a.later_section_bits == section]
    return [f"{name} (before)" for name in before] + now + [f"{name} (later)" for name in later]


def architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        KeyError: if there is none.

    >>> architecture("ia64-16k").flat_table(1 << 30) == 16 * MIB
    True
    """
    return {a.name: a for a in ARCHITECTURES}[name]
