"""Wrong designs of huge folios and their pools (D2)."""

from __future__ import annotations

from ..blocks.block_states import BlockState, block_state
from ..folios.drain import draining
from ..language import (
    Bool,
    DropGuard,
    DropUpdate,
    Int,
    ReplaceDefinition,
    ReplaceUpdate,
    Variant,
    exists,
)
from ..machine.topology import Frame, block_of
from ..special.huge_migration import target
from ..special.huge_pools import HugeFolio, Range, free_huge, pool_of, range_of
from .sources import LIST

__all__ = ["VARIANTS"]


def _two_too_many(h: HugeFolio) -> Int:
    return free_huge[pool_of(target[h])] + 2


def _block_by_block(r: Range) -> Bool:
    """Only blocks are looked at, not whether their node leaves."""

    def goes(f: Frame) -> Bool:
        offline = block_state[block_of(f)] == BlockState.going_offline
        return (range_of[f] == r) & (draining[block_of(f)] | offline)

    return exists(Frame, goes)


VARIANTS = (
    Variant(
        name="huge-folio-moved-to-a-leaving-node",
        doc="A huge folio moves to a node that leaves as a whole: only blocks are looked at.",
        covers=("D2", "N4"),
        source=LIST + ": destination of migration should be appropriate area",
        breaks="huge_destinations_lie_on_nodes_that_stay",
        edits=(ReplaceDefinition("leaves", _block_by_block),),
    ),
    Variant(
        name="surplus-forgotten-on-migration",
        doc="A surplus folio moves to another node, and the pools' surplus counters stay (B33).",
        covers=("D2",),
        source="Linux 6.12.112: hugetlb surplus pages in dissolve_free_huge_page",
        breaks="pools_count_their_surplus",
        edits=(DropUpdate("change_huge_home", "surplus_huge"),),
    ),
    Variant(
        name="free-count-forgotten-on-dissolve",
        doc="A free folio is dissolved, and the pool still counts it as free (B33).",
        covers=("D2",),
        source="Linux 6.12.112: hugetlb surplus pages in dissolve_free_huge_page",
        breaks="pools_count_their_free_folios",
        edits=(DropUpdate("dissolve", "free_huge"),),
    ),
    Variant(
        name="free-count-wrong-after-abort",
        doc="Giving a destination back counts it twice.",
        covers=("D2",),
        source="mm/hugetlb.c: the counters on the error paths of migration",
        breaks="pools_count_their_free_folios",
        edits=(ReplaceUpdate("abort_huge_migration", "free_huge", _two_too_many),),
    ),
    Variant(
        name="dissolved-though-promised",
        doc="Offlining dissolves a free folio that a mapping was promised.",
        covers=("D2",),
        source="mm/hugetlb.c: dissolve_free_hugetlb_folio(), the check of resv_huge_pages",
        breaks="promises_can_be_kept",
        edits=(DropGuard("dissolve", "not_promised"),),
    ),
    Variant(
        name="migratable-mark-lost",
        doc="A huge folio that moved is not seen by the next scan, and offlining loops (B42).",
        covers=("D2",),
        source="Linux 6.12.110: missing migratable flag on same-node hugetlb migration",
        breaks="a_folio_that_was_seen_is_seen_after_it_moved",
        edits=(DropUpdate("change_huge_home", "migratable"),),
    ),
    Variant(
        name="range-taken-in-part",
        doc="A huge folio is made of a range that has frames in use.",
        covers=("D2",),
        source="mm/page_alloc.c: alloc_contig_range() and the test of every frame",
        breaks="a_huge_folio_comes_and_goes_whole",
        edits=(DropGuard("grow_pool", "range_free"),),
    ),
    Variant(
        name="gigantic-moved-into-ordinary",
        doc="The destination's size is not compared: a 1 GiB folio goes to a 2 MiB range.",
        covers=("D2",),
        source="mm/hugetlb.c: one pool for each hstate",
        breaks="huge_destinations_have_the_same_size",
        edits=(DropGuard("begin_huge_migration", "same_size"),),
    ),
)
