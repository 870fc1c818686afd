"""What a machine is: nodes, blocks, sections, frames, and what was there at boot.

Nothing here changes while the machine runs.  Sizes are left open: a proof holds
for any number of nodes, blocks of any number of sections, sections of any
number of frames.
"""

from __future__ import annotations

from ..language import (
    Bool,
    Enumeration,
    Sort,
    axiom,
    definition,
    exists,
    implies,
    topology,
)


class Node(Sort):
    """A NUMA node (a pgdat: include/linux/mmzone.h)."""


class Block(Sort):
    """A memory block: the unit that goes online and offline (drivers/base/memory.c)."""


class Section(Sort):
    """A SPARSEMEM section: the unit that has a mem_map (mm/sparse.c)."""


class Frame(Sort):
    """A page frame that the allocator may hand out, but where metadata of other memory lies."""


class MemoryDevice(Sort):
    """A device of the firmware that memory lies in: a DIMM, PNP0C80 (acpi_memhotplug.c)."""


class Zone(Enumeration):
    """Where a block's frames belong.  ``none``: not online, or spread over several zones."""

    none: Zone
    kernel: Zone
    movable: Zone


block_of_section = topology(Section, Block)
"""The block that a section belongs to."""

section_of = topology(Frame, Section)
"""The section that a frame belongs to."""

node_of = topology(Block, Node)
"""The node that a block belongs to."""

pgdat_section = topology(Node, Section)
"""The section whose memory holds the node's pgdat."""

memmap_host = topology(Section, Section)
"""The section whose memory holds a section's mem_map: itself, a neighbour, or a remote one."""

early = topology(Block, Bool)
"""The block was there at boot."""

in_range = topology(MemoryDevice, Block, Bool)
"""``in_range[m, b]``: device m holds memory of block b.  Two devices may share a block."""

early_device = topology(MemoryDevice, Bool)
"""The device was there at boot."""

may_be_forbidden = topology(MemoryDevice, Bool)
"""Somebody may forbid that the device is ejected, and allow it again.

Linux has one switch for all memory devices (/sys/firmware/acpi/hotplug/memory/enabled).
"""

lacks_ej0 = topology(MemoryDevice, Bool)
"""The firmware has no method that lets the device go (_EJ0)."""

demands_offline = topology(MemoryDevice, Bool)
"""The device goes only when its memory is offline already: no eject takes any of it offline.

Linux has it so of what lies in a container (drivers/acpi/container.c, demand_offline).
"""

early_zone = topology(Block, Zone)
"""The zone of an early block; ``none`` when several zones or nodes share it."""

hole = topology(Frame, Bool)
"""No memory lies behind this frame."""

boot_kernel = topology(Frame, Bool)
"""The kernel took this frame at boot and keeps it (PG_reserved)."""

metadata_frame = topology(Frame, Bool)
"""Metadata of other memory lies in the frame: a mem_map of another block, or the node's pgdat.

What describes a block in the block itself lies outside its frames (memmap on memory).  So may a
pgdat, for which memory is set aside before the section that it lies in is there.
"""

may_fail = topology(Frame, Bool)
"""The frame's memory can turn out to have an error (a machine check, or too many corrected)."""

vetoes_online = topology(Block, Bool)
"""A memory notifier refuses that this block goes online."""

vetoes_offline = topology(Block, Bool)
"""A memory notifier refuses that this block goes offline (arm64 boot memory, s390 kdump area)."""

movable_node = topology(Node, Bool)
"""Memory that is added to the node becomes movable, unless asked otherwise.

So it is on all nodes if the kernel was started with ``movable_node``; boot memory that the
firmware calls hot-pluggable is in the movable zone then, too (`early_zone`).
"""

nearer = topology(Node, Node, Node, Bool)
"""``nearer[n, a, b]``: seen from n, node a comes before node b (build_zonelists)."""

below = topology(Block, Block, Bool)
"""``below[a, b]``: block a has the lower physical address."""


@definition
def block_of(f: Frame) -> Block:
    """The block that a frame belongs to."""
    return block_of_section[section_of[f]]


@definition
def node_of_section(s: Section) -> Node:
    """The node that a section belongs to."""
    return node_of[block_of_section[s]]


