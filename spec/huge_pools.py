"""Huge folios and their pools: whole ranges of frames, and counters that are exact (D2).

A hugetlb folio takes a contiguous, aligned range of frames and keeps its
identity while it moves.  Each node has a pool with four counters, as in
/sys/devices/system/node/nodeN/hugepages: all of it, free, reserved, surplus.

Source: mm/hugetlb.c (alloc_pool_huge_folio, dissolve_free_hugetlb_folio,
alloc_hugetlb_folio, free_huge_folio).
"""

from __future__ import annotations

from errno import EBUSY, ENOENT, ENOMEM

from .blocks import BlockState, FrameState, block_state, frame_state, zone
from .drain import draining
from .frames import released
from .language import (
    Bool,
    Enumeration,
    Int,
    Sort,
    action,
    after,
    always,
    any_of,
    axiom,
    count,
    definition,
    exists,
    false,
    guard,
    implies,
    sometimes,
    step,
    topology,
    true,
    variable,
)
from .topology import Block, Frame, Node, Zone, block_of, node_of_frame


class HugeFolio(Sort):
    """A hugetlb folio; it keeps its identity while it moves."""


class Range(Sort):
    """A contiguous, aligned run of frames that one huge folio can take."""


class Reservation(Sort):
    """A mapping's promise of one huge folio (resv_huge_pages)."""


class HugeState(Enumeration):
    """``incoming``: taken from the free ones, for another folio to move into."""

    none: HugeState
    free: HugeState
    used: HugeState
    incoming: HugeState


range_of = topology(Frame, Range)
"""The range that a frame is part of."""

head_frame = topology(Range, Frame)
"""The first frame of a range."""

gigantic = topology(Range, Bool)
"""The range is larger than a block (1 GiB): the buddy allocator cannot give it."""

node_of_range = topology(Range, Node)
"""The node that all of a range's frames are on."""

birth_range = topology(HugeFolio, Range)
"""What the records of a huge folio name before it exists; nothing depends on it."""

first_huge = topology(Range, HugeFolio)
"""What a range names before a huge folio was ever in it; nothing depends on it."""

reservation_node = topology(Reservation, Node)
"""The node whose pool must keep the promise."""

huge_state = variable(HugeFolio, HugeState, initial=lambda h: HugeState.none)
"""What the huge folio is."""

huge_home = variable(HugeFolio, Range, initial=lambda h: birth_range[h])
"""The range that the huge folio takes."""

huge_of = variable(Range, HugeFolio, initial=lambda r: first_huge[r])
"""The huge folio that takes the range."""

surplus = variable(HugeFolio, Bool, initial=lambda h: false)
"""The folio came on top of the pool, and leaves when it is freed (overcommit)."""

held = variable(Reservation, Bool, initial=lambda v: false)
"""The promise is open."""

nr_huge = variable(Node, Int, initial=lambda n: Int.of(0))
"""How many huge folios the node's pool has (nr_hugepages)."""

free_huge = variable(Node, Int, initial=lambda n: Int.of(0))
"""How many of them are free (free_hugepages)."""

surplus_huge = variable(Node, Int, initial=lambda n: Int.of(0))
"""How many of them are surplus (surplus_hugepages)."""

reserved_huge = variable(Node, Int, initial=lambda n: Int.of(0))
"""How many free ones are promised (resv_hugepages; Linux keeps one number for all nodes)."""


@axiom
def head_frames_are_in_their_range(r: Range) -> Bool:
    """Every range has frames."""
    return range_of[head_frame[r]] == r


@axiom
def ranges_of_the_buddy_allocator_lie_in_one_block(f: Frame, g: Frame) -> Bool:
    """Only a gigantic range reaches over several blocks."""
    together = (range_of[f] == range_of[g]) & ~gigantic[range_of[f]]
    return implies(together, block_of(f) == block_of(g))


@axiom
def ranges_lie_on_one_node(f: Frame) -> Bool:
    """No range reaches over two nodes."""
    return node_of_frame(f) == node_of_range[range_of[f]]


@definition
def pool_of(h: HugeFolio) -> Node:
    """The node whose pool the huge folio counts in."""
    return node_of_range[huge_home[h]]


