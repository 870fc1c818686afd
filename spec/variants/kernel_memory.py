"""Wrong designs of kernel memory that moves (K1)."""

from __future__ import annotations

from ..folios.removal_work import goes_offline
from ..language import Bool, DropGuard, DropUpdate, ReplaceGuard, Variant, exists
from ..machine.topology import Block, block_of
from ..special.kernel_memory import (
    Cpu,
    KernelPage,
    KernelStage,
    kernel_stage,
    old_frame,
    waits_to_be_remapped,
)
from .sources import LIST

__all__ = ["VARIANTS"]

_FUTURE = LIST + ": kernel memory hotplug (future work)"
_DMA = "include/linux/dma-mapping.h: a buffer is the device's until dma_unmap_page()"


def _nothing_copied(c: Cpu) -> Bool:
    return ~exists(KernelPage, lambda k: kernel_stage[k] == KernelStage.copied)


def _no_kernel_page_moves(b: Block) -> Bool:
    moving = exists(KernelPage, lambda k: waits_to_be_remapped(k) & (block_of(old_frame[k]) == b))
    return goes_offline(b) & ~moving


VARIANTS = (
    Variant(
        name="cpus-go-on-before-the-copy",
        doc="A CPU that has stopped goes on before all have: the page may wait for ever.",
        covers=("K1", "N3"),
        source="kernel/stop_machine.c: a CPU goes on when all have acknowledged",
        breaks="kernel_pages_leave_a_draining_block",
        edits=(ReplaceGuard("resume_cpu", "nothing_half_moved", _nothing_copied),),
    ),
    Variant(
        name="kernel-tries-without-a-budget",
        doc="A kernel page that stayed is tried again as often as there is nothing else to do.",
        covers=("K1", "U3"),
        source=LIST + ": removing takes less time than rebooting",
        breaks="another_try_of_a_kernel_page_is_paid_for",
        edits=(DropGuard("begin_kernel_migration", "try_paid_for"),),
    ),
    Variant(
        name="no-giving-up-while-a-kernel-page-moves",
        doc="Once a removal moves a kernel page, nobody can give it up before the page has moved.",
        covers=("K1", "U3"),
        source=LIST + ": removing takes less time than rebooting",
        breaks="kernel_pages_leave_within_the_budget_of_a_removal",
        edits=(ReplaceGuard("cancel_offline", "going_offline", _no_kernel_page_moves),),
    ),
    Variant(
        name="kernel-refusal-forgotten",
        doc="A kernel page that stays leaves no mark: its next try costs nothing.",
        covers=("K1", "U3"),
        source=LIST + ": removing takes less time than rebooting",
        breaks="what_a_kernel_page_gave_up_is_remembered",
        edits=(DropUpdate("abort_kernel_migration", "refused_move"),),
    ),
    Variant(
        name="resumed-with-an-old-tlb-entry",
        doc="A CPU goes on without a flush: its TLB leads to the frame that the page has left.",
        covers=("K1",),
        source=_FUTURE,
        breaks="running_cpus_reach_the_pages_frame",
        edits=(DropGuard("resume_cpu", "flushed"),),
    ),
    Variant(
        name="one-cpu-not-stopped",
        doc="The page is copied while a CPU runs, and stores to it.",
        covers=("K1",),
        source=_FUTURE,
        breaks="no_cpu_runs_while_a_page_is_half_moved",
        edits=(DropGuard("copy_kernel_page", "all_stopped"),),
    ),
    Variant(
        name="store-lost-in-the-copy",
        doc="A CPU goes on after the copy, before the address leads to it: its store is lost.",
        covers=("K1",),
        source=_FUTURE,
        breaks="kernel_copies_are_faithful",
        edits=(DropGuard("resume_cpu", "nothing_half_moved"),),
    ),
    Variant(
        name="kernel-source-freed-before-the-flush",
        doc="The old frame is freed while a TLB still leads to it: one of a stopped CPU.",
        covers=("K1",),
        source=_FUTURE,
        breaks="tlb_entries_point_to_frames_of_the_page",
        edits=(DropGuard("finish_kernel_migration", "flushed_everywhere"),),
    ),
    Variant(
        name="kernel-page-unmapped-without-a-flush",
        doc="The page is given back while a TLB knows its address.",
        covers=("K1",),
        source="mm/vmalloc.c: vunmap flushes lazily, but before the address is used again",
        breaks="tlb_entries_point_to_frames_of_the_page",
        edits=(DropGuard("unmap_kernel_page", "not_cached"),),
    ),
    Variant(
        name="cpu-comes-online-during-a-copy",
        doc="A CPU comes online while the others have stopped: it stores behind the copy.",
        covers=("K1",),
        source="kernel/stop_machine.c: stop_machine() takes cpus_read_lock()",
        breaks="no_cpu_runs_while_a_page_is_half_moved",
        edits=(DropGuard("cpu_up", "no_page_half_moved"),),
    ),
    Variant(
        name="cpu-comes-back-with-its-tlb",
        doc="A CPU that was offline while a page moved still knows where the page was.",
        covers=("K1",),
        source=_FUTURE,
        breaks="running_cpus_reach_the_pages_frame",
        edits=(DropUpdate("cpu_down", "tlb_valid"),),
    ),
    Variant(
        name="kernel-buffer-moved-under-its-device",
        doc="A kernel page moves while a device has it as its buffer: what it writes is lost.",
        covers=("K1", "U5"),
        source=_DMA,
        breaks="kernel_buffers_of_devices_stay",
        edits=(DropGuard("begin_kernel_migration", "no_dma"),),
    ),
    Variant(
        name="kernel-buffer-freed-under-its-device",
        doc="A kernel page is given back while a device has it: it writes to another's memory.",
        covers=("K1", "U5"),
        source=_DMA,
        breaks="devices_reach_the_frame_of_their_kernel_page",
        edits=(DropGuard("unmap_kernel_page", "no_dma"),),
    ),
    Variant(
        name="kernel-frame-freed-behind-its-address",
        doc="A frame goes back to the allocator although a kernel address leads to it.",
        covers=("K1", "U1"),
        source=_FUTURE,
        breaks="frames_of_kernel_pages_are_the_kernels",
        edits=(DropGuard("free_kernel", "not_mapped"),),
    ),
    Variant(
        name="kernel-page-moved-into-the-removable-area",
        doc="A kernel page moves to the movable zone, where nothing of the kernel may be.",
        covers=("K1", "U1"),
        source=LIST + ": definition of removable area is effective",
        breaks="kernel_frames_stay_out_of_the_removable_area",
        edits=(DropGuard("begin_kernel_migration", "outside_removable_area"),),
    ),
    Variant(
        name="kernel-page-moved-to-a-leaving-node",
        doc="A kernel page moves to a node that leaves as a whole.",
        covers=("K1", "N4"),
        source=LIST + ": destination of migration should be appropriate area",
        breaks="kernel_destinations_lie_where_memory_stays",
        edits=(DropGuard("begin_kernel_migration", "node_stays"),),
    ),
    Variant(
        name="kernel-page-moved-anywhere",
        doc="A kernel page moves to any free frame, however far it is.",
        covers=("K1", "N4"),
        source=LIST + ": destination of migration should be appropriate area",
        breaks="no_free_frame_that_is_nearer_is_passed_over_by_the_kernel",
        edits=(DropGuard("begin_kernel_migration", "nearest_with_room"),),
    ),
)
