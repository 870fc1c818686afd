"""Kernel pages leave a block that drains: their work only shrinks, and it ends (N3, K1).

A page whose address is kept does not make its block unmovable.  Every CPU stops, the page is
copied and mapped elsewhere, every TLB forgets where it was, and the frame is free.  The kernel
may give the page back meanwhile.  A page that a device has as its buffer waits until it is given
back (`kernel_dma`).

Background: kernel/stop_machine.c (a CPU that has stopped goes on when all have).
"""

from __future__ import annotations

from ..blocks.block_states import (
    BlockState,
    FrameState,
    Tick,
    block_state,
    frame_state,
    kept,
    refused_move,
    spent,
)
from ..blocks.blocks import cancel_offline
from ..folios.drain import draining, vetted
from ..folios.removal_work import goes_offline
from ..folios.scheduled_removal import try_again
from ..language import (
    Bool,
    Budget,
    Enumeration,
    Progress,
    after,
    all_of,
    always,
    any_of,
    definition,
    ends,
    exists,
    implies,
    sometimes,
    step,
)
from ..machine.topology import Block, Frame, block_of, metadata_frame
from .kernel_memory import (
    Cpu,
    KernelPage,
    KernelStage,
    abort_kernel_migration,
    begin_kernel_migration,
    begins_to_move,
    copy_kernel_page,
    dma_mapped,
    executes,
    finish_kernel_migration,
    flush_tlb,
    is_nearer_to,
    kernel_has_room,
    kernel_stage,
    maps_to,
    new_frame,
    old_frame,
    page_in,
    remap_kernel_page,
    stop_cpu,
    tlb,
    tlb_valid,
    waits_to_be_remapped,
)


class KernelWork(Enumeration):
    """What emptying the frame of a kernel page can take, in order; some of it of each CPU.

    ``flush_first`` and ``finish_first`` end a move into the frame that was under way before.
    """

    flush_first: KernelWork
    finish_first: KernelWork
    begin: KernelWork
    stop: KernelWork
    copy: KernelWork
    remap: KernelWork
    flush: KernelWork
    finish: KernelWork


@definition
def of_a_whole_move(w: KernelWork) -> Bool:
    """The step belongs to a move that has not begun."""
    return (w != KernelWork.flush_first) & (w != KernelWork.finish_first)


@definition
def to_leave(k: KernelPage, w: KernelWork, c: Cpu) -> Bool:
    """The move of the page that has begun has this step to take."""
    last = (w == KernelWork.flush) | (w == KernelWork.finish)
    stopping = (w == KernelWork.copy) | ((w == KernelWork.stop) & executes(c))
    known = tlb_valid[c, k] & (tlb[c, k] == old_frame[k])
    return any_of(
        (kernel_stage[k] == KernelStage.stopping) & (stopping | (w == KernelWork.remap) | last),
        (kernel_stage[k] == KernelStage.copied) & ((w == KernelWork.remap) | last),
        (kernel_stage[k] == KernelStage.remapped)
        & ((w == KernelWork.finish) | ((w == KernelWork.flush) & known)),
    )


@definition
def to_settle_first(k: KernelPage, w: KernelWork, c: Cpu) -> Bool:
    """The page has arrived, and this is left to do where it was."""
    known = tlb_valid[c, k] & (tlb[c, k] == old_frame[k])
    return (w == KernelWork.finish_first) | ((w == KernelWork.flush_first) & known)


@definition
def kernel_work_left(f: Frame, w: KernelWork, c: Cpu) -> Bool:
    """Emptying the frame of a kernel page can take this step; what is on its way may arrive."""
    k = page_in[f]
    refused = goes_offline(block_of(f)) & refused_move[f]
    moves = ~refused & of_a_whole_move(w)
    arrived = (kernel_stage[k] == KernelStage.remapped) & (maps_to[k] == f)
    to_do = any_of(
        waits_to_be_remapped(k) & (new_frame[k] == f),
        (kernel_stage[k] == KernelStage.mapped) & moves,
        (old_frame[k] == f) & to_leave(k, w, c),
        arrived & (moves | to_settle_first(k, w, c)),
    )
    return (frame_state[f] == FrameState.kernel) & kept[f] & to_do


@definition
def is_a_kernel_place(k: KernelPage, g: Frame) -> Bool:
    """The page can move to this frame, and none is nearer."""
    return kernel_has_room(g) & ~exists(Frame, lambda x: kernel_has_room(x) & is_nearer_to(k, x, g))


