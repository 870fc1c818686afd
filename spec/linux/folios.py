"""Where the contents of leaving memory go, what pins them, and what stores refuse of them.

Sources: mm/memory_hotplug.c (do_migrate_range), mm/migrate.c (alloc_migration_target,
fallback_migrate_folio), mm/gup.c, fs/buffer.c (end_buffer_async_write).
"""

from __future__ import annotations

from errno import EBUSY

from ..blocks.block_states import FrameState, frame_state, has_memory, zone
from ..folios.destination import destination
from ..folios.frames import Folio, contents, dirty, exists_now, home, lost, stored
from ..folios.migration_stage import Stage, stage
from ..folios.writeback import is_file, under_writeback
from ..folios.writeback_errors import Failure, failure
from ..language import (
    AddProperty,
    Bool,
    DropProperty,
    ReplaceDefinition,
    ReplaceErrno,
    ReplaceGuard,
    after,
    always,
    exists,
    implies,
    step,
)
from ..machine.topology import Frame, Node, Zone, block_of, node_of_frame
from ..special.huge_migration import can_become_huge, can_become_huge_nearer, is_open_to, takes_in
from ..special.huge_pools import (
    HugeFolio,
    Range,
    gigantic,
    huge_exists,
    huge_home,
    node_of_range,
    pool_of,
)
from .choice import Choice, edits_of

__all__ = ["CHOICES"]


def _another_node_first(o: Folio, d: Frame) -> Bool:
    """The own node serves only when no other node that stays has memory."""
    here = node_of_frame(home[o])
    alone = ~exists(Node, lambda n: (n != here) & has_memory[n])
    return (node_of_frame(d) != here) | alone


def _another_pool_first(h: HugeFolio, t: HugeFolio) -> Bool:
    """The same for huge folios, which go by the same list of allowed nodes."""
    alone = ~exists(Node, lambda n: (n != pool_of(h)) & has_memory[n])
    return (pool_of(t) != pool_of(h)) | alone


def _is_open_in_another_pool(t: HugeFolio, h: HugeFolio) -> Bool:
    """The huge folio h can move to this free one of its size."""
    same_size = gigantic[huge_home[t]] == gigantic[huge_home[h]]
    return takes_in(t) & same_size & _another_pool_first(h, t)


def _another_nodes_range(h: HugeFolio, r: Range) -> Bool:
    """The range is on a node that is allowed for what h moves to."""
    alone = ~exists(Node, lambda n: (n != pool_of(h)) & has_memory[n])
    return (node_of_range[r] != pool_of(h)) | alone


def _another_nodes_range_first(h: HugeFolio, t: HugeFolio, r: Range) -> Bool:
    """Of the allowed nodes the nearest that has room."""
    return _another_nodes_range(h, r) & ~exists(Range, lambda x: _is_nearer(h, x, r))


def _is_nearer(h: HugeFolio, x: Range, r: Range) -> Bool:
    """The range x can become a huge folio on a nearer node that is allowed."""
    return can_become_huge_nearer(h, x, r) & _another_nodes_range(h, x)


def _is_a_place_to_make_elsewhere(t: HugeFolio, r: Range, h: HugeFolio) -> Bool:
    """The huge folio h can move to one that is made of the range, on an allowed node."""
    made = ~huge_exists(t) & can_become_huge(r) & ~gigantic[huge_home[h]]
    pooled = exists(HugeFolio, lambda x: is_open_to(x, h))
    return made & ~pooled & _another_nodes_range_first(h, t, r)


def _free_for_the_zone(o: Folio, d: Frame) -> Bool:
    """The destination is free, and no movable memory for what lies in a kernel zone."""
    from_movable = zone[block_of(home[o])] == Zone.movable
    to_movable = zone[block_of(d)] == Zone.movable
    return (frame_state[d] == FrameState.free) & (from_movable | ~to_movable)


@step(covers="N4")
def contents_of_a_kernel_zone_stay_in_kernel_zones(o: Folio) -> Bool:
    """What lies in a kernel zone never moves into a movable one (no __GFP_HIGHMEM)."""
    chosen = (stage[o] == Stage.idle) & after(stage[o] == Stage.reserved)
    from_kernel = zone[block_of(home[o])] != Zone.movable
    return implies(chosen & from_kernel, zone[block_of(after(destination[o]))] != Zone.movable)


@always(covers="U4")
def clean_folios_are_on_their_store_or_have_failed(o: Folio) -> Bool:
    """What is clean, and is not what the store has, was refused: who asks is, or was, told."""
    clean = is_file(o) & ~dirty[o] & ~under_writeback[o]
    return implies(clean & (stored[o] != contents[o]), failure[o] != Failure.none)


@step(covers="U4")
def data_is_dropped_when_its_store_has_it_or_has_refused_it(o: Folio) -> Bool:
    """Page cache goes away when its store has it, or its owner is told of an error, or was."""
    dropped = is_file(o) & ~after(exists_now(o))
    told = (failure[o] != Failure.none) | after(lost[o])
    return implies(dropped & (stored[o] != contents[o]), told)


