"""Runs that once broke no property, each with the property that it breaks now.

A hole is a run from boot on one machine.  Without what mends it, taken away by edits, the run is
possible and breaks the named property in its last step; with it, a step of the run is refused, or
the machine is none of the specification.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memhp.reference.shapes import Shape
from memhp.spec.language import DropAxiom, DropGuard
from memhp.spec.language.edits import Edit
from memhp.spec.variants import VARIANTS

__all__ = ["HOLES", "Hole"]

Run = Sequence[tuple[str | int, ...]]
"""Steps: each an action's name and its parameters."""


@dataclass(frozen=True)
class Hole:
    """A run, what it breaks, and the edits that take away what keeps it from happening."""

    name: str
    shape: Shape
    run: Run
    breaks: str
    edits: tuple[Edit, ...]


def edits_of(variant: str) -> tuple[Edit, ...]:
    """What the variant of that name changes."""
    return next(each for each in VARIANTS if each.name == variant).edits


def used_huge(huge: int, place: int) -> Run:
    """A huge folio comes to life in the range, is taken, and mapped."""
    return (("grow_pool", huge, place), ("take_huge", huge), ("map_huge", 0, huge))


def move_huge(huge: int, target: int) -> Run:
    """The used huge folio changes places with the free one."""
    return (
        ("begin_huge_migration", huge, target),
        ("replace_huge_pte", 0, huge),
        ("copy_huge", huge),
        ("change_huge_home", huge),
    )


NEAREST_HUGE = "no_free_huge_folio_that_is_nearer_is_passed_over"
PGDAT_IN_STORAGE = (("in_storage", (1,)), ("increment_block", (0,)))
HOSTS_GO_FIRST = (
    DropGuard("begin_offline", "hosts_no_memmap"),
    DropGuard("begin_offline", "pgdat_leaves_last"),
    DropAxiom("pgdats_in_storage_are_kept"),
)
IN_A_LEAVING_NODE = Shape(nodes=2, blocks=1)

USED_BY_A_DEVICE = Shape(
    nodes=2,
    blocks=1,
    movable=frozenset([0]),
    more=(("HugeFolio", 2),),
    tables=(("does_huge_dma", (1,)),),
)

