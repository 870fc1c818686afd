"""Kernel memory moves: the frame changes, the virtual address stays (K1, future work).

The list leaves it open; no kernel does it.  The design that is stated here: the
page has page tables of its own, so that its address can stay.  Stop every CPU,
copy, point the address at the new frame; a CPU goes on when its TLB has
forgotten the old one; the old frame is freed when every TLB has.

Background: mm/vmalloc.c (vmap, vunmap: lazy TLB flush), kernel/stop_machine.c.
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EFAULT, EINVAL, ENOMEM, EOPNOTSUPP

from ..blocks.block_states import FrameState, frame_state, kept, refused_move, zone
from ..folios.drain import draining, leaving
from ..folios.frames import (
    Data,
    boot_data,
    data,
    released,
)
from ..folios.removal_work import goes_offline
from ..language import (
    Bool,
    Enumeration,
    Sort,
    action,
    after,
    definition,
    exists,
    false,
    guard,
    topology,
    true,
    variable,
)
from ..machine.topology import Frame, Zone, block_of, nearer, node_of_frame


class Cpu(Sort):
    """A processor with a TLB of its own."""


class KernelPage(Sort):
    """A page of kernel virtual addresses; users of the page know it by its address alone."""


class KernelStage(Enumeration):
    """``none``: nothing is mapped; ``stopping``, ``copied``, ``remapped``: the page moves."""

    none: KernelStage
    mapped: KernelStage
    stopping: KernelStage
    copied: KernelStage
    remapped: KernelStage


address_kept = topology(KernelPage, Bool)
"""The page has page tables of its own: its frame can change under its address."""

first_kernel_frame = topology(KernelPage, Frame)
"""What the page's records name before it was ever mapped; nothing depends on it."""

first_kernel_page = topology(Frame, KernelPage)
"""What a struct page names before a kernel page was ever there; nothing depends on it."""

kernel_stage = variable(KernelPage, KernelStage, initial=lambda k: KernelStage.none)
"""How far the page's migration is, if it is mapped at all."""

maps_to = variable(KernelPage, Frame, initial=lambda k: first_kernel_frame[k])
"""The frame that the kernel's page table gives the address."""

old_frame = variable(KernelPage, Frame, initial=lambda k: first_kernel_frame[k])
"""The frame that a page leaves, or left when it last moved; at first its only one."""

new_frame = variable(KernelPage, Frame, initial=lambda k: first_kernel_frame[k])
"""The frame that a page goes to, or was to go to when it last moved; at first its only one."""

page_in = variable(Frame, KernelPage, initial=lambda f: first_kernel_page[f])
"""The kernel page that takes the frame, while it is marked as kept."""

tlb_valid = variable(Cpu, KernelPage, Bool, initial=lambda c, k: false)
"""The CPU's TLB has an entry for the address."""

tlb = variable(Cpu, KernelPage, Frame, initial=lambda c, k: first_kernel_frame[k])
"""The frame that the CPU's TLB gives the address."""

cpu_online = variable(Cpu, Bool, initial=lambda c: true)
"""The CPU executes instructions (cpu_online_mask)."""

stopped = variable(Cpu, Bool, initial=lambda c: false)
"""The CPU spins in stop_machine: it touches no page that may move."""

dma_mapped = variable(KernelPage, Bool, initial=lambda k: false)
"""A device has been given the page as its buffer (dma_map_page)."""

dma_frame = variable(KernelPage, Frame, initial=lambda k: first_kernel_frame[k])
"""Where the device writes as long as it has the page as its buffer."""

kernel_contents = variable(KernelPage, Data, initial=lambda k: boot_data[first_kernel_frame[k]])
"""What was last stored at the address (a ghost)."""


@definition
def is_mapped(k: KernelPage) -> Bool:
    """The address leads to a frame."""
    return kernel_stage[k] != KernelStage.none


@definition
def is_moving(k: KernelPage) -> Bool:
    """A second frame is set aside for the page."""
    return is_mapped(k) & (kernel_stage[k] != KernelStage.mapped)


@definition
def waits_to_be_remapped(k: KernelPage) -> Bool:
    """The kernel page is to move, and its address does not lead to the new frame yet."""
    return (kernel_stage[k] == KernelStage.stopping) | (kernel_stage[k] == KernelStage.copied)


@definition
def executes(c: Cpu) -> Bool:
    """The CPU may load and store at any moment."""
    return cpu_online[c] & ~stopped[c]


