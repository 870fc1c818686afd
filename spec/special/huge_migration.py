"""Huge folios move whole, to a range of their own size that is set aside for them (D2).

The destination is a free folio of a pool.  Each entry that maps the folio becomes
a migration entry; then the contents are copied, and the two change places: the pool
that gave a range gets the old one.  The entries come back, to where the folio lives.

Source: mm/hugetlb.c (alloc_hugetlb_folio_nodemask, move_hugetlb_state),
mm/migrate.c (unmap_and_move_huge_page).
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, ENOMEM

from ..blocks.block_states import BlockState, FrameState, block_state, frame_state, refused_move
from ..folios.drain import draining
from ..folios.page_tables import PteState
from ..language import (
    Bool,
    action,
    after,
    always,
    definition,
    exists,
    false,
    guard,
    implies,
    ite,
    sometimes,
    step,
    true,
    variable,
)
from ..language.errnos import EHWPOISON
from ..machine.topology import Frame, block_of, nearer
from .huge_mappings import (
    HugePte,
    HugeStage,
    begins_to_move_huge,
    has_huge_entries,
    huge_contents,
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
    free_huge,
    gigantic,
    head_frame,
    huge_exists,
    huge_home,
    huge_of,
    huge_state,
    leaves,
    node_of_range,
    pool_of,
    range_has_error,
    range_of,
    reserved_huge,
    surplus,
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
    guard("not_surplus", ~surplus[h], why="a surplus folio goes back to the buddy allocator")
    huge_state[h] = HugeState.free
    migratable[huge_home[h]] = false
    free_huge[pool_of(h)] = free_huge[pool_of(h)] + 1


@action(using="ranges_know_the_folio_that_takes_them")
def put_surplus(h: HugeFolio) -> None:
    """The last user lets go of a surplus folio: its frames are given back."""
    _let_go(h)
    guard("surplus", surplus[h], why="the folio belongs to the pool")
    unmake(h)
    migratable[huge_home[h]] = false
    surplus_huge[pool_of(h)] = surplus_huge[pool_of(h)] - 1


@action(using="head_frames_are_in_their_range ranges_of_the_buddy_allocator_lie_in_one_block")
def begin_huge_migration(h: HugeFolio, t: HugeFolio) -> None:
    """Set a free folio of the same size aside as the destination."""
    used_and_unlocked(h)
    guard("seen", migratable[huge_home[h]], errno=EBUSY, why="a scan does not see the folio")
    guard(
        "try_paid_for",
        ~waits_for_another_try(huge_home[h]),
        errno=EAGAIN,
        why="the folio refused to move; the removal waits before it tries again",
    )
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
    """Folio and destination change places; the old range is free in its own node's pool."""
    guard("copied", huge_stage[h] == HugeStage.copied, why="the contents are not copied")
    t = target[h]
    old, new = huge_home[h], huge_home[t]
    here, there = node_of_range[old], node_of_range[new]
    huge_stage[h] = HugeStage.settled
    huge_home.update(where=lambda x: (x == h) | (x == t), value=lambda x: ite(x == h, new, old))
    huge_of.update(where=lambda r: (r == old) | (r == new), value=lambda r: ite(r == new, h, t))
    huge_state[t] = HugeState.free
    migratable.update(where=lambda r: (r == old) | (r == new), value=lambda r: r == new)
    free_huge[here] = free_huge[here] + 1
    surplus_huge.update(
        where=lambda n: surplus[h] & (here != there) & ((n == here) | (n == there)),
        value=lambda n: ite(n == there, surplus_huge[n] + 1, surplus_huge[n] - 1),
    )


@action(using="huge_destinations_are_set_aside")
def abort_huge_migration(h: HugeFolio) -> None:
    """Give up: the destination is a free folio again; the old place keeps a mark."""
    guard("moving", on_its_way(h), why="the folio is not moving, or has moved already")
    n = pool_of(target[h])
    refused_move[head_frame[huge_home[h]]] = true
    huge_stage[h] = HugeStage.settled
    huge_state[target[h]] = HugeState.free
    free_huge[n] = free_huge[n] + 1


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


# --- what is true -------------------------------------------------------------------------------


@always(covers="D2")
def moving_huge_folios_are_used(h: HugeFolio) -> Bool:
    """A huge folio that moves is not freed meanwhile."""
    return implies(huge_stage[h] != HugeStage.idle, huge_state[h] == HugeState.used)


@always(covers="D2", using="huge_destinations_are_not_shared")
def huge_destinations_are_set_aside(h: HugeFolio) -> Bool:
    """The destination of a moving huge folio is in nobody else's hands."""
    return implies(on_its_way(h), huge_state[target[h]] == HugeState.incoming)


@always(covers="D2", using="huge_destinations_are_set_aside")
def huge_destinations_are_not_shared(h: HugeFolio, k: HugeFolio) -> Bool:
    """Two huge folios never move to one range."""
    both = on_its_way(h) & on_its_way(k) & (h != k)
    return implies(both, target[h] != target[k])


@always(covers="D2", using="huge_destinations_are_set_aside ranges_know_the_folio_that_takes_them")
def huge_destinations_lie_apart(h: HugeFolio, k: HugeFolio) -> Bool:
    """The ranges that two huge folios move to are two."""
    both = on_its_way(h) & on_its_way(k) & (h != k)
    return implies(both, huge_home[target[h]] != huge_home[target[k]])


