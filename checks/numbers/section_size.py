"""What each section size costs on a memory map: tables, mem_map on holes, removability (R1, R2).

Works on ranges, never section by section: its time follows the number of holes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memhp.spec.numbers.architectures import STRUCT_PAGE, SUBSECTION, Architecture
from memhp.spec.numbers.section_size import CONSTRAINTS, Memory

__all__ = ["Candidate", "candidates", "memory_of", "removable_share", "size_bits"]


@dataclass(frozen=True)
class Candidate:
    """A section size for a memory map, and what it costs; sizes in bytes."""

    section: int
    forbidden_by: tuple[str, ...]
    """The constraints that it breaks; empty if it is feasible."""
    present: int
    """Sections that hold memory."""
    roots: int
    """Second-level pages of SPARSEMEM_EXTREME that memory touches."""
    flat_table: int
    """SPARSEMEM_STATIC: an entry for every section of the address space."""
    two_level_table: int
    """SPARSEMEM_EXTREME: all root pointers, and a page for each root that memory touches."""
    memmap_on_holes: int
    """mem_map for the parts of present sections that are not memory."""
    removable: float
    """Share of memory that is expected to stay removable; see `removable_share`."""


def _touched(ranges: Sequence[tuple[int, int]], unit: int) -> int:
    """How many aligned units of that many bytes the sorted ranges touch."""
    count, after = 0, 0
    for start, end in ranges:
        first, last = max(start // unit, after), (end - 1) // unit
        count += max(0, last + 1 - first)
        after = last + 1
    return count


def _fills(ranges: Sequence[tuple[int, int]], section: int) -> Counter[int]:
    """How many sections hold that many bytes of memory, for the sorted ranges."""
    fills: Counter[int] = Counter()
    current, filled = -1, 0
    for start, end in ranges:
        first, last = start // section, (end - 1) // section
        if first != current:
            fills[filled] += 1
            current, filled = first, 0
        if last == first:
            filled += end - start
            continue
        fills[filled + (first + 1) * section - start] += 1
        fills[section] += last - first - 1
        current, filled = last, end - last * section
    fills[filled] += 1
    return Counter({fill: number for fill, number in fills.items() if fill and number})


def removable_share(fills: Mapping[int, int], section: int, kernel_frames: int) -> float:
    """The expected share of memory in sections without a hole that no kernel frame lies in.

    Each of the `kernel_frames` frames lies anywhere in memory, equally likely and
    independent of the others, as when nothing gathers them (U1). A section with a
    share x of memory is free of all of them with probability (1 - x)**kernel_frames.

    Args:
        fills: how many sections hold that many bytes of memory.
        section: bytes of a section; one that holds less has a hole.

    >>> removable_share({1 << 20: 4}, 1 << 20, 1)
    0.75
    """
    memory = sum(fill * number for fill, number in fills.items())
    share = section / memory
    if kernel_frames and share >= 1:
        return 0.0
    free = math.exp(kernel_frames * math.log1p(-share)) if kernel_frames else 1.0
    return fills.get(section, 0) * share * free


def memory_of(ranges: Sequence[tuple[int, int]], device: int = 0) -> Memory:
    """The demands of memory on a section size: the largest section that lies in it whole.

    Args:
        ranges: (start, end) of memory in bytes, end excluded, ascending.
        device: memory devices begin at multiples of so many bytes, and hold one (0: not known).

    >>> memory_of([(1 << 20, 5 << 20)]).whole == 2 << 20
    True
    """

    def lies_in_memory(size: int) -> bool:
        return any(-(-start // size) * size + size <= end for start, end in ranges)

    sizes = (1 << bits for bits in reversed(range(ranges[-1][1].bit_length())))
    return Memory(next(filter(lies_in_memory, sizes)), device)


def size_bits(arch: Architecture, asks: Memory) -> range:
    """The exponents of the section sizes that the constraints can allow, and of one they forbid.

    From a sub-section to what lies in memory without a hole, and in any case to the
    size that the architecture has.

    >>> from memhp.spec.numbers.architectures import GIB, architecture
    >>> size_bits(architecture("x86_64"), Memory(whole=4 * GIB))
    range(21, 34)
    """
    largest = max(asks.whole.bit_length() - 1, arch.section_bits)
    return range(SUBSECTION.bit_length() - 1, min(largest + 1, arch.physmem_bits) + 1)


def candidates(
    arch: Architecture,
    ranges: Sequence[tuple[int, int]],
    bits: range | None = None,
    *,
    kernel_frames: int = 0,
    device: int = 0,
) -> list[Candidate]:
    """The section sizes 2**bits, each with its costs, for memory at the (start, end) ranges.

    Args:
        arch: the architecture.
        ranges: where memory is, in bytes, end excluded.
        bits: exponents of sizes; by default all that the constraints can allow (`size_bits`).
        kernel_frames: so many are scattered over memory, and keep their sections from leaving.
        device: memory devices begin at multiples of so many bytes, and hold one (0: not known).

    Raises:
        ValueError: ranges are empty, unsorted, overlapping or out of reach.

    >>> from memhp.spec.numbers.architectures import GIB, architecture
    >>> candidates(architecture("ia64-16k"), [(0, GIB)], range(30, 31))[0].present
    1
    """
    behind = 0
    for start, end in ranges:
        if not behind <= start < end <= 1 << arch.physmem_bits:
            raise ValueError(
                f"range {start:#x}-{end:#x}: give ascending, separate ranges below"
                f" 2**{arch.physmem_bits}"
            )
        behind = end
    asks = memory_of(ranges, device)
    chosen = size_bits(arch, asks) if bits is None else bits
    return [_candidate(arch, ranges, asks, 1 << b, kernel_frames) for b in chosen]


def _candidate(
    arch: Architecture,
    ranges: Sequence[tuple[int, int]],
    asks: Memory,
    section: int,
    kernel_frames: int,
) -> Candidate:
    per_root = arch.page // arch.mem_section
    fills = _fills(ranges, section)
    present = fills.total()
    memory = sum(end - start for start, end in ranges)
    pointers = -(-((1 << arch.physmem_bits) // section) // per_root) * 8
    roots = _touched(ranges, section * per_root)
    return Candidate(
        section,
        tuple(name for name, holds in CONSTRAINTS.items() if not holds(arch, asks, section)),
        present,
        roots,
        arch.flat_table(section),
        pointers + roots * arch.page,
        (present * section - memory) // arch.page * STRUCT_PAGE,
        removable_share(fills, section, kernel_frames),
    )
