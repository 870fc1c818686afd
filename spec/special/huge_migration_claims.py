"""What is true of huge folios that move: where they go, and that nothing is lost (D2, N3)."""

from __future__ import annotations

from ..blocks.block_states import BlockState, FrameState, block_state, frame_state
from ..folios.drain import draining, leaving
from ..language import Bool, after, always, exists, implies, sometimes, step
from ..machine.topology import Frame, Node, block_of, nearer
from .huge_mappings import (
    HugeStage,
    begins_to_move_huge,
    huge_contents,
    huge_stage,
    migratable,
    range_data,
)
from .huge_migration import is_open_to, on_its_way, takes_in, target
from .huge_pools import (
    HugeFolio,
    HugeState,
    Range,
    gigantic,
    huge_exists,
    huge_home,
    huge_of,
    huge_state,
    is_destination,
    is_free_range,
    is_pooled,
    leaves,
    node_of_range,
    pool_of,
    range_has_error,
    range_of,
    surplus_huge,
)


def begins_afresh(h: HugeFolio) -> Bool:
    """The step makes a huge folio of free memory for h to move to."""
    return begins_to_move_huge(h) & after(huge_state[target[h]] == HugeState.temporary)


def _arrives(h: HugeFolio) -> Bool:
    """The step gives the huge folio another range."""
    return huge_exists(h) & after(huge_exists(h)) & (huge_home[h] != after(huge_home[h]))


def _needed_no_pool(h: HugeFolio) -> Bool:
    """The huge folio arrives where a folio was made for it."""
    return _arrives(h) & on_its_way(h) & (huge_state[target[h]] == HugeState.temporary)


@always(covers="D2")
def moving_huge_folios_are_used(h: HugeFolio) -> Bool:
    """A huge folio that moves is not freed meanwhile."""
    return implies(huge_stage[h] != HugeStage.idle, huge_state[h] == HugeState.used)


@always(covers="D2", using="huge_destinations_are_not_shared")
def huge_destinations_are_set_aside(h: HugeFolio) -> Bool:
    """The destination of a moving huge folio is in nobody else's hands."""
    return implies(on_its_way(h), is_destination(target[h]))


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
    return implies(is_destination(t), wanted)


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
    there = (range_of[f] == after(huge_home[h])) | (range_of[f] == huge_home[h])
    return implies(_arrives(h) & there, after(frame_state[f]) == FrameState.huge)


@step(covers="D2")
def a_move_uses_a_pool_first(h: HugeFolio, x: HugeFolio) -> Bool:
    """Memory is made huge for a move only where no pool has a free huge folio to spare for it."""
    return implies(begins_afresh(h), ~is_open_to(x, h))


@step(covers="N4 D2")
def no_free_range_that_is_nearer_is_passed_over(h: HugeFolio, x: Range) -> Bool:
    """Where no pool has room, a range is made huge on the nearest node that has a free one."""
    at, to = pool_of(h), node_of_range[after(huge_home[target[h]])]
    free = ~exists(Frame, lambda f: (range_of[f] == x) & (frame_state[f] != FrameState.free))
    passed_over = nearer[at, node_of_range[x], to] & free & ~gigantic[x]
    closed = exists(Frame, lambda f: (range_of[f] == x) & draining[block_of(f)])
    return implies(begins_afresh(h) & passed_over, closed | leaving[node_of_range[x]])


@step(covers="D2", using="huge_destinations_are_set_aside moving_huge_folios_are_used")
def surplus_moves_with_a_huge_folio_that_needed_no_pool(h: HugeFolio) -> Bool:
    """The node where it arrives has one surplus folio more if the one that it left had any."""
    here, there = pool_of(h), after(node_of_range[huge_home[h]])
    more = after(surplus_huge[there]) == surplus_huge[there] + 1
    return implies(_needed_no_pool(h) & (here != there), more == (surplus_huge[here] > 0))


@step(covers="D2", using="huge_destinations_are_set_aside no_huge_destination_leaks")
def what_a_pool_gave_for_a_move_comes_back(t: HugeFolio) -> Bool:
    """A pool that gave a destination gets a range for it, unless there is surplus where that is."""
    lost = (huge_state[t] == HugeState.incoming) & ~after(is_pooled(t))
    return implies(lost, surplus_huge[after(node_of_range[huge_home[t]])] > 0)


@sometimes(covers="D2")
def a_huge_folio_arrives_on_another_node(h: HugeFolio) -> Bool:
    """A used huge folio changes its home, and the pool that it counts in."""
    return (huge_state[h] == HugeState.used) & (pool_of(h) != after(pool_of(h)))


@sometimes(covers="D2")
def a_huge_folio_stays_after_all(h: HugeFolio) -> Bool:
    """A migration of a huge folio is given up."""
    over = on_its_way(h) & (after(huge_stage[h]) == HugeStage.settled)
    return over & (huge_home[h] == after(huge_home[h]))


@sometimes(covers="D2")
def a_huge_folio_moves_without_a_pool(h: HugeFolio) -> Bool:
    """A used huge folio arrives in what was free memory; what it left is in no pool."""
    return _needed_no_pool(h)


@sometimes(covers="D2")
def memory_is_made_huge_beside_a_free_folio_of_another_size(h: HugeFolio, x: HugeFolio) -> Bool:
    """A pool has a free huge folio, but not of the size of what is to move."""
    return begins_afresh(h) & takes_in(x) & (gigantic[huge_home[x]] != gigantic[huge_home[h]])


@sometimes(covers="N4 D2")
def memory_is_made_huge_beyond_free_memory_that_is_closed(h: HugeFolio, x: Range) -> Bool:
    """A free range is nearer, which nobody may take: for its size, or as its memory leaves."""
    at, to = pool_of(h), node_of_range[after(huge_home[target[h]])]
    return begins_afresh(h) & is_free_range(x) & nearer[at, node_of_range[x], to]


@sometimes(covers="D2")
def a_folio_that_was_made_for_a_move_is_given_up(h: HugeFolio) -> Bool:
    """A move is given up, for which memory was made huge."""
    made = on_its_way(h) & (huge_state[target[h]] == HugeState.temporary)
    return made & after(~on_its_way(h)) & (huge_home[h] == after(huge_home[h]))


@sometimes(covers="D2")
def surplus_changes_its_node(h: HugeFolio, n: Node) -> Bool:
    """A huge folio that needed no pool takes surplus of its node along."""
    left = (pool_of(h) == n) & (after(surplus_huge[n]) < surplus_huge[n])
    return _needed_no_pool(h) & left


@sometimes(covers="D2")
def a_range_that_was_left_goes_as_surplus(h: HugeFolio) -> Bool:
    """A huge folio moves to a free one, and its old range leaves the pool: the node had surplus."""
    pooled = on_its_way(h) & (huge_state[target[h]] == HugeState.incoming)
    return _arrives(h) & pooled & after(huge_state[target[h]] == HugeState.left)


@sometimes(covers="D2")
def what_a_move_left_is_given_back(t: HugeFolio) -> Bool:
    """The frames of a range that no pool gets are free again, or isolated with their block."""
    return (huge_state[t] == HugeState.left) & ~after(huge_exists(t))
