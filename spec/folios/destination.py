"""Destination: where the contents of leaving memory go (N4).

The list: one section leaves, its contents stay on the node; the whole node
leaves, nothing may stay there; otherwise the nearest node that has room.

Source: mm/memory_hotplug.c (do_migrate_range), mm/migrate.c (alloc_migration_target).
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, ENOMEM

from ..blocks.block_states import BlockState, FrameState, block_state, frame_state, refused_move
from ..language import (
    Bool,
    action,
    after,
    definition,
    exists,
    guard,
    implies,
    sometimes,
    step,
    variable,
)
from ..machine.topology import (
    Frame,
    Node,
    block_of,
    nearer,
    node_of_frame,
)
from .drain import draining, leaving, vetted
from .frames import (
    Folio,
    birth_frame,
    exists_now,
    folio_of,
    home,
)
from .migration_stage import Stage, stage

source = variable(Folio, Frame, initial=lambda o: birth_frame[o])
"""The frame that a moving folio leaves."""

destination = variable(Folio, Frame, initial=lambda o: birth_frame[o])
"""The frame that a moving folio goes to."""


@definition
def has_room(f: Frame) -> Bool:
    """The frame is free, its block is not draining, and its node is not leaving."""
    free = frame_state[f] == FrameState.free
    return free & ~draining[block_of(f)] & ~leaving[node_of_frame(f)]


@definition
def is_preferred(o: Folio, f: Frame, g: Frame) -> Bool:
    """Seen from the folio's home, frame f's node comes before frame g's."""
    return nearer[node_of_frame(home[o]), node_of_frame(f), node_of_frame(g)]


@action(using="folios_live_in_user_frames")
def reserve_destination(o: Folio, d: Frame) -> None:
    """Choose a frame for the folio to move to and set it aside (alloc_migration_target)."""
    guard("folio_exists", exists_now(o), why="there is no such folio")
    guard("unlocked", stage[o] == Stage.idle, errno=EAGAIN, why="the folio is moving already")
    b = block_of(home[o])
    guard(
        "vetted",
        ~draining[b] | vetted[b],
        errno=EBUSY,
        why="nobody has looked for sticky memory in the block that is to be removed",
    )
    guard(
        "try_paid_for",
        ~((block_state[b] == BlockState.going_offline) & refused_move[home[o]]),
        errno=EAGAIN,
        why="the folio refused to move; the removal waits before it tries again",
    )
    guard(
        "frame_free",
        frame_state[d] == FrameState.free,
        errno=ENOMEM,
        why="the destination is not free",
    )
    guard(
        "node_stays",
        ~leaving[node_of_frame(d)],
        errno=ENOMEM,
        why="the destination is on a node that is leaving",
    )
    guard(
        "not_draining",
        ~draining[block_of(d)],
        errno=ENOMEM,
        why="the destination is in a block that is closed to allocation",
    )
    guard(
        "nearest_with_room",
        ~exists(Frame, lambda f: has_room(f) & is_preferred(o, f, d)),
        errno=ENOMEM,
        why="a nearer node has room",
    )
    stage[o] = Stage.reserved
    source[o] = home[o]
    destination[o] = d
    folio_of[d] = o
    frame_state[d] = FrameState.incoming


# --- what is true -------------------------------------------------------------------------------


def _chosen(o: Folio) -> Bool:
    """In this step a destination is chosen for the folio."""
    return (stage[o] == Stage.idle) & after(stage[o] == Stage.reserved)


@step(covers="N4")
def no_folio_comes_to_a_leaving_node(o: Folio) -> Bool:
    """On a node that leaves nobody comes to live: no new folio, none from another node."""
    there = node_of_frame(after(home[o]))
    comes = after(exists_now(o)) & (~exists_now(o) | (node_of_frame(home[o]) != there))
    return implies(comes, ~leaving[there])


@step(covers="N4")
def contents_stay_on_their_node_while_it_has_room(o: Folio, f: Frame) -> Bool:
    """When a section leaves and its node does not, the contents stay on the node."""
    here = node_of_frame(home[o])
    room = has_room(f) & (node_of_frame(f) == here)
    return implies(_chosen(o) & room, node_of_frame(after(destination[o])) == here)


@step(covers="N4")
def the_nearest_node_with_room_is_chosen(o: Folio, f: Frame) -> Bool:
    """No node that is nearer than the chosen one has room."""
    return implies(_chosen(o) & has_room(f), ~is_preferred(o, f, after(destination[o])))


@step(covers="N4")
def no_free_frame_that_is_nearer_is_passed_over(o: Folio, f: Frame) -> Bool:
    """A nearer frame is free only where its block drains, or where its node leaves."""
    at, to = node_of_frame(home[o]), node_of_frame(after(destination[o]))
    nearer_and_free = nearer[at, node_of_frame(f), to] & (frame_state[f] == FrameState.free)
    passed_over = _chosen(o) & nearer_and_free
    return implies(passed_over, draining[block_of(f)] | leaving[node_of_frame(f)])


@sometimes(covers="N4")
def room_is_taken_beyond_a_node_that_has_none(o: Folio, f: Frame) -> Bool:
    """Contents go to another node, for on their own a free frame is closed to them."""
    at, to = node_of_frame(home[o]), node_of_frame(destination[o])
    closed = (frame_state[f] == FrameState.free) & draining[block_of(f)]
    return (stage[o] == Stage.reserved) & (node_of_frame(f) == at) & closed & (to != at)


@sometimes(covers="N4 U3")
def a_folio_begins_to_leave_a_block_that_goes_offline(o: Folio) -> Bool:
    """What is in a block when its removal begins can still be sent away."""
    return _chosen(o) & (block_state[block_of(home[o])] == BlockState.going_offline)


@sometimes(covers="N4")
def contents_leave_a_leaving_node(o: Folio) -> Bool:
    """Contents of a leaving node go elsewhere."""
    out = leaving[node_of_frame(source[o])]
    return (stage[o] == Stage.reserved) & out & ~leaving[node_of_frame(destination[o])]


@sometimes(covers="N4")
def a_node_stays_after_all(n: Node) -> Bool:
    """The removal of a node is taken back."""
    return leaving[n] & ~after(leaving[n])
