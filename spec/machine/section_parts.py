"""What hangs on a section besides its mem_map, and who looks at it without a lock (N1).

State alone: sections.py changes it together with the sections, section_readers.py
has the other actions and what is true.

Sources: mm/sparse.c (section_activate, section_deactivate), include/linux/mmzone.h
(struct mem_section_usage, pfn_valid), mm/memory_hotplug.c (create_altmaps_and_memory_blocks).
"""

from __future__ import annotations

from ..language import (
    Bool,
    Enumeration,
    Int,
    Sort,
    definition,
    exists,
    false,
    ite,
    topology,
    variable,
)
from .topology import (
    Block,
    Node,
    Section,
    block_of_section,
    early,
    memmap_host,
)


class Reader(Sort):
    """Code that looks at a section or a pgdat under RCU only, without the hotplug lock."""


class Look(Enumeration):
    """What a reader looks at: the section's usage map, its node's pgdat, or its block's device."""

    nothing: Look
    section: Look
    pgdat: Look
    block: Look


class UsageMap(Enumeration):
    """The life of a section's usage map; ``boot``: part of one allocation for many sections."""

    absent: UsageMap
    boot: UsageMap
    own: UsageMap
    freed: UsageMap


class Altmap(Enumeration):
    """The life of the descriptor of a mem_map that lies in the block that it describes."""

    absent: Altmap
    held: Altmap
    freed: Altmap


at_work = topology(Reader, Bool)
"""The machine has this reader."""

watched = topology(Reader, Section)
"""The section that a reader is interested in."""

looks_at = variable(Reader, Look, initial=lambda r: Look.nothing)
"""What the reader looks at now, between rcu_read_lock() and rcu_read_unlock()."""

usage = variable(
    Section,
    UsageMap,
    initial=lambda s: ite(early[block_of_section[s]], UsageMap.boot, UsageMap.absent),
)
"""The section's usage map (struct mem_section_usage)."""

altmap = variable(Block, Altmap, initial=lambda b: Altmap.absent)
"""The block's altmap descriptor (struct memory_block, altmap)."""

from_altmap = variable(Section, Bool, initial=lambda s: false)
"""The section's mem_map was cut from its block's altmap, and must be given back to it."""

ram_resource = variable(
    Block,
    Bool,
    initial=lambda b: early[b] & exists(Section, lambda s: block_of_section[s] == b),
)
"""/proc/iomem names the block's range as System RAM (register_memory_resource)."""

memmap_counted = variable(Section, Bool, initial=lambda s: false)
"""The section's mem_map was counted when memory was added; boot mem_maps are counted elsewhere."""

memmaps_added = variable(Node, Int, initial=lambda n: Int.of(0))
"""How many mem_maps of added memory the node has (vmstat, nr_memmap)."""


block_references = variable(Block, Int, initial=lambda b: Int.of(0))
"""How many look-ups hold the block's device (find_memory_block takes a reference)."""


@definition
def hosts_itself(s: Section) -> Bool:
    """The section's mem_map lies in the section's own block (memmap on memory)."""
    return block_of_section[memmap_host[s]] == block_of_section[s]
