"""Wrong designs of huge folios and their pools (D2)."""

from __future__ import annotations

from ..blocks.block_states import BlockState, block_state
from ..folios.drain import draining
from ..folios.removal_work import goes_offline
from ..language import (
    Bool,
    DropGuard,
    DropUpdate,
    Int,
    ReplaceDefinition,
    ReplaceGuard,
    ReplaceUpdate,
    Variant,
    exists,
)
from ..machine.topology import Block, Frame, block_of
from ..special.huge_migration import on_its_way, target
from ..special.huge_pins import HugePin
from ..special.huge_pools import (
    HugeFolio,
    HugeState,
    Range,
    free_huge,
    head_frame,
    huge_home,
    pool_of,
    range_of,
)
from .sources import LIST

__all__ = ["VARIANTS"]


def _two_too_many(h: HugeFolio) -> Int:
    return free_huge[pool_of(target[h])] + 2


def _free(h: HugeFolio) -> HugeState:
    return HugeState.free


def _block_by_block(r: Range) -> Bool:
    """Only blocks are looked at, not whether their node leaves."""

    def goes(f: Frame) -> Bool:
        offline = block_state[block_of(f)] == BlockState.going_offline
        return (range_of[f] == r) & (draining[block_of(f)] | offline)

    return exists(Frame, goes)


def _lent_block_by_block(x: HugePin, h: HugeFolio) -> Bool:
    return ~_block_by_block(huge_home[h])


