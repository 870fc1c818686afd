"""What a section size must satisfy, the rules for block sizes, and claims on both (R1 to R5).

Every rule is written once, with operators that plain integers and solver terms
share; `choose(condition, a, b)` is the one helper that a rule is given.

Sources: include/linux/mmzone.h (the compile-time checks), arch/x86/mm/init_64.c
(probe_memory_block_size), arch/powerpc/mm/init_64.c, drivers/s390/char/sclp_cmd.c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .architectures import (
    ARCHITECTURES,
    GIB,
    MIB,
    SUBSECTION,
    Architecture,
    architecture,
)

__all__ = [
    "ANY_MEMORY",
    "CLAIMS",
    "CONSTRAINTS",
    "LOOK_UP_LOADS",
    "Claim",
    "Memory",
    "ppc64_block_size",
    "x86_64_guest_block_size",
]

Term = Any
"""An int, or an integer term of a solver."""
Choose = Callable[[Term, Term, Term], Term]


@dataclass(frozen=True)
class Memory:
    """What a memory map asks of a section size; sizes in bytes."""

    whole: int
    """The largest aligned power of two that lies in memory without a hole."""
    device: int = 0
    """Each memory device begins at a multiple of it, and holds a multiple; 0: not known."""


ANY_MEMORY = Memory(whole=1 << 64)
"""A map that asks nothing."""

CONSTRAINTS: dict[str, Callable[[Architecture, Memory, Term], Term]] = {
    "a section holds a largest buddy block": lambda a, m, s: a.max_order_block <= s,
    "a section holds a granule": lambda a, m, s: a.granule <= s,
    "a section holds a sub-section": lambda a, m, s: s >= SUBSECTION,
    "a section is smaller than the address space": lambda a, m, s: s < (1 << a.physmem_bits),
    "some section has no hole": lambda a, m, s: s <= m.whole,
    "a memory device is whole sections": lambda a, m, s: m.device % s == 0,
}
"""What every section size satisfies on an architecture and a map, by name; sizes in bytes.

A section with a hole never goes offline (offline_pages counts System RAM), and a part
of a section is never added (check_hotplug_memory_range in mm/memory_hotplug.c).
"""

LOOK_UP_LOADS = {"none": 0, "flat": 1, "two-level": 2}
"""Loads from the section table that turn an address into its section, layout by layout (R2).

