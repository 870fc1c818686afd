"""What is true of huge folios, and of the counters of their pools (D2)."""

from __future__ import annotations

from ..blocks.block_states import BlockState, FrameState, block_state, frame_state, zone
from ..folios.drain import draining
from ..language import (
    Bool,
    after,
    always,
    count,
    implies,
    sometimes,
    step,
)
from ..machine.topology import (
    Block,
    Frame,
    Node,
    Zone,
    block_of,
)
from .huge_pools import (
    HugeFolio,
    HugeState,
    Range,
    Reservation,
    birth_range,
    free_huge,
    gigantic,
    head_frame,
    held,
    huge_exists,
    huge_home,
    huge_of,
    huge_state,
    is_pooled,
    leaves,
    node_of_range,
    nr_huge,
    pool_of,
    range_of,
    reservation_node,
    reserved_huge,
    surplus_huge,
)


@always(covers="D2")
def pools_count_their_folios(n: Node) -> Bool:
    """nr_hugepages is the number of huge folios on the node, but of those made for a move."""
    return nr_huge[n] == count(HugeFolio, lambda h: is_pooled(h) & (pool_of(h) == n))


@always(covers="D2")
def pools_count_their_free_folios(n: Node) -> Bool:
    """free_hugepages is the number of free ones."""
    return free_huge[n] == count(
        HugeFolio, lambda h: (huge_state[h] == HugeState.free) & (pool_of(h) == n)
    )


@always(covers="D2", using="pools_count_their_folios")
def no_more_is_surplus_than_there_is(n: Node) -> Bool:
    """surplus_hugepages is never more than nr_hugepages, and never less than nothing."""
    return (surplus_huge[n] >= 0) & (surplus_huge[n] <= nr_huge[n])


@always(covers="D2")
def pools_count_their_promises(n: Node) -> Bool:
    """resv_hugepages is the number of open promises."""
    return reserved_huge[n] == count(Reservation, lambda v: held[v] & (reservation_node[v] == n))


@always(covers="D2")
def promises_can_be_kept(n: Node) -> Bool:
    """No more huge folios are promised than are free, those with an error counted."""
    return reserved_huge[n] <= free_huge[n]


@always(covers="D2")
def huge_folios_take_whole_ranges(h: HugeFolio, f: Frame) -> Bool:
    """Every frame of a huge folio's range is the huge folio's."""
    mine = huge_exists(h) & (range_of[f] == huge_home[h])
    return implies(mine, frame_state[f] == FrameState.huge)


@always(covers="D2", using="head_frames_are_in_their_range")
def head_pages_are_taken_with_their_range(h: HugeFolio) -> Bool:
    """The first frame of a huge folio's range is the huge folio's."""
    return implies(huge_exists(h), frame_state[head_frame[huge_home[h]]] == FrameState.huge)


@always(covers="D2")
def ranges_know_the_folio_that_takes_them(h: HugeFolio) -> Bool:
    """The head page of a range names its huge folio."""
    return implies(huge_exists(h), huge_of[huge_home[h]] == h)


@always(covers="D2")
def huge_frames_belong_to_huge_folios(f: Frame) -> Bool:
    """No frame is lost to a pool: a huge frame is in the range of a folio that exists."""
    h = huge_of[range_of[f]]
    belongs = huge_exists(h) & (huge_home[h] == range_of[f])
    return implies(frame_state[f] == FrameState.huge, belongs)


@step(covers="D2")
def surplus_goes_first(n: Node) -> Bool:
    """Whatever goes from a pool that has surplus is surplus, and surplus goes with nothing else."""
    on_top = surplus_huge[n] > 0
    one_less = after(nr_huge[n]) == nr_huge[n] - 1
    one_surplus_less = after(surplus_huge[n]) == surplus_huge[n] - 1
    return one_surplus_less == (one_less & on_top)


