"""What is true of kernel memory that moves: the address and what was stored stay (K1)."""

from __future__ import annotations

from ..blocks.block_states import BlockState, FrameState, block_state, frame_state, kept
from ..folios.frames import boot_data, data, released
from ..language import (
    Bool,
    after,
    always,
    any_of,
    ends,
    exists,
    implies,
    sometimes,
    step,
)
from ..machine.topology import Frame, block_of, boot_kernel, metadata_frame
from .kernel_memory import (
    Cpu,
    KernelPage,
    KernelStage,
    address_kept,
    cpu_online,
    first_kernel_frame,
    flush_tlb,
    is_mapped,
    is_moving,
    kernel_contents,
    kernel_stage,
    maps_to,
    new_frame,
    old_frame,
    page_in,
    stopped,
    takes,
    tlb,
    tlb_valid,
)


@always(covers="K1")
def running_cpus_reach_the_pages_frame(c: Cpu, k: KernelPage) -> Bool:
    """No CPU that runs reads or writes a frame that the page has left."""
    return implies(cpu_online[c] & ~stopped[c] & tlb_valid[c, k], tlb[c, k] == maps_to[k])


@always(
    covers="K1",
    using="frames_of_kernel_pages_are_the_kernels moving_kernel_pages_have_two_frames",
)
def kernel_contents_are_never_lost(k: KernelPage) -> Bool:
    """The frame that an address leads to contains what was last stored there."""
    return implies(is_mapped(k), data[maps_to[k]] == kernel_contents[k])


@always(covers="K1", using="kernel_contents_are_never_lost")
def kernel_copies_are_faithful(k: KernelPage) -> Bool:
    """A copy that the address does not lead to yet contains what was last stored."""
    copied = kernel_stage[k] == KernelStage.copied
    return implies(copied, data[new_frame[k]] == kernel_contents[k])


@always(covers="K1")
def no_cpu_runs_while_a_page_is_half_moved(c: Cpu, k: KernelPage) -> Bool:
    """Between copy and change of the mapping every CPU is stopped, or offline."""
    return implies(kernel_stage[k] == KernelStage.copied, stopped[c] | ~cpu_online[c])


@always(covers="K1")
def tlb_entries_point_to_frames_of_the_page(c: Cpu, k: KernelPage) -> Bool:
    """No TLB, of a stopped CPU either, names a frame that was freed."""
    behind = (kernel_stage[k] == KernelStage.remapped) & (tlb[c, k] == old_frame[k])
    named = is_mapped(k) & ((tlb[c, k] == maps_to[k]) | behind)
    return implies(tlb_valid[c, k], named)


def _kernels(f: Frame) -> Bool:
    return (frame_state[f] == FrameState.kernel) & kept[f]


@always(covers="K1", using="both_frames_of_a_moving_page_are_the_kernels")
def frames_of_kernel_pages_are_the_kernels(k: KernelPage) -> Bool:
    """The frame that an address leads to is kernel memory, and nothing else frees it."""
    return implies(is_mapped(k), _kernels(maps_to[k]))


@always(covers="K1")
def both_frames_of_a_moving_page_are_the_kernels(k: KernelPage) -> Bool:
    """While a page moves, neither its old nor its new frame is anybody else's."""
    return implies(is_moving(k), _kernels(old_frame[k]) & _kernels(new_frame[k]))


@always(
    covers="K1",
    using="both_frames_of_a_moving_page_are_the_kernels frames_of_kernel_pages_are_the_kernels",
)
def frames_name_their_kernel_page(k: KernelPage) -> Bool:
    """A frame names the page that takes it, so no two pages share a frame."""
    both = (page_in[old_frame[k]] == k) & (page_in[new_frame[k]] == k)
    return implies(is_mapped(k), page_in[maps_to[k]] == k) & implies(is_moving(k), both)


@always(covers="K1", using="kernel_addresses_lead_to_one_of_both_frames")
def kept_frames_belong_to_kernel_pages(f: Frame) -> Bool:
    """No frame stays marked, or set aside, without a page that takes it: none leaks."""
    return implies(kept[f], takes(page_in[f], f))


