"""Huge folios move whole, to a range of their own size that is set aside for them (D2).

The destination is a free folio of a pool.  Each entry that maps the folio becomes
a migration entry; then the contents are copied, and the two change places: the pool
of the old range gets it, unless there is surplus.  The entries come back, to where the folio lives.

Where no pool has a destination, one is made of free memory for this move alone, and the old
range is given back afterwards.  Surplus goes with the folio to its new node.

Source: mm/hugetlb.c (alloc_hugetlb_folio_nodemask, alloc_migrate_hugetlb_folio,
move_hugetlb_state, free_huge_folio), mm/migrate.c (unmap_and_move_huge_page).
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, ENOMEM

from ..blocks.block_states import BlockState, block_state, frame_state, refused_move
from ..folios.drain import leaving
from ..folios.frames import released
from ..folios.page_tables import PteState
from ..language import (
    Bool,
    action,
    definition,
    exists,
    false,
    guard,
    ite,
    true,
    variable,
)
from ..language.errnos import EHWPOISON
from ..machine.topology import Frame, block_of, nearer
from .huge_mappings import (
    HugePte,
    HugeStage,
    has_huge_entries,
    huge_mapcount,
    huge_maps,
    huge_pte,
    huge_pte_folio,
    huge_pte_range,
    huge_stage,
    is_mapped_huge,
    migratable,
    range_data,
    used_and_unlocked,
)
from .huge_pins import huge_pin_count
from .huge_pools import (
    HugeFolio,
    HugeState,
    Range,
    can_be_made_of,
    free_huge,
    gigantic,
    head_frame,
    huge_home,
    huge_of,
    huge_state,
    is_free_range,
    leaves,
    make,
    node_of_range,
    nr_huge,
    pool_of,
    range_has_error,
    range_of,
    reaches_into_a_draining_block,
    reserved_huge,
    surplus_huge,
    unmake,
)

target = variable(HugeFolio, HugeFolio, initial=lambda h: h)
"""The free folio whose range the folio moves to."""


@definition
def on_its_way(h: HugeFolio) -> Bool:
    """The huge folio has a place set aside that it does not have yet."""
    return (huge_stage[h] == HugeStage.reserved) | (huge_stage[h] == HugeStage.copied)


@definition
def takes_in(t: HugeFolio) -> Bool:
    """The huge folio is free, promised to nobody, whole, and stays: another can move to it."""
    promised = free_huge[pool_of(t)] <= reserved_huge[pool_of(t)]
    stays = ~leaves(huge_home[t]) & ~range_has_error(huge_home[t])
    return (huge_state[t] == HugeState.free) & ~promised & stays


@definition
def takes_in_nearer(h: HugeFolio, x: HugeFolio, t: HugeFolio) -> Bool:
    """Seen from h, the range of x is on a nearer node than that of t, and has h's size."""
    same_size = gigantic[huge_home[x]] == gigantic[huge_home[h]]
    return same_size & takes_in(x) & nearer[pool_of(h), pool_of(x), pool_of(t)]


@definition
def is_open_to(t: HugeFolio, h: HugeFolio) -> Bool:
    """A pool has the free huge folio t to spare for h to move to: it has h's size."""
    return takes_in(t) & (gigantic[huge_home[t]] == gigantic[huge_home[h]])


@definition
def can_become_huge(r: Range) -> Bool:
    """The buddy allocator can give the range whole."""
    return (
        is_free_range(r)
        & ~reaches_into_a_draining_block(r)
        & ~leaving[node_of_range[r]]
        & ~gigantic[r]
    )


@definition
def can_become_huge_nearer(h: HugeFolio, x: Range, r: Range) -> Bool:
    """Seen from h, the range x, which can be made a huge folio, is on a nearer node than r."""
    return can_become_huge(x) & nearer[pool_of(h), node_of_range[x], node_of_range[r]]


@definition
def waits_for_another_try(r: Range) -> Bool:
    """A block of the range goes offline, and a move out of the range was given up."""

    def goes(f: Frame) -> Bool:
        return (range_of[f] == r) & (block_state[block_of(f)] == BlockState.going_offline)

    return refused_move[head_frame[r]] & exists(Frame, goes)


def _let_go(h: HugeFolio) -> None:
    """In an action: what the last user of a huge folio is asked."""
    used_and_unlocked(h)
    guard("not_mapped", huge_mapcount[h] == 0, why="an entry maps the huge folio")
    guard("not_pinned", huge_pin_count[h] == 0, errno=EAGAIN, why="a device uses the huge folio")