@step(covers="D2")
def what_is_used_on_top_leaves_the_rest_of_the_pool(h: HugeFolio, n: Node) -> Bool:
    """Who takes a surplus huge folio takes none of those that somebody asked the pool to keep."""
    as_before = nr_huge[n] + after(surplus_huge[n]) == after(nr_huge[n]) + surplus_huge[n]
    return implies(_on_top(h), as_before)


@step(covers="D2", using="huge_destinations_are_set_aside ranges_know_the_folio_that_takes_them")
def what_was_used_is_free_only_where_nothing_is_surplus(r: Range) -> Bool:
    """A range in use that is freed or left goes back to the buddy allocator while there is surplus.

    The pool gets it where there is none (free_huge_folio).
    """
    h = huge_of[r]
    used = (huge_state[h] == HugeState.used) & (huge_home[h] == r)
    pooled = after((huge_state[huge_of[r]] == HugeState.free) & (huge_home[huge_of[r]] == r))
    return implies(used & pooled, surplus_huge[node_of_range[r]] == 0)


@step(covers="D2")
def what_is_made_for_a_move_is_in_no_pool(t: HugeFolio) -> Bool:
    """No pool grows through a move: what was made for one, or is left, is nobody's, and goes."""
    return implies(huge_exists(t) & ~is_pooled(t), ~after(is_pooled(t)))


@always(covers="D2 U1")
def gigantic_folios_stay_out_of_the_removable_area(f: Frame) -> Bool:
    """No frame of a gigantic folio is in the movable zone."""
    inside = (frame_state[f] == FrameState.huge) & gigantic[range_of[f]]
    return implies(inside, zone[block_of(f)] != Zone.movable)


@step(covers="D2 N3")
def free_huge_folios_of_leaving_blocks_are_not_used(h: HugeFolio) -> Bool:
    """Nobody gets a free huge folio of a block that leaves (dequeue_hugetlb_folio_node_exact)."""
    taken = (huge_state[h] == HugeState.free) & after(huge_state[h] == HugeState.used)
    return implies(leaves(huge_home[h]), ~taken)


@step(covers="D2 N3")
def huge_folios_of_draining_blocks_are_not_used(h: HugeFolio, f: Frame) -> Bool:
    """Nobody gets a free huge folio while a block that it lies in drains or goes offline."""
    taken = (huge_state[h] == HugeState.free) & after(huge_state[h] == HugeState.used)
    here = taken & (range_of[f] == huge_home[h])
    going = block_state[block_of(f)] == BlockState.going_offline
    return implies(here, ~draining[block_of(f)] & ~going)


@step(covers="D2")
def a_huge_folio_comes_and_goes_whole(f: Frame, g: Frame) -> Bool:
    """Two frames of one range become part of a huge folio, or cease to be, together."""
    alike = (frame_state[f] == FrameState.huge) == (frame_state[g] == FrameState.huge)
    then = after(frame_state[f] == FrameState.huge) == after(frame_state[g] == FrameState.huge)
    return implies((range_of[f] == range_of[g]) & alike, then)


@sometimes(covers="D2")
def a_promise_is_kept(v: Reservation) -> Bool:
    """A fault gets the huge folio that was promised."""
    n = reservation_node[v]
    return held[v] & ~after(held[v]) & (free_huge[n] == after(free_huge[n]) + 1)


@sometimes(covers="D2")
def a_promise_is_taken_back(v: Reservation) -> Bool:
    """A mapping that was promised a huge folio goes away without it."""
    n = reservation_node[v]
    return held[v] & ~after(held[v]) & (free_huge[n] == after(free_huge[n]))


def _grows(h: HugeFolio) -> Bool:
    """The step adds the free huge folio to its pool."""
    return ~huge_exists(h) & after(huge_state[h] == HugeState.free)


def _taken(h: HugeFolio) -> Bool:
    """The step gives the free huge folio to somebody."""
    return (huge_state[h] == HugeState.free) & (after(huge_state[h]) == HugeState.used)


@sometimes(covers="D2")
def a_huge_folio_is_used_without_a_promise(h: HugeFolio) -> Bool:
    """A fault gets a huge folio that was promised to nobody."""
    return _taken(h) & (reserved_huge[pool_of(h)] == after(reserved_huge[pool_of(h)]))


