"""What adding memory takes, and what of a device's memory is lost to the size of a block.

Sources: mm/memory_hotplug.c (check_hotplug_memory_range, mhp_supports_memmap_on_memory),
mm/sparse-vmemmap.c, drivers/dax/kmem.c (dax_kmem_range: a range is cut to whole blocks),
arch/x86/mm/init_64.c (probe_memory_block_size: read in 5.11 to 7.1).
"""

from __future__ import annotations

from .architectures import GIB, MIB, STRUCT_PAGE, Architecture
from .section_size import x86_64_guest_block_size

__all__ = [
    "BLOCK_SIZES",
    "goes_movable",
    "lost",
    "memmap_bytes",
    "memmap_fits",
    "x86_64_block_size",
]

BLOCK_SIZES = (128 * MIB, 256 * MIB, 512 * MIB, GIB, 2 * GIB)
"""The sizes that a block of x86_64 has, unless the command line says otherwise."""

_LARGE = 64 * GIB
"""Where less memory ends, a block is as small as a section."""

_HUGE = 2 * MIB
"""What a memmap that lies on its own memory must be a multiple of on x86_64: the range of a PMD,
and a page block."""


def x86_64_block_size(end: int, *, guest: bool) -> int:
    """Bytes of a memory block, where firmware advises none.

    Args:
        end: the address at which boot memory ends.
        guest: under a hypervisor.

    >>> x86_64_block_size(65 * GIB, guest=True) // MIB, x86_64_block_size(GIB, guest=False) // MIB
    (1024, 128)
    """
    if end < _LARGE:
        return BLOCK_SIZES[0]
    if not guest:
        return BLOCK_SIZES[-1]
    return int(x86_64_guest_block_size(end, lambda condition, a, b: a if condition else b))


def lost(start: int, stop: int, block: int) -> tuple[int, int]:
    """Bytes before the first whole block of a range, and behind its last.

    Args:
        start: the first address.
        stop: the one behind the last.
        block: bytes of a block.

    >>> lost(128 * MIB, 640 * MIB, 256 * MIB) == (128 * MIB, 128 * MIB)
    True
    """
    first, last = -(-start // block) * block, stop // block * block
    return (first - start, stop - last) if first < last else (stop - start, 0)


def memmap_bytes(size: int, page: int) -> int:
    """Bytes of memmap for so many bytes of memory.

    Args:
        size: bytes that are added.
        page: bytes of a base page.

    >>> memmap_bytes(12 * GIB, 4096) // MIB
    192
    """
    return size // page * STRUCT_PAGE


def memmap_fits(block: int, arch: Architecture) -> bool:
    """Whether the memmap of a block can lie on the block's own memory (memmap_on_memory=Y).

    Args:
        block: bytes of a block.
        arch: of the machine; the rule is that of x86_64.
    """
    return memmap_bytes(block, arch.page) % _HUGE == 0


def goes_movable(kernel: int, movable: int, added: int, ratio: int) -> bool:
    """Whether the policy auto-movable brings memory online in ZONE_MOVABLE, by its ratio alone.

    Where memory lies in a group or on a node of its own, it may still choose a kernel zone.

    Args:
        kernel: bytes in kernel zones.
        movable: bytes in ZONE_MOVABLE.
        added: bytes that go online.
        ratio: the most movable memory for each part of kernel memory, in percent.

    Source: mm/memory_hotplug.c, auto_movable_can_online_movable.

    >>> goes_movable(4, 8, 4, 301), goes_movable(4, 9, 4, 301)
    (True, False)
    """
    return (movable + added) * 100 <= ratio * kernel