HOLES = (
    Hole(
        "a huge folio is copied while an entry maps it, and the entry leads to the old range",
        Shape(nodes=2, blocks=1, more=(("HugeFolio", 2),)),
        (
            *used_huge(0, 0),
            ("grow_pool", 1, 1),
            ("begin_huge_migration", 0, 1),
            ("copy_huge", 0),
            ("change_huge_home", 0),
        ),
        "huge_entries_map_the_range_that_their_folio_takes",
        edits_of("huge-entry-left-behind"),
    ),
    Hole(
        "a thread waits for ever: its huge folio has settled, and the entry is left",
        Shape(nodes=2, blocks=1, more=(("HugeFolio", 2),)),
        (
            *used_huge(0, 0),
            ("grow_pool", 1, 1),
            *move_huge(0, 1),
            ("wait_for_huge", 0),
            ("finish_huge_migration", 0),
        ),
        "huge_migration_entries_belong_to_moving_folios",
        edits_of("huge-folio-unlocked-with-an-entry-left"),
    ),
    Hole(
        "a huge folio moves under the device that writes to it",
        USED_BY_A_DEVICE,
        (
            *used_huge(0, 0),
            ("grow_pool", 1, 1),
            ("pin_huge_short", 0, 0),
            *move_huge(0, 1),
        ),
        "devices_write_to_their_huge_folios_range",
        edits_of("pinned-huge-folio-moved"),
    ),
    Hole(
        "a program registers a huge folio of the movable zone",
        USED_BY_A_DEVICE,
        (*used_huge(0, 0), ("pin_huge_longterm", 0, 0)),
        "fixed_huge_buffers_stay_out_of_the_removable_area",
        edits_of("huge-buffer-in-the-removable-area"),
    ),
    Hole(
        "a huge folio has moved to a leaving node",
        Shape(nodes=2, blocks=1, more=(("HugeFolio", 2),)),
        (
            *used_huge(0, 0),
            ("grow_pool", 1, 1),
            ("begin_node_removal", 1),
            *move_huge(0, 1),
        ),
        "no_huge_folio_comes_to_a_leaving_node",
        edits_of("huge-folio-moved-to-a-leaving-node"),
    ),
    Hole(
        "a huge folio arrives on a node that leaves meanwhile",
        Shape(nodes=2, blocks=1, more=(("HugeFolio", 2),)),
        (
            *used_huge(0, 0),
            ("grow_pool", 1, 1),
            ("begin_huge_migration", 0, 1),
            ("begin_node_removal", 1),
            ("replace_huge_pte", 0, 0),
            ("copy_huge", 0),
            ("change_huge_home", 0),
        ),
        "no_huge_folio_comes_to_a_leaving_node",
        edits_of("node-closed-under-a-migration"),
    ),
    Hole(
        "a huge folio arrives in a block that was closed meanwhile",
        Shape(nodes=2, blocks=1, more=(("HugeFolio", 2),)),
        (
            *used_huge(0, 0),
            ("grow_pool", 1, 1),
            ("begin_huge_migration", 0, 1),
            ("drain", 1),
            ("replace_huge_pte", 0, 0),
            ("copy_huge", 0),
            ("change_huge_home", 0),
        ),
        "no_huge_folio_comes_to_a_draining_block",
        edits_of("block-closed-under-a-migration"),
    ),
    Hole(
        "a huge folio has moved to the farthest node",
        Shape(nodes=3, blocks=1, more=(("HugeFolio", 3),)),
        (
            *used_huge(0, 0),
            ("grow_pool", 1, 1),
            ("grow_pool", 2, 2),
            ("begin_huge_migration", 0, 2),
        ),
        NEAREST_HUGE,
        (DropGuard("begin_huge_migration", "nearest_with_room"),),
    ),
    Hole(
        "a program fills a leaving node",
        IN_A_LEAVING_NODE,
        (("begin_node_removal", 1), ("alloc_folio", 0, 1, "anonymous")),
        "no_folio_comes_to_a_leaving_node",
        edits_of("leaving-node-is-filled"),
    ),
    Hole(
        "the kernel fills a leaving node",
        IN_A_LEAVING_NODE,
        (("begin_node_removal", 1), ("alloc_kernel", 1)),
        "free_frames_of_leaving_nodes_stay_free",
        edits_of("kernel-memory-on-a-leaving-node"),
    ),
    Hole(
        "a pool grows on a leaving node",
        IN_A_LEAVING_NODE,
        (("begin_node_removal", 1), ("grow_pool", 0, 1)),
        "free_frames_of_leaving_nodes_stay_free",
        edits_of("pool-grows-on-a-leaving-node"),
    ),
    Hole(
        "a kernel page moves to a leaving node",
        Shape(nodes=2, blocks=1, tables=(("address_kept", (1,)),)),
        (
            ("map_kernel_page", 0, 0),
            ("begin_node_removal", 1),
            ("begin_kernel_migration", 0, 1),
            ("stop_cpu", 0),
            ("copy_kernel_page", 0),
            ("remap_kernel_page", 0),
        ),
        "no_kernel_page_comes_to_a_leaving_node",
        edits_of("kernel-page-moved-to-a-leaving-node"),
    ),
    Hole(
        "a gigantic folio is met after the block was found to hold nothing that is stuck",
        Shape(blocks=2, tables=(("gigantic", (1, 0)),)),
        (("grow_pool", 0, 0), ("drain", 0), ("vet", 0)),
        "vetted_blocks_hold_no_part_of_a_gigantic_folio",
        edits_of("sticky-memory-overlooked"),
    ),
    Hole(
        "a pgdat lies in storage that was given back",
        Shape(blocks=2, more=(("Increment", 1),), tables=PGDAT_IN_STORAGE),
        (("begin_offline", 0), ("announce_offline", 0), ("finish_offline", 0)),
        "pgdats_lie_in_storage_that_is_there",
        HOSTS_GO_FIRST,
    ),
    Hole(
        "struct pages in use lie in storage that was given back",
        Shape(blocks=2, memmaps="pgdat", more=(("Increment", 1),), tables=PGDAT_IN_STORAGE),
        (
            ("alloc_folio", 0, 1, "anonymous"),
            ("begin_offline", 0),
            ("announce_offline", 0),
            ("finish_offline", 0),
        ),
        "struct_pages_lie_in_storage_that_is_there",
        HOSTS_GO_FIRST,
    ),
    Hole(
        "a block goes offline under the struct pages of another",
        Shape(blocks=2, memmaps="pgdat"),
        (
            ("alloc_folio", 0, 1, "anonymous"),
            ("begin_offline", 0),
            ("announce_offline", 0),
            ("finish_offline", 0),
        ),
        "struct_pages_lie_in_memory_in_use",
        HOSTS_GO_FIRST,
    ),
)
