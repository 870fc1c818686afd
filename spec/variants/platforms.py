"""Wrong designs of what platforms offer: LMBs, virtio-mem, standby, boot memory (A1, R3 to R5)."""

from __future__ import annotations

from ..blocks.block_states import FrameState
from ..devices.firmware import sections_are_left
from ..language import (
    Bool,
    DropGuard,
    DropUpdate,
    ReplaceDefinition,
    ReplaceGuard,
    Variant,
)
from ..machine.platform_state import (
    Increment,
    LmbRequest,
    accessible,
    has_its_driver,
    in_storage,
    increment_block,
    kmem_bound,
    removed_for_request,
    reserved_lmb,
)
from ..machine.topology import Block, Frame, MemoryDevice

__all__ = ["VARIANTS"]


def _only_after_a_whole_prepare(i: Increment) -> Bool:
    """MEM_FINISH_OFFLINE is sent only when MEM_PREPARE_ONLINE had succeeded."""
    return in_storage[i] & accessible(increment_block[i])


def _not_coming_back(b: Block) -> Bool:
    return removed_for_request[b] != LmbRequest.coming_back


def _count_reached_or_given_up(b: Block) -> Bool:
    return removed_for_request[b] != LmbRequest.removed


def _handed_out_in_any_case(f: Frame) -> FrameState:
    return FrameState.free


def _neither_bound_nor_left(m: MemoryDevice) -> Bool:
    """The ranges of a device whose memory was left behind stay busy until the next boot."""
    return ~kmem_bound[m] & ~sections_are_left(m)


def _neither_reserved_nor_left(b: Block) -> Bool:
    """Nobody removes the memory of a driver but the driver."""
    return ~reserved_lmb[b] & has_its_driver(b)


VARIANTS = (
    Variant(
        name="lmb-released-while-present",
        doc="The hypervisor gets an LMB whose sections Linux still has.",
        covers=("R3", "A1"),
        source="arch/powerpc/platforms/pseries/hotplug-memory.c: dlpar_release_drc() comes last",
        breaks="lmbs_are_released_when_nothing_of_them_is_left",
        edits=(DropGuard("release_lmb", "no_memmap_left"),),
    ),
    Variant(
        name="failed-request-not-taken-back",
        doc="A request fails for want of LMBs that can go, and those that it removed go anyway.",
        covers=("R3",),
        source="arch/powerpc/platforms/pseries/hotplug-memory.c: LMBs are added back"
        " (dlpar_memory_remove_by_count)",
        breaks="a_failed_request_brings_every_lmb_back",
        edits=(ReplaceGuard("release_lmb", "not_coming_back", _count_reached_or_given_up),),
    ),
    Variant(
        name="lmb-released-before-the-count",
        doc="Each LMB is released as soon as it is removed, so that a request cannot be undone.",
        covers=("R3",),
        source="arch/powerpc/platforms/pseries/hotplug-memory.c: DRCs are released when the"
        " count is reached",
        breaks="no_lmb_leaves_before_the_count_is_reached",
        edits=(ReplaceGuard("release_lmb", "not_coming_back", _not_coming_back),),
    ),
    Variant(
        name="reserved-lmb-removed",
        doc="An LMB is removed although the hypervisor keeps it where it is.",
        covers=("R3",),
        source="arch/powerpc/platforms/pseries/hotplug-memory.c: lmb_is_removable()",
        breaks="reserved_lmbs_never_go",
        edits=(DropGuard("delete_block_device", "not_reserved"),),
    ),
    Variant(
        name="unplugged-subblock-handed-out",
        doc="A block goes online with all its frames, whatever its device has plugged.",
        covers=("A1", "R4", "R5"),
        source="drivers/virtio/virtio_mem.c: virtio_mem_online_page() keeps unplugged memory",
        breaks="unplugged_memory_is_in_nobodys_hands",
        edits=(ReplaceDefinition("comes_online_as", _handed_out_in_any_case),),
    ),
    Variant(
        name="subblock-unplugged-in-use",
        doc="The device takes a sub-block away without looking whether its frames are free.",
        covers=("A1", "R4", "R5"),
        source="drivers/virtio/virtio_mem.c: virtio_mem_sbm_unplug_sb_online() allocates first",
        breaks="unplugged_memory_is_in_nobodys_hands",
        edits=(DropGuard("unplug_subblock", "frames_free"),),
    ),
    Variant(
        name="driver-leaves-its-memory",
        doc="The driver lets go of a DAX device whose memory the kernel still has: nobody can"
        " remove it any more.",
        covers=("A1", "R4"),
        source="drivers/dax/kmem.c: dev_dax_kmem_remove() has no way to fail",
        breaks="dax_memory_has_its_driver",
        edits=(
            DropGuard("unbind_kmem", "memory_gone"),
            ReplaceGuard("bind_kmem", "not_bound", _neither_bound_nor_left),
            ReplaceGuard("delete_block_device", "not_reserved", _neither_reserved_nor_left),
        ),
    ),
    Variant(
        name="driver-keeps-its-frames",
        doc="The driver keeps its references at MEM_GOING_OFFLINE: its block can never go.",
        covers=("A1", "R4", "R5"),
        source="drivers/virtio/virtio_mem.c: virtio_mem_notify_going_offline()",
        breaks="unplugged_memory_does_not_keep_a_block",
        edits=(DropUpdate("announce_offline", "driver_reference"),),
    ),
    Variant(
        name="driver-loses-its-frames",
        doc="A removal is cancelled, and the driver does not take its references again.",
        covers=("A1", "R4", "R5"),
        source="drivers/virtio/virtio_mem.c: virtio_mem_notify_cancel_offline()",
        breaks="drivers_let_go_while_a_block_leaves",
        edits=(DropUpdate("cancel_offline", "driver_reference"),),
    ),
    Variant(
        name="s390-partial-assignment",
        doc="S2: an increment cannot be assigned; those before it stay so, the block offline.",
        covers=("R5",),
        source="Linux 6.12, drivers/s390/char/sclp_cmd.c: sclp_mem_change_state() undoes nothing;"
        " drivers/base/memory.c: memory_block_online() sends no MEM_FINISH_OFFLINE then",
        breaks="offline_blocks_have_no_assigned_increment",
        edits=(ReplaceDefinition("given_up", _only_after_a_whole_prepare),),
    ),
    Variant(
        name="online-before-assignment",
        doc="Struct pages are initialised while an increment of the block is standby.",
        covers=("R5", "N1"),
        source="include/linux/memory.h: MEM_PREPARE_ONLINE comes before all else",
        breaks="struct_pages_are_initialised_when_every_increment_is_assigned",
        edits=(DropGuard("initialise_memmap", "accessible"),),
    ),
    Variant(
        name="boot-memory-goes-against-the-veto",
        doc="Boot memory goes offline although the notifier of arm64 refuses.",
        covers=("R5",),
        source="arch/arm64/mm/mmu.c: prevent_bootmem_remove_notifier()",
        breaks="vetoed_boot_memory_never_goes",
        edits=(DropGuard("finish_offline", "notifiers_agree"),),
    ),
)