@always(covers="K1 U1")
def boot_memory_of_the_kernel_never_moves(f: Frame) -> Bool:
    """What the kernel took at boot lies in the direct map: no page table of its own."""
    return implies(boot_kernel[f], ~kept[f])


@always(
    covers="K1 N1",
    using="both_frames_of_a_moving_page_are_the_kernels frames_with_metadata_are_handed_to_nobody",
)
def metadata_never_moves(f: Frame) -> Bool:
    """Metadata is found by its address in the direct map, too: it goes with its block."""
    return implies(metadata_frame[f], ~kept[f])


@always(covers="K1")
def moving_kernel_pages_have_two_frames(k: KernelPage) -> Bool:
    """A page moves to another frame than its own."""
    return implies(is_moving(k), old_frame[k] != new_frame[k])


@always(covers="K1")
def kernel_addresses_lead_to_one_of_both_frames(k: KernelPage) -> Bool:
    """The address leads to the old frame until it is remapped, then to the new one."""
    here = any_of(
        (kernel_stage[k] == KernelStage.remapped) & (maps_to[k] == new_frame[k]),
        (kernel_stage[k] != KernelStage.remapped) & (maps_to[k] == old_frame[k]),
    )
    return implies(is_moving(k), here)


@always(covers="K1")
def only_pages_with_page_tables_are_mapped(k: KernelPage) -> Bool:
    """A page in the direct map has no address that could stay."""
    return implies(is_mapped(k), address_kept[k])


@step(covers="K1")
def a_kernel_page_that_moves_keeps_its_address(k: KernelPage) -> Bool:
    """From the first to the last step of a migration the address leads to a frame of the page."""
    both = (after(maps_to[k]) == old_frame[k]) | (after(maps_to[k]) == new_frame[k])
    return implies(is_moving(k), after(is_mapped(k)) & both)


@step(
    covers="K1",
    using="kernel_addresses_lead_to_one_of_both_frames moving_kernel_pages_have_two_frames",
)
def nobody_touches_the_frame_that_a_page_has_left(k: KernelPage) -> Bool:
    """After the address leads elsewhere the old frame does not change until it is freed."""
    left = kernel_stage[k] == KernelStage.remapped
    return implies(left, after(data[old_frame[k]]) == data[old_frame[k]])


@step(covers="K1", using="tlb_entries_point_to_frames_of_the_page")
def kernel_frames_are_freed_when_no_tlb_names_them(c: Cpu, k: KernelPage, f: Frame) -> Bool:
    """When a kept frame is freed, no TLB and no mapping leads to it."""
    freed = kept[f] & ~after(kept[f])
    named = (tlb_valid[c, k] & (tlb[c, k] == f)) | after(is_mapped(k) & (maps_to[k] == f))
    return implies(freed, ~named)


@step(covers="K1")
def frames_that_a_kernel_page_gives_up_are_freed(f: Frame) -> Bool:
    """A frame that no address leads to any more goes back to the allocator."""
    freed = kept[f] & ~after(kept[f])
    return implies(freed, after(frame_state[f]) == released(f))


@step(covers="K1 U2")
def cpus_stop_only_when_a_page_is_to_be_copied(c: Cpu) -> Bool:
    """Nothing stops a CPU while no kernel page moves: the normal path is not slowed."""
    wanted = exists(KernelPage, lambda k: kernel_stage[k] == KernelStage.stopping)
    return implies(~stopped[c] & after(stopped[c]), wanted)


@ends(
    by=flush_tlb,
    covers="K1",
    using="kernel_addresses_lead_to_one_of_both_frames moving_kernel_pages_have_two_frames",
)
def flushing_ends(c: Cpu, k: KernelPage) -> tuple[Bool, Bool]:
    """Once a page is remapped its old entries can all be flushed, and none comes back."""
    behind = tlb_valid[c, k] & (tlb[c, k] == old_frame[k])
    return kernel_stage[k] == KernelStage.remapped, behind


@step(covers="K1")
def a_page_that_is_mapped_afresh_has_not_moved(k: KernelPage) -> Bool:
    """What is left of an earlier page at the address is forgotten."""
    fresh = ~is_mapped(k) & after(is_mapped(k))
    same = (after(old_frame[k]) == after(maps_to[k])) & (after(new_frame[k]) == after(maps_to[k]))
    return implies(fresh, same)