def _no_huge_folio_moves(b: Block) -> Bool:
    moving = exists(HugeFolio, lambda h: on_its_way(h) & (block_of(head_frame[huge_home[h]]) == b))
    return goes_offline(b) & ~moving


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
        name="huge-folio-lent-on-a-leaving-node",
        doc="A huge folio is pinned for long on a node that leaves: only its blocks are looked at.",
        covers=("D2", "N4", "U5"),
        source="mm/gup.c: folio_is_longterm_pinnable() asks for zones and blocks, and for no node",
        breaks="long_term_pins_on_huge_folios_begin_where_memory_stays",
        edits=(ReplaceGuard("pin_huge_longterm", "range_stays", _lent_block_by_block),),
    ),
    Variant(
        name="surplus-forgotten-on-migration",
        doc="A surplus folio moves to another node, and the pools' surplus counters stay (B33).",
        covers=("D2",),
        source="Linux 6.12.112: hugetlb surplus pages in dissolve_free_huge_page",
        breaks="no_more_is_surplus_than_there_is",
        edits=(DropUpdate("change_huge_home", "surplus_huge"),),
    ),
    Variant(
        name="surplus-forgotten-on-dissolve",
        doc="A free folio is dissolved on a node with surplus, which stays (B33).",
        covers=("D2",),
        source="Linux 6.12.112: hugetlb surplus pages in dissolve_free_huge_page",
        breaks="surplus_goes_first",
        edits=(DropUpdate("dissolve", "surplus_huge"),),
    ),
    Variant(
        name="surplus-freed-into-the-pool",
        doc="What the last user lets go of is free in its pool, although the node has surplus.",
        covers=("D2",),
        source="mm/hugetlb.c: free_huge_folio(), the question for surplus_huge_pages_node",
        breaks="what_was_used_is_free_only_where_nothing_is_surplus",
        edits=(DropGuard("put_huge", "nothing_surplus"),),
    ),
    Variant(
        name="temporary-folio-stays",
        doc="A pool keeps the old range of a folio for whose move a range was made: it has grown.",
        covers=("D2",),
        source="mm/hugetlb.c: move_hugetlb_state() makes the old folio the temporary one",
        breaks="what_is_made_for_a_move_is_in_no_pool",
        edits=(ReplaceUpdate("change_huge_home", "huge_state", _free),),
    ),
    Variant(
        name="temporary-folio-on-a-leaving-node",
        doc="For a move memory is made huge on a node that leaves.",
        covers=("D2", "N4"),
        source=LIST + ": destination of migration should be appropriate area",
        breaks="huge_destinations_lie_on_nodes_that_stay",
        edits=(DropGuard("begin_huge_migration_afresh", "node_stays"),),
    ),
    Variant(
        name="memory-made-huge-beside-a-pool",
        doc="A move takes free memory, although a pool has a free huge folio for it.",
        covers=("D2",),
        source="mm/hugetlb.c: alloc_hugetlb_folio_nodemask() asks the pools first",
        breaks="a_move_uses_a_pool_first",
        edits=(DropGuard("begin_huge_migration_afresh", "no_pool_has_one"),),
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
    Variant(
        name="huge-entry-left-behind",
        doc="A huge folio is copied while an entry still maps it, and leads to the old range then.",
        covers=("D2",),
        source="mm/migrate.c: the folio_mapped() check of unmap_and_move_huge_page()",
        breaks="nothing_maps_a_range_that_is_nobodys",
        edits=(DropGuard("copy_huge", "unmapped"),),
    ),
    Variant(
        name="huge-folio-unlocked-with-an-entry-left",
        doc="A huge folio settles before every migration entry has come back.",
        covers=("D2", "D1"),
        source=LIST + ": migration cache",
        breaks="huge_migration_entries_belong_to_moving_folios",
        edits=(DropGuard("finish_huge_migration", "entries_restored"),),
    ),
    Variant(
        name="pinned-huge-folio-moved",
        doc="A huge folio moves under a device, which writes to the range that it has left.",
        covers=("D2", "U5"),
        source="mm/migrate.c: the expected references of a hugetlb folio",
        breaks="devices_write_to_their_huge_folios_range",
        edits=(DropGuard("copy_huge", "not_pinned"),),
    ),
    Variant(
        name="huge-folio-pinned-in-the-middle-of-a-move",
        doc="A device gets hold of a huge folio that is being copied.",
        covers=("D2", "U5"),
        source="mm/gup.c: a folio is pinned through a present entry only",
        breaks="no_device_uses_a_huge_folio_while_it_is_copied",
        edits=(DropGuard("pin_huge_short", "unlocked"),),
    ),
    Variant(
        name="huge-buffer-in-the-removable-area",
        doc="A huge folio is pinned for long where it lies, in the movable zone too.",
        covers=("D2", "U5", "U1"),
        source="mm/gup.c: check_and_migrate_movable_folios() and hugetlb folios",
        breaks="fixed_huge_buffers_stay_out_of_the_removable_area",
        edits=(DropGuard("pin_huge_longterm", "outside_removable_area"),),
    ),
    Variant(
        name="huge-buffer-in-a-leaving-block",
        doc="A huge folio is pinned for long in a block that was found to hold nothing stuck.",
        covers=("D2", "U5", "U3"),
        source=LIST + ": sticky memory",
        breaks="vetted_blocks_hold_no_huge_folio_held_for_long",
        edits=(DropGuard("pin_huge_longterm", "range_stays"),),
    ),
    Variant(
        name="no-giving-up-while-a-huge-folio-moves",
        doc="Once a removal moves a huge folio, nobody can give it up before the folio has moved.",
        covers=("D2", "U3"),
        source="mm/migrate.c: migrate_pages() goes through its list, whatever signal comes",
        breaks="a_removal_finishes_or_gives_up_within_its_budget",
        edits=(ReplaceGuard("cancel_offline", "going_offline", _no_huge_folio_moves),),
    ),
    Variant(
        name="huge-folio-freed-while-mapped",
        doc="A huge folio goes back to its pool while an entry leads to it.",
        covers=("D2",),
        source="mm/hugetlb.c: free_huge_folio(), the map count of what is freed",
        breaks="mapped_huge_folios_are_used",
        edits=(DropGuard("put_huge", "not_mapped"),),
    ),
    Variant(
        name="huge-folio-freed-while-pinned",
        doc="A huge folio goes back to its pool while a device writes to it.",
        covers=("D2", "U5"),
        source="mm/hugetlb.c: free_huge_folio(), the references of what is freed",
        breaks="huge_pins_name_huge_folios_in_use",
        edits=(DropGuard("put_huge", "not_pinned"),),
    ),
)
