"""Bookkeeping: what the rest of the kernel keeps for blocks and nodes that are in use (A1, N1, N4).

State alone: the steps of blocks.py change it, in the kernel's order, and
bookkeeping_claims.py says what is true of it.

Sources: mm/memory_hotplug.c (mem_hotplug_begin), mm/page_alloc.c (setup_zone_pageset,
build_all_zonelists), mm/slub.c (slab_mem_going_online_callback, slab_mem_offline_callback),
kernel/crash_core.c (crash_handle_hotplug_event).
"""

from __future__ import annotations

from ..language import (
    Bool,
    Enumeration,
    exists,
    false,
    variable,
)
from .topology import (
    Block,
    Node,
    Zone,
    early,
    early_zone,
    node_of,
)


class FileUse(Enumeration):
    """How far a write to a block's ``state`` file in sysfs is.

    ``open``: it wants device_hotplug_lock; ``turned_away``: somebody else has the
    lock, and the write waits until it can begin anew; ``locked``: it has the lock.
    """

    none: FileUse
    open: FileUse
    turned_away: FileUse
    locked: FileUse


def _has_boot_memory(n: Node) -> Bool:
    return exists(Block, lambda b: (node_of[b] == n) & early[b])


def _populated_at_boot(n: Node, z: Zone) -> Bool:
    return (z != Zone.none) & exists(
        Block, lambda b: (node_of[b] == n) & early[b] & (early_zone[b] == z)
    )


lock_held = variable(Block, Bool, initial=lambda b: false)
"""mem_hotplug_lock is held by the writer who changes this block."""

in_zonelists = variable(Node, Bool, initial=_has_boot_memory)
"""The node's zones are in the fallback lists of all nodes (build_zonelists)."""

own_pageset = variable(Node, Zone, Bool, initial=_populated_at_boot)
"""The zone has per-CPU lists of its own; an empty zone makes do with the boot pageset."""

node_structure = variable(Node, Bool, initial=_has_boot_memory)
"""The slab allocator has its structure for the node (struct kmem_cache_node)."""

crash_map = variable(Block, Bool, initial=lambda b: early[b])
"""The memory map that a crash kernel would be given names the block (elfcorehdr)."""

firmware_map = variable(Block, Bool, initial=lambda b: early[b])
"""/sys/firmware/memmap names the block: a kernel that kexec starts will use it."""

state_file = variable(Block, FileUse, initial=lambda b: FileUse.none)
"""The write to the block's ``state`` file."""

file_held = variable(Block, Bool, initial=lambda b: false)
"""The writer holds a reference on the file: its device cannot go (kernfs_get_active)."""