@sometimes(covers="K1")
def a_cpu_uses_a_kernel_page_that_has_moved(c: Cpu, k: KernelPage) -> Bool:
    """A kernel page has arrived in another frame, and a CPU goes on at the same address."""
    return (kernel_stage[k] == KernelStage.remapped) & tlb_valid[c, k] & ~stopped[c]


@sometimes(covers="K1")
def several_cpus_stand_still_for_a_copy(c: Cpu, e: Cpu, k: KernelPage) -> Bool:
    """A kernel page is copied when two CPUs, which had used it, have stopped."""
    used = tlb_valid[c, k] & tlb_valid[e, k]
    return (c != e) & used & (kernel_stage[k] == KernelStage.copied)


@sometimes(covers="K1")
def a_store_outlives_its_tlb_entry(c: Cpu, k: KernelPage) -> Bool:
    """A CPU stores to a kernel page, and forgets the address."""
    stored = kernel_contents[k] != boot_data[maps_to[k]]
    forgets = tlb_valid[c, k] & ~after(tlb_valid[c, k]) & after(cpu_online[c])
    return is_mapped(k) & stored & forgets


@sometimes(covers="K1")
def a_block_that_held_kernel_memory_goes_offline(k: KernelPage) -> Bool:
    """Kernel memory leaves a block, and then the block can go."""
    arrived = is_mapped(k) & (maps_to[k] == new_frame[k]) & (old_frame[k] != new_frame[k])
    return arrived & (block_state[block_of(old_frame[k])] == BlockState.offline)


@sometimes(covers="K1")
def a_kernel_page_stays_after_all(k: KernelPage) -> Bool:
    """A migration of a kernel page is given up."""
    at_rest = kernel_stage[k] == KernelStage.mapped
    return at_rest & (maps_to[k] == old_frame[k]) & (old_frame[k] != new_frame[k])


@sometimes(covers="K1")
def the_kernel_gives_a_page_back(k: KernelPage) -> Bool:
    """An address that led to a frame leads nowhere."""
    return ~is_mapped(k) & (maps_to[k] != first_kernel_frame[k])


@sometimes(covers="K1")
def a_copied_kernel_page_stays_after_all(k: KernelPage) -> Bool:
    """A migration is given up although the copy is made."""
    return (kernel_stage[k] == KernelStage.copied) & after(kernel_stage[k] == KernelStage.mapped)


@sometimes(covers="K1")
def a_cpu_goes_on_without_an_entry(c: Cpu, k: KernelPage) -> Bool:
    """A CPU goes on when a page has moved: of where the page was it knows nothing any more."""
    goes_on = stopped[c] & ~after(stopped[c])
    forgot = ~tlb_valid[c, k] & (tlb[c, k] != maps_to[k])
    return goes_on & forgot & (kernel_stage[k] == KernelStage.remapped)


@sometimes(covers="K1")
def a_cpu_goes_on_with_its_entry(c: Cpu, k: KernelPage) -> Bool:
    """A CPU goes on that has an entry of a page which did not move, after all."""
    goes_on = stopped[c] & ~after(stopped[c])
    return goes_on & tlb_valid[c, k] & (new_frame[k] != maps_to[k])


@sometimes(covers="K1")
def the_old_frame_is_freed_after_a_flush(c: Cpu, k: KernelPage) -> Bool:
    """A page is done moving, and a CPU that had used it knows nothing of where it was."""
    done = (kernel_stage[k] == KernelStage.remapped) & after(kernel_stage[k] == KernelStage.mapped)
    return done & ~tlb_valid[c, k] & (tlb[c, k] == old_frame[k])


@sometimes(covers="K1")
def the_old_frame_is_freed_while_the_new_one_is_used(c: Cpu, k: KernelPage) -> Bool:
    """A page is done moving, and a CPU has found where it is."""
    done = (kernel_stage[k] == KernelStage.remapped) & after(kernel_stage[k] == KernelStage.mapped)
    return done & tlb_valid[c, k]