def begins_to_move(k: KernelPage) -> Bool:
    """The step sets a frame aside for the page to move to."""
    at_rest = kernel_stage[k] == KernelStage.mapped
    return at_rest & after(kernel_stage[k] == KernelStage.stopping)


@definition
def takes(k: KernelPage, f: Frame) -> Bool:
    """The frame is the page's: where it is, where it goes to, or where it was."""
    both = (old_frame[k] == f) | (new_frame[k] == f)
    return (is_mapped(k) & (maps_to[k] == f)) | (is_moving(k) & both)


def _kernel_may_take(f: Frame) -> None:
    guard("frame_free", frame_state[f] == FrameState.free, errno=ENOMEM, why="it is not free")
    guard(
        "outside_removable_area",
        zone[block_of(f)] != Zone.movable,
        errno=ENOMEM,
        why="the kernel takes no memory from the movable zone",
    )
    guard(
        "not_draining",
        ~draining[block_of(f)],
        errno=ENOMEM,
        why="the block is closed to allocation: it is to be removed",
    )
    guard(
        "node_stays",
        ~leaving[node_of_frame(f)],
        errno=ENOMEM,
        why="the node is closed to allocation: all of it is to be removed",
    )


@definition
def kernel_has_room(f: Frame) -> Bool:
    """The kernel may take the frame: it is free, and stays outside of what can be removed."""
    outside = zone[block_of(f)] != Zone.movable
    closed = draining[block_of(f)] | leaving[node_of_frame(f)]
    return (frame_state[f] == FrameState.free) & outside & ~closed


@definition
def is_nearer_to(k: KernelPage, f: Frame, g: Frame) -> Bool:
    """Seen from the page's frame, frame f's node comes before frame g's."""
    return nearer[node_of_frame(maps_to[k]), node_of_frame(f), node_of_frame(g)]


@action
def map_kernel_page(k: KernelPage, f: Frame) -> None:
    """The kernel takes a frame and maps it at an address of its own (vmalloc)."""
    guard("address_kept", address_kept[k], errno=EOPNOTSUPP, why="no page tables of its own")
    guard("not_mapped", ~is_mapped(k), errno=EBUSY, why="the address is in use")
    _kernel_may_take(f)
    kernel_stage[k] = KernelStage.mapped
    maps_to[k] = f
    old_frame[k] = f
    new_frame[k] = f
    kernel_contents[k] = data[f]
    frame_state[f] = FrameState.kernel
    kept[f] = true
    page_in[f] = k


@action(using="frames_name_their_kernel_page")
def unmap_kernel_page(k: KernelPage) -> None:
    """The kernel gives the page back (vfree)."""
    guard("at_rest", kernel_stage[k] == KernelStage.mapped, errno=EINVAL, why="it is not at rest")
    guard("not_cached", ~exists(Cpu, lambda c: tlb_valid[c, k]), why="a TLB knows the address")
    guard("no_dma", ~dma_mapped[k], errno=EBUSY, why="it is a device's buffer")
    kernel_stage[k] = KernelStage.none
    frame_state[maps_to[k]] = released(maps_to[k])
    kept[maps_to[k]] = false


@action
def tlb_fill(c: Cpu, k: KernelPage) -> None:
    """The hardware loads the address's page-table entry, when it likes: even on a stopped CPU."""
    guard("mapped", is_mapped(k), errno=EFAULT, why="nothing is mapped there")
    guard("cpu_online", cpu_online[c], why="the CPU is offline")
    guard("not_cached", ~tlb_valid[c, k], why="the TLB has an entry")
    tlb_valid[c, k] = true
    tlb[c, k] = maps_to[k]


@action(
    using="frames_name_their_kernel_page frames_of_kernel_pages_are_the_kernels "
    "running_cpus_reach_the_pages_frame tlb_entries_point_to_frames_of_the_page",
)
def cpu_write(c: Cpu, k: KernelPage, d: Data) -> None:
    """A CPU stores at the address: it goes where the TLB says."""
    guard("cached", tlb_valid[c, k], why="the TLB must be filled first")
    guard("running", executes(c), why="the CPU is stopped, or offline")
    data[tlb[c, k]] = d
    kernel_contents[k] = d


@action
def flush_tlb(c: Cpu, k: KernelPage) -> None:
    """A CPU forgets the address (flush_tlb_kernel_range, or for want of room)."""
    guard("cached", tlb_valid[c, k], why="the TLB has no entry")
    tlb_valid[c, k] = false


