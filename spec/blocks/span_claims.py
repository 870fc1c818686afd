"""What is true of the spans of zones and nodes (A1, N1).

Source: docs/invariants.md, I4, I5 and I6; the state is in zone_spans.py.
"""

from __future__ import annotations

from ..language import (
    Bool,
    after,
    always,
    exists,
    implies,
    ite,
    sometimes,
    step,
)
from ..machine.topology import (
    Block,
    Frame,
    Section,
    Zone,
    below,
    block_of,
    block_of_section,
    early,
    metadata_frame,
    movable_node,
    node_of,
)
from ..machine.zone_spans import (
    above,
    between,
    highest_zone,
    node_span,
    pages_zone,
    zone_span,
)
from .block_states import BlockState, block_state, default_zone, has_memory, zone
from .sections import Metadata, block_device, memmap


@always(covers="A1 N1")
def initialised_pages_name_their_zone(s: Section) -> Bool:
    """The struct pages of a section name the zone that manages its block (I4)."""
    b = block_of_section[s]
    return implies(memmap[s] == Metadata.initialised, pages_zone[b] == zone[b])


@always(covers="A1 N1")
def pages_name_no_other_zone(b: Block) -> Bool:
    """Struct pages name the zone that was chosen for the block, or are poisoned (I4)."""
    return implies(pages_zone[b] != Zone.none, pages_zone[b] == zone[b])


@always(covers="A1")
def zones_span_their_blocks(b: Block, z: Zone) -> Bool:
    """A zone's span reaches over every block of the zone (I5)."""
    return implies((pages_zone[b] == z) & (z != Zone.none), zone_span[b, z])


def _lies_inside(low: Block, b: Block, high: Block) -> Bool:
    """The block is not below the one nor above the other, of the same node.

    Not by `between`, which the spans are made by: a mistake there would not be seen.
    """
    same = (node_of[low] == node_of[b]) & (node_of[high] == node_of[b])
    return same & ~below[b, low] & ~below[high, b]


@always(covers="A1")
def zone_spans_have_no_gap(low: Block, b: Block, high: Block, z: Zone) -> Bool:
    """A span is one stretch (I5)."""
    ends = zone_span[low, z] & zone_span[high, z]
    return implies(ends & _lies_inside(low, b, high), zone_span[b, z])


@always(covers="A1")
def zone_spans_begin_with_a_block(b: Block, z: Zone) -> Bool:
    """Where a zone's span begins, it has a block; so an empty zone has no span (I5)."""

    def begins(low: Block) -> Bool:
        return (pages_zone[low] == z) & (node_of[low] == node_of[b]) & ~below[b, low]

    return implies(zone_span[b, z], (z != Zone.none) & exists(Block, begins))


@always(covers="A1", using="zone_spans_begin_with_a_block")
def zone_spans_end_with_a_block(b: Block, z: Zone) -> Bool:
    """Where a zone's span ends, it has a block (I5)."""

    def ends(high: Block) -> Bool:
        return (pages_zone[high] == z) & (node_of[high] == node_of[b]) & ~below[high, b]

    return implies(zone_span[b, z], exists(Block, ends))


@always(covers="A1", using="addresses_are_ordered")
def nodes_span_their_blocks(b: Block) -> Bool:
    """A node's span reaches over every block of its zones (I6)."""
    return implies(pages_zone[b] != Zone.none, node_span[b])


@always(covers="A1")
def node_spans_have_no_gap(low: Block, b: Block, high: Block) -> Bool:
    """A node's span is one stretch (I6)."""
    ends = node_span[low] & node_span[high]
    return implies(ends & _lies_inside(low, b, high), node_span[b])


@always(covers="A1")
def node_spans_begin_with_a_block(b: Block) -> Bool:
    """Where a node's span begins, a zone of the node has memory; empty zones add nothing (I6)."""

    def begins(low: Block) -> Bool:
        return (pages_zone[low] != Zone.none) & (node_of[low] == node_of[b]) & ~below[b, low]

    return implies(node_span[b], exists(Block, begins))


@always(covers="A1")
def node_spans_end_with_a_block(b: Block) -> Bool:
    """Where a node's span ends, a zone of the node has memory (I6)."""

    def ends(high: Block) -> Bool:
        return (pages_zone[high] != Zone.none) & (node_of[high] == node_of[b]) & ~below[high, b]

    return implies(node_span[b], exists(Block, ends))


@always(covers="A1 U1")
def reclaim_reaches_every_zone(b: Block) -> Bool:
    """No zone with memory lies above the highest zone that the node knows of."""
    return ~above(pages_zone[b], highest_zone[node_of[b]])


@always(covers="A1 U1")
def reclaim_reaches_the_movable_zone(b: Block) -> Bool:
    """Where a block is in the movable zone, the highest zone is that; never none, if any is."""
    n = node_of[b]
    movable = implies(pages_zone[b] == Zone.movable, highest_zone[n] == Zone.movable)
    return movable & implies(pages_zone[b] == Zone.kernel, highest_zone[n] != Zone.none)


def _has_metadata(b: Block) -> Bool:
    return exists(Frame, lambda f: (block_of(f) == b) & metadata_frame[f])


@step(
    covers="A1",
    using="reclaim_reaches_every_zone reclaim_reaches_the_movable_zone "
    "zone_spans_begin_with_a_block zone_spans_end_with_a_block zone_spans_have_no_gap "
    "zones_span_their_blocks",
)
def a_plain_online_keeps_zones_apart(b: Block) -> Bool:
    """Unasked, a block goes where the one zone around it is, or where its kernel was told (I5)."""

    def lies_around(z: Zone) -> Bool:
        def ends(low: Block, high: Block) -> Bool:
            both = (pages_zone[low] == z) & (pages_zone[high] == z)
            return both & between(low, b, high)

        return exists(Block, Block, ends)

    begins = (block_state[b] == BlockState.offline) & after(
        block_state[b] == BlockState.going_online
    )
    in_kernel, in_movable = lies_around(Zone.kernel), lies_around(Zone.movable)
    movable = ite(in_kernel == in_movable, movable_node[node_of[b]], in_movable)
    chosen = default_zone(b)
    return implies(
        begins, (chosen != Zone.none) & ((chosen == Zone.movable) == (movable & ~_has_metadata(b)))
    )


@always(covers="A1 U1", using="zone_spans_begin_with_a_block")
def a_node_without_kernel_memory_stays_movable(b: Block) -> Bool:
    """With ``movable_node`` a node that came without the kernel's memory gets none unasked (I5)."""
    n = node_of[b]
    waits = block_device[b] & (block_state[b] == BlockState.offline)
    kernel = exists(Block, lambda c: (node_of[c] == n) & (pages_zone[c] == Zone.kernel))
    free_to_move = ~kernel & ~_has_metadata(b)
    return implies(waits & movable_node[n] & free_to_move, default_zone(b) == Zone.movable)


@sometimes(covers="A1 U1")
def added_memory_is_movable_by_default(b: Block) -> Bool:
    """A block of a node where no other memory is in use would become movable, unasked."""
    waits = block_device[b] & (block_state[b] == BlockState.offline) & ~early[b]
    alone = ~has_memory[node_of[b]]
    return waits & alone & (default_zone(b) == Zone.movable)


@sometimes(covers="A1")
def a_span_shrinks(b: Block) -> Bool:
    """A boot block that left is outside its node's span, and another block is inside."""
    offline = early[b] & (block_state[b] == BlockState.offline)
    inside = exists(Block, lambda other: (node_of[other] == node_of[b]) & node_span[other])
    return offline & ~node_span[b] & inside
