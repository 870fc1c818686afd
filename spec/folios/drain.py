"""Drain: allocation is turned off ahead of time for what is to be removed (N3).

The list: in scheduled removal, for capacity on demand, the sections that will
go are closed to allocation beforehand, and removal is graceful.  Linux has no
such switch: a block is closed only while it is going offline
(mm/memory_hotplug.c, offline_pages; mm/page_isolation.c).
"""

from __future__ import annotations

from errno import EBUSY, ENOENT

from ..blocks.block_states import FrameState, frame_state
from ..language import (
    Bool,
    action,
    after,
    always,
    any_of,
    exists,
    false,
    guard,
    implies,
    sometimes,
    step,
    true,
    variable,
)
from ..machine.topology import Block, Frame, block_of

draining = variable(Block, Bool, initial=lambda b: false)
"""The block takes no new memory: it is to be removed later."""

vetted = variable(Block, Bool, initial=lambda b: false)
"""Somebody has looked for sticky memory in the closed block, and found none."""


@action
def drain(b: Block) -> None:
    """Close the block to allocation; what is in it stays usable."""
    guard("not_draining", ~draining[b], errno=EBUSY, why="the block is draining already")
    guard(
        "nothing_incoming",
        ~exists(Frame, lambda f: (block_of(f) == b) & (frame_state[f] == FrameState.incoming)),
        errno=EBUSY,
        why="something is moving into the block",
    )
    draining[b] = true


@action
def undrain(b: Block) -> None:
    """Open the block to allocation again."""
    guard("draining", draining[b], errno=ENOENT, why="the block is not draining")
    draining[b] = false
    vetted[b] = false


@always(covers="N3")
def nothing_moves_into_a_draining_block(f: Frame) -> Bool:
    """No migration has a destination in a draining block."""
    return implies(draining[block_of(f)], frame_state[f] != FrameState.incoming)


@step(covers="N3")
def free_frames_of_draining_blocks_stay_free(f: Frame) -> Bool:
    """While a block drains, a free frame of it is given to nobody; a device may unplug it."""
    closed = draining[block_of(f)] & after(draining[block_of(f)])
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
    )
    return implies(closed & idle, still)


@sometimes(covers="N3")
def a_drain_is_taken_back(b: Block) -> Bool:
    """A block that drained is open to allocation again."""
    return draining[b] & ~after(draining[b])


@sometimes(covers="N3")
def a_block_is_closed_while_something_moves_elsewhere(b: Block, f: Frame) -> Bool:
    """A migration into another block does not keep a block from being closed."""
    closed = ~draining[b] & after(draining[b])
    return closed & (frame_state[f] == FrameState.incoming)