@action
def begin_kernel_migration(k: KernelPage, f: Frame) -> None:
    """Set a frame aside for the page to move to."""
    guard("at_rest", kernel_stage[k] == KernelStage.mapped, errno=EBUSY, why="it is not at rest")
    guard("no_dma", ~dma_mapped[k], errno=EBUSY, why="a device may write to it at any moment")
    guard(
        "try_paid_for",
        ~(goes_offline(block_of(maps_to[k])) & refused_move[maps_to[k]]),
        errno=EAGAIN,
        why="the page stayed after all; the removal waits before it tries again",
    )
    _kernel_may_take(f)
    guard(
        "nearest_with_room",
        ~exists(Frame, lambda g: kernel_has_room(g) & is_nearer_to(k, g, f)),
        errno=ENOMEM,
        why="a nearer node has room",
    )
    kernel_stage[k] = KernelStage.stopping
    old_frame[k] = maps_to[k]
    new_frame[k] = f
    frame_state[f] = FrameState.kernel
    kept[f] = true
    page_in[f] = k


@action
def stop_cpu(c: Cpu) -> None:
    """A CPU answers the call to stop (stop_machine)."""
    guard("running", executes(c), why="the CPU is stopped, or offline")
    guard(
        "somebody_asks",
        exists(KernelPage, lambda k: kernel_stage[k] == KernelStage.stopping),
        why="no kernel page is about to be copied",
    )
    stopped[c] = true


@action(
    using="both_frames_of_a_moving_page_are_the_kernels frames_name_their_kernel_page "
    "kernel_addresses_lead_to_one_of_both_frames",
)
def copy_kernel_page(k: KernelPage) -> None:
    """Copy the page, while nobody can store to it."""
    guard("stopping", kernel_stage[k] == KernelStage.stopping, why="it is not to be copied")
    guard("all_stopped", ~exists(Cpu, lambda c: executes(c)), errno=EAGAIN, why="a CPU runs")
    kernel_stage[k] = KernelStage.copied
    data[new_frame[k]] = data[old_frame[k]]


@action
def remap_kernel_page(k: KernelPage) -> None:
    """Point the address at the copy (set_pte_at on the kernel's page table)."""
    guard("copied", kernel_stage[k] == KernelStage.copied, why="it is not copied")
    kernel_stage[k] = KernelStage.remapped
    maps_to[k] = new_frame[k]


@action
def resume_cpu(c: Cpu) -> None:
    """A CPU goes on, with no old entry in its TLB, when what it has stopped for is over."""
    guard("stopped", stopped[c], why="the CPU runs")
    guard(
        "nothing_half_moved",
        ~exists(KernelPage, lambda k: waits_to_be_remapped(k)),
        errno=EBUSY,
        why="a page is to be copied, or is copied and its address leads to the old frame",
    )
    guard(
        "flushed",
        ~exists(KernelPage, lambda k: tlb_valid[c, k] & (tlb[c, k] != maps_to[k])),
        errno=EBUSY,
        why="its TLB gives an address a frame that the page has left",
    )
    stopped[c] = false


@action(
    using="both_frames_of_a_moving_page_are_the_kernels frames_name_their_kernel_page "
    "kernel_addresses_lead_to_one_of_both_frames moving_kernel_pages_have_two_frames",
)
def finish_kernel_migration(k: KernelPage) -> None:
    """Free the frame that the page has left.

    It would do to ask the CPUs that are stopped: those that run have forgotten the old
    frame when they went on (`running_cpus_reach_the_pages_frame`).
    """
    guard("remapped", kernel_stage[k] == KernelStage.remapped, why="it has not moved")
    guard(
        "flushed_everywhere",
        ~exists(Cpu, lambda c: tlb_valid[c, k] & (tlb[c, k] == old_frame[k])),
        errno=EBUSY,
        why="a TLB still gives the address the old frame",
    )
    kernel_stage[k] = KernelStage.mapped
    frame_state[old_frame[k]] = released(old_frame[k])
    kept[old_frame[k]] = false


@action(
    using="both_frames_of_a_moving_page_are_the_kernels frames_name_their_kernel_page "
    "kernel_addresses_lead_to_one_of_both_frames moving_kernel_pages_have_two_frames",
)
def abort_kernel_migration(k: KernelPage) -> None:
    """Give up before the address leads elsewhere: the copy is dropped, the frame keeps a mark."""
    guard(
        "not_remapped",
        (kernel_stage[k] == KernelStage.stopping) | (kernel_stage[k] == KernelStage.copied),
        why="the page is not moving, or has moved already",
    )
    kernel_stage[k] = KernelStage.mapped
    refused_move[old_frame[k]] = true
    frame_state[new_frame[k]] = released(new_frame[k])
    kept[new_frame[k]] = false
