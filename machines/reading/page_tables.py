"""Where a virtual address of the kernel's lies in physical memory, by the kernel's page tables.

A crash dump has physical memory, and page structures lie at virtual addresses that no segment of
it names: so the kernel's own tables are walked.  What it takes the note VMCOREINFO tells: where the
top table is, how many levels there are (arch/x86/kernel/vmcore_info_64.c,
arch/arm64/kernel/vmcore_info.c; Documentation/arch/x86/x86_64/mm.rst).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .kernel_memory import KernelMemory
from .vmcoreinfo import Vmcoreinfo

__all__ = ["PageTables", "page_tables_of"]

_X86_KERNEL_MAP = 0xFFFFFFFF80000000
_ADDRESS_BITS = 52


@dataclass(frozen=True)
class PageTables:
    """The tables of one kernel: `root` is the physical address of the top one.

    An entry has its address in the bits of `mask`; it is there if `present(entry)`, and names
    memory rather than a table if `is_leaf(entry, level)`, where level 0 is the last.
    """

    root: int
    levels: int
    page_bits: int
    mask: int
    present: Callable[[int], bool]
    is_leaf: Callable[[int, int], bool]

    def physical(self, core: KernelMemory, address: int) -> tuple[int, int] | None:
        """The physical address of a virtual one, and how many bytes from there on lie together.

        None if nothing is mapped there, or a table is not in the core.

        Raises:
            MachineError: reading fails.
        """
        bits = self.page_bits - 3
        table = self.root
        for level in range(self.levels - 1, -1, -1):
            shift = self.page_bits + bits * level
            slot = address >> shift & (1 << bits) - 1
            content = core.physical(table + 8 * slot, 8)
            if content is None:
                return None
            (entry,) = struct.unpack(f"{core.order}Q", content)
            if not self.present(entry):
                return None
            table = entry & self.mask
            if level == 0 or self.is_leaf(entry, level):
                within = address & (1 << shift) - 1
                base = table & ~((1 << shift) - 1)
                return base + within, (1 << shift) - within
        return None


def page_tables_of(core: KernelMemory) -> PageTables | None:
    """The kernel's page tables; None if its note does not tell what it takes to walk them."""
    make = _MAKERS.get(core.architecture or "")
    return None if make is None else make(core.info)


def _x86_64(info: Vmcoreinfo) -> PageTables | None:
    top, base = info.symbols.get("swapper_pg_dir"), info.numbers.get("phys_base")
    if top is None or base is None:
        return None
    encrypted = info.numbers.get("sme_mask", 0)
    return PageTables(
        root=top - _X86_KERNEL_MAP + base,
        levels=5 if info.numbers.get("pgtable_l5_enabled") else 4,
        page_bits=12,
        mask=((1 << _ADDRESS_BITS) - (1 << 12)) & ~encrypted,
        present=lambda entry: bool(entry & 1),
        is_leaf=lambda entry, level: bool(entry & 1 << 7) and level <= 2,
    )


def _aarch64(info: Vmcoreinfo) -> PageTables | None:
    top, offset = info.symbols.get("swapper_pg_dir"), info.numbers.get("kimage_voffset")
    width = info.numbers.get("VA_BITS")
    if top is None or offset is None or width is None:
        return None
    width = 64 - info.numbers.get("TCR_EL1_T1SZ", 64 - width)
    if not 36 <= width <= 52:
        return None
    page_bits = info.page_size.bit_length() - 1
    per_level = page_bits - 3
    return PageTables(
        root=(top - offset) % (1 << 64),
        levels=-(-(width - page_bits) // per_level),
        page_bits=page_bits,
        mask=(1 << 48) - (1 << page_bits),
        present=lambda entry: bool(entry & 1),
        is_leaf=lambda entry, level: not entry & 2,
    )


_MAKERS: Mapping[str, Callable[[Vmcoreinfo], PageTables | None]] = MappingProxyType(
    {"x86_64": _x86_64, "aarch64": _aarch64}
)
