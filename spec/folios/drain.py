"""Drain: allocation is turned off ahead of time for what is to be removed (N3, N4).

The list: in scheduled removal, for capacity on demand, the sections that will
go are closed to allocation beforehand, and removal is graceful; a whole node
that leaves is closed as well.  Linux has no such switch: a block is closed only
while it is going offline (mm/memory_hotplug.c, offline_pages; mm/page_isolation.c).
State, and what is true of frames; the actions are in special/closing.py, which
knows all that can be on its way into a block.
"""

from __future__ import annotations

from ..blocks.block_states import FrameState, frame_state
from ..language import (
    Bool,
    after,
    always,
    any_of,
    false,
    implies,
    sometimes,
    step,
    variable,
)
from ..machine.topology import Block, Frame, Node, block_of, metadata_frame, node_of_frame

draining = variable(Block, Bool, initial=lambda b: false)
"""The block takes no new memory: it is to be removed later."""

vetted = variable(Block, Bool, initial=lambda b: false)
"""Somebody has looked for sticky memory in the closed block, and found none."""

leaving = variable(Node, Bool, initial=lambda n: false)
"""The whole node is on its way out: it takes no new memory either."""


@always(covers="N3")
def nothing_moves_into_a_draining_block(f: Frame) -> Bool:
    """No migration has a destination in a draining block."""
    return implies(draining[block_of(f)], frame_state[f] != FrameState.incoming)


@always(covers="N4")
def nothing_moves_to_a_leaving_node(f: Frame) -> Bool:
    """No migration has a destination on a node that leaves as a whole."""
    return implies(leaving[node_of_frame(f)], frame_state[f] != FrameState.incoming)


def _is_given(f: Frame) -> Bool:
    """In this step somebody gets the frame, which nobody had, but what lies there all the time."""
    idle = any_of(
        frame_state[f] == FrameState.free,
        frame_state[f] == FrameState.pcp,
        frame_state[f] == FrameState.isolated,
    )
    still = any_of(
        after(frame_state[f]) == FrameState.free,
        after(frame_state[f]) == FrameState.pcp,
        after(frame_state[f]) == FrameState.isolated,
        after(frame_state[f]) == FrameState.unavailable,
        after(frame_state[f]) == FrameState.page_offline,
        after(frame_state[f]) == FrameState.off_buddy,
    )
    return idle & ~still & ~metadata_frame[f]


@step(covers="N3")
def free_frames_of_draining_blocks_stay_free(f: Frame) -> Bool:
    """While a block drains, a free frame of it is given to nobody; a device may unplug it."""
    return implies(draining[block_of(f)], ~_is_given(f))


@step(covers="N3 N4", using="ranges_lie_on_one_node")
def free_frames_of_leaving_nodes_stay_free(f: Frame) -> Bool:
    """While a node leaves, a free frame of it is given to nobody, neither user nor kernel."""
    return implies(leaving[node_of_frame(f)], ~_is_given(f))


@sometimes(covers="N3")
def a_drain_is_taken_back(b: Block) -> Bool:
    """A block that drained is open to allocation again."""
    return draining[b] & ~after(draining[b])


@sometimes(covers="N3")
def a_block_is_closed_while_something_moves_elsewhere(b: Block, f: Frame) -> Bool:
    """A migration into another block does not keep a block from being closed."""
    closed = ~draining[b] & after(draining[b])
    return closed & (frame_state[f] == FrameState.incoming)