@definition
def node_of_frame(f: Frame) -> Node:
    """The node that a frame belongs to."""
    return node_of[block_of(f)]


@definition
def pgdat_block(n: Node) -> Block:
    """The block whose memory holds the node's pgdat."""
    return block_of_section[pgdat_section[n]]


@definition
def pgdat_lies_in(n: Node, b: Block) -> Bool:
    """The node's pgdat lies in the memory of the block, and goes with it."""
    return pgdat_block(n) == b


@axiom
def pgdat_is_on_its_own_node(n: Node) -> Bool:
    """The list: "pgdat and mem_map should be arranged on each node"."""
    return node_of[pgdat_block(n)] == n


@axiom
def early_nodes_have_an_early_pgdat(b: Block) -> Bool:
    """A node with memory at boot has its pgdat in memory that was there at boot."""
    return implies(early[b], early[pgdat_block(node_of[b])])


@axiom
def early_memory_lies_in_early_devices(m: MemoryDevice, b: Block) -> Bool:
    """All devices of a block that was there at boot were there at boot."""
    return implies(early[b] & in_range[m, b], early_device[m])


@axiom
def early_sections_have_an_early_memmap(s: Section) -> Bool:
    """A mem_map that exists at boot lies in memory that was there at boot."""
    return implies(early[block_of_section[s]], early[block_of_section[memmap_host[s]]])


@axiom
def boot_memory_of_the_kernel_is_early(f: Frame) -> Bool:
    """The kernel's boot memory lies in early memory outside the movable zone, not in a hole."""
    b = block_of(f)
    return implies(boot_kernel[f], early[b] & (early_zone[b] != Zone.movable) & ~hole[f])


@axiom
def holes_are_early(f: Frame) -> Bool:
    """Only boot memory has holes: add_memory takes whole blocks of memory."""
    return implies(hole[f], early[block_of(f)])


@axiom
def metadata_lies_in_sections_that_hold_it(f: Frame) -> Bool:
    """Frames have metadata where a mem_map of another block lies, or in a block with a pgdat."""
    mine = section_of[f]
    memmap_of_others = exists(
        Section,
        lambda s: (memmap_host[s] == mine) & (block_of_section[s] != block_of_section[mine]),
    )
    pgdat = exists(Node, lambda n: pgdat_lies_in(n, block_of_section[mine]))
    return implies(metadata_frame[f], memmap_of_others | pgdat)


@axiom
def mem_maps_of_other_blocks_take_frames(s: Section) -> Bool:
    """The section that holds the mem_map of another block has a frame in which it lies."""
    host = memmap_host[s]
    taken = exists(Frame, lambda f: (section_of[f] == host) & metadata_frame[f])
    return implies(block_of_section[host] != block_of_section[s], taken)


@axiom
def metadata_lies_in_memory_outside_the_movable_zone(f: Frame) -> Bool:
    """It takes memory that can go again, of which nothing is in the movable zone at boot."""
    movable = early[block_of(f)] & (early_zone[block_of(f)] == Zone.movable)
    return implies(metadata_frame[f], ~hole[f] & ~boot_kernel[f] & ~movable)


@axiom
def distance_is_irreflexive(n: Node, a: Node) -> Bool:
    """No node is nearer than itself."""
    return ~nearer[n, a, a]


@axiom
def distance_is_transitive(n: Node, a: Node, b: Node, c: Node) -> Bool:
    """Distances can be chained."""
    return implies(nearer[n, a, b] & nearer[n, b, c], nearer[n, a, c])


@axiom
def distance_is_total(n: Node, a: Node, b: Node) -> Bool:
    """Of two nodes one is preferred; equal distances are ordered by the fallback list."""
    return implies(a != b, nearer[n, a, b] | nearer[n, b, a])


@axiom
def a_node_is_nearest_to_itself(n: Node, a: Node) -> Bool:
    """Local memory comes first."""
    return implies(a != n, nearer[n, n, a])


@axiom
def addresses_are_ordered(a: Block, b: Block, c: Block) -> Bool:
    """Physical addresses are a strict order..."""
    return ~below[a, a] & implies(below[a, b] & below[b, c], below[a, c])


@axiom
def addresses_differ(a: Block, b: Block) -> Bool:
    """... and no two blocks share one."""
    return implies(a != b, below[a, b] | below[b, a])
