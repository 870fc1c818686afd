"""Blocks go without a budget: a removal tries and waits until a signal comes.

Where a mem_map lies, the kernel's page stays until what it describes is removed.

Sources: mm/memory_hotplug.c (offline_pages), mm/migrate.c, mm/page_isolation.c,
mm/sparse-vmemmap.c (vmemmap_alloc_block).
"""

from __future__ import annotations

from ..blocks.block_states import BlockState, block_state
from ..blocks.sections import Metadata, lies_elsewhere_in, memmap, present
from ..language import (
    AddProperty,
    Bool,
    DropGuard,
    DropProperty,
    ReplaceGuard,
    always,
    exists,
    implies,
    ite,
)
from ..machine.topology import Block, Section, block_of_section, memmap_host
from .choice import Choice, edits_of

__all__ = ["CHOICES"]


def _holds_no_mem_map(b: Block) -> Bool:
    """Offline memory keeps its mem_map, in pages of the kernel that do not move."""
    return ~exists(Section, lambda s: lies_elsewhere_in(s, b) & (memmap[s] != Metadata.absent))


def _comes_from_the_allocator(s: Section) -> Bool:
    """The pages of a mem_map in another block are taken from those that are free there."""
    host = memmap_host[s]
    online = block_state[block_of_section[host]] == BlockState.online
    here = block_of_section[host] == block_of_section[s]
    return ite(here, (host == s) | present[host], online)


@always(covers="N1 N2")
def blocks_with_mem_maps_of_others_stay_online(s: Section) -> Bool:
    """A block that holds the mem_map of another is online until the other's section is removed."""
    host = block_of_section[memmap_host[s]]
    elsewhere = (memmap[s] != Metadata.absent) & (host != block_of_section[s])
    return implies(elsewhere, block_state[host] == BlockState.online)


CHOICES = (
    Choice(
        name="wait-without-a-budget",
        doc="A removal waits for writeback as long as it takes.",
        edits=(
            *edits_of("wait-without-a-budget"),
            DropProperty("a_removal_waits_for_a_silent_store"),  # it spends nothing on that
        ),
        gives_up=(
            (
                "waiting_for_a_store_ends",
                "folio_wait_writeback() waits as long as it takes (mm/migrate.c)",
            ),
        ),
    ),
    Choice(
        name="no-giving-up-while-waiting",
        doc="No signal ends a removal that waits for writeback.",
        edits=edits_of("no-giving-up-while-waiting"),
        gives_up=(
            (
                "giving_up_is_always_possible",
                "no signal reaches who waits in folio_wait_writeback() (mm/migrate.c)",
            ),
        ),
    ),
    Choice(
        name="tries-without-a-budget",
        doc="What refused to move is tried again until a signal comes.",
        edits=(
            DropGuard("reserve_destination", "try_paid_for"),
            DropGuard("begin_huge_migration", "try_paid_for"),
            DropProperty("a_removal_finishes_or_gives_up_within_its_budget"),  # there is none
            DropProperty("kernel_pages_leave_within_the_budget_of_a_removal"),
        ),
        gives_up=(
            (
                "another_try_is_paid_for",
                "offline_pages() tries again until a signal comes (mm/memory_hotplug.c)",
            ),
            (
                "leaving_blocks_get_no_more_work",
                "what refused is tried again and again, and nothing is counted"
                " (mm/memory_hotplug.c)",
            ),
            (
                "another_try_of_a_huge_folio_is_paid_for",
                "the same loop tries huge pages again (mm/memory_hotplug.c)",
            ),
            (
                "each_stage_uses_work_up",
                "another try after a refusal is no work that was counted (mm/memory_hotplug.c)",
            ),
        ),
    ),
    Choice(
        name="moves-before-it-knows",
        doc="A removal moves what it can before it knows that all can move.",
        edits=(DropGuard("reserve_destination", "vetted"),),
        gives_up=(
            (
                "sticky_memory_is_found_before_the_work",
                "has_unmovable_pages() sees neither long-term pins nor private data that stays"
                " (mm/page_isolation.c)",
            ),
        ),
    ),
    Choice(
        name="mem-maps-of-offline-memory",
        doc="A mem_map in another block keeps that online until what it describes is removed.",
        edits=(
            ReplaceGuard("begin_offline", "hosts_no_memmap", _holds_no_mem_map),
            ReplaceGuard("allocate_memmap", "host_present", _comes_from_the_allocator),
            AddProperty(blocks_with_mem_maps_of_others_stay_online),
        ),
        gives_up=(
            (
                "a_block_of_a_refused_device_lacks_its_memmap",
                "the block that holds it is online as long as it is there, as the pages it lies in"
                " are the kernel's (mm/page_isolation.c, has_unmovable_pages())",
            ),
        ),
    ),
    Choice(
        name="online-forgets-errors",
        doc="A block comes online whatever errors its memory had, and none is known any more.",
        before=(6, 2),
        edits=edits_of("online-forgets-errors"),
        gives_up=(
            (
                "a_known_error_is_forgotten_with_the_memory_alone",
                "memory_block_online() does not ask, and the new struct pages have no PG_hwpoison"
                " (drivers/base/memory.c; memblk_nr_poison() is of 6.2)",
            ),
        ),
    ),
)