@ends(
    unless=(abort_kernel_migration, try_again),
    covers="N3 K1",
    using="both_frames_of_a_moving_page_are_the_kernels frames_name_their_kernel_page "
    "frames_of_kernel_pages_are_the_kernels kept_frames_belong_to_kernel_pages "
    "kernel_addresses_lead_to_one_of_both_frames kernel_destinations_lie_where_memory_stays "
    "moving_kernel_pages_have_two_frames",
)
def kernel_pages_leave_a_draining_block(
    f: Frame, g: Frame, w: KernelWork, c: Cpu
) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """A kernel page that no device uses leaves a block that drains, or that goes offline.

    If no move is given up, and while there is a place ``g`` for what is to begin; the claim is
    the same of each, so that it may change.
    """
    k = page_in[f]
    b = block_of(f)
    arrives = waits_to_be_remapped(k) & (new_frame[k] == f)
    goes = goes_offline(b) & ~refused_move[f] & ~arrives
    closed = ((draining[b] & ~goes_offline(b)) | goes) & ~dma_mapped[k]
    stage = kernel_stage[k]
    here = maps_to[k] == f
    ways = (
        Progress(stage == KernelStage.mapped, (begin_kernel_migration, KernelWork.begin), k=k, f=g),
        Progress(
            stage == KernelStage.stopping,
            (stop_cpu, KernelWork.stop),
            (copy_kernel_page, KernelWork.copy),
            k=k,
        ),
        Progress(stage == KernelStage.copied, (remap_kernel_page, KernelWork.remap), k=k),
        Progress(
            (stage == KernelStage.remapped) & ~here,
            (flush_tlb, KernelWork.flush),
            (finish_kernel_migration, KernelWork.finish),
            k=k,
        ),
        Progress(
            (stage == KernelStage.remapped) & here,
            (flush_tlb, KernelWork.flush_first),
            (finish_kernel_migration, KernelWork.finish_first),
            k=k,
        ),
    )
    has_room = implies(stage == KernelStage.mapped, is_a_kernel_place(k, g))
    return closed & has_room, kernel_work_left(f, w, c), ways


@ends(
    by=cancel_offline,
    covers="U3 K1",
    using="both_frames_of_a_moving_page_are_the_kernels frames_name_their_kernel_page "
    "kept_frames_belong_to_kernel_pages kernel_addresses_lead_to_one_of_both_frames "
    "kernel_destinations_lie_where_memory_stays leaving_blocks_have_no_free_frame",
)
def kernel_pages_leave_within_the_budget_of_a_removal(
    b: Block, f: Frame, w: KernelWork, c: Cpu
) -> tuple[Bool, Bool, Budget]:
    """While a block goes offline its kernel pages' work only shrinks, but where a tick pays.

    With `a_removal_finishes_or_gives_up_within_its_budget`, which spends the same ticks, all that
    a removal moves is bounded.  What it sets aside for an error is no part of either.
    """
    left = goes_offline(b) & (block_of(f) == b) & kernel_work_left(f, w, c)
    return goes_offline(b), left, Budget(Tick, lambda t: ~spent[b, t])


# --- what is true -------------------------------------------------------------------------------


@always(
    covers="N3 K1",
    using="kept_frames_belong_to_kernel_pages kernel_addresses_lead_to_one_of_both_frames "
    "only_closed_blocks_are_vetted vetted_blocks_hold_no_memory_of_the_kernel",
)
def the_last_step_is_left_for_kernel_pages_in_a_vetted_block(
    f: Frame, w: KernelWork, c: Cpu
) -> Bool:
    """Where the kernel has a frame of a vetted block, but for metadata, its page can leave it."""
    closed = vetted[block_of(f)] & ~goes_offline(block_of(f))
    kernels = (frame_state[f] == FrameState.kernel) & ~metadata_frame[f]
    last = w == KernelWork.finish
    return implies(closed & kernels & last, kernel_work_left(f, w, c))


@step(covers="U3 K1")
def another_try_of_a_kernel_page_is_paid_for(k: KernelPage) -> Bool:
    """Out of a block that goes offline a page that stayed moves only when a tick was spent."""
    f = maps_to[k]
    return implies(begins_to_move(k) & goes_offline(block_of(f)), ~refused_move[f])


@step(covers="U3 K1")
def what_a_kernel_page_gave_up_is_remembered(k: KernelPage) -> Bool:
    """A page whose move goes back leaves its mark on the frame that it did not leave."""
    gives_up = waits_to_be_remapped(k) & after(kernel_stage[k] == KernelStage.mapped)
    return implies(gives_up, after(refused_move[maps_to[k]]))


@sometimes(covers="K1 U3")
def a_kernel_page_leaves_a_block_that_goes_offline(k: KernelPage) -> Bool:
    """A block need not be free of kernel memory when its removal begins."""
    f = old_frame[k]
    left = (kernel_stage[k] == KernelStage.mapped) & (maps_to[k] != f)
    leaving = block_state[block_of(f)] == BlockState.going_offline
    return all_of(left, leaving, frame_state[f] == FrameState.isolated)


@sometimes(covers="K1 U3")
def a_kernel_page_begins_to_leave_a_block_that_goes_offline(k: KernelPage) -> Bool:
    """Kernel memory that is in a block when its removal begins can still be sent away."""
    return begins_to_move(k) & goes_offline(block_of(maps_to[k]))


@sometimes(covers="N3 K1")
def a_kernel_page_leaves_a_vetted_block(k: KernelPage) -> Bool:
    """A kernel page moves out of a block that was closed and looked at."""
    left = (kernel_stage[k] == KernelStage.remapped) & (maps_to[k] != old_frame[k])
    return left & vetted[block_of(old_frame[k])]