CHOICES = (
    Choice(
        name="kernel-zone-contents-stay-in-kernel-zones",
        doc="What lies in a kernel zone does not move to a node that has movable memory alone.",
        edits=(
            ReplaceGuard("reserve_destination", "frame_free", _free_for_the_zone),
            AddProperty(contents_of_a_kernel_zone_stay_in_kernel_zones),
        ),
    ),
    Choice(
        name="another-node-first",
        doc="Contents of a leaving block go to another node whenever there is one.",
        edits=(
            ReplaceGuard("reserve_destination", "nearest_with_room", _another_node_first),
            ReplaceGuard("begin_huge_migration", "nearest_with_room", _another_pool_first),
            ReplaceGuard(
                "begin_huge_migration_afresh", "nearest_with_room", _another_nodes_range_first
            ),
            ReplaceDefinition("is_open_to", _is_open_in_another_pool),
            ReplaceDefinition("is_a_place", _is_open_in_another_pool),
            ReplaceDefinition("is_a_place_to_make", _is_a_place_to_make_elsewhere),
            # of two nodes a huge folio never stays on its own
            DropProperty("a_huge_folio_moves_near_although_there_is_room_elsewhere"),
            DropProperty("a_huge_folio_that_refused_moves_while_another_block_goes"),
        ),
        gives_up=(
            (
                "contents_stay_on_their_node_while_it_has_room",
                "do_migrate_range() takes the own node out of the allowed nodes"
                " (mm/memory_hotplug.c)",
            ),
            (
                "no_free_frame_that_is_nearer_is_passed_over",
                "free frames of the own node are nearer, and it is taken out (mm/memory_hotplug.c)",
            ),
            (
                "the_nearest_node_with_room_is_chosen",
                "the own node is the nearest, and it is taken out (mm/memory_hotplug.c)",
            ),
            (
                "no_free_huge_folio_that_is_nearer_is_passed_over",
                "do_migrate_range() takes the own node out for huge folios, too"
                " (mm/memory_hotplug.c)",
            ),
            (
                "no_free_range_that_is_nearer_is_passed_over",
                "nor is a huge page made on it (alloc_migrate_hugetlb_folio(), mm/hugetlb.c)",
            ),
            (
                "draining_ends",
                "when the other nodes have memory but no free page, the room on the own node is"
                " not used (do_migrate_range(), mm/memory_hotplug.c)",
            ),
            (
                "a_block_that_goes_offline_empties",
                "for the same reason: room on the own node does not count (mm/memory_hotplug.c)",
            ),
        ),
    ),
    Choice(
        name="dirty-without-a-method-is-refused",
        doc="Migration writes nothing out: what is dirty and has no method waits for the flusher.",
        since=(6, 16),
        edits=(ReplaceErrno("change_home", "clean_or_method", EBUSY),),
    ),
    Choice(
        name="failed-writeback-taken-for-success",
        doc="Data that its store refused counts as clean, and an error is told once.",
        edits=(
            *edits_of("failed-writeback-taken-for-success"),
            AddProperty(clean_folios_are_on_their_store_or_have_failed),
            AddProperty(data_is_dropped_when_its_store_has_it_or_has_refused_it),
        ),
        gives_up=(
            (
                "clean_folios_are_on_their_store",
                "end_buffer_async_write() sets the error, and leaves the folio clean (fs/buffer.c)",
            ),
            (
                "unwritten_data_is_never_dropped",
                "a folio that is clean is reclaimed; the error stays with the file, until somebody"
                " asks or its inode is evicted (lib/errseq.c)",
            ),
        ),
    ),
    Choice(
        name="buffer-in-the-removable-area",
        doc="A long-term pin is taken where the folio lies, in the movable zone too.",
        before=(5, 13),
        edits=(
            *edits_of("buffer-in-the-removable-area"),
            *edits_of("huge-buffer-in-the-removable-area"),
        ),
        gives_up=(
            (
                "fixed_huge_buffers_stay_out_of_the_removable_area",
                "huge pages are pinned where they are, too (mm/gup.c)",
            ),
            (
                "long_term_pins_on_huge_folios_begin_where_memory_stays",
                "the same, for huge pages (mm/gup.c)",
            ),
            (
                "fixed_buffers_stay_out_of_the_removable_area",
                "pages are pinned where they are: check_and_migrate_movable_pages() is of 5.13"
                " (mm/gup.c)",
            ),
            (
                "long_term_pins_begin_where_memory_stays",
                "the same: nothing is moved out of ZONE_MOVABLE before it is pinned (mm/gup.c)",
            ),
            (
                "only_private_data_that_stays_breaks_the_removable_area",
                "such a buffer is stuck there, too, as long as a program likes (mm/gup.c)",
            ),
            (
                "blocks_of_the_removable_area_can_be_vetted",
                "a block that holds such a buffer stays (mm/gup.c)",
            ),
        ),
    ),
)
