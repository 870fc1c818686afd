"""Huge folios and their pools: whole ranges of frames, and counters that are exact (D2).

A hugetlb folio takes a contiguous, aligned range of frames and keeps its
identity while it moves.  Each node has a pool with four counters, as in
/sys/devices/system/node/nodeN/hugepages: all of it, free, reserved, surplus.

What is surplus is a number of the pool, and no mark of a folio: while there is any, whatever is
freed on the node goes back to the buddy allocator, and there is one less.

Source: mm/hugetlb.c (alloc_pool_huge_folio, dissolve_free_hugetlb_folio,
alloc_hugetlb_folio, free_huge_folio).
"""

from __future__ import annotations

from errno import EBUSY, ENOENT, ENOMEM

from ..blocks.block_states import (
    BlockState,
    FrameState,
    block_state,
    frame_state,
    hwpoison,
    zone,
)
from ..folios.drain import draining, leaving
from ..folios.frames import released
from ..language import (
    Bool,
    Enumeration,
    Int,
    Sort,
    action,
    any_of,
    axiom,
    definition,
    exists,
    false,
    guard,
    implies,
    topology,
    true,
    variable,
)
from ..machine.topology import (
    Frame,
    Node,
    Zone,
    block_of,
    node_of_frame,
)


class HugeFolio(Sort):
    """A hugetlb folio; it keeps its identity while it moves."""


class Range(Sort):
    """A contiguous, aligned run of frames that one huge folio can take."""


class Reservation(Sort):
    """A mapping's promise of one huge folio (resv_huge_pages)."""


class HugeState(Enumeration):
    """``incoming``: taken from the free ones, for another folio to move into.

    ``temporary``: made for that alone, and part of no pool.  ``left``: of no use after a move, and
    part of no pool; its frames are about to be given back.
    """

    none: HugeState
    free: HugeState
    used: HugeState
    incoming: HugeState
    temporary: HugeState
    left: HugeState


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

held = variable(Reservation, Bool, initial=lambda v: false)
"""The promise is open."""

nr_huge = variable(Node, Int, initial=lambda n: Int.of(0))
"""How many huge folios the node's pool has (nr_hugepages)."""

free_huge = variable(Node, Int, initial=lambda n: Int.of(0))
"""How many of them are free (free_hugepages)."""

surplus_huge = variable(Node, Int, initial=lambda n: Int.of(0))
"""How many came on top of the pool (overcommit), and go when they are freed (surplus_hugepages)."""

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
def is_pooled(h: HugeFolio) -> Bool:
    """The huge folio counts in a pool."""
    of_a_move = (huge_state[h] == HugeState.temporary) | (huge_state[h] == HugeState.left)
    return huge_exists(h) & ~of_a_move


@definition
def is_destination(t: HugeFolio) -> Bool:
    """Another huge folio is on its way to this one's range."""
    return (huge_state[t] == HugeState.incoming) | (huge_state[t] == HugeState.temporary)


@definition
def is_free_range(r: Range) -> Bool:
    """Every frame of the range is free."""
    return ~exists(Frame, lambda f: (range_of[f] == r) & (frame_state[f] != FrameState.free))


@definition
def reaches_into_a_draining_block(r: Range) -> Bool:
    """A frame of the range is in a block that is closed to allocation."""
    return exists(Frame, lambda f: (range_of[f] == r) & draining[block_of(f)])


@definition
def is_closed_range(r: Range) -> Bool:
    """The same, asked of one block: a range of the buddy allocator lies in that of its head."""
    return any_of(
        draining[block_of(head_frame[r])],
        gigantic[r] & exists(Frame, lambda f: (range_of[f] == r) & draining[block_of(f)]),
    )


def _goes(f: Frame) -> Bool:
    """The frame's block is closed to allocation, or goes offline."""
    return draining[block_of(f)] | (block_state[block_of(f)] == BlockState.going_offline)


@definition
def range_has_error(r: Range) -> Bool:
    """A frame of the range has an error that is known (folio_contain_hwpoisoned_page)."""
    return exists(Frame, lambda f: (range_of[f] == r) & hwpoison[f])


@definition
def leaves(r: Range) -> Bool:
    """The range's node leaves, or a block of it is closed to allocation, or goes offline.

    A range of the buddy allocator has one block: that of its head.
    """
    return any_of(
        leaving[node_of_range[r]],
        _goes(head_frame[r]),
        gigantic[r] & exists(Frame, lambda f: (range_of[f] == r) & _goes(f)),
    )


