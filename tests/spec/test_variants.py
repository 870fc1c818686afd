"""Each variant is refuted from boot, in as many steps as pinned; the specification is not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from memhp.checks.proof.cache import default_folder
from memhp.checks.proof.prove import prove
from memhp.checks.search.scopes import fitting
from memhp.checks.search.usual import first_violation, reach
from memhp.reference.reached import REACHED_ON
from memhp.reference.refuted import REFUTED_ON
from memhp.reference.usual import ROOMY
from memhp.spec.language import Variant, apply
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

LENGTHS = {
    "eject-although-forbidden": 4,
    "forbidden-while-it-goes": 3,
    "ej0-looked-for-last": 2,
    "eject-takes-all-offline": 2,
    "movable-node-forgotten": 7,
    "object-rmap-alone": 6,
    "source-freed-while-mapped": 7,
    "pgdat-goes-early": 8,
    "memmap-host-leaves-first": 9,
    "pgdat-block-leaves-first": 1,
    "struct-pages-in-offline-memory": 9,
    "memmap-host-goes-early": 7,
    "memmap-freed-before-its-pages": 1,
    "metadata-handed-out": 7,
    "metadata-freed-by-the-kernel": 7,
    "metadata-freed-by-a-failed-offline": 2,
    "metadata-in-the-removable-area": 4,
    "memmap-used-uninitialised": 6,
    "pgdat-never-initialised-first": 2,
    "pgdat-freed-early": 5,
    "kernel-memory-anywhere": 1,
    "allocation-refills-what-drains": 12,
    "kernel-memory-while-draining": 2,
    "pool-grows-in-a-draining-block": 3,
    "destination-in-a-draining-block": 3,
    "leaving-node-is-filled": 2,
    "kernel-memory-on-a-leaving-node": 2,
    "pool-grows-on-a-leaving-node": 2,
    "block-closed-under-a-migration": 3,
    "node-closed-under-a-migration": 3,
    "huge-folio-moved-to-a-leaving-node": 5,
    "kernel-page-moved-to-a-leaving-node": 3,
    "kernel-page-moved-anywhere": 2,
    "cpus-go-on-before-the-copy": 5,
    "kernel-tries-without-a-budget": 5,
    "kernel-refusal-forgotten": 3,
    "work-before-looking": 4,
    "sticky-memory-overlooked": 2,
    "no-giving-up-while-a-huge-folio-moves": 4,
    "promise-overlooked": 4,
    "looked-for-in-an-open-block": 1,
    "tries-without-a-budget": 6,
    "huge-tries-without-a-budget": 8,
    "another-try-costs-nothing": 5,
    "wait-without-a-budget": 6,
    "no-giving-up-while-waiting": 5,
    "unwritten-data-dropped": 5,
    "failed-writeback-taken-for-success": 5,
    "writeback-error-forgotten": 5,
    "moved-under-writeback": 6,
    "private-data-left-behind": 6,
    "private-data-moved-by-strangers": 7,
    "buffers-moved-in-use": 8,
    "method-moves-the-wrong-pointer": 6,
    "method-fails-after-moving": 7,
    "private-data-found-on-its-way": 7,
    "private-data-released-in-use": 4,
    "dirty-data-moved-without-a-method": 8,
    "surplus-forgotten-on-migration": 6,
    "surplus-forgotten-on-dissolve": 3,
    "surplus-freed-into-the-pool": 2,
    "temporary-folio-stays": 6,
    "temporary-folio-on-a-leaving-node": 4,
    "memory-made-huge-beside-a-pool": 4,
    "free-count-forgotten-on-dissolve": 2,
    "free-count-wrong-after-abort": 4,
    "dissolved-though-promised": 3,
    "migratable-mark-lost": 6,
    "range-taken-in-part": 2,
    "gigantic-moved-into-ordinary": 4,
    "huge-entry-left-behind": 5,
    "huge-folio-unlocked-with-an-entry-left": 6,
    "pinned-huge-folio-moved": 7,
    "huge-folio-pinned-in-the-middle-of-a-move": 6,
    "huge-buffer-in-the-removable-area": 3,
    "huge-buffer-in-a-leaving-block": 5,
    "huge-folio-freed-while-mapped": 4,
    "huge-folio-freed-while-pinned": 6,
    "destination-on-a-leaving-node": 3,
    "destination-anywhere": 2,
    "cache-entry-dropped-early": 8,
    "cache-entry-leaks-on-abort": 5,
    "device-removed-while-online": 1,
    "ejected-while-present": 2,
    "shared-block-ignored": 2,
    "eject-told-too-early": 2,
    "part-of-a-device-is-success": 6,
    "failed-add-left-behind": 7,
    "failed-add-leaves-its-node": 7,
    "announced-after-a-refusal": 2,
    "chain-stopped-without-a-refusal": 7,
    "cancel-told-to-all": 3,
    "refused-blocks-stay-offline": 4,
    "refusal-puts-everything-online": 6,
    "failed-ej0-not-undone": 9,
    "requests-overlap": 2,
    "empty-node-keeps-memory": 3,
    "isolation-left-on-abort": 2,
    "highest-zone-forgets-movable": 12,
    "node-span-takes-in-empty-zones": 12,
    "spans-not-shrunk-at-offline": 3,
    "empty-node-judged-by-poisoned-pages": 4,
    "shared-usage-map-freed": 6,
    "usage-map-freed-under-a-reader": 6,
    "zonelists-rebuilt-too-early": 3,
    "cpu-lists-not-drained": 2,
    "freed-to-a-cpu-after-the-drain": 3,
    "lock-left-held": 2,
    "node-structure-missing": 7,
    "cancel-frees-what-others-use": 5,
    "altmap-freed-too-early": 2,
    "populated-with-the-boot-pageset": 7,
    "absent-pgdat-used": 1,
    "pgdat-gone-under-a-walker": 5,
    "crash-map-out-of-date": 3,
    "added-without-the-lock": 2,
    "altmap-not-told": 2,
    "uncounted-memmap-subtracted": 6,
    "block-reference-leaks": 6,
    "moved-by-its-map-count-alone": 5,
    "pinned-folio-moved-under-its-device": 6,
    "resumed-before-the-table-is-updated": 8,
    "resumed-after-the-copy": 7,
    "source-freed-under-a-stopped-device": 8,
    "device-never-resumed": 6,
    "buffer-in-the-removable-area": 2,
    "buffer-in-a-leaving-block": 3,
    "folio-freed-while-pinned": 3,
    "pinned-in-the-middle-of-a-move": 5,
    "used-without-a-reference": 1,
    "device-writes-after-unpin": 2,
    "resumed-with-an-old-tlb-entry": 7,
    "copied-with-an-unexpected-reference": 5,
    "reference-taken-of-a-frozen-folio": 6,
    "folio-freed-under-a-reference": 3,
    "cpu-comes-online-during-a-copy": 6,
    "cpu-comes-back-with-its-tlb": 8,
    "kernel-buffer-moved-under-its-device": 3,
    "kernel-buffer-freed-under-its-device": 3,
    "one-cpu-not-stopped": 3,
    "store-lost-in-the-copy": 7,
    "kernel-source-freed-before-the-flush": 7,
    "kernel-page-unmapped-without-a-flush": 3,
    "kernel-frame-freed-behind-its-address": 2,
    "kernel-page-moved-into-the-removable-area": 2,
    "lmb-released-while-present": 3,
    "failed-request-not-taken-back": 11,
    "lmb-released-before-the-count": 10,
    "reserved-lmb-removed": 4,
    "unplugged-subblock-handed-out": 8,
    "subblock-unplugged-in-use": 10,
    "driver-keeps-its-frames": 10,
    "driver-leaves-its-memory": 4,
    "driver-loses-its-frames": 11,
    "s390-partial-assignment": 6,
    "online-before-assignment": 5,
    "boot-memory-goes-against-the-veto": 3,
    "writer-waits-for-the-lock": 6,
    "firmware-map-forgets-too-early": 8,
    "blocks-shown-before-their-node": 6,
    "structures-for-normal-memory-alone": 7,
    "structures-kept-for-ever": 3,
    "storage-kept-while-offline": 12,
    "poisoned-folio-unmapped-without-its-lock": 10,
    "large-poisoned-folio-stays": 3,
    "what-was-lost-is-written-out": 5,
    "loss-is-not-told": 6,
    "something-else-in-place-of-what-was-lost": 4,
    "memory-with-an-error-is-mapped": 3,
    "no-giving-up-while-a-kernel-page-moves": 3,
    "soft-offline-under-its-owner": 2,
    "huge-folio-with-an-error-is-used": 3,
    "move-waits-for-more-room": 6,
    "huge-folio-lent-on-a-leaving-node": 4,
    "huge-folio-with-an-error-is-pinned": 4,
    "memory-with-an-error-is-pinned": 3,
    "online-forgets-errors": 5,
    "online-with-a-known-error": 6,
    "errors-outlive-their-memory": 6,
    "frame-with-an-error-is-freed": 3,
    "frame-with-an-error-keeps-its-block": 3,
    "what-was-lost-is-copied": 6,
}

REACHED = {
    "an_eject_begins_once_it_is_allowed": 5,
    "an_eject_is_declined_whose_memory_is_not_added": 3,
    "an_eject_without_a_method_is_declined": 2,
    "an_eject_is_refused_for_memory_that_is_online": 3,
    "memory_that_went_offline_before_is_ejected": 5,
    "added_memory_is_movable_by_default": 7,
    "a_kernel_page_leaves_a_block_that_goes_offline": 7,
    "a_kernel_page_leaves_a_vetted_block": 7,
    "a_block_with_metadata_of_others_goes_offline": 3,
    "metadata_comes_back_with_its_block": 3,
    "a_node_appears_and_its_memory_is_present": 6,
    "early_memory_is_ejected": 10,
    "a_whole_node_is_gone": 10,
    "a_section_goes_under_a_reader": 5,
    "a_device_goes_under_a_reference": 5,
    "somebody_walks_the_zones": 1,
    "a_usage_map_is_freed": 4,
    "a_usage_map_goes_where_nobody_reads": 5,
    "a_usage_map_goes_while_another_is_read": 8,
    "a_pgdat_goes_under_a_walk_of_another_node": 4,
    "an_altmap_is_freed": 3,
    "a_reference_is_given_back": 2,
    "early_memory_goes_offline": 3,
    "an_offline_is_cancelled": 3,
    "an_online_is_cancelled": 7,
    "who_agreed_hears_that_another_refused": 3,
    "who_stands_behind_a_refusal_hears_nothing": 3,
    "added_memory_is_online_and_movable": 8,
    "a_writer_lets_go_of_a_device_that_goes": 3,
    "a_removal_waits_for_a_writer": 5,
    "a_block_goes_after_its_writer_let_go": 6,
    "a_write_takes_a_block_offline": 5,
    "a_block_goes_while_another_has_its_memmap_elsewhere": 5,
    "a_block_goes_after_another_of_its_device": 5,
    "an_offline_block_is_found": 4,
    "a_write_to_an_offline_block_begins": 4,
    "a_write_is_over": 3,
    "a_span_shrinks": 3,
    "a_device_is_added": 6,
    "dax_memory_is_online": 9,
    "a_driver_lets_go_of_its_memory": 3,
    "memory_is_added_beside_a_dax_device": 3,
    "memory_is_added_without_the_firmware": 4,
    "a_failed_add_is_taken_back": 4,
    "a_device_is_ejected": 11,
    "a_refused_device_is_in_use": 6,
    "a_notifier_keeps_a_block_of_a_refused_device_offline": 6,
    "a_failed_ej0_is_concluded": 4,
    "a_failed_ej0_is_concluded_with_its_blocks": 17,
    "a_failed_ej0_waits_for_no_other_device": 9,
    "a_failed_add_leaves_what_it_found": 4,
    "a_failed_add_takes_its_node_back": 7,
    "a_failed_add_brings_no_node": 4,
    "a_failed_add_leaves_its_node_to_others": 14,
    "a_failed_add_waits_for_no_other_node": 8,
    "a_failed_add_leaves_a_node_without_memory_that_it_found": 7,
    "a_device_is_added_whose_block_waits_for_another": 2,
    "a_failed_ej0_brings_its_blocks_back": 16,
    "an_lmb_is_added": 9,
    "the_hypervisor_gets_an_lmb": 9,
    "the_hypervisor_gets_an_lmb_that_held_a_pgdat": 11,
    "a_request_removes_one_lmb_of_several": 7,
    "an_lmb_leaves_a_node_that_stays": 2,
    "a_failed_request_is_taken_back": 16,
    "standby_memory_is_online": 9,
    "a_block_is_prepared_beside_standby_memory": 6,
    "a_block_is_half_prepared": 5,
    "boot_memory_refuses_to_leave": 3,
    "a_block_of_several_sections_goes_offline": 3,
    "a_drain_is_taken_back": 2,
    "a_block_is_closed_while_something_moves_elsewhere": 3,
    "a_removable_block_is_full": 1,
    "the_kernel_takes_memory": 1,
    "the_kernel_gives_memory_back": 2,
    "a_block_is_online_in_part": 8,
    "a_block_is_unplugged_while_it_is_online": 9,
    "memory_is_unplugged_before_it_is_used": 2,
    "memory_is_unplugged_beside_memory_in_use": 3,
    "a_block_grows_while_it_is_online": 9,
    "a_block_that_is_online_in_part_goes_offline": 11,
    "a_cpu_keeps_a_frame": 1,
    "a_cpu_gives_a_frame_back": 2,
    "a_cpu_uses_a_kernel_page_that_has_moved": 7,
    "several_cpus_stand_still_for_a_copy": 7,
    "a_store_outlives_its_tlb_entry": 4,
    "a_block_that_held_kernel_memory_goes_offline": 9,
    "a_kernel_page_stays_after_all": 3,
    "the_kernel_gives_a_page_back": 2,
    "a_copied_kernel_page_stays_after_all": 5,
    "a_reference_keeps_a_folio_at_home": 4,
    "a_reference_is_taken_where_a_folio_has_moved": 6,
    "a_reference_is_given_back_after_a_write": 4,
    "a_page_moves_while_a_cpu_is_offline": 5,
    "a_new_cpu_finds_a_page_that_has_moved": 7,
    "a_device_fills_a_kernel_buffer": 4,
    "a_kernel_buffer_moves_between_two_transfers": 7,
    "a_cpu_goes_on_without_an_entry": 6,
    "a_cpu_goes_on_with_its_entry": 6,
    "the_old_frame_is_freed_after_a_flush": 6,
    "the_old_frame_is_freed_while_the_new_one_is_used": 7,
    "a_removal_gives_up_on_a_silent_store": 8,
    "a_store_gets_data_that_is_out_of_date": 6,
    "a_store_comes_back_and_gets_the_data": 7,
    "somebody_is_told_of_data_that_was_refused": 6,
    "a_store_gets_what_it_refused": 7,
    "a_folio_leaves_although_its_store_refuses": 10,
    "private_data_arrives_with_its_folio": 7,
    "private_data_moves_after_work_on_it": 9,
    "a_folio_moves_after_a_release": 9,
    "private_data_comes_back_when_a_move_fails": 7,
    "somebody_works_on_private_data": 6,
    "somebody_works_on_private_data_that_stays": 3,
    "private_data_goes_with_its_folio": 3,
    "a_file_is_mapped_out_of_order": 2,
    "anonymous_memory_is_mapped": 2,
    "a_thread_waits_for_a_moving_folio": 6,
    "a_mapping_goes_away": 3,
    "a_thread_that_waited_goes_on": 9,
    "room_is_taken_beyond_a_node_that_has_none": 3,
    "contents_leave_a_leaving_node": 3,
    "a_node_stays_after_all": 2,
    "a_device_follows_its_folio": 9,
    "a_device_fills_its_buffer": 3,
    "a_device_is_done": 3,
    "a_driver_refuses": 4,
    "a_buffer_leaves_the_removable_area_to_be_pinned": 7,
    "a_long_term_buffer_holds_its_block": 3,
    "a_device_is_stopped_before_the_unmapping": 4,
    "a_device_is_stopped_during_the_unmapping": 5,
    "a_program_registers_anonymous_memory": 2,
    "a_mapped_folio_arrives": 8,
    "an_abort_restores_a_mapping": 5,
    "two_folios_move_at_once": 4,
    "a_migration_is_over": 6,
    "an_abort_is_over": 4,
    "a_folio_is_freed": 2,
    "contents_leave_a_draining_block": 6,
    "a_second_try_succeeds": 10,
    "a_buffer_held_for_long_is_sticky": 2,
    "sticky_memory_keeps_a_block_from_being_vetted": 1,
    "a_promise_keeps_a_block_from_being_vetted": 3,
    "private_data_stays_in_the_removable_area": 2,
    "contents_leave_a_vetted_block": 7,
    "a_buffer_that_a_driver_can_move_is_not_sticky": 4,
    "anonymous_memory_is_not_sticky": 3,
    "what_has_left_is_not_sticky": 7,
    "a_node_begins_to_leave_while_something_moves_elsewhere": 3,
    "a_promise_is_kept": 3,
    "a_promise_is_taken_back": 3,
    "a_huge_folio_is_used_without_a_promise": 2,
    "a_huge_folio_is_used_while_another_block_drains": 3,
    "a_surplus_folio_comes_beside_what_is_full_and_closed": 3,
    "a_surplus_folio_is_in_the_removable_area": 1,
    "a_gigantic_surplus_folio_comes_beside_the_removable_area": 1,
    "a_pool_grows_by_a_gigantic_folio_beside_the_removable_area": 1,
    "a_huge_folio_arrives_on_another_node": 6,
    "a_huge_folio_stays_after_all": 4,
    "a_mapped_huge_folio_arrives": 7,
    "a_mapped_huge_folio_stays_after_all": 6,
    "a_thread_waits_for_a_huge_folio": 5,
    "a_thread_that_waited_for_a_huge_folio_goes_on": 8,
    "a_huge_mapping_goes_away": 3,
    "a_move_of_a_huge_folio_is_over": 5,
    "a_program_fills_a_huge_folio": 3,
    "a_device_fills_a_huge_folio": 5,
    "a_huge_folio_is_registered_with_a_device": 3,
    "a_device_keeps_a_huge_folio_from_moving": 5,
    "a_device_is_done_with_a_huge_folio": 4,
    "a_transfer_uses_a_huge_folio_of_the_removable_area": 3,
    "a_huge_folio_goes_back_to_its_pool": 3,
    "a_surplus_folio_goes_back_to_the_buddy_allocator": 2,
    "a_huge_folio_moves_without_a_pool": 6,
    "a_folio_that_was_made_for_a_move_is_given_up": 4,
    "surplus_changes_its_node": 6,
    "a_range_that_was_left_goes_as_surplus": 7,
    "what_a_move_left_is_given_back": 5,
    "a_block_that_held_a_free_huge_folio_goes_offline": 5,
    "a_used_huge_folio_leaves_a_vetted_block": 8,
    "a_block_with_an_error_goes_offline": 4,
    "a_process_hears_that_a_huge_folio_is_lost": 4,
    "contents_leave_memory_that_is_about_to_fail": 7,
    "a_block_is_closed_while_a_kernel_page_leaves_it": 3,
    "a_block_is_closed_where_a_kernel_page_has_arrived": 6,
    "a_block_of_a_refused_device_lacks_its_memmap": 9,
    "a_block_with_metadata_of_others_comes_back": 4,
    "a_kernel_page_begins_to_leave_a_block_that_goes_offline": 3,
    "a_kernel_page_passes_over_the_removable_area": 2,
    "a_cpu_goes_while_none_is_stopped": 1,
    "an_eject_removes_a_block": 5,
    "other_memory_keeps_no_device": 3,
    "an_add_waits_for_no_other_block": 3,
    "an_altmap_is_freed_beside_one_in_use": 5,
    "a_node_goes_while_another_stays": 5,
    "a_gigantic_folio_is_used_while_another_block_drains": 3,
    "a_huge_folio_is_lent_beside_the_removable_area": 3,
    "a_huge_folio_begins_to_leave_a_block_that_goes_offline": 4,
    "a_block_is_closed_with_a_huge_folio_in_it": 2,
    "a_block_is_closed_whose_range_names_a_destination": 4,
    "a_huge_folio_that_refused_moves_while_another_block_goes": 8,
    "a_refused_eject_brings_its_blocks_back": 6,
    "a_request_adds_a_block": 5,
    "a_folio_is_copied_while_a_device_uses_another": 6,
    "a_migration_is_over_while_a_device_uses_the_folio": 10,
    "a_removal_waits_for_a_silent_store": 8,
    "a_reference_is_taken_to_anonymous_memory": 2,
    "a_device_is_lent_anonymous_memory": 2,
    "dirty_anonymous_memory_moves": 8,
    "dirty_anonymous_memory_is_freed": 5,
    "a_folio_begins_to_leave_a_block_that_goes_offline": 3,
    "a_hole_keeps_no_other_block": 1,
    "memory_of_the_kernel_keeps_no_other_block": 2,
    "a_section_goes_that_would_hold_a_memmap": 5,
    "a_pool_grows_while_another_block_drains": 2,
    "a_pool_grows_in_the_removable_area": 1,
    "a_refused_eject_leaves_what_was_offline": 6,
    "a_refused_eject_waits_for_no_other_device": 8,
    "a_huge_folio_passes_over_another_size": 5,
    "memory_is_made_huge_beside_a_free_folio_of_another_size": 4,
    "memory_is_made_huge_beyond_free_memory_that_is_closed": 3,
    "a_huge_folio_that_refused_moves_where_no_block_goes": 7,
    "a_gigantic_folio_is_lent_beside_the_removable_area": 3,
    "a_gigantic_surplus_folio_comes_beside_what_is_closed": 2,
    "a_huge_folio_moves_near_although_there_is_room_elsewhere": 5,
    "contents_are_lost_to_an_error": 4,
    "an_error_destroys_what_was_stored": 2,
    "an_error_destroys_what_a_huge_folio_contained": 3,
    "whoever_lost_something_knows": 4,
    "a_clean_file_loses_nothing_to_an_error": 3,
    "a_frame_of_the_kernel_with_an_error_is_set_aside": 3,
    "the_rest_of_a_huge_folio_with_an_error_is_free": 4,
    "memory_with_an_error_is_removed": 6,
    "an_error_keeps_a_block_of_a_refused_device_offline": 7,
}


def _a_machine(variant: Variant) -> int | None:
    """One on which a shortest trace refutes the variant."""
    changed = apply(SYSTEM, variant)
    trace, _ = reach(changed, [changed.property_by_name[variant.breaks]], shapes=ROOMY)
    machines = fitting(changed, ROOMY).items()
    return next((n for n, m in machines for t in trace.values() if m == t.topology), None)


def test_every_variant_has_a_pinned_length_and_machine() -> None:
    names = {variant.name for variant in VARIANTS}
    unpinned, gone = names - set(LENGTHS), set(LENGTHS) - names
    nowhere = {v.name: _a_machine(v) for v in VARIANTS if v.name not in REFUTED_ON}
    assert not nowhere, f"reference/refuted.py lacks these machines: {nowhere}"
    assert not REFUTED_ON.keys() - names, "reference/refuted.py has variants that are gone"
    assert not unpinned, (
        "LENGTHS lacks these: its steps are what `memhp check --variant NAME` shows"
    )
    assert not gone, "LENGTHS has variants that are gone"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_is_refuted_by_a_trace_that_replays(variant: Variant) -> None:
    changed = apply(SYSTEM, variant)
    claim = changed.property_by_name[variant.breaks]
    trace = first_violation(changed, variant.breaks, folder=default_folder(), variant=variant.name)
    assert trace
    length = len(trace.steps)
    expected = LENGTHS.get(variant.name)
    assert length == expected, f'LENGTHS: "{variant.name}": {length}'
    on = REFUTED_ON[variant.name]
    assert trace.topology == ROOMY[on].build(changed), f"reference/refuted.py says it is on {on}"
    machines = trace.replay(changed)
    assert trace.is_shown_by(machines)
    if claim.kind == "step":
        earlier = [m.step_violations(n) for n, m in pairwise(machines[:-1])]
    else:
        earlier = [machine.violations() for machine in machines[:-1]]
    assert not any(v.property == variant.breaks for step in earlier for v in step)


LATE = {
    "allocation-refills-what-drains",
    "memory-made-huge-beside-a-pool",
    "no-giving-up-while-a-huge-folio-moves",
    "surplus-forgotten-on-dissolve",
    "tries-without-a-budget",
}
"""What is found on its own machine alone: on all of them the search gives up, or takes minutes."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "variant", [v for v in VARIANTS if v.name not in LATE], ids=lambda variant: variant.name
)
def test_no_usual_machine_refutes_a_variant_sooner(variant: Variant) -> None:
    trace = first_violation(apply(SYSTEM, variant), variant.breaks)
    assert trace
    assert len(trace.steps) == LENGTHS[variant.name]


