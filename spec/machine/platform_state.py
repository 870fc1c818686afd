"""What platforms add to a machine: LMBs, sub-blocks, DAX devices, increments (A1, R3, R4, R5).

Topology and state alone: blocks and sections heed it, and pseries, virtio_mem,
dax_kmem and standby have the actions and what is true.  A machine of another platform
has none of it: nothing here is set there, and nothing here stands in its way.

Sources: arch/powerpc/platforms/pseries/hotplug-memory.c (struct drmem_lmb, flags),
drivers/virtio/virtio_mem.c (sub-block mode), drivers/dax/kmem.c,
drivers/s390/char/sclp_cmd.c (struct memory_increment).
"""

from __future__ import annotations

from ..language import (
    Bool,
    Enumeration,
    Sort,
    axiom,
    definition,
    exists,
    false,
    implies,
    topology,
    variable,
)
from .topology import (
    Block,
    Frame,
    MemoryDevice,
    Node,
    Section,
    block_of,
    block_of_section,
    boot_kernel,
    early,
    in_range,
    memmap_host,
    pgdat_block,
    pgdat_lies_in,
)


class SubBlock(Sort):
    """What a virtio-mem device plugs and unplugs: two or more make a block."""


class Increment(Sort):
    """A storage increment: what an s390x machine assigns; one or more make a block."""


class LmbRequest(Enumeration):
    """What becomes of a logical memory block (LMB) that a request has removed.

    ``removed``: the request goes on; ``leaving``: it has removed as many as it
    was to, and the hypervisor gets them; ``coming_back``: it has given up, and
    adds them back.
    """

    none: LmbRequest
    removed: LmbRequest
    leaving: LmbRequest
    coming_back: LmbRequest


# --- ppc64, pseries -------------------------------------------------------------------------------

is_lmb = topology(Block, Bool)
"""The block is a logical memory block, which a hypervisor gives and takes (ibm,lmb-size)."""

reserved_lmb = topology(Block, Bool)
"""The hypervisor keeps the block where it is (DRCONF_MEM_RESERVED)."""

assigned = variable(Block, Bool, initial=lambda b: is_lmb[b] & early[b])
"""The hypervisor's flag: Linux uses the LMB (DRCONF_MEM_ASSIGNED)."""

drc_acquired = variable(Block, Bool, initial=lambda b: is_lmb[b] & early[b])
"""The LMB's connector is Linux's own: its memory is there (dlpar_acquire_drc)."""

removed_for_request = variable(Block, LmbRequest, initial=lambda b: LmbRequest.none)
"""What becomes of the LMB, if the running request has removed it (drmem_mark_lmb_reserved)."""


@definition
def request_allows_add(b: Block) -> Bool:
    """Linux does not use the LMB, and no request has removed it, or it is to come back."""
    what = removed_for_request[b]
    return ~assigned[b] & ((what == LmbRequest.none) | (what == LmbRequest.coming_back))


# --- virtio-mem -----------------------------------------------------------------------------------

is_virtio = topology(Block, Bool)
"""The block's memory is a virtio-mem device's."""

block_of_subblock = topology(SubBlock, Block)
"""The block that a sub-block is part of."""

subblock_of = topology(Frame, SubBlock)
"""The sub-block that a frame of a virtio-mem block is part of."""

subblock_plugged = variable(SubBlock, Bool, initial=lambda u: false)
"""The device has memory behind the sub-block."""

driver_reference = variable(Frame, Bool, initial=lambda f: false)
"""The driver holds a reference on the frame, which is logically offline (PageOffline)."""


@axiom
def subblocks_lie_in_one_block(f: Frame) -> Bool:
    """A frame of a virtio-mem block is in a sub-block of that block."""
    return implies(is_virtio[block_of(f)], block_of_subblock[subblock_of[f]] == block_of(f))


@axiom
def virtio_memory_is_added_by_its_driver(b: Block) -> Bool:
    """The firmware does not tell of it, so that it is never there at boot."""
    return implies(is_virtio[b], ~early[b])


@axiom
def virtio_memory_holds_no_memmap(s: Section) -> Bool:
    """The driver does not ask for MHP_MEMMAP_ON_MEMORY: pieces of its memory come and go."""
    return ~is_virtio[block_of_section[memmap_host[s]]]


@axiom
def virtio_memory_holds_no_pgdat(n: Node) -> Bool:
    """A pgdat lies in memory that does not go in pieces."""
    return ~is_virtio[pgdat_block(n)]


@definition
def in_subblock(f: Frame, u: SubBlock) -> Bool:
    """The frame is part of the sub-block."""
    return is_virtio[block_of(f)] & (subblock_of[f] == u)


@definition
def has_a_piece(b: Block) -> Bool:
    """Some memory is behind the block: of a virtio-mem device's, a sub-block is plugged."""
    return ~is_virtio[b] | exists(
        SubBlock, lambda u: (block_of_subblock[u] == b) & subblock_plugged[u]
    )


@definition
def held_back(f: Frame) -> Bool:
    """No memory is behind the frame: when its block goes online its driver keeps it."""
    return is_virtio[block_of(f)] & ~subblock_plugged[subblock_of[f]]


# --- memory of a driver of its own ----------------------------------------------------------------

is_dax = topology(MemoryDevice, Bool)
"""The device is persistent or CXL memory (DAX), which a driver can give to the kernel."""

kmem_bound = variable(MemoryDevice, Bool, initial=lambda m: false)
"""The driver dax/kmem has the device: its memory is the kernel's, or is to be."""


@axiom
def dax_memory_is_added_by_its_driver(m: MemoryDevice, b: Block) -> Bool:
    """The firmware sets it apart (EFI_MEMORY_SP), so that it is never there at boot."""
    return implies(is_dax[m] & in_range[m, b], ~early[b])


@axiom
def dax_memory_shares_no_block(m: MemoryDevice, other: MemoryDevice, b: Block) -> Bool:
    """The driver gives whole blocks to the kernel (dax_kmem_range)."""
    shared = in_range[m, b] & in_range[other, b]
    return implies(is_dax[m] & shared, m == other)


@definition
def has_its_driver(b: Block) -> Bool:
    """A driver has each DAX device that the block lies in."""
    return ~exists(MemoryDevice, lambda m: is_dax[m] & in_range[m, b] & ~kmem_bound[m])


# --- s390x ----------------------------------------------------------------------------------------

in_storage = topology(Increment, Bool)
"""The machine has this increment."""

increment_block = topology(Increment, Block)
"""The block that an increment is part of; no increment is larger than a block."""

assigned_increment = variable(
    Increment, Bool, initial=lambda i: in_storage[i] & early[increment_block[i]]
)
"""The increment is assigned to this machine: its memory can be used; otherwise it is standby."""


@axiom
def pgdats_in_storage_are_kept(n: Node, i: Increment) -> Bool:
    """Storage that may be given back holds no pgdat, unless the kernel keeps its block for ever."""
    kept = exists(Frame, lambda f: boot_kernel[f] & (block_of(f) == increment_block[i]))
    return implies(in_storage[i] & pgdat_lies_in(n, increment_block[i]), kept)


@definition
def accessible(b: Block) -> Bool:
    """Every increment of the block is assigned; of other machines' blocks, any time."""
    return ~exists(
        Increment, lambda i: in_storage[i] & (increment_block[i] == b) & ~assigned_increment[i]
    )


@definition
def given_up(i: Increment) -> Bool:
    """A block that does not go online after all gives the increment up."""
    return in_storage[i]
