"""Wrong designs of memory with errors (U3, A1).

Two of Linux, B13 and B41, are in `history`.
"""

from __future__ import annotations

from ..blocks.block_states import BlockState, FrameState, block_state, frame_state, hwpoison
from ..folios.frames import Folio, FolioKind, exists_now
from ..language import (
    Bool,
    DropGuard,
    DropUpdate,
    ExtendAction,
    ReplaceDefinition,
    ReplaceGuard,
    Variant,
    false,
    ite,
)
from ..machine.platform_state import driver_reference
from ..machine.topology import Block, Frame, Zone, block_of

__all__ = ["VARIANTS"]

_FAILURE = "mm/memory-failure.c"


def _new_struct_pages(b: Block, z: Zone) -> None:
    hwpoison.update(where=lambda f: block_of(f) == b, value=false)


def _whatever_it_has(f: Frame) -> FrameState:
    isolated = block_state[block_of(f)] == BlockState.going_offline
    return ite(isolated, FrameState.isolated, FrameState.free)


def _all_but_isolated(f: Frame) -> Bool:
    let_go = (frame_state[f] == FrameState.page_offline) & ~driver_reference[f]
    return (frame_state[f] != FrameState.isolated) & ~let_go


def _there_is_none(o: Folio, f: Frame, k: FolioKind) -> Bool:
    return ~exists_now(o)


VARIANTS = (
    Variant(
        name="online-forgets-errors",
        doc="A block comes online with new struct pages, and nobody knows of its errors any more.",
        covers=("A1", "U3"),
        source="Linux before 6.2, drivers/base/memory.c: memory_block_online() counts no poison",
        breaks="a_known_error_is_forgotten_with_the_memory_alone",
        edits=(
            DropGuard("begin_online", "no_known_error"),
            ExtendAction("begin_online", _new_struct_pages),
        ),
    ),
    Variant(
        name="online-with-a-known-error",
        doc="A block comes online whose errors are known, and all of its frames are free.",
        covers=("A1", "U3"),
        source="drivers/base/memory.c: memory_block_online(), EHWPOISON",
        breaks="nobody_is_given_a_frame_with_an_error",
        edits=(DropGuard("begin_online", "no_known_error"),),
    ),
    Variant(
        name="errors-outlive-their-memory",
        doc="Memory is removed, and what comes in its place counts as bad.",
        covers=("A1",),
        source="drivers/base/memory.c: remove_memory_block_devices()",
        breaks="errors_are_of_memory_that_is_there",
        edits=(DropUpdate("remove_section", "hwpoison"),),
    ),
    Variant(
        name="frame-with-an-error-is-freed",
        doc="A frame that has an error goes to the free list when its user lets go.",
        covers=("U3", "A1"),
        source="mm/page_alloc.c: free_pages_prepare(), PageHWPoison()",
        breaks="the_allocator_has_no_frame_with_an_error",
        edits=(ReplaceDefinition("released", _whatever_it_has),),
    ),
    Variant(
        name="frame-with-an-error-keeps-its-block",
        doc="The last test before a block goes asks that every frame is on a free list.",
        covers=("U3", "A1"),
        source="mm/page_isolation.c: __test_page_isolated_in_pageblock(), PageHWPoison()",
        breaks="frames_with_an_error_do_not_keep_a_block",
        edits=(ReplaceDefinition("stands_in_the_way", _all_but_isolated),),
    ),
    Variant(
        name="what-was-lost-is-copied",
        doc="A folio is copied out of a frame with an error, and nobody can tell any more.",
        covers=("U3", "M1"),
        source="mm/util.c: folio_mc_copy(), EHWPOISON",
        breaks="contents_are_never_lost",
        edits=(DropGuard("copy", "no_error"),),
    ),
    Variant(
        name="what-was-lost-is-written-out",
        doc="A frame with an error is sent to its store, which has the wrong data from then on.",
        covers=("U3", "U4"),
        source=f"{_FAILURE}: me_pagecache_dirty()",
        breaks="what_is_sent_is_what_the_folio_contains",
        edits=(DropGuard("begin_writeback", "no_error"),),
    ),
    Variant(
        name="loss-is-not-told",
        doc="A dirty file loses contents to an error, and no fsync fails.",
        covers=("U3", "U4"),
        source=f"{_FAILURE}: me_pagecache_dirty(), mapping_set_error()",
        breaks="unwritten_data_is_never_dropped",
        edits=(DropUpdate("give_up_folio", "lost"),),
    ),
    Variant(
        name="something-else-in-place-of-what-was-lost",
        doc="A process goes on with a new frame where it had stored something that is gone.",
        covers=("U3", "M1"),
        source=f"{_FAILURE}: hwpoison_user_mappings(), SIGBUS",
        breaks="what_is_lost_lives_in_no_memory_that_is_whole",
        edits=(ReplaceGuard("alloc_folio", "new_folio", _there_is_none),),
    ),
    Variant(
        name="memory-with-an-error-is-mapped",
        doc="A fault maps a frame whose error is known.",
        covers=("U3", "M1"),
        source="mm/memory.c: __do_fault(), VM_FAULT_HWPOISON",
        breaks="memory_with_an_error_is_not_mapped",
        edits=(DropGuard("fault", "no_error"),),
    ),
    Variant(
        name="memory-with-an-error-is-pinned",
        doc="A device is given a frame whose error is known.",
        covers=("U3", "U5"),
        source="mm/memory.c: do_swap_page(), VM_FAULT_HWPOISON",
        breaks="no_pin_begins_on_memory_with_a_known_error",
        edits=(DropGuard("pin_short", "no_error"),),
    ),
    Variant(
        name="huge-folio-with-an-error-is-pinned",
        doc="A device is given a huge folio of which a frame has a known error.",
        covers=("D2", "U3", "U5"),
        source="mm/hugetlb.c: hugetlb_fault(), VM_FAULT_HWPOISON_LARGE",
        breaks="no_pin_begins_on_a_huge_folio_with_a_known_error",
        edits=(DropGuard("pin_huge_short", "no_error"),),
    ),
    Variant(
        name="soft-offline-under-its-owner",
        doc="A frame is set aside before its contents have moved.",
        covers=("U3", "M1"),
        source=f"{_FAILURE}: soft_offline_in_use_page()",
        breaks="folios_live_in_user_frames",
        edits=(DropGuard("soft_offline", "nobody_has_it"),),
    ),
    Variant(
        name="huge-folio-with-an-error-is-used",
        doc="A fault gets a free huge folio of which a frame has an error.",
        covers=("D2", "U3"),
        source="mm/hugetlb.c: dequeue_hugetlb_folio_node_exact(), folio_test_hwpoison()",
        breaks="nobody_begins_to_use_a_huge_folio_with_an_error",
        edits=(DropGuard("take_huge", "no_error"),),
    ),
)
