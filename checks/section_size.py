"""The cost of each section size for a memory map: tables, and mem_map spent on holes (R1, R2).

Works on ranges, never section by section: its time follows the number of holes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memhp.spec.architectures import STRUCT_PAGE, Architecture
from memhp.spec.section_size import CONSTRAINTS

__all__ = ["Candidate", "candidates"]


@dataclass(frozen=True)
class Candidate:
    """A section size for a map; sizes in bytes."""

    section: int
    forbidden_by: tuple[str, ...]
    """The constraints that it breaks; empty if it is feasible."""
    present: int
    """Sections that hold memory."""
    flat_table: int
    """SPARSEMEM_STATIC: an entry for every section of the address space."""
    two_level_table: int
    """SPARSEMEM_EXTREME: all root pointers, and a page for each root that memory touches."""
    memmap_on_holes: int
    """mem_map for the parts of present sections that are not memory."""


def _touched(ranges: Sequence[tuple[int, int]], unit: int) -> int:
    """How many aligned units of that many bytes the sorted ranges touch."""
    count, after = 0, 0
    for start, end in ranges:
        first, last = max(start // unit, after), (end - 1) // unit
        count += max(0, last + 1 - first)
        after = last + 1
    return count


def candidates(
    arch: Architecture, ranges: Sequence[tuple[int, int]], bits: range = range(21, 38)
) -> list[Candidate]:
    """Every section size 2**bits for memory at the (start, end) ranges, end excluded.

    Raises ValueError for ranges that are empty, unsorted, overlapping or out of reach.

    >>> from memhp.spec.architectures import GIB, architecture
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
    memory = sum(end - start for start, end in ranges)
    return [_candidate(arch, ranges, memory, 1 << b) for b in bits]


def _candidate(
    arch: Architecture, ranges: Sequence[tuple[int, int]], memory: int, section: int
) -> Candidate:
    per_root = arch.page // arch.mem_section
    present = _touched(ranges, section)
    pointers = -(-((1 << arch.physmem_bits) // section) // per_root) * 8
    return Candidate(
        section,
        tuple(name for name, holds in CONSTRAINTS.items() if not holds(arch, section)),
        present,
        arch.flat_table(section),
        pointers + _touched(ranges, section * per_root) * arch.page,
        (present * section - memory) // arch.page * STRUCT_PAGE,
    )