@action
def put_huge(h: HugeFolio) -> None:
    """The last user lets go: the folio is free again (free_huge_folio)."""
    _let_go(h)
    guard(
        "nothing_surplus",
        surplus_huge[pool_of(h)] == 0,
        why="while the node has surplus, what is freed goes back to the buddy allocator",
    )
    huge_state[h] = HugeState.free
    migratable[huge_home[h]] = false
    free_huge[pool_of(h)] = free_huge[pool_of(h)] + 1


@action(using="ranges_know_the_folio_that_takes_them")
def put_surplus(h: HugeFolio) -> None:
    """The last user lets go, and the node has surplus: the frames are given back."""
    _let_go(h)
    guard("surplus", surplus_huge[pool_of(h)] > 0, why="the node has no surplus")
    unmake(h)
    migratable[huge_home[h]] = false
    surplus_huge[pool_of(h)] = surplus_huge[pool_of(h)] - 1


def _may_move(h: HugeFolio) -> None:
    """In an action: what a huge folio is asked that is to move."""
    used_and_unlocked(h)
    guard("seen", migratable[huge_home[h]], errno=EBUSY, why="a scan does not see the folio")
    guard(
        "try_paid_for",
        ~waits_for_another_try(huge_home[h]),
        errno=EAGAIN,
        why="the folio refused to move; the removal waits before it tries again",
    )


@action(using="head_frames_are_in_their_range ranges_of_the_buddy_allocator_lie_in_one_block")
def begin_huge_migration(h: HugeFolio, t: HugeFolio) -> None:
    """Set a free folio of the same size aside as the destination."""
    _may_move(h)
    guard("target_free", huge_state[t] == HugeState.free, errno=ENOMEM, why="it is not free")
    guard(
        "not_promised",
        reserved_huge[pool_of(t)] < free_huge[pool_of(t)],
        errno=ENOMEM,
        why="every free huge folio of the node is promised",
    )
    guard(
        "same_size",
        gigantic[huge_home[t]] == gigantic[huge_home[h]],
        errno=ENOMEM,
        why="the destination has another size",
    )
    guard(
        "target_stays",
        ~leaves(huge_home[t]),
        errno=ENOMEM,
        why="the destination is in a block that leaves",
    )
    guard(
        "target_whole",
        ~range_has_error(huge_home[t]),
        errno=ENOMEM,
        why="a frame of the destination has an error",
    )
    guard(
        "nearest_with_room",
        ~exists(HugeFolio, lambda x: takes_in_nearer(h, x, t)),
        errno=ENOMEM,
        why="a nearer node has a free huge folio of the same size",
    )
    huge_stage[h] = HugeStage.reserved
    target[h] = t
    huge_state[t] = HugeState.incoming
    free_huge[pool_of(t)] = free_huge[pool_of(t)] - 1


@action(
    using="head_frames_are_in_their_range head_pages_are_taken_with_their_range "
    "huge_pins_name_huge_folios_in_use leaving_blocks_have_no_free_frame"
)
def begin_huge_migration_afresh(h: HugeFolio, t: HugeFolio, r: Range) -> None:
    """Make a destination of free memory where no pool has one (alloc_migrate_hugetlb_folio)."""
    _may_move(h)
    guard(
        "no_pool_has_one",
        ~exists(HugeFolio, lambda x: is_open_to(x, h)),
        why="a pool has a free huge folio of the size",
    )
    guard(
        "of_the_buddy_allocator",
        ~gigantic[huge_home[h]] & ~gigantic[r],
        errno=ENOMEM,
        why="the buddy allocator has no gigantic folio",
    )
    can_be_made_of(t, r, reaches_into_a_draining_block(r))
    guard(
        "nearest_with_room",
        ~exists(Range, lambda x: can_become_huge_nearer(h, x, r)),
        errno=ENOMEM,
        why="a nearer node has memory for a huge folio",
    )
    make(t, r, HugeState.temporary)
    huge_stage[h] = HugeStage.reserved
    target[h] = t


@action
def replace_huge_pte(p: HugePte, h: HugeFolio) -> None:
    """Turn an entry that maps the folio into a migration entry (try_to_migrate_one)."""
    guard("reserved", huge_stage[h] == HugeStage.reserved, why="no destination is reserved")
    guard("found", huge_maps(p, h), why="the entry does not map the huge folio")
    huge_pte[p] = PteState.migration