@sometimes(covers="D2 N3")
def a_pool_grows_while_another_block_drains(h: HugeFolio, b: Block) -> Bool:
    """What is closed keeps the pool from growing there alone."""
    return _grows(h) & draining[b]


@sometimes(covers="D2 U1")
def a_pool_grows_in_the_removable_area(h: HugeFolio, f: Frame) -> Bool:
    """Huge folios that can move may be in the movable zone."""
    here = range_of[f] == after(huge_home[h])
    return _grows(h) & here & (zone[block_of(f)] == Zone.movable)


@sometimes(covers="D2 N3")
def a_huge_folio_is_used_while_another_block_drains(h: HugeFolio, b: Block) -> Bool:
    """A fault gets a free huge folio that lies in no block that is closed."""
    return _taken(h) & draining[b]


@sometimes(covers="D2 N3")
def a_gigantic_folio_is_used_while_another_block_drains(h: HugeFolio, b: Block) -> Bool:
    """A fault gets a gigantic folio while a block drains that is no part of it."""
    return _taken(h) & gigantic[huge_home[h]] & draining[b]


def _on_top(h: HugeFolio) -> Bool:
    return ~huge_exists(h) & after(huge_state[h] == HugeState.used)


@sometimes(covers="D2")
def a_surplus_folio_comes_beside_what_is_full_and_closed(h: HugeFolio, f: Frame) -> Bool:
    """Another range, in use and in a block that drains, keeps no huge folio from being made."""
    return _on_top(h) & (frame_state[f] == FrameState.user) & draining[block_of(f)]


@sometimes(covers="D2 U1")
def a_surplus_folio_is_in_the_removable_area(h: HugeFolio, f: Frame) -> Bool:
    """A huge folio that can move is made in the movable zone."""
    here = range_of[f] == after(huge_home[h])
    return _on_top(h) & here & (zone[block_of(f)] == Zone.movable)


@sometimes(covers="D2 U1")
def a_gigantic_surplus_folio_comes_beside_the_removable_area(h: HugeFolio, f: Frame) -> Bool:
    """A gigantic folio is made on top of the pool, outside the movable zone of the machine."""
    return _on_top(h) & gigantic[after(huge_home[h])] & (zone[block_of(f)] == Zone.movable)


@sometimes(covers="D2")
def a_gigantic_surplus_folio_comes_beside_what_is_closed(h: HugeFolio, f: Frame) -> Bool:
    """A gigantic folio is made on top of the pool while a block that it does not reach drains."""
    return _on_top(h) & gigantic[after(huge_home[h])] & draining[block_of(f)]


@sometimes(covers="D2 U1")
def a_pool_grows_by_a_gigantic_folio_beside_the_removable_area(h: HugeFolio, f: Frame) -> Bool:
    """A gigantic folio joins the pool, outside the movable zone of the machine."""
    return _grows(h) & gigantic[after(huge_home[h])] & (zone[block_of(f)] == Zone.movable)


@sometimes(covers="D2")
def a_huge_folio_goes_back_to_its_pool(h: HugeFolio) -> Bool:
    """The last user of a huge folio lets go."""
    return (huge_state[h] == HugeState.used) & (after(huge_state[h]) == HugeState.free)


@sometimes(covers="D2")
def a_surplus_folio_goes_back_to_the_buddy_allocator(h: HugeFolio) -> Bool:
    """The last user of a huge folio that the pool made on top lets go."""
    return (huge_state[h] == HugeState.used) & ~after(huge_exists(h))


@sometimes(covers="D2")
def a_block_that_held_a_free_huge_folio_goes_offline(h: HugeFolio, f: Frame) -> Bool:
    """A free huge folio is dissolved, and its block can go."""
    was_here = ~huge_exists(h) & (range_of[f] == huge_home[h])
    grown_there = huge_home[h] != birth_range[h]
    return was_here & grown_there & (block_state[block_of(f)] == BlockState.offline)
