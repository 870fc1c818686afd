"""The usual small machines of memory hotplug: where traces are looked for, as small as can be.

Each is there for what the ones before it cannot show: a second folio, memory that comes later, two
nodes, a device that writes by itself, and so on.
"""

from __future__ import annotations

from .shapes import Shape

__all__ = ["GIVEN_UP_ON", "REACHED_ON", "REFUTED_ON", "ROOMY", "USUAL"]

_FIRST, _SECOND = frozenset([0]), frozenset([1])
_ONE_DEVICE = (("MemoryDevice", 1),)
_NO_DEVICE = (("in_range", (0, 0)),)
_DMA = (("does_dma", (1,)), ("driver_moves", (1,)))
_DMA_FIXED = (("does_dma", (1,)),)
_ERROR = (("may_fail", (1, 0)),)

USUAL = (
    Shape(blocks=2, movable=_SECOND, tables=_NO_DEVICE, more=_ONE_DEVICE),
    Shape(blocks=2, folios=2, movable=_SECOND, tables=_NO_DEVICE, more=_ONE_DEVICE),
    Shape(blocks=2, added=_SECOND),
    Shape(blocks=2, added=_SECOND, memmaps="pgdat"),
    Shape(nodes=2, blocks=1, added=_SECOND),
    Shape(nodes=2, blocks=1, frames=2),
    Shape(blocks=2, tables=(*_NO_DEVICE, ("filesystem", (1,))), more=_ONE_DEVICE, data=2),
    Shape(nodes=2, blocks=1, more=(("HugeFolio", 2),)),
    Shape(nodes=2, blocks=1, more=(("HugeFolio", 2),), tables=(("gigantic", (0, 1)),)),
    Shape(blocks=2, added=_SECOND, tables=(("at_work", (1,)), ("watched", (1,)))),
    Shape(nodes=2, blocks=1, added=_SECOND, tables=(("at_work", (1,)), ("watched", (1,)))),
    Shape(blocks=1, tables=(("cpus_keep_frames", (1,)),)),
    Shape(nodes=2, blocks=1, frames=2, tables=_NO_DEVICE, more=_ONE_DEVICE),
    Shape(blocks=2, tables=(("in_range", (0, 1, 0, 1)),)),
    Shape(blocks=2, tables=(*_NO_DEVICE, *_DMA), more=_ONE_DEVICE),
    Shape(blocks=2, movable=_SECOND, tables=(*_NO_DEVICE, *_DMA_FIXED), more=_ONE_DEVICE),
    Shape(blocks=2, data=2, tables=(*_NO_DEVICE, *_DMA), more=_ONE_DEVICE),
    Shape(
        blocks=2,
        data=2,
        tables=(*_NO_DEVICE, ("address_kept", (1,)), ("boot_data", (0, 1))),
        more=_ONE_DEVICE,
    ),
    Shape(
        blocks=2,
        movable=_SECOND,
        tables=(*_NO_DEVICE, ("address_kept", (1,))),
        more=_ONE_DEVICE,
    ),
    Shape(
        blocks=3,
        added=frozenset([1, 2]),
        tables=(("in_range", (0, 1, 1)),),
        more=_ONE_DEVICE,
    ),
    Shape(blocks=2, added=_SECOND, tables=(*_NO_DEVICE, ("is_lmb", (1, 1))), more=_ONE_DEVICE),
    Shape(totals=(1, 2, 2), tables=(("is_lmb", (1,)), ("reserved_lmb", (1,)))),
    Shape(
        totals=(2, 2, 3),
        added=_SECOND,
        memmaps="pgdat",
        tables=(
            *_NO_DEVICE,
            ("section_of", (0, 1, 1)),
            ("range_of", (0, 1, 1)),
            ("head_frame", (0, 1)),
            ("is_virtio", (0, 1)),
            ("block_of_subblock", (1, 1)),
            ("subblock_of", (0, 0, 1)),
        ),
        more=(*_ONE_DEVICE, ("SubBlock", 2)),
    ),
    Shape(
        blocks=2,
        added=_SECOND,
        vetoing=frozenset([0]),
        tables=(
            *_NO_DEVICE,
            ("in_storage", (1, 1)),
            ("increment_block", (1, 1)),
            ("asked_first", (1, 0, 0, 0)),
        ),
        more=(*_ONE_DEVICE, ("Increment", 2), ("Listener", 2)),
    ),
    Shape(
        blocks=3,
        added=frozenset([1, 2]),
        tables=(("in_range", (0, 1, 1)), ("memmap_host", (0, 1, 0))),
        more=_ONE_DEVICE,
    ),
    Shape(
        blocks=2,
        tables=(*_NO_DEVICE, ("address_kept", (1,))),
        more=(*_ONE_DEVICE, ("Cpu", 2)),
    ),
    Shape(
        nodes=2, totals=(2, 2, 3), more=_ONE_DEVICE, tables=(*_NO_DEVICE, ("address_kept", (1,)))
    ),
    Shape(blocks=2, data=2, tables=(*_NO_DEVICE, *_ERROR), more=_ONE_DEVICE),
    Shape(
        blocks=1,
        frames=2,
        data=2,
        tables=(*_ERROR, ("does_dma", (1,)), ("does_huge_dma", (1,))),
        more=(("HugeFolio", 1),),
    ),
    Shape(blocks=1, multizone=_FIRST),
    Shape(blocks=1, frames=2, holes=_SECOND),
    Shape(blocks=1, frames=2, boot_kernel=_SECOND),
    Shape(blocks=2, added=_SECOND, memmaps="pgdat", tables=(("metadata_frame", (1, 0)),)),
    Shape(
        nodes=2,
        blocks=1,
        movable=_SECOND,
        data=2,
        tables=(*_NO_DEVICE, ("does_huge_dma", (1,))),
        more=(*_ONE_DEVICE, ("HugeFolio", 2)),
    ),
)


