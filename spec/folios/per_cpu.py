"""Per-CPU lists: free frames that the allocator's free lists do not show (A1, U1).

A frame on a CPU's list is free, but isolation does not see it there: a leaving
block's lists are drained, and switched off, before isolation begins.

Source: mm/page_alloc.c (free_unref_page, drain_all_pages, zone_pcp_disable).
"""

from __future__ import annotations

from ..blocks.block_states import BlockState, FrameState, block_state, frame_state
from ..language import (
    Bool,
    action,
    after,
    always,
    guard,
    implies,
    sometimes,
    step,
    topology,
)
from ..machine.topology import Frame, Node, block_of, node_of_frame

cpus_keep_frames = topology(Node, Bool)
"""The CPUs keep lists of the node's free frames (a pageset with a batch)."""


@action
def keep_on_cpu(f: Frame) -> None:
    """A CPU takes a free frame onto its own list."""
    guard("lists_are_used", cpus_keep_frames[node_of_frame(f)], why="no CPU keeps such frames")
    guard("frame_free", frame_state[f] == FrameState.free, why="the frame is not free")
    frame_state[f] = FrameState.pcp


@action
def drain_from_cpu(f: Frame) -> None:
    """The frame goes back from a CPU's list to the free list."""
    guard("on_cpu", frame_state[f] == FrameState.pcp, why="no CPU keeps the frame")
    frame_state[f] = FrameState.free


@always(covers="A1 U1")
def leaving_blocks_have_no_frame_on_a_cpu(f: Frame) -> Bool:
    """Once a block leaves, no CPU's list hides a frame of it from isolation (I8)."""
    leaving = block_state[block_of(f)] == BlockState.going_offline
    return implies(leaving, frame_state[f] != FrameState.pcp)


@always(covers="A1 U1")
def cpus_keep_frames_only_where_lists_are_used(f: Frame) -> Bool:
    """A node without per-CPU lists has no frame on one."""
    return implies(frame_state[f] == FrameState.pcp, cpus_keep_frames[node_of_frame(f)])


@step(covers="A1 M1 U1")
def frames_on_a_cpus_list_go_back_before_they_are_used(f: Frame) -> Bool:
    """Nobody gets a frame from a CPU's list: it is freed, isolated or off the lists first.

    Linux serves an allocation, a migration's destination too, from such a list at once.
    Here this is two steps, `drain_from_cpu` and then whoever takes a free frame.
    """
    leaves = (frame_state[f] == FrameState.pcp) & after(frame_state[f] != FrameState.pcp)
    back = (frame_state[f] == FrameState.free) | (frame_state[f] == FrameState.isolated)
    return implies(leaves, after(back | (frame_state[f] == FrameState.off_buddy)))


@sometimes(covers="A1 U1")
def a_cpu_keeps_a_frame(f: Frame) -> Bool:
    """A free frame can be on a CPU's list."""
    return frame_state[f] == FrameState.pcp


@sometimes(covers="A1")
def a_cpu_gives_a_frame_back(f: Frame) -> Bool:
    """A frame on a CPU's list goes to the free list."""
    return (frame_state[f] == FrameState.pcp) & (after(frame_state[f]) == FrameState.free)
