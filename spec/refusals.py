"""Refusals: what a user of each action is told, in the order in which the kernel asks.

A proof does not see errnos, nor which of two objections is raised first; a user does.
So both are pinned here, apart from the actions: for each action its guards in their
order, with the errno where the kernel gives one.  `memhp check --mutants` and
tests/spec/test_refusals.py hold the actions against this table.
"""

from __future__ import annotations

from .language import Action
from .language.errnos import errorcode

__all__ = ["REFUSALS", "refusals"]


def refusals(action: Action) -> tuple[str, ...]:
    """What the action answers, guard by guard: "guard ERRNO" or "guard", as in `REFUSALS`."""
    return tuple(
        f"{guard.name} {errorcode[guard.errno]}" if guard.errno else guard.name
        for guard in action.guards
    )


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """A line for each action, continued where the next is indented."""
    lines = text.strip().replace("\n    ", " ").splitlines()
    return {
        name: tuple(part.strip() for part in parts.split(","))
        for name, _, parts in (line.partition(": ") for line in lines)
    }


REFUSALS = _table("""
allocate_pgdat: no_pgdat EEXIST, pgdat_memory_plugged ENOMEM
allocate_memmap: no_memmap EEXIST, memory_plugged ENODEV, a_piece_plugged ENODEV,
    driver_bound ENODEV, request_allows_add EINVAL, hotplug_lock, pgdat_initialised ENOMEM,
    host_present ENOMEM
add_section: not_present EEXIST, has_memmap ENOMEM, pgdat_section_first ENOMEM
set_node_online: node_offline EEXIST, pgdat_initialised ENOMEM
create_block_device: device_hotplug_lock, no_device EEXIST, sections_present ENODEV, node_online
    ENODEV
remove_section: present ENODEV, no_device EBUSY, hosts_no_memmap EBUSY, pgdat_leaves_last EBUSY
free_memmap: has_memmap, section_gone EBUSY, hotplug_lock
set_node_offline: node_online ENODEV, no_section_left EBUSY, no_device_left EBUSY
free_pgdat: has_pgdat, node_offline EBUSY, no_memmap_left EBUSY, nobody_looks EBUSY
find_block: at_work, idle, has_device ENODEV
begin_online: device_hotplug_lock, hotplug_lock, has_device ENODEV, block_offline EINVAL,
    no_known_error EHWPOISON, a_zone EINVAL, metadata_does_not_move EINVAL
initialise_memmap: going_online, not_initialised, accessible EPERM, host_in_use ENOMEM
finish_online: announced, notifiers_agree EPERM
begin_offline: device_hotplug_lock, hotplug_lock, has_device ENODEV, block_online EINVAL, one_zone
    EINVAL, no_holes EINVAL, no_unmovable EBUSY, hosts_no_memmap EBUSY, pgdat_leaves_last EBUSY
finish_offline: announced, notifiers_agree EPERM, empty EBUSY
open_state_file: has_device ENODEV, file_idle
delete_block_device: device_hotplug_lock, has_device ENODEV, not_reserved EINVAL, block_offline
    EBUSY, one_kind_of_memmap EINVAL, file_idle
insert_device: not_inserted EEXIST
begin_add: inserted ENODEV, of_the_firmware ENODEV, device_hotplug_lock, no_add_or_removal
finish_add: adding, all_blocks_added EBUSY
fail_add: adding, a_block_is_missing EEXIST
conclude_failed_add: add_failed, taken_back EBUSY, node_taken_back EBUSY
forbid_eject: may_be_forbidden EPERM, allowed EEXIST, no_request
allow_eject: forbidden ENOENT
request_eject: inserted ENODEV, of_the_firmware ENODEV, device_hotplug_lock, no_add_or_removal,
    eject_allowed EPERM, has_ej0 ENODEV
decline_eject: inserted ENODEV, of_the_firmware ENODEV, device_hotplug_lock, no_add_or_removal,
    stays EINVAL
refuse_eject: ejecting, inserted ENODEV
conclude_refusal: refused, all_back EBUSY
eject_device: ejecting, inserted ENODEV, no_memmap_left EBUSY, holds_no_pgdat EBUSY
finish_eject: ejecting, gone EBUSY
ej0_fails: ejecting, inserted ENODEV, no_memmap_left EBUSY, holds_no_pgdat EBUSY
conclude_failed_ej0: ej0_failed, all_back EBUSY
acquire_lmb: is_lmb EINVAL, not_acquired EEXIST
assign_lmb: acquired EINVAL, not_assigned EINVAL, online EINVAL
unassign_lmb: assigned EINVAL, request_goes_on EBUSY, memory_removed EBUSY
reach_count: has_removed EINVAL
give_up_removal: has_removed EINVAL
release_lmb: acquired EINVAL, not_assigned EBUSY, not_coming_back EBUSY, no_memmap_left EBUSY,
    holds_no_pgdat EBUSY
assign_increment: in_storage EINVAL, is_standby EEXIST, preparing EINVAL
drain: not_draining EBUSY, nothing_incoming EBUSY
undrain: draining ENOENT
alloc_kernel: frame_free ENOMEM, outside_removable_area ENOMEM, not_draining ENOMEM, node_stays
    ENOMEM
free_kernel: kernel_frame, not_boot_memory, no_metadata, not_mapped EBUSY
alloc_folio: new_folio, a_kind, frame_free ENOMEM, not_draining ENOMEM, node_stays ENOMEM
plug_subblock: is_virtio EINVAL, settled EAGAIN, not_plugged EEXIST
unplug_subblock: plugged ENOENT, frames_free EBUSY
bind_kmem: is_dax ENODEV, inserted ENODEV, not_bound EBUSY
unbind_kmem: bound ENODEV, memory_gone EBUSY
map_kernel_page: address_kept ENOTSUP, not_mapped EBUSY, frame_free ENOMEM, outside_removable_area
    ENOMEM, not_draining ENOMEM, node_stays ENOMEM
unmap_kernel_page: at_rest EINVAL, not_cached, no_dma EBUSY
tlb_fill: mapped EFAULT, cpu_online, not_cached
begin_kernel_migration: at_rest EBUSY, no_dma EBUSY, try_paid_for EAGAIN, frame_free ENOMEM,
    outside_removable_area ENOMEM, not_draining ENOMEM, node_stays ENOMEM, nearest_with_room ENOMEM
copy_kernel_page: stopping, all_stopped EAGAIN
resume_cpu: stopped, nothing_half_moved EBUSY, flushed EBUSY
finish_kernel_migration: remapped, flushed_everywhere EBUSY
cpu_down: online, not_stopped EBUSY, not_the_last EBUSY
cpu_up: offline, no_page_half_moved EBUSY
map_kernel_dma: at_rest EBUSY, not_given EBUSY
unmap_kernel_dma: given EINVAL
begin_writeback: file EINVAL, dirty, not_under_writeback, unlocked EAGAIN, no_error EIO
end_writeback: under_writeback, store_answers EIO
wait_for_writeback: holds_up EBUSY, in_budget EINTR
attach_private: file EINVAL, no_private EBUSY
use_private: has_private ENOENT, at_home EAGAIN, not_busy
release_private: has_private ENOENT, releasable EAGAIN, not_busy EAGAIN, clean EAGAIN
fault: not_mapped, folio_exists EFAULT, folio_unlocked EAGAIN, no_error EHWPOISON
remap_file_pages: not_mapped, page_cache EINVAL, folio_unlocked EAGAIN, no_error EHWPOISON
store: mapped EFAULT
begin_node_removal: not_leaving EBUSY, nothing_incoming EBUSY
cancel_node_removal: leaving ENOENT
reserve_destination: folio_exists, unlocked EAGAIN, vetted EBUSY, try_paid_for EAGAIN, frame_free
    ENOMEM, node_stays ENOMEM, not_draining ENOMEM, nearest_with_room ENOMEM
pin_short: device_there ENODEV, not_pinned EBUSY, folio_exists EFAULT, folio_unlocked EAGAIN,
    no_error EHWPOISON
pin_longterm: device_there ENODEV, not_pinned EBUSY, folio_exists EFAULT, folio_unlocked EAGAIN,
    no_error EHWPOISON, outside_removable_area EAGAIN, block_stays EAGAIN
unpin: pinned EINVAL
stop_device: pinned, running, driver_moves ENOTSUP, to_be_copied
update_device_table: stopped EBUSY, points_elsewhere
resume_device: stopped, not_copied EBUSY, table_updated EBUSY
get_reference: not_taken EBUSY, folio_exists EFAULT, not_frozen EAGAIN
put_reference: taken EINVAL
begin_unmap: reserved, no_writeback EBUSY
copy: unmapping, unmapped EAGAIN, no_running_pin EAGAIN, expected_count EAGAIN,
    no_error EHWPOISON
move_private: copied, at_home, private_known EAGAIN, private_idle EAGAIN
change_home: copied, clean_or_method EAGAIN, private_moved EAGAIN
free_folio: folio_exists, unlocked EAGAIN, not_mapped, not_pinned EAGAIN, no_reference EAGAIN,
    clean EBUSY, no_writeback EBUSY, private_idle EBUSY
try_again: going_offline EINVAL, refused EBUSY, in_budget EINTR
vet: draining, not_vetted, nothing_sticky EBUSY
grow_pool: new_folio, range_free ENOMEM, not_draining ENOMEM, node_stays ENOMEM,
    gigantic_outside_removable_area ENOMEM
take_surplus: new_folio, range_free ENOMEM, not_draining ENOMEM, node_stays ENOMEM,
    gigantic_outside_removable_area ENOMEM
dissolve: huge_free, not_promised EBUSY
reserve_huge: not_held, one_is_left ENOMEM
unreserve_huge: held ENOENT
take_huge: huge_free, not_promised EBUSY, range_stays ENOMEM, no_error ENOMEM
take_promised: huge_free, held ENOENT, same_node, range_stays ENOMEM, no_error ENOMEM
map_huge: not_mapped, huge_used, unlocked EBUSY, no_error EHWPOISON
store_huge: mapped EFAULT
put_huge: huge_used, unlocked EBUSY, not_mapped, not_pinned EAGAIN, nothing_surplus
put_surplus: huge_used, unlocked EBUSY, not_mapped, not_pinned EAGAIN, surplus
pin_huge_short: device_there ENODEV, not_pinned EBUSY, huge_used, unlocked EBUSY, seen EFAULT,
    no_error EHWPOISON
pin_huge_longterm: device_there ENODEV, not_pinned EBUSY, huge_used, unlocked EBUSY, seen EFAULT,
    no_error EHWPOISON, outside_removable_area EAGAIN, range_stays EAGAIN
unpin_huge: pinned EINVAL
begin_huge_migration: huge_used, unlocked EBUSY, seen EBUSY, try_paid_for EAGAIN, target_free
    ENOMEM, not_promised ENOMEM, same_size ENOMEM, target_stays ENOMEM, target_whole ENOMEM,
    nearest_with_room ENOMEM
begin_huge_migration_afresh: huge_used, unlocked EBUSY, seen EBUSY, try_paid_for EAGAIN,
    no_pool_has_one, of_the_buddy_allocator ENOMEM, new_folio, range_free ENOMEM,
    not_draining ENOMEM, node_stays ENOMEM, nearest_with_room ENOMEM
copy_huge: reserved, unmapped EAGAIN, not_pinned EAGAIN, no_error EHWPOISON
memory_failure: may_fail, online ENXIO, not_known EHWPOISON
soft_offline: may_fail, online EIO, not_known EHWPOISON, can_be_handled EIO,
    nobody_has_it EBUSY
unmap_poisoned: has_error, user, maps, unlocked EAGAIN, no_writeback EBUSY
give_up_folio: folio_exists, has_error, unlocked EAGAIN, not_mapped EBUSY, not_pinned EBUSY,
    no_reference EBUSY, no_writeback EBUSY, private_idle EBUSY
unmap_poisoned_huge: has_error, maps, unlocked EBUSY
give_up_huge: huge_used, has_error, unlocked EBUSY, not_mapped EBUSY, not_pinned EBUSY
""")
"""By action; one that nobody asks for gives no errno, and is not here."""