ROOMY = (
    *USUAL,
    Shape(totals=(2, 2, 4), folios=2),
    Shape(nodes=2, totals=(3, 3, 3), folios=2, tables=(("in_range", (0,) * 9),)),
    Shape(
        blocks=2,
        added=_SECOND,
        tables=(
            ("in_range", (1, 1, 0, 1)),
            ("vetoes_online", (1, 0)),
            ("in_storage", (1,)),
            ("increment_block", (1,)),
        ),
    ),
    Shape(
        blocks=2,
        movable=_SECOND,
        tables=(
            *_NO_DEVICE,
            ("is_lmb", (1, 1)),
            ("filesystem", (2,)),
            ("gigantic", (1, 0)),
        ),
        more=_ONE_DEVICE,
    ),
    Shape(
        nodes=2,
        totals=(2, 3, 3),
        tables=_NO_DEVICE,
        more=(*_ONE_DEVICE, ("HugeFolio", 3)),
    ),
    Shape(
        blocks=2,
        movable=_SECOND,
        tables=(*_NO_DEVICE, ("gigantic", (0, 1))),
        more=_ONE_DEVICE,
    ),
    Shape(nodes=2, blocks=1, added=_SECOND, tables=(("at_work", (1,)), ("watched", (0,)))),
    Shape(nodes=2, blocks=1, tables=(("may_fail", (0, 1)),), more=(("HugeFolio", 2),)),
    Shape(
        nodes=2,
        totals=(3, 3, 3),
        movable=_SECOND,
        tables=(("in_range", (0, 0, 0)), ("address_kept", (1,))),
        more=_ONE_DEVICE,
    ),
    Shape(
        blocks=2,
        tables=(("in_range", (1, 1)), ("vetoes_online", (1, 0)), ("memmap_host", (0, 0))),
        more=_ONE_DEVICE,
    ),
    Shape(
        nodes=2,
        totals=(2, 3, 3),
        tables=(*_NO_DEVICE, ("gigantic", (0, 1, 0))),
        more=(*_ONE_DEVICE, ("HugeFolio", 3)),
    ),
    Shape(blocks=2, holes=_FIRST),
    Shape(blocks=1, frames=3, folios=2, tables=_DMA_FIXED),
    Shape(
        nodes=2,
        totals=(2, 3, 3),
        tables=_NO_DEVICE,
        more=(*_ONE_DEVICE, ("HugeFolio", 2)),
    ),
    Shape(nodes=2, added=frozenset([1, 2, 3]), vetoing_nodes=frozenset([0, 1])),
)
"""Where runs that never end, and what must be reached, are looked for: there is room to move."""