def can_be_made_of(h: HugeFolio, r: Range, closed: Bool) -> None:
    """In an action: what the buddy allocator asks of a range that is to be a huge folio.

    Args:
        closed: a block of the range is closed to allocation.
    """
    guard("new_folio", ~huge_exists(h), why="the huge folio exists already")
    guard("range_free", is_free_range(r), errno=ENOMEM, why="a frame of the range is not free")
    guard(
        "not_draining",
        ~closed,
        errno=ENOMEM,
        why="the range is in a block that is closed to allocation",
    )
    guard(
        "node_stays",
        ~leaving[node_of_range[r]],
        errno=ENOMEM,
        why="the range is on a node that is closed to allocation",
    )


def make(h: HugeFolio, r: Range, state: HugeState) -> None:
    """In an action: the huge folio takes the range."""
    huge_state[h] = state
    huge_home[h] = r
    huge_of[r] = h
    frame_state.update(where=lambda f: range_of[f] == r, value=FrameState.huge)


def _make_pooled(h: HugeFolio, r: Range, closed: Bool, state: HugeState) -> None:
    """Make a huge folio that counts in the pool of the range's node."""
    can_be_made_of(h, r, closed)
    guard(
        "gigantic_outside_removable_area",
        ~gigantic[r]
        | ~exists(Frame, lambda f: (range_of[f] == r) & (zone[block_of(f)] == Zone.movable)),
        errno=ENOMEM,
        why="a gigantic folio has nowhere to move to, so it may not be in the removable area",
    )
    make(h, r, state)
    nr_huge[node_of_range[r]] = nr_huge[node_of_range[r]] + 1


def unmake(h: HugeFolio) -> None:
    """In an action: the huge folio of a pool is no more, and its frames are given back."""
    n, r = pool_of(h), huge_home[h]
    huge_state[h] = HugeState.none
    nr_huge[n] = nr_huge[n] - 1
    frame_state.update(where=lambda f: range_of[f] == r, value=lambda f: released(f))


def less_surplus(n: Node) -> None:
    """In an action: what goes from the node's pool goes from its surplus, if there is any."""
    surplus_huge.update(
        where=lambda m: (m == n) & (surplus_huge[m] > 0), value=lambda m: surplus_huge[m] - 1
    )


@action(using="head_frames_are_in_their_range head_pages_are_taken_with_their_range")
def grow_pool(h: HugeFolio, r: Range) -> None:
    """Add a free huge folio to the pool of the range's node (nr_hugepages_store)."""
    _make_pooled(h, r, reaches_into_a_draining_block(r), HugeState.free)
    free_huge[node_of_range[r]] = free_huge[node_of_range[r]] + 1


@action(using="head_frames_are_in_their_range head_pages_are_taken_with_their_range")
def take_surplus(h: HugeFolio, r: Range) -> None:
    """Use a huge folio on top of the pool (alloc_surplus_hugetlb_folio)."""
    _make_pooled(h, r, is_closed_range(r), HugeState.used)
    surplus_huge[node_of_range[r]] = surplus_huge[node_of_range[r]] + 1


def _stays(h: HugeFolio) -> None:
    guard(
        "range_stays",
        ~leaves(huge_home[h]),
        errno=ENOMEM,
        why="the huge folio is in a block that leaves",
    )
    guard(
        "no_error",
        ~range_has_error(huge_home[h]),
        errno=ENOMEM,
        why="a frame of the huge folio has an error",
    )


def _free_and_not_promised(h: HugeFolio) -> None:
    guard("huge_free", huge_state[h] == HugeState.free, why="the huge folio is not free")
    guard(
        "not_promised",
        reserved_huge[pool_of(h)] < free_huge[pool_of(h)],
        errno=EBUSY,
        why="every free huge folio of the node is promised",
    )


@action(using="ranges_know_the_folio_that_takes_them")
def dissolve(h: HugeFolio) -> None:
    """Give a free huge folio's frames back (dissolve_free_hugetlb_folio)."""
    _free_and_not_promised(h)
    unmake(h)
    free_huge[pool_of(h)] = free_huge[pool_of(h)] - 1
    less_surplus(pool_of(h))


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
