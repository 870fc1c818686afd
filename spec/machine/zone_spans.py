"""Spans: from where to where a zone and a node reach, with all the gaps between (A1, N1).

A span is kept as the set of the node's own blocks that it reaches over; the
kernel keeps its first and last page.  It grows when struct pages are
initialised and is made anew from what is left when a block leaves.  A boot block
that several zones share belongs to no span here; it never leaves.

Sources: mm/memory_hotplug.c (resize_zone_range, shrink_zone_span, update_pgdat_span),
mm/mm_init.c (init_currently_empty_zone: nr_zones).  The actions are in blocks.py.
"""

from __future__ import annotations

from ..language import (
    Bool,
    definition,
    exists,
    ite,
    variable,
)
from .topology import (
    Block,
    Node,
    Zone,
    below,
    early,
    early_zone,
    node_of,
)


@definition
def between(low: Block, b: Block, high: Block) -> Bool:
    """Block b lies on the node of low and high, and not outside of them."""
    same = (node_of[low] == node_of[b]) & (node_of[high] == node_of[b])
    return same & ~below[b, low] & ~below[high, b]


@definition
def above(a: Zone, b: Zone) -> Bool:
    """Zone a comes after zone b in the node's array of zones; ``none`` is before the first."""
    return (a != b) & ((a == Zone.movable) | (b == Zone.none))


def _boot_zone(b: Block) -> Zone:
    return ite(early[b], early_zone[b], Zone.none)


def _boot_span(b: Block, z: Zone) -> Bool:
    def ends(low: Block, high: Block) -> Bool:
        return (_boot_zone(low) == z) & (_boot_zone(high) == z) & between(low, b, high)

    return (z != Zone.none) & exists(Block, Block, ends)


def _boot_node_span(b: Block) -> Bool:
    def ends(low: Block, high: Block) -> Bool:
        both = (_boot_zone(low) != Zone.none) & (_boot_zone(high) != Zone.none)
        return both & between(low, b, high)

    return exists(Block, Block, ends)


def _boot_highest(n: Node) -> Zone:
    def has(z: Zone) -> Bool:
        return exists(Block, lambda b: (node_of[b] == n) & (_boot_zone(b) == z))

    return ite(has(Zone.movable), Zone.movable, ite(has(Zone.kernel), Zone.kernel, Zone.none))


pages_zone = variable(Block, Zone, initial=_boot_zone)
"""The zone that the block's struct pages name (page_zone); ``none``: they are poisoned."""

zone_span = variable(Block, Zone, Bool, initial=_boot_span)
"""``zone_span[b, z]``: the span of the zone z of b's node reaches over b."""

node_span = variable(Block, Bool, initial=_boot_node_span)
"""The span of the block's node reaches over the block."""

highest_zone = variable(Node, Zone, initial=_boot_highest)
"""The highest zone that reclaim looks at (pgdat, nr_zones); it never goes down."""


@definition
def zone_grows_over(b: Block, x: Block, z: Zone) -> Bool:
    """When b joins zone z, the zone's span, stretched to b, reaches over x."""
    stretched = exists(Block, lambda y: zone_span[y, z] & (between(y, x, b) | between(b, x, y)))
    return (x == b) | stretched


@definition
def node_grows_over(b: Block, x: Block) -> Bool:
    """When b joins a zone, the span of its node, stretched to b, reaches over x."""
    stretched = exists(Block, lambda y: node_span[y] & (between(y, x, b) | between(b, x, y)))
    return (x == b) | stretched


@definition
def zone_left_over(b: Block, x: Block, z: Zone) -> Bool:
    """Without b, the struct pages of zone z still reach over x."""

    def ends(low: Block, high: Block) -> Bool:
        others = (low != b) & (high != b) & (pages_zone[low] == z) & (pages_zone[high] == z)
        return others & between(low, x, high)

    return (z != Zone.none) & exists(Block, Block, ends)


@definition
def node_left_over(b: Block, x: Block) -> Bool:
    """Without b, the zones of the node that are not empty still reach over x."""

    def ends(low: Block, high: Block) -> Bool:
        others = (low != b) & (high != b)
        named = (pages_zone[low] != Zone.none) & (pages_zone[high] != Zone.none)
        return others & named & between(low, x, high)

    return exists(Block, Block, ends)
