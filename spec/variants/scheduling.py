"""Wrong designs of scheduled removal (N3, U3)."""

from __future__ import annotations

from ..folios.destination import has_room
from ..folios.frames import Folio
from ..folios.migration_stage import Stage, stage
from ..language import (
    Bool,
    DropGuard,
    DropUpdate,
    ReplaceDefinition,
    ReplaceGuard,
    Variant,
    exists,
)
from ..machine.topology import Frame
from ..special.sticky import stuck_for_good
from .sources import LIST

_OTHER_REMOVALS = "mm/memory_hotplug.c: offline_pages() isolates block by block, and no node"

__all__ = ["VARIANTS"]


def _copied_with_room_to_spare(o: Folio) -> Bool:
    return (stage[o] == Stage.copied) & exists(Frame, lambda f: has_room(f))


def _stuck_for_good_alone(f: Frame) -> Bool:
    return stuck_for_good(f)


VARIANTS = (
    Variant(
        name="allocation-refills-what-drains",
        doc="Allocation is not turned off ahead of removal: what moves out comes in again.",
        covers=("N3",),
        source=LIST + ": disabled of allocation beforehand",
        breaks="draining_ends",
        edits=(DropGuard("alloc_folio", "not_draining"),),
    ),
    Variant(
        name="move-waits-for-more-room",
        doc="What has a destination waits until there is room for yet another.",
        covers=("N3", "U3"),
        source="mm/migrate.c: a destination is set aside before anything is unmapped",
        breaks="draining_ends",
        edits=(ReplaceGuard("change_home", "copied", _copied_with_room_to_spare),),
    ),
    Variant(
        name="kernel-memory-while-draining",
        doc="The kernel may take frames of a block that is to be removed.",
        covers=("N3",),
        source=LIST + ": disabled of allocation beforehand",
        breaks="free_frames_of_draining_blocks_stay_free",
        edits=(DropGuard("alloc_kernel", "not_draining"),),
    ),
    Variant(
        name="pool-grows-in-a-draining-block",
        doc="A block is closed to allocation, and a pool of huge folios still grows in it.",
        covers=("N3", "D2"),
        source="mm/hugetlb.c: alloc_pool_huge_folio() knows no block that is to leave",
        breaks="draining_blocks_get_no_more_work_of_huge_folios",
        edits=(DropGuard("grow_pool", "not_draining"),),
    ),
    Variant(
        name="destination-in-a-draining-block",
        doc="Migration may choose a frame of a block that is to be removed itself.",
        covers=("N3", "U3"),
        source="mm/memory_hotplug.c: pages bounce between blocks that leave one after the other",
        breaks="nothing_moves_into_a_draining_block",
        edits=(DropGuard("reserve_destination", "not_draining"),),
    ),
    Variant(
        name="leaving-node-is-filled",
        doc="A node leaves as a whole, and programs still get memory on it.",
        covers=("N3", "N4"),
        source=_OTHER_REMOVALS,
        breaks="no_folio_comes_to_a_leaving_node",
        edits=(DropGuard("alloc_folio", "node_stays"),),
    ),
    Variant(
        name="kernel-memory-on-a-leaving-node",
        doc="A node leaves as a whole, and the kernel still takes memory on it.",
        covers=("N3", "N4"),
        source=_OTHER_REMOVALS,
        breaks="free_frames_of_leaving_nodes_stay_free",
        edits=(DropGuard("alloc_kernel", "node_stays"),),
    ),
    Variant(
        name="pool-grows-on-a-leaving-node",
        doc="A node leaves as a whole, and its pool of huge folios still grows.",
        covers=("N3", "D2"),
        source=_OTHER_REMOVALS,
        breaks="free_frames_of_leaving_nodes_stay_free",
        edits=(DropGuard("grow_pool", "node_stays"), DropGuard("take_surplus", "node_stays")),
    ),
    Variant(
        name="block-closed-under-a-migration",
        doc="A block is closed to allocation while a folio moves into it: it is refilled.",
        covers=("N3",),
        source=LIST + ": disabled of allocation beforehand",
        breaks="nothing_moves_into_a_draining_block",
        edits=(DropGuard("drain", "nothing_incoming"),),
    ),
    Variant(
        name="node-closed-under-a-migration",
        doc="The removal of a node begins while a folio moves to it.",
        covers=("N4",),
        source=LIST + ": destination of migration should be appropriate area",
        breaks="nothing_moves_to_a_leaving_node",
        edits=(DropGuard("begin_node_removal", "nothing_incoming"),),
    ),
    Variant(
        name="work-before-looking",
        doc="What can move is moved out of a closed block; sticky memory is met at the end.",
        covers=("U3",),
        source=LIST + ": sticky memory; mm/memory_hotplug.c: offline_pages() moves, then finds",
        breaks="sticky_memory_is_found_before_the_work",
        edits=(DropGuard("reserve_destination", "vetted"),),
    ),
    Variant(
        name="sticky-memory-overlooked",
        doc="A closed block counts as looked at whatever lies in it.",
        covers=("U3",),
        source=LIST + ": sticky memory",
        breaks="nothing_becomes_sticky_in_a_vetted_block",
        edits=(DropGuard("vet", "nothing_sticky"),),
    ),
    Variant(
        name="promise-overlooked",
        doc="A closed block is found to hold nothing sticky although a huge folio is promised.",
        covers=("U3", "D2"),
        source="mm/hugetlb.c: dissolve_free_hugetlb_folio() is asked when all else has moved",
        breaks="a_promise_is_found_before_the_work",
        edits=(ReplaceDefinition("sticky", _stuck_for_good_alone),),
    ),
    Variant(
        name="looked-for-in-an-open-block",
        doc="Somebody looks for sticky memory before allocation is off: it comes after.",
        covers=("U3",),
        source="mm/page_isolation.c: has_unmovable_pages() is racy on a block that is not isolated",
        breaks="only_closed_blocks_are_vetted",
        edits=(DropGuard("vet", "draining"),),
    ),
    Variant(
        name="tries-without-a-budget",
        doc="A folio that refuses is tried again at once, for ever.",
        covers=("U3",),
        source="mm/memory_hotplug.c: the loop of offline_pages() since the timeout went",
        breaks="another_try_is_paid_for",
        edits=(DropGuard("reserve_destination", "try_paid_for"),),
    ),
    Variant(
        name="huge-tries-without-a-budget",
        doc="A huge folio that refuses is tried again at once, for ever.",
        covers=("U3", "D2"),
        source="mm/memory_hotplug.c: the loop of offline_pages() since the timeout went",
        breaks="another_try_of_a_huge_folio_is_paid_for",
        edits=(DropGuard("begin_huge_migration", "try_paid_for"),),
    ),
    Variant(
        name="another-try-costs-nothing",
        doc="A removal waits before another try, and nobody counts how often.",
        covers=("U3",),
        source=LIST + ": removal takes less time than a reboot",
        breaks="another_try_is_paid_for",
        edits=(DropUpdate("try_again", "spent"),),
    ),
)