None: ia64's handler for regions 6 and 7 computes the address from a register alone.
Flat: the entry (SPARSEMEM_STATIC). Two-level: the root's pointer, then the entry
(SPARSEMEM_EXTREME). Source: include/linux/mmzone.h (__nr_to_section).
"""


def x86_64_guest_block_size(end: Term, choose: Choose) -> Term:
    """Bytes of a memory block under a hypervisor, from where boot memory ends.

    Args:
        end: the address at which boot memory, of 64 GiB or more, ends.

    Source: arch/x86/mm/init_64.c, probe_memory_block_size.
    """
    size: Term = 128 * MIB
    for candidate in (256 * MIB, 512 * MIB, GIB, 2 * GIB):
        size = choose(end % candidate == 0, candidate, size)
    return size


def ppc64_block_size(node: Term, choose: Choose) -> Term:
    """Bytes of a memory block where the device tree has no ibm,lmb-size.

    It is quartered while that one bit of the node's size is set.

    Args:
        node: bytes of the memory node.

    Source: arch/powerpc/mm/init_64.c, probe_memory_block_size.
    """
    size: Term = 16 * MIB
    for candidate in (64 * MIB, 256 * MIB, GIB):
        size = choose(node % (2 * candidate) >= candidate, size, candidate)  # the bit is set
    return size


@dataclass(frozen=True)
class Claim:
    """For every case and every integer x with assume(case, x): show(case, x, choose)."""

    name: str
    doc: str
    covers: tuple[str, ...]
    cases: tuple[Any, ...]
    assume: Callable[[Any, Term], Term]
    show: Callable[[Any, Term, Choose], Term]
    true: bool = True
    """False: a design that the checks must refute with a counterexample."""


def _skips_a_section(case: tuple[int, int], start: Term, choose: Choose) -> Term:
    """A hole from `start` holds a whole aligned section; case: bytes of section and of hole."""
    section, hole = case
    return (-start) % section + section <= hole


_SECTIONS = tuple(1 << bits for bits in range(24, 33))

CLAIMS = (
    Claim(
        "no_buddy_block_spans_two_sections",
        "On each architecture the largest buddy block, x-th in memory, ends in its own section.",
        ("R1", "R3", "R4", "R5"),
        ARCHITECTURES,
        lambda a, x: x >= 0,
        lambda a, x, choose: (x * a.max_order_block) % a.section + a.max_order_block <= a.section,
    ),
    Claim(
        "no_granule_spans_two_sections",
        "On ia64 the x-th granule ends in the section it begins in.",
        ("R1",),
        tuple(a for a in ARCHITECTURES if a.granule),
        lambda a, x: x >= 0,
        lambda a, x, choose: (x * a.granule) % a.section + a.granule <= a.section,
    ),
    Claim(
        "a_64k_page_order_fits_an_ia64_section_of_1_gib",
        "Defect: 64 KiB pages with order 16 need 4 GiB sections; 2.6.34 raised them for that.",
        ("R1",),
        ((architecture("ia64-64k"), GIB),),
        lambda case, x: x >= 0,
        lambda case, x, choose: (
            (x * case[0].max_order_block) % case[1] + case[0].max_order_block <= case[1]
        ),
        true=False,
    ),
    Claim(
        "a_hole_of_two_sections_skips_one_wherever_it_begins",
        "A hole at address x of twice the section holds an absent section (16 MiB to 4 GiB).",
        ("R1",),
        tuple((s, 2 * s) for s in _SECTIONS),
        lambda case, x: x >= 0,
        _skips_a_section,
    ),
    Claim(
        "a_section_no_larger_than_its_hole_is_skipped_wherever_it_begins",
        "Defect: the list's rule alone; a hole of one section that begins between is not skipped.",
        ("R1",),
        tuple((s, s) for s in _SECTIONS),
        lambda case, x: x >= 0,
        _skips_a_section,
        true=False,
    ),
    Claim(
        "the_ia64_table_of_1_gib_sections_lies_in_one_granule",
        "The entry of section x of a flat table aligned to 16 MiB needs no second translation.",
        ("R2",),
        ((architecture("ia64-16k"), GIB),),
        lambda case, x: (x >= 0) & (x * case[1] < (1 << case[0].physmem_bits)),
        lambda case, x, choose: (x + 1) * case[0].mem_section <= case[0].granule,
    ),
    Claim(
        "the_ia64_table_of_256_mib_sections_lies_in_one_granule",
        "Defect: sections too small for the TLB; the flat table of 50 bits is 64 MiB.",
        ("R2",),
        ((architecture("ia64-16k"), 256 * MIB),),
        lambda case, x: (x >= 0) & (x * case[1] < (1 << case[0].physmem_bits)),
        lambda case, x, choose: (x + 1) * case[0].mem_section <= case[0].granule,
        true=False,
    ),
    Claim(
        "an_entry_lies_within_one_page_of_its_table",
        "mem_section's size divides every page size: entry x never needs two translations.",
        ("R2",),
        ARCHITECTURES,
        lambda a, x: x >= 0,
        lambda a, x, choose: (x * a.mem_section) % a.page + a.mem_section <= a.page,
    ),
    Claim(
        "the_x86_64_guest_block_divides_the_end_of_boot_memory",
        "For an end x that is a multiple of the section: the rule's block divides it.",
        ("R4",),
        (architecture("x86_64"),),
        lambda a, x: (x >= 64 * GIB) & (x % a.section == 0),
        lambda a, x, choose: x % x86_64_guest_block_size(x, choose) == 0,
    ),
    Claim(
        "the_x86_64_guest_block_divides_any_end_of_boot_memory",
        "Defect: without an end at a section's boundary the smallest block does not divide it.",
        ("R4",),
        (architecture("x86_64"),),
        lambda a, x: (x >= 64 * GIB) & (x % a.page == 0),
        lambda a, x, choose: x % x86_64_guest_block_size(x, choose) == 0,
        true=False,
    ),
    Claim(
        "the_ppc64_block_divides_its_node",
        "Finding: the rule tests one bit; a node of x = 128 MiB keeps blocks of 1 GiB.",
        ("R3",),
        (architecture("ppc64-64k"),),
        lambda a, x: (x > 0) & (x % a.section == 0),
        lambda a, x, choose: x % ppc64_block_size(x, choose) == 0,
        true=False,
    ),
    Claim(
        "the_ppc64_block_is_whole_sections",
        "Whatever the node's size x, the block is a multiple of the section.",
        ("R3",),
        (architecture("ppc64-64k"), architecture("ppc64-4k")),
        lambda a, x: x > 0,
        lambda a, x, choose: ppc64_block_size(x, choose) % a.section == 0,
    ),
    Claim(
        "an_s390_block_is_whole_storage_increments",
        "max(256 MiB, increment) starts block x at an increment (1 MiB to 64 GiB, powers of two).",
        ("R5",),
        tuple(1 << bits for bits in range(20, 37)),
        lambda increment, x: x >= 0,
        lambda increment, x, choose: (x * max(256 * MIB, increment)) % increment == 0,
    ),
)