@action
def copy_huge(h: HugeFolio) -> None:
    """Copy the whole range."""
    guard("reserved", huge_stage[h] == HugeStage.reserved, why="no destination is reserved")
    guard("unmapped", ~is_mapped_huge(h), errno=EAGAIN, why="an entry still maps the huge folio")
    guard("not_pinned", huge_pin_count[h] == 0, errno=EAGAIN, why="a device uses the huge folio")
    guard(
        "no_error",
        ~range_has_error(huge_home[h]),
        errno=EHWPOISON,
        why="a frame of the huge folio has an error",
    )
    huge_stage[h] = HugeStage.copied
    range_data[huge_home[target[h]]] = range_data[huge_home[h]]


@action(
    using="huge_destinations_are_set_aside moving_huge_folios_are_used "
    "ranges_know_the_folio_that_takes_them",
)
def change_huge_home(h: HugeFolio) -> None:
    """Folio and destination change places; the old range is free in its own node's pool.

    If the destination was made for this move, or while the node has surplus, it is left over.
    """
    guard("copied", huge_stage[h] == HugeStage.copied, why="the contents are not copied")
    t = target[h]
    old, new = huge_home[h], huge_home[t]
    here, there = node_of_range[old], node_of_range[new]
    made, on_top = huge_state[t] == HugeState.temporary, surplus_huge[here] > 0
    kept = ~made & ~on_top
    fewer_here = ite(made, here != there, on_top)
    more_there = made & (here != there)
    huge_stage[h] = HugeStage.settled
    huge_home.update(where=lambda x: (x == h) | (x == t), value=lambda x: ite(x == h, new, old))
    huge_of.update(where=lambda r: (r == old) | (r == new), value=lambda r: ite(r == new, h, t))
    huge_state[t] = ite(kept, HugeState.free, HugeState.left)
    migratable.update(where=lambda r: (r == old) | (r == new), value=lambda r: r == new)
    free_huge[here] = ite(kept, free_huge[here] + 1, free_huge[here])
    nr_huge.update(
        where=lambda n: ((n == here) & fewer_here) | ((n == there) & more_there),
        value=lambda n: ite(n == here, nr_huge[n] - 1, nr_huge[n] + 1),
    )
    surplus_huge.update(
        where=lambda n: on_top & (((n == here) & fewer_here) | ((n == there) & more_there)),
        value=lambda n: ite(n == here, surplus_huge[n] - 1, surplus_huge[n] + 1),
    )


@action(using="huge_destinations_are_set_aside")
def abort_huge_migration(h: HugeFolio) -> None:
    """Give up: the destination is free again, or left over; the old place keeps a mark."""
    guard("moving", on_its_way(h), why="the folio is not moving, or has moved already")
    t = target[h]
    made = huge_state[t] == HugeState.temporary
    refused_move[head_frame[huge_home[h]]] = true
    huge_stage[h] = HugeStage.settled
    huge_state[t] = ite(made, HugeState.left, HugeState.free)
    free_huge[pool_of(t)] = ite(made, free_huge[pool_of(t)], free_huge[pool_of(t)] + 1)


@action(using="ranges_know_the_folio_that_takes_them")
def free_left_huge(h: HugeFolio) -> None:
    """Give frames back that a move has left or not needed (update_and_free_hugetlb_folio)."""
    guard("left", huge_state[h] == HugeState.left, why="no move has left the huge folio")
    huge_state[h] = HugeState.none
    frame_state.update(where=lambda f: range_of[f] == huge_home[h], value=lambda f: released(f))


@action
def restore_huge_pte(p: HugePte) -> None:
    """Turn a migration entry back into a mapping, of where the folio lives now."""
    h = huge_pte_folio[p]
    guard("migration_entry", huge_pte[p] == PteState.migration, why="it is no migration entry")
    guard(
        "settled",
        huge_stage[h] == HugeStage.settled,
        why="it is not decided yet where the huge folio lives",
    )
    huge_pte[p] = PteState.present
    huge_pte_range[p] = huge_home[h]


@action
def finish_huge_migration(h: HugeFolio) -> None:
    """All entries lead to where the folio lives: it is unlocked."""
    guard("settled", huge_stage[h] == HugeStage.settled, why="the folio is not about to settle")
    guard("entries_restored", ~has_huge_entries(h), why="a migration entry is left")
    huge_stage[h] = HugeStage.idle
