"""Closing: what is to be removed takes no new memory, ahead of time (N3, N4).

A block drains, or a whole node leaves.  From then on nobody is given a frame
there, and nothing arrives: it is closed only when nothing is on its way into it,
be it a folio, a huge folio or a page of the kernel.  The state is in
folios/drain.py.
"""

from __future__ import annotations

from errno import EBUSY, ENOENT

from ..blocks.block_states import (
    BlockState,
    FrameState,
    block_state,
    frame_state,
    refused_move,
    zone,
)
from ..folios.drain import draining, leaving, vetted
from ..language import (
    Bool,
    action,
    after,
    always,
    any_of,
    definition,
    exists,
    false,
    guard,
    implies,
    sometimes,
    step,
    true,
)
from ..machine.topology import Block, Frame, Node, Zone, block_of, nearer, node_of_frame
from .huge_mappings import begins_to_move_huge
from .huge_migration import on_its_way, takes_in, target
from .huge_pools import (
    HugeFolio,
    HugeState,
    free_huge,
    gigantic,
    head_frame,
    huge_home,
    huge_of,
    huge_state,
    is_destination,
    node_of_range,
    pool_of,
    range_has_error,
    range_of,
    reserved_huge,
)
from .kernel_memory import (
    KernelPage,
    KernelStage,
    begins_to_move,
    is_mapped,
    is_moving,
    kernel_stage,
    maps_to,
    new_frame,
    page_in,
    waits_to_be_remapped,
)


@definition
def is_set_aside(f: Frame) -> Bool:
    """Something is on its way into the frame: a folio, a huge folio, a page of the kernel."""
    k, h = page_in[f], huge_of[range_of[f]]
    kernels = frame_state[f] == FrameState.kernel
    return any_of(
        frame_state[f] == FrameState.incoming,
        (frame_state[f] == FrameState.huge) & is_destination(h),
        kernels & waits_to_be_remapped(k) & (new_frame[k] == f),
    )