@definition
def huge_exists(h: HugeFolio) -> Bool:
    """The huge folio exists."""
    return huge_state[h] != HugeState.none


@definition
def leaves(r: Range) -> Bool:
    """A frame of the range lies in a block that is closed to allocation, or goes offline."""
    return exists(
        Frame,
        lambda f: (
            (range_of[f] == r)
            & (draining[block_of(f)] | (block_state[block_of(f)] == BlockState.going_offline))
        ),
    )


def _make(h: HugeFolio, r: Range, state: HugeState, on_top: Bool) -> None:
    """Make a huge folio of a range that is free as a whole."""
    guard("new_folio", ~huge_exists(h), why="the huge folio exists already")
    guard(
        "range_free",
        ~exists(Frame, lambda f: (range_of[f] == r) & (frame_state[f] != FrameState.free)),
        errno=ENOMEM,
        why="a frame of the range is not free",
    )
    guard(
        "not_draining",
        ~exists(Frame, lambda f: (range_of[f] == r) & draining[block_of(f)]),
        errno=ENOMEM,
        why="the range is in a block that is closed to allocation",
    )
    guard(
        "gigantic_outside_removable_area",
        ~gigantic[r]
        | ~exists(Frame, lambda f: (range_of[f] == r) & (zone[block_of(f)] == Zone.movable)),
        errno=ENOMEM,
        why="a gigantic folio has nowhere to move to, so it may not be in the removable area",
    )
    huge_state[h] = state
    huge_home[h] = r
    huge_of[r] = h
    surplus[h] = on_top
    frame_state.update(where=lambda f: range_of[f] == r, value=FrameState.huge)
    nr_huge[node_of_range[r]] = nr_huge[node_of_range[r]] + 1


def unmake(h: HugeFolio) -> None:
    """In an action: the huge folio is no more, and its frames are given back."""
    n, r = pool_of(h), huge_home[h]
    huge_state[h] = HugeState.none
    nr_huge[n] = nr_huge[n] - 1
    frame_state.update(where=lambda f: range_of[f] == r, value=lambda f: released(f))


@action
def grow_pool(h: HugeFolio, r: Range) -> None:
    """Add a free huge folio to the pool of the range's node (nr_hugepages_store)."""
    _make(h, r, HugeState.free, false)
    free_huge[node_of_range[r]] = free_huge[node_of_range[r]] + 1


@action
def take_surplus(h: HugeFolio, r: Range) -> None:
    """Use a huge folio on top of the pool (alloc_surplus_hugetlb_folio)."""
    _make(h, r, HugeState.used, true)
    surplus_huge[node_of_range[r]] = surplus_huge[node_of_range[r]] + 1


def _stays(h: HugeFolio) -> None:
    guard(
        "range_stays",
        ~leaves(huge_home[h]),
        errno=ENOMEM,
        why="the huge folio is in a block that leaves",
    )


def _free_and_not_promised(h: HugeFolio) -> None:
    guard("huge_free", huge_state[h] == HugeState.free, why="the huge folio is not free")
    guard(
        "not_promised",
        reserved_huge[pool_of(h)] < free_huge[pool_of(h)],
        errno=EBUSY,
        why="every free huge folio of the node is promised",
    )


@action
def dissolve(h: HugeFolio) -> None:
    """Give a free huge folio's frames back (dissolve_free_hugetlb_folio)."""
    _free_and_not_promised(h)
    unmake(h)
    free_huge[pool_of(h)] = free_huge[pool_of(h)] - 1


@action
def reserve_huge(v: Reservation) -> None:
    """Promise a huge folio to a mapping (hugetlb_reserve_pages)."""
    n = reservation_node[v]
    guard("not_held", ~held[v], why="the promise is open already")
    guard(
        "one_is_left",
        reserved_huge[n] < free_huge[n],
        errno=ENOMEM,
        why="every free huge folio of the node is promised",
    )
    held[v] = true
    reserved_huge[n] = reserved_huge[n] + 1


@action
def unreserve_huge(v: Reservation) -> None:
    """Take a promise back (hugetlb_unreserve_pages)."""
    guard("held", held[v], errno=ENOENT, why="there is no such promise")
    held[v] = false
    reserved_huge[reservation_node[v]] = reserved_huge[reservation_node[v]] - 1