@always(covers="D2")
def no_huge_destination_leaks(t: HugeFolio) -> Bool:
    """Whatever is set aside is some moving folio's destination."""
    wanted = exists(HugeFolio, lambda h: on_its_way(h) & (target[h] == t))
    return implies(huge_state[t] == HugeState.incoming, wanted)


@always(covers="D2", using="huge_destinations_are_set_aside moving_huge_folios_are_used")
def huge_destinations_have_the_same_size(h: HugeFolio) -> Bool:
    """A gigantic folio moves to a gigantic range or not at all."""
    return implies(on_its_way(h), gigantic[huge_home[target[h]]] == gigantic[huge_home[h]])


@always(
    covers="D2",
    using="head_pages_are_taken_with_their_range huge_destinations_are_set_aside "
    "moving_huge_folios_are_used ranges_know_the_folio_that_takes_them",
)
def only_used_huge_folios_are_seen(r: Range) -> Bool:
    """The mark is on ranges that a used folio takes, and on no other."""
    h = huge_of[r]
    return implies(migratable[r], (huge_state[h] == HugeState.used) & (huge_home[h] == r))


@always(
    covers="D2",
    using="devices_write_to_their_huge_folios_range head_pages_are_taken_with_their_range "
    "huge_copies_are_faithful huge_destinations_are_set_aside "
    "huge_entries_map_the_range_that_their_folio_takes "
    "huge_folios_take_whole_ranges huge_pins_name_huge_folios_in_use "
    "mapped_huge_folios_are_used only_used_huge_folios_are_seen "
    "ranges_know_the_folio_that_takes_them",
)
def huge_contents_are_never_lost(h: HugeFolio) -> Bool:
    """A used huge folio that was written contains what its owner last stored, or has an error."""
    written = (huge_state[h] == HugeState.used) & migratable[huge_home[h]]
    whole = ~range_has_error(huge_home[h])
    return implies(written & whole, range_data[huge_home[h]] == huge_contents[h])


@always(
    covers="D2",
    using="devices_write_to_their_huge_folios_range huge_contents_are_never_lost "
    "huge_destinations_are_not_shared huge_destinations_are_set_aside "
    "huge_destinations_lie_apart huge_entries_map_the_range_that_their_folio_takes "
    "huge_folios_take_whole_ranges huge_pins_name_huge_folios_in_use "
    "mapped_huge_folios_are_used moving_huge_folios_are_seen "
    "moving_huge_folios_are_used no_device_uses_a_huge_folio_while_it_is_copied "
    "nobody_reaches_a_huge_folio_while_it_is_copied "
    "offline_blocks_have_no_frames_in_use only_used_huge_folios_are_seen "
    "ranges_know_the_folio_that_takes_them",
)
def huge_copies_are_faithful(h: HugeFolio) -> Bool:
    """The copy contains what the owner last stored, or an error is known of it."""
    r = huge_home[target[h]]
    copied = (huge_stage[h] == HugeStage.copied) & ~range_has_error(r)
    return implies(copied, range_data[r] == huge_contents[h])


@always(covers="D2", using="moving_huge_folios_are_used ranges_know_the_folio_that_takes_them")
def moving_huge_folios_are_seen(h: HugeFolio) -> Bool:
    """A folio that moves carries the mark that made the scan find it."""
    return implies(huge_stage[h] != HugeStage.idle, migratable[huge_home[h]])


@step(covers="D2 N3")
def huge_folios_do_not_move_into_leaving_blocks(h: HugeFolio) -> Bool:
    """No destination that is chosen has a frame in a block that drains or goes offline."""
    return implies(begins_to_move_huge(h), ~leaves(after(huge_home[target[h]])))


@step(covers="D2 N3")
def huge_folios_do_not_move_into_draining_blocks(h: HugeFolio, f: Frame) -> Bool:
    """No frame of a destination that is chosen drains, whether or not it goes offline too."""
    there = begins_to_move_huge(h) & (range_of[f] == after(huge_home[target[h]]))
    going = block_state[block_of(f)] == BlockState.going_offline
    return implies(there, ~draining[block_of(f)] & ~going)


@step(covers="D2", using="ranges_know_the_folio_that_takes_them")
def a_folio_that_was_seen_is_seen_after_it_moved(h: HugeFolio) -> Bool:
    """A later offline finds the folio again: the mark moves with it."""
    before = (huge_state[h] == HugeState.used) & migratable[huge_home[h]]
    still = after(huge_state[h] == HugeState.used)
    return implies(before & still, after(migratable[huge_home[h]]))


@step(covers="D2", using="huge_folios_take_whole_ranges")
def a_huge_folio_moves_whole(h: HugeFolio, f: Frame) -> Bool:
    """When a huge folio moves, every frame of the new range is its own, and none is lost."""
    moved = huge_exists(h) & after(huge_exists(h)) & (huge_home[h] != after(huge_home[h]))
    there = (range_of[f] == after(huge_home[h])) | (range_of[f] == huge_home[h])
    return implies(moved & there, after(frame_state[f]) == FrameState.huge)


@sometimes(covers="D2")
def a_huge_folio_arrives_on_another_node(h: HugeFolio) -> Bool:
    """A used huge folio changes its home, and the pool that it counts in."""
    return (huge_state[h] == HugeState.used) & (pool_of(h) != after(pool_of(h)))


@sometimes(covers="D2")
def a_huge_folio_stays_after_all(h: HugeFolio) -> Bool:
    """A migration of a huge folio is given up."""
    over = on_its_way(h) & (after(huge_stage[h]) == HugeStage.settled)
    return over & (huge_home[h] == after(huge_home[h]))