@action(
    using="huge_destinations_are_set_aside huge_folios_take_whole_ranges "
    "ranges_know_the_folio_that_takes_them",
)
def drain(b: Block) -> None:
    """Close the block to allocation; what is in it stays usable."""
    guard("not_draining", ~draining[b], errno=EBUSY, why="the block is draining already")
    guard(
        "nothing_incoming",
        ~exists(Frame, lambda f: (block_of(f) == b) & is_set_aside(f)),
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


@action(
    using="huge_destinations_are_set_aside head_frames_are_in_their_range "
    "head_pages_are_taken_with_their_range ranges_know_the_folio_that_takes_them",
)
def begin_node_removal(n: Node) -> None:
    """All memory of the node is to leave: nothing new comes to it."""
    guard("not_leaving", ~leaving[n], errno=EBUSY, why="the node is leaving already")
    guard(
        "nothing_incoming",
        ~exists(Frame, lambda f: (node_of_frame(f) == n) & is_set_aside(f)),
        errno=EBUSY,
        why="something is moving to the node",
    )
    leaving[n] = true


@action
def cancel_node_removal(n: Node) -> None:
    """The node stays after all, or is gone."""
    guard("leaving", leaving[n], errno=ENOENT, why="the node is not leaving")
    leaving[n] = false


# --- what is true -------------------------------------------------------------------------------


@always(
    covers="N3 N4 D2",
    using="huge_destinations_are_not_shared huge_destinations_are_set_aside "
    "huge_folios_take_whole_ranges ranges_know_the_folio_that_takes_them "
    "ranges_lie_on_one_node",
)
def huge_destinations_lie_where_memory_stays(h: HugeFolio, f: Frame) -> Bool:
    """While a huge folio is on its way, no frame of where it goes is closed."""
    there = on_its_way(h) & (range_of[f] == huge_home[target[h]])
    return implies(there, ~draining[block_of(f)] & ~leaving[node_of_frame(f)])


@always(
    covers="N4 D2",
    using="head_frames_are_in_their_range head_pages_are_taken_with_their_range "
    "huge_destinations_are_not_shared huge_destinations_are_set_aside "
    "moving_huge_folios_are_used ranges_know_the_folio_that_takes_them "
    "ranges_lie_on_one_node",
)
def huge_destinations_lie_on_nodes_that_stay(h: HugeFolio) -> Bool:
    """While a huge folio is on its way, the node that it goes to does not leave."""
    return implies(on_its_way(h), ~leaving[pool_of(target[h])])


@always(
    covers="N3 N4 K1",
    using="both_frames_of_a_moving_page_are_the_kernels frames_name_their_kernel_page",
)
def kernel_destinations_lie_where_memory_stays(k: KernelPage) -> Bool:
    """While a kernel page is on its way, where it goes is not closed."""
    f = new_frame[k]
    moves = (kernel_stage[k] == KernelStage.stopping) | (kernel_stage[k] == KernelStage.copied)
    return implies(moves, ~draining[block_of(f)] & ~leaving[node_of_frame(f)])


@step(
    covers="N4 D2",
    using="huge_destinations_lie_on_nodes_that_stay huge_destinations_are_set_aside "
    "moving_huge_folios_are_used",
)
def no_huge_folio_comes_to_a_leaving_node(h: HugeFolio) -> Bool:
    """On a node that leaves nobody begins to use a huge folio, and no used one arrives."""
    there = node_of_range[after(huge_home[h])]
    was_there = (huge_state[h] == HugeState.used) & (pool_of(h) == there)
    comes = after(huge_state[h] == HugeState.used) & ~was_there
    return implies(comes, ~leaving[there])


@step(
    covers="N3 D2",
    using="huge_destinations_lie_where_memory_stays huge_destinations_are_set_aside "
    "moving_huge_folios_are_used",
)
def no_huge_folio_comes_to_a_draining_block(h: HugeFolio, f: Frame) -> Bool:
    """In a block that drains nobody begins to use a huge folio, and no used one arrives."""
    there = range_of[f] == after(huge_home[h])
    was_there = (huge_state[h] == HugeState.used) & (range_of[f] == huge_home[h])
    comes = after(huge_state[h] == HugeState.used) & ~was_there
    return implies(there & comes, ~draining[block_of(f)])


@step(covers="N4 K1", using="kernel_destinations_lie_where_memory_stays")
def no_kernel_page_comes_to_a_leaving_node(k: KernelPage) -> Bool:
    """No address of the kernel leads to a node that leaves which did not lead there before."""
    there = node_of_frame(after(maps_to[k]))
    was_there = is_mapped(k) & (node_of_frame(maps_to[k]) == there)
    return implies(after(is_mapped(k)) & ~was_there, ~leaving[there])


@step(covers="N3 K1", using="kernel_destinations_lie_where_memory_stays")
def no_kernel_page_comes_to_a_draining_block(k: KernelPage) -> Bool:
    """No address of the kernel leads to a block that drains which did not lead there before."""
    there = block_of(after(maps_to[k]))
    was_there = is_mapped(k) & (block_of(maps_to[k]) == there)
    return implies(after(is_mapped(k)) & ~was_there, ~draining[there])


@step(covers="N4 D2")
def no_free_huge_folio_that_is_nearer_is_passed_over(h: HugeFolio, x: HugeFolio) -> Bool:
    """A free huge folio of the same size that is nearer is promised, or leaves, or has an error."""
    at, to, n = pool_of(h), node_of_range[after(huge_home[target[h]])], pool_of(x)
    same_size = gigantic[huge_home[x]] == gigantic[huge_home[h]]
    another = (x != h) & (x != after(target[h]))
    passed_over = another & (huge_state[x] == HugeState.free) & same_size & nearer[at, n, to]
    promised = (free_huge[n] <= reserved_huge[n]) | range_has_error(huge_home[x])

    def goes(f: Frame) -> Bool:
        offline = block_state[block_of(f)] == BlockState.going_offline
        return (range_of[f] == huge_home[x]) & (draining[block_of(f)] | offline)

    excused = promised | leaving[n] | exists(Frame, goes)
    return implies(begins_to_move_huge(h) & passed_over, excused)


@step(covers="N4 K1")
def no_free_frame_that_is_nearer_is_passed_over_by_the_kernel(k: KernelPage, f: Frame) -> Bool:
    """A nearer frame is free only where the kernel may take none: it is, or will be, removed."""
    at, to = node_of_frame(maps_to[k]), node_of_frame(after(new_frame[k]))
    passed_over = nearer[at, node_of_frame(f), to] & (frame_state[f] == FrameState.free)
    closed = draining[block_of(f)] | leaving[node_of_frame(f)]
    return implies(begins_to_move(k) & passed_over, closed | (zone[block_of(f)] == Zone.movable))


@sometimes(covers="N4 D2")
def a_huge_folio_passes_over_another_size(h: HugeFolio, x: HugeFolio) -> Bool:
    """It goes to one of a pool although a free one is nearer, which has another size."""
    at, to = pool_of(h), node_of_range[after(huge_home[target[h]])]
    begins = begins_to_move_huge(h) & after(huge_state[target[h]] == HugeState.incoming)
    other_size = gigantic[huge_home[x]] != gigantic[huge_home[h]]
    return begins & takes_in(x) & other_size & nearer[at, pool_of(x), to]


@sometimes(covers="N4 D2")
def a_huge_folio_moves_near_although_there_is_room_elsewhere(h: HugeFolio, x: HugeFolio) -> Bool:
    """A free huge folio that is farther than where it goes does not keep it at home."""
    at, to = pool_of(h), node_of_range[after(huge_home[target[h]])]
    same_size = gigantic[huge_home[x]] == gigantic[huge_home[h]]
    return begins_to_move_huge(h) & takes_in(x) & same_size & nearer[at, to, pool_of(x)]


@sometimes(covers="U3 D2")
def a_huge_folio_begins_to_leave_a_block_that_goes_offline(h: HugeFolio, f: Frame) -> Bool:
    """A huge folio that is in a block when its removal begins can still be sent away."""
    here = (range_of[f] == huge_home[h]) & (block_state[block_of(f)] == BlockState.going_offline)
    return begins_to_move_huge(h) & here


@sometimes(covers="U3 D2")
def a_huge_folio_that_refused_moves_while_another_block_goes(h: HugeFolio, b: Block) -> Bool:
    """Another try is paid for by the removal of its own block; elsewhere it costs nothing."""
    refused = refused_move[head_frame[huge_home[h]]]
    another = ~exists(Frame, lambda f: (range_of[f] == huge_home[h]) & (block_of(f) == b))
    return begins_to_move_huge(h) & refused & another & (block_state[b] == BlockState.going_offline)


@sometimes(covers="U3 D2")
def a_huge_folio_that_refused_moves_where_no_block_goes(h: HugeFolio) -> Bool:
    """Compaction or move_pages tries it again, which no removal pays for."""
    refused = refused_move[head_frame[huge_home[h]]]
    goes = exists(Block, lambda b: block_state[b] == BlockState.going_offline)
    return begins_to_move_huge(h) & refused & ~goes


@sometimes(covers="N4 K1")
def a_kernel_page_passes_over_the_removable_area(k: KernelPage, f: Frame) -> Bool:
    """Free memory that is nearer, but not the kernel's to take, does not keep a page at home."""
    at, to = node_of_frame(maps_to[k]), node_of_frame(after(new_frame[k]))
    stays = ~draining[block_of(f)] & ~leaving[node_of_frame(f)]
    free = (frame_state[f] == FrameState.free) & stays
    nearer_and_movable = nearer[at, node_of_frame(f), to] & (zone[block_of(f)] == Zone.movable)
    return begins_to_move(k) & free & nearer_and_movable


@sometimes(covers="N4")
def a_node_begins_to_leave_while_something_moves_elsewhere(n: Node, f: Frame) -> Bool:
    """A migration to another node does not keep a node from leaving."""
    return ~leaving[n] & after(leaving[n]) & (frame_state[f] == FrameState.incoming)


@sometimes(covers="N3 K1")
def a_block_is_closed_while_a_kernel_page_leaves_it(b: Block, k: KernelPage) -> Bool:
    """What is on its way out of a block does not keep it from being closed."""
    closes = ~draining[b] & after(draining[b])
    goes = waits_to_be_remapped(k) & (block_of(maps_to[k]) == b)
    return closes & goes & (block_of(new_frame[k]) != b)


@sometimes(covers="N3 K1")
def a_block_is_closed_where_a_kernel_page_has_arrived(b: Block, k: KernelPage) -> Bool:
    """Nor does what has come, although its old frame is still to be freed."""
    closes = ~draining[b] & after(draining[b])
    come = is_moving(k) & ~waits_to_be_remapped(k) & (block_of(new_frame[k]) == b)
    return closes & come


@sometimes(covers="N3 D2")
def a_block_is_closed_with_a_huge_folio_in_it(b: Block, f: Frame) -> Bool:
    """What is in a block does not keep it from being closed."""
    closes = ~draining[b] & after(draining[b])
    return closes & (block_of(f) == b) & (frame_state[f] == FrameState.huge)


@sometimes(covers="N3 D2")
def a_block_is_closed_whose_range_names_a_destination(b: Block, f: Frame) -> Bool:
    """What a range says of a huge folio that is elsewhere does not keep a block from closing."""
    closes = ~draining[b] & after(draining[b])
    named = is_destination(huge_of[range_of[f]])
    return closes & (block_of(f) == b) & named & (frame_state[f] != FrameState.huge)
