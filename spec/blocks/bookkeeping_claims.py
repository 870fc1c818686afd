"""What is true of the bookkeeping: it tells of the memory that is in use, no more, no less.

The state is in bookkeeping.py; the numbers I1 to I18 are those of docs/invariants.md.
"""

from __future__ import annotations

from ..language import Bool, always, exists, implies
from ..machine.bookkeeping import (
    crash_map,
    in_zonelists,
    lock_held,
    node_structure,
    own_pageset,
)
from ..machine.topology import Block, Node, Zone, node_of
from .block_states import MemoryEvent, changing, event, has_memory, in_use, zone


@always(covers="A1")
def the_lock_is_held_while_a_block_changes(b: Block) -> Bool:
    """mem_hotplug_lock is given back on every way out, and not before."""
    return lock_held[b] == changing(b)


@always(covers="A1 N4")
def zonelists_hold_the_nodes_with_memory(n: Node) -> Bool:
    """A node is in the fallback lists exactly while it has memory (I9)."""
    return in_zonelists[n] == has_memory[n]


@always(covers="A1")
def populated_zones_have_their_own_pageset(b: Block) -> Bool:
    """No zone with memory makes do with the boot pageset, which it would share."""
    return implies(in_use(b) & (zone[b] != Zone.none), own_pageset[node_of[b], zone[b]])


@always(
    covers="A1",
    using="coming_blocks_have_a_zone notifiers_know_that_a_block_is_coming "
    "one_block_changes_at_a_time",
)
def pagesets_are_for_populated_zones(n: Node, z: Zone) -> Bool:
    """A zone that lost its last block gives its per-CPU lists back."""
    populated = exists(Block, lambda b: (node_of[b] == n) & in_use(b) & (zone[b] == z))
    return implies(own_pageset[n, z], (z != Zone.none) & populated)


@always(covers="A1 N1")
def nodes_with_memory_have_their_structures(n: Node) -> Bool:
    """Whoever allocates from a node finds the slab allocator's structure for it (I14)."""
    return implies(has_memory[n], node_structure[n])


@always(covers="A1 N1")
def announced_memory_has_its_structures(b: Block) -> Bool:
    """MEM_GOING_ONLINE creates what a node needs before its memory is there (I14)."""
    return implies(event[b] == MemoryEvent.going_online, node_structure[node_of[b]])


@always(covers="A1 N1", using="notifiers_know_that_a_block_is_coming")
def node_structures_are_for_nodes_with_memory(n: Node) -> Bool:
    """The structure goes with the node's last memory, or when that memory does not come (I14)."""
    coming = exists(Block, lambda b: (node_of[b] == n) & (event[b] == MemoryEvent.going_online))
    return implies(node_structure[n], has_memory[n] | coming)


@always(covers="A1")
def the_crash_map_names_the_memory_in_use(b: Block) -> Bool:
    """A crash kernel is told of the blocks in use, no more and no less."""
    return crash_map[b] == in_use(b)