@action
def take_huge(h: HugeFolio) -> None:
    """A fault without a promise takes a free huge folio (alloc_hugetlb_folio)."""
    _free_and_not_promised(h)
    _stays(h)
    huge_state[h] = HugeState.used
    free_huge[pool_of(h)] = free_huge[pool_of(h)] - 1


@action
def take_promised(h: HugeFolio, v: Reservation) -> None:
    """A fault redeems its promise."""
    n = reservation_node[v]
    guard("huge_free", huge_state[h] == HugeState.free, why="the huge folio is not free")
    guard("held", held[v], errno=ENOENT, why="there is no such promise")
    guard("same_node", pool_of(h) == n, why="the promise is another node's")
    _stays(h)
    huge_state[h] = HugeState.used
    held[v] = false
    reserved_huge[n] = reserved_huge[n] - 1
    free_huge[n] = free_huge[n] - 1


# --- what is true -------------------------------------------------------------------------------


@always(covers="D2")
def pools_count_their_folios(n: Node) -> Bool:
    """nr_hugepages is the number of huge folios on the node, to the last one."""
    return nr_huge[n] == count(HugeFolio, lambda h: huge_exists(h) & (pool_of(h) == n))


@always(covers="D2")
def pools_count_their_free_folios(n: Node) -> Bool:
    """free_hugepages is the number of free ones."""
    return free_huge[n] == count(
        HugeFolio, lambda h: (huge_state[h] == HugeState.free) & (pool_of(h) == n)
    )


@always(covers="D2")
def pools_count_their_surplus(n: Node) -> Bool:
    """surplus_hugepages is the number of surplus ones."""
    return surplus_huge[n] == count(
        HugeFolio, lambda h: huge_exists(h) & surplus[h] & (pool_of(h) == n)
    )


@always(covers="D2")
def pools_count_their_promises(n: Node) -> Bool:
    """resv_hugepages is the number of open promises."""
    return reserved_huge[n] == count(Reservation, lambda v: held[v] & (reservation_node[v] == n))


@always(covers="D2")
def promises_can_be_kept(n: Node) -> Bool:
    """No more huge folios are promised than are free."""
    return reserved_huge[n] <= free_huge[n]


@always(covers="D2")
def huge_folios_take_whole_ranges(h: HugeFolio, f: Frame) -> Bool:
    """Every frame of a huge folio's range is the huge folio's."""
    mine = huge_exists(h) & (range_of[f] == huge_home[h])
    return implies(mine, frame_state[f] == FrameState.huge)


@always(covers="D2")
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


@always(covers="D2")
def free_huge_folios_are_not_surplus(h: HugeFolio) -> Bool:
    """A surplus folio that is freed goes back to the buddy allocator, not to the pool."""
    idle = any_of(huge_state[h] == HugeState.free, huge_state[h] == HugeState.incoming)
    return implies(idle, ~surplus[h])


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


@sometimes(covers="D2")
def a_huge_folio_is_used_without_a_promise(h: HugeFolio) -> Bool:
    """A fault gets a huge folio that was promised to nobody."""
    taken = (huge_state[h] == HugeState.free) & (after(huge_state[h]) == HugeState.used)
    return taken & (reserved_huge[pool_of(h)] == after(reserved_huge[pool_of(h)]))


@sometimes(covers="D2 N3")
def a_huge_folio_is_used_while_another_block_drains(h: HugeFolio, b: Block) -> Bool:
    """A fault gets a free huge folio that lies in no block that is closed."""
    taken = (huge_state[h] == HugeState.free) & (after(huge_state[h]) == HugeState.used)
    return taken & draining[b]


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


@sometimes(covers="D2 U1")
def a_pool_grows_by_a_gigantic_folio_beside_the_removable_area(h: HugeFolio, f: Frame) -> Bool:
    """A gigantic folio joins the pool, outside the movable zone of the machine."""
    grows = ~huge_exists(h) & after(huge_state[h] == HugeState.free)
    return grows & gigantic[after(huge_home[h])] & (zone[block_of(f)] == Zone.movable)