_REACHED = {
    0: (
        "a_block_is_closed_while_something_moves_elsewhere",
        "a_folio_begins_to_leave_a_block_that_goes_offline",
        "a_pool_grows_in_the_removable_area",
        "a_pool_grows_while_another_block_drains",
        "a_removable_block_is_full",
        "a_span_shrinks",
        "a_surplus_folio_comes_beside_what_is_full_and_closed",
        "a_surplus_folio_is_in_the_removable_area",
        "dirty_anonymous_memory_is_freed",
        "memory_of_the_kernel_keeps_no_other_block",
        "other_memory_keeps_no_device",
    ),
    2: ("a_block_goes_while_another_has_its_memmap_elsewhere",),
    3: (
        "a_failed_ej0_waits_for_no_other_device",
        "a_section_goes_that_would_hold_a_memmap",
    ),
    4: (
        "a_failed_add_brings_no_node",
        "a_failed_add_leaves_a_node_without_memory_that_it_found",
        "a_failed_add_takes_its_node_back",
        "a_node_appears_and_its_memory_is_present",
        "a_node_goes_while_another_stays",
    ),
    6: (
        "a_store_comes_back_and_gets_the_data",
        "a_store_gets_data_that_is_out_of_date",
        "a_store_gets_what_it_refused",
        "dirty_anonymous_memory_moves",
        "somebody_is_told_of_data_that_was_refused",
    ),
    7: (
        "a_huge_folio_arrives_on_another_node",
        "a_huge_folio_begins_to_leave_a_block_that_goes_offline",
        "a_huge_folio_stays_after_all",
        "a_mapped_huge_folio_arrives",
        "a_mapped_huge_folio_stays_after_all",
        "a_move_of_a_huge_folio_is_over",
        "a_node_begins_to_leave_while_something_moves_elsewhere",
        "a_thread_that_waited_for_a_huge_folio_goes_on",
        "a_thread_waits_for_a_huge_folio",
        "a_used_huge_folio_leaves_a_vetted_block",
    ),
    8: ("contents_leave_a_leaving_node",),
    9: ("a_section_goes_under_a_reader",),
    11: (
        "a_block_goes_after_its_writer_let_go",
        "a_cpu_gives_a_frame_back",
        "a_device_is_ejected",
        "a_failed_ej0_brings_its_blocks_back",
        "a_failed_ej0_is_concluded_with_its_blocks",
        "a_huge_folio_is_used_without_a_promise",
        "a_promise_is_kept",
        "a_promise_is_taken_back",
        "a_removal_gives_up_on_a_silent_store",
        "a_removal_waits_for_a_silent_store",
        "a_whole_node_is_gone",
        "a_write_takes_a_block_offline",
        "an_online_is_cancelled",
        "early_memory_is_ejected",
    ),
    14: (
        "a_buffer_that_a_driver_can_move_is_not_sticky",
        "a_device_follows_its_folio",
        "a_migration_is_over_while_a_device_uses_the_folio",
    ),
    15: ("a_buffer_leaves_the_removable_area_to_be_pinned",),
    17: (
        "a_block_is_closed_where_a_kernel_page_has_arrived",
        "a_block_is_closed_while_a_kernel_page_leaves_it",
        "a_block_that_held_kernel_memory_goes_offline",
        "a_cpu_uses_a_kernel_page_that_has_moved",
        "a_device_fills_a_kernel_buffer",
        "a_kernel_page_leaves_a_block_that_goes_offline",
        "a_store_outlives_its_tlb_entry",
        "the_old_frame_is_freed_while_the_new_one_is_used",
    ),
    19: (
        "a_request_adds_a_block",
        "an_altmap_is_freed_beside_one_in_use",
    ),
    20: ("the_hypervisor_gets_an_lmb_that_held_a_pgdat",),
    21: (
        "a_block_that_held_a_free_huge_folio_goes_offline",
        "a_refused_eject_brings_its_blocks_back",
        "a_refused_eject_leaves_what_was_offline",
        "a_removal_waits_for_a_writer",
    ),
    22: (
        "a_block_grows_while_it_is_online",
        "a_block_is_online_in_part",
        "an_add_waits_for_no_other_block",
    ),
    23: (
        "a_huge_folio_is_used_while_another_block_drains",
        "a_usage_map_is_freed",
        "an_altmap_is_freed",
    ),
    24: ("a_block_goes_after_another_of_its_device",),
    28: (
        "a_clean_file_loses_nothing_to_an_error",
        "a_device_fills_a_huge_folio",
        "a_device_fills_its_buffer",
        "a_frame_of_the_kernel_with_an_error_is_set_aside",
        "a_program_fills_a_huge_folio",
        "a_reference_is_given_back_after_a_write",
        "a_reference_keeps_a_folio_at_home",
        "an_abort_is_over",
        "an_abort_restores_a_mapping",
        "an_error_destroys_what_a_huge_folio_contained",
        "an_error_destroys_what_was_stored",
        "an_error_keeps_a_block_of_a_refused_device_offline",
        "contents_are_lost_to_an_error",
        "contents_leave_a_vetted_block",
        "contents_leave_memory_that_is_about_to_fail",
        "the_rest_of_a_huge_folio_with_an_error_is_free",
        "whoever_lost_something_knows",
    ),
    29: ("a_block_is_closed_with_a_huge_folio_in_it",),
    30: ("the_kernel_gives_memory_back",),
    31: ("sticky_memory_keeps_a_block_from_being_vetted",),
    32: (
        "a_block_with_metadata_of_others_comes_back",
        "added_memory_is_online_and_movable",
    ),
    35: ("room_is_taken_beyond_a_node_that_has_none",),
    36: (
        "a_failed_add_leaves_what_it_found",
        "a_notifier_keeps_a_block_of_a_refused_device_offline",
    ),
    37: (
        "a_buffer_held_for_long_is_sticky",
        "a_failed_request_is_taken_back",
        "a_gigantic_folio_is_used_while_another_block_drains",
        "a_gigantic_surplus_folio_comes_beside_the_removable_area",
        "a_pool_grows_by_a_gigantic_folio_beside_the_removable_area",
        "what_has_left_is_not_sticky",
    ),
    38: ("a_huge_folio_moves_near_although_there_is_room_elsewhere",),
    39: (
        "a_folio_leaves_although_its_store_refuses",
        "a_mapped_folio_arrives",
        "a_migration_is_over",
        "a_reference_is_taken_where_a_folio_has_moved",
        "a_second_try_succeeds",
        "a_thread_that_waited_goes_on",
        "a_thread_waits_for_a_moving_folio",
        "contents_leave_a_draining_block",
        "private_data_arrives_with_its_folio",
        "private_data_comes_back_when_a_move_fails",
        "private_data_moves_after_work_on_it",
        "somebody_works_on_private_data",
    ),
    40: ("a_device_goes_under_a_reference",),
    42: ("a_kernel_page_passes_over_the_removable_area",),
    43: ("a_block_of_a_refused_device_lacks_its_memmap",),
    44: ("a_huge_folio_passes_over_another_size",),
    45: (
        "a_hole_keeps_no_other_block",
        "a_refused_eject_waits_for_no_other_device",
    ),
    47: (
        "a_block_is_closed_whose_range_names_a_destination",
        "a_huge_folio_that_refused_moves_while_another_block_goes",
    ),
    48: (
        "a_failed_add_leaves_its_node_to_others",
        "a_failed_add_waits_for_no_other_node",
    ),
}
REACHED_ON = {name: number for number, names in _REACHED.items() for name in names}
"""Where in `ROOMY` a *sometimes* is looked for first: what takes long to find elsewhere."""

GIVEN_UP_ON = {
    "another_try_of_a_huge_folio_is_paid_for": 7,
    "ejects_are_concluded_when_their_blocks_have_settled": 13,
    "no_free_huge_folio_that_is_nearer_is_passed_over": 38,
}
"""Where in `ROOMY` what a profile gives up is looked for first, likewise."""

REFUTED_ON = {
    "allocation-refills-what-drains": 34,
    "cache-entry-dropped-early": 0,
    "cpu-lists-not-drained": 11,
    "cpus-go-on-before-the-copy": 26,
    "frame-with-an-error-is-freed": 27,
    "frame-with-an-error-keeps-its-block": 28,
    "large-poisoned-folio-stays": 28,
    "metadata-freed-by-a-failed-offline": 32,
    "metadata-handed-out": 32,
    "migratable-mark-lost": 7,
    "pool-grows-in-a-draining-block": 0,
    "sticky-memory-overlooked": 31,
    "tries-without-a-budget": 0,
    "unplugged-subblock-handed-out": 22,
    "what-was-lost-is-copied": 27,
}
"""Where in `ROOMY` a variant is refuted for which it takes long on all of them."""