def test_the_specification_keeps_what_the_variants_break() -> None:
    broken = {variant.breaks for variant in VARIANTS}
    assert {
        result.name for result in prove(SYSTEM, only=broken, jobs=1, cache=default_folder()).results
    } == broken
    assert prove(SYSTEM, only=broken, jobs=1, cache=default_folder()).verdict.passes


def test_every_sometimes_property_is_reached() -> None:
    claims = list(SYSTEM.of_kind("sometimes"))
    # Looked for anew: one that an edited design left in the folder may be of another machine.
    traces, _ = reach(SYSTEM, claims)
    lengths = {name: len(trace.steps) for name, trace in traces.items()}
    missing = {claim.name for claim in claims} - set(lengths)
    assert not missing, "no usual machine shows these: see tests/README.md, You add a property"
    differing = {name: n for name, n in lengths.items() if REACHED.get(name) != n}
    assert not differing, f"REACHED: {differing}"
    machines = fitting(SYSTEM, ROOMY)
    elsewhere = {name for name, on in REACHED_ON.items() if traces[name].topology != machines[on]}
    assert not elsewhere, "these are not reached where reference/reached.py says (REACHED_ON)"
    for trace in traces.values():
        assert trace.is_shown_by(trace.replay(SYSTEM))


@pytest.mark.parametrize("first", [0, 2, 99])
def test_looking_first_where_it_is_not_reached_costs_time_alone(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = SYSTEM.property_by_name["a_store_outlives_its_tlb_entry"]
    monkeypatch.setitem(REACHED_ON, claim.name, first)
    traces, _ = reach(SYSTEM, [claim])
    assert len(traces[claim.name].steps) == REACHED[claim.name]


def test_every_sometimes_property_is_pinned() -> None:
    names = {claim.name for claim in SYSTEM.of_kind("sometimes")}
    unpinned, gone = names - set(REACHED), set(REACHED) - names
    assert not unpinned, "REACHED lacks these: `memhp check --only NAME --all` shows the length"
    assert not gone, "REACHED has properties that are gone"
