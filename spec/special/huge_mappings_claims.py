"""What is true of huge folios that are mapped or pinned, at every moment of a move (D2, D1, U5)."""

from __future__ import annotations

from ..blocks.block_states import BlockState, FrameState, block_state, frame_state, zone
from ..folios.dma import PinKind
from ..folios.drain import draining, leaving
from ..folios.page_tables import PteState
from ..language import (
    Bool,
    Enumeration,
    Progress,
    after,
    all_of,
    always,
    count,
    ends,
    exists,
    implies,
    sometimes,
    step,
)
from ..machine.topology import Frame, Zone, block_of, node_of
from .huge_mappings import (
    HugePte,
    HugeStage,
    has_huge_entry,
    huge_contents,
    huge_mapcount,
    huge_maps,
    huge_pte,
    huge_pte_folio,
    huge_pte_range,
    huge_stage,
    huge_waiting,
    migratable,
    range_data,
    wake_from_huge,
)
from .huge_migration import finish_huge_migration, replace_huge_pte, restore_huge_pte
from .huge_pins import (
    HugePin,
    does_huge_dma,
    huge_pin_count,
    huge_pin_folio,
    huge_pin_kind,
    huge_pin_range,
    huge_pinned_by,
)
from .huge_pools import (
    HugeFolio,
    HugeState,
    Range,
    gigantic,
    huge_home,
    huge_of,
    huge_state,
    range_of,
)


class Waiting(Enumeration):
    """What is left for an entry of a huge folio that has settled, in order."""

    restore: Waiting
    wake: Waiting


# --- entries ------------------------------------------------------------------------------------


@always(
    covers="D2",
    using="huge_destinations_are_set_aside mapped_huge_folios_are_used "
    "nobody_reaches_a_huge_folio_while_it_is_copied",
)
def huge_entries_map_the_range_that_their_folio_takes(p: HugePte, h: HugeFolio) -> Bool:
    """No entry leads to an old range: what hardware reaches is where the huge folio lives."""
    return implies(huge_maps(p, h), huge_pte_range[p] == huge_home[h])


@always(
    covers="D2",
    using="huge_destinations_are_set_aside huge_map_counts_are_exact "
    "moving_huge_folios_are_used ranges_know_the_folio_that_takes_them",
)
def mapped_huge_folios_are_used(p: HugePte) -> Bool:
    """An entry that is in use, present or migrating, names a huge folio that is seen and used."""
    h = huge_pte_folio[p]
    seen = (huge_state[h] == HugeState.used) & migratable[huge_home[h]]
    return implies(huge_pte[p] != PteState.none, seen)


@always(covers="D2")
def huge_map_counts_are_exact(h: HugeFolio) -> Bool:
    """A huge folio's map count is the number of entries that name it, present or migrating."""
    return huge_mapcount[h] == count(
        HugePte, lambda p: (huge_pte[p] != PteState.none) & (huge_pte_folio[p] == h)
    )


@always(
    covers="D2",
    using="both_frames_of_a_moving_page_are_the_kernels destinations_are_set_aside "
    "folios_live_in_user_frames frames_of_kernel_pages_are_the_kernels "
    "frames_wait_while_a_block_goes_online huge_destinations_are_set_aside "
    "huge_entries_map_the_range_that_their_folio_takes "
    "huge_folios_take_whole_ranges huge_frames_belong_to_huge_folios "
    "huge_map_counts_are_exact mapped_huge_folios_are_used "
    "moving_huge_folios_are_used nobody_reaches_a_huge_folio_while_it_is_copied "
    "notifiers_know_that_a_block_is_coming ranges_know_the_folio_that_takes_them "
    "sources_are_held_until_the_end",
)
def nothing_maps_a_range_that_is_nobodys(p: HugePte, f: Frame) -> Bool:
    """No entry leads to a frame that is free, isolated, or of another folio."""
    there = (huge_pte[p] == PteState.present) & (range_of[f] == huge_pte_range[p])
    own = (frame_state[f] == FrameState.huge) & (huge_of[range_of[f]] == huge_pte_folio[p])
    return implies(there, own)


@always(covers="D2 D1")
def nobody_reaches_a_huge_folio_while_it_is_copied(p: HugePte, h: HugeFolio) -> Bool:
    """Between copy and change of home no entry maps the huge folio."""
    return implies(huge_stage[h] == HugeStage.copied, ~huge_maps(p, h))


@always(covers="D2 D1")
def huge_migration_entries_belong_to_moving_folios(p: HugePte) -> Bool:
    """A migration entry exists only while its huge folio moves: none dangles."""
    moving = huge_stage[huge_pte_folio[p]] != HugeStage.idle
    return implies(huge_pte[p] == PteState.migration, moving)


@always(covers="D2 D1")
def threads_that_wait_for_a_huge_folio_have_an_entry(p: HugePte) -> Bool:
    """A thread sleeps only on an entry that is moving or has just arrived."""
    return implies(huge_waiting[p], huge_pte[p] != PteState.none)


@step(
    covers="D2",
    using="devices_write_to_their_huge_folios_range huge_destinations_are_set_aside "
    "huge_folios_take_whole_ranges huge_frames_belong_to_huge_folios "
    "huge_pins_name_huge_folios_in_use nothing_maps_a_range_that_is_nobodys",
)
def what_a_range_contains_is_its_huge_folios(r: Range, f: Frame) -> Bool:
    """Where no huge folio is, nothing is said of what one contains."""
    here = (range_of[f] == r) & (after(range_data[r]) != range_data[r])
    is_huge = frame_state[f] == FrameState.huge
    return implies(here, is_huge | after(is_huge))


@step(covers="D2 D1")
def threads_wait_for_huge_folios_that_move(p: HugePte) -> Bool:
    """A thread goes to sleep on a migration entry, and on no other."""
    waits = ~huge_waiting[p] & after(huge_waiting[p])
    return implies(waits, huge_pte[p] == PteState.migration)


@step(covers="D2 D1")
def threads_that_waited_reach_the_new_range(p: HugePte) -> Bool:
    """A thread that slept on a moving huge folio goes on in the range where it lives now."""
    woken = huge_waiting[p] & ~after(huge_waiting[p])
    h = huge_pte_folio[p]
    return implies(woken, huge_maps(p, h) & (huge_pte_range[p] == huge_home[h]))


@step(
    covers="D2 D1",
    using="devices_write_to_their_huge_folios_range mapped_huge_folios_are_used "
    "huge_entries_map_the_range_that_their_folio_takes ranges_know_the_folio_that_takes_them",
)
def stores_reach_the_huge_folio(h: HugeFolio) -> Bool:
    """No store goes to a range that the folio has left: each changes the folio's own range."""
    stored = huge_contents[h] != after(huge_contents[h])
    return implies(stored, after(range_data[huge_home[h]]) == after(huge_contents[h]))


@step(covers="D2 D1")
def huge_mappings_are_not_overwritten(p: HugePte) -> Bool:
    """An entry in use keeps its huge folio until it is unmapped."""
    used = (huge_pte[p] != PteState.none) & after(huge_pte[p] != PteState.none)
    return implies(used, after(huge_pte_folio[p]) == huge_pte_folio[p])


@ends(by=replace_huge_pte, covers="D2")
def unmapping_a_huge_folio_ends(p: HugePte, h: HugeFolio) -> tuple[Bool, Bool]:
    """Every entry that maps a huge folio with a destination is replaced, and none is added."""
    return huge_stage[h] == HugeStage.reserved, huge_maps(p, h)


@ends(by=finish_huge_migration, covers="D2 D1")
def a_huge_folio_whose_entries_are_back_is_unlocked(h: HugeFolio) -> tuple[Bool, Bool]:
    """Entries of other huge folios do not hold up the end of a move."""
    left = exists(HugePte, lambda p: (huge_pte[p] == PteState.migration) & (huge_pte_folio[p] == h))
    settled = huge_stage[h] == HugeStage.settled
    return settled & ~left, settled


@ends(covers="D2 D1", using="threads_that_wait_for_a_huge_folio_have_an_entry")
def whoever_waits_for_a_huge_folio_goes_on(
    p: HugePte, h: HugeFolio, w: Waiting
) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """Once it is decided where a huge folio lives, its entries come back and who waited goes on.

    Who still sleeps when the folio is unlocked goes on then.
    """
    names = huge_pte_folio[p] == h
    entry, waits = has_huge_entry(p, h), names & huge_waiting[p]
    left = (entry & (w == Waiting.restore)) | ((entry | waits) & (w == Waiting.wake))
    ways = (
        Progress(entry, (restore_huge_pte, Waiting.restore), p=p),
        Progress(waits & ~entry, (wake_from_huge, Waiting.wake), p=p),
    )
    settled = huge_stage[h] == HugeStage.settled
    return settled | (huge_stage[h] == HugeStage.idle), left, ways


# --- pins ---------------------------------------------------------------------------------------


@always(
    covers="D2 U5",
    using="huge_destinations_are_set_aside huge_pins_name_huge_folios_in_use "
    "no_device_uses_a_huge_folio_while_it_is_copied",
)
def devices_write_to_their_huge_folios_range(x: HugePin) -> Bool:
    """No write of a device ever lands in a range that its huge folio does not take."""
    h = huge_pin_folio[x]
    return implies(huge_pin_kind[x] != PinKind.none, huge_pin_range[x] == huge_home[h])


@always(
    covers="D2 U5",
    using="huge_destinations_are_set_aside huge_pins_are_counted "
    "moving_huge_folios_are_used ranges_know_the_folio_that_takes_them",
)
def huge_pins_name_huge_folios_in_use(x: HugePin) -> Bool:
    """No pin outlives its huge folio."""
    h = huge_pin_folio[x]
    seen = (huge_state[h] == HugeState.used) & migratable[huge_home[h]]
    return implies(huge_pin_kind[x] != PinKind.none, seen)


@always(covers="D2 U5", using="huge_pins_are_counted")
def no_device_uses_a_huge_folio_while_it_is_copied(x: HugePin) -> Bool:
    """Between copy and change of home no device uses the huge folio."""
    copied = huge_stage[huge_pin_folio[x]] == HugeStage.copied
    return implies(copied, huge_pin_kind[x] == PinKind.none)


@always(covers="D2 U5")
def huge_pins_are_counted(h: HugeFolio) -> Bool:
    """The huge folio's count is the number of entries of devices that use it."""
    return huge_pin_count[h] == count(HugePin, lambda x: huge_pinned_by(x, h))


@always(covers="U5")
def only_devices_that_are_there_pin_huge_folios(x: HugePin) -> Bool:
    """No huge folio is pinned for a device that does not exist."""
    return implies(huge_pin_kind[x] != PinKind.none, does_huge_dma[x])


@always(
    covers="D2 U5 U1",
    using="huge_destinations_are_set_aside huge_frames_belong_to_huge_folios "
    "huge_pins_name_huge_folios_in_use no_device_uses_a_huge_folio_while_it_is_copied "
    "offline_blocks_have_no_frames_in_use",
)
def fixed_huge_buffers_stay_out_of_the_removable_area(x: HugePin, f: Frame) -> Bool:
    """No frame of a huge folio that a device holds for long is in the movable zone."""
    here = (frame_state[f] == FrameState.huge) & (huge_of[range_of[f]] == huge_pin_folio[x])
    held = here & (huge_pin_kind[x] == PinKind.longterm)
    return implies(held, zone[block_of(f)] != Zone.movable)


@step(
    covers="D2 U5",
    using="no_device_uses_a_huge_folio_while_it_is_copied huge_pins_name_huge_folios_in_use "
    "huge_destinations_are_set_aside",
)
def a_pinned_huge_folio_stays_where_it_is(x: HugePin, h: HugeFolio) -> Bool:
    """As long as a device uses a huge folio its range does not change."""
    return implies(huge_pinned_by(x, h), huge_home[h] == after(huge_home[h]))


@step(covers="D2 U5")
def long_term_pins_on_huge_folios_begin_where_memory_stays(x: HugePin, f: Frame) -> Bool:
    """No huge folio is pinned for long that has a frame where memory drains, or is to leave."""
    begins = (huge_pin_kind[x] != PinKind.longterm) & after(huge_pin_kind[x] == PinKind.longterm)
    b, there = block_of(f), range_of[f] == after(huge_pin_range[x])
    closed = draining[b] | leaving[node_of[b]]
    stays = ~closed & (block_state[b] != BlockState.going_offline)
    return implies(begins & there, all_of(stays, zone[b] != Zone.movable))


# --- what must be possible ----------------------------------------------------------------------


@sometimes(covers="D2")
def a_mapped_huge_folio_arrives(h: HugeFolio, p: HugePte) -> Bool:
    """A huge folio that is mapped has moved, and its entry comes back with the new range."""
    restored = has_huge_entry(p, h) & after(huge_pte[p] == PteState.present)
    return restored & (huge_pte_range[p] != huge_home[h])


@sometimes(covers="D2")
def a_mapped_huge_folio_stays_after_all(h: HugeFolio, p: HugePte) -> Bool:
    """A move is given up after entries were replaced, and one comes back with the old range."""
    restored = has_huge_entry(p, h) & after(huge_pte[p] == PteState.present)
    return restored & (huge_pte_range[p] == huge_home[h])


@sometimes(covers="D2 D1")
def a_thread_waits_for_a_huge_folio(p: HugePte) -> Bool:
    """A fault meets a migration entry of a huge folio."""
    return huge_waiting[p] & (huge_pte[p] == PteState.migration)


@sometimes(covers="D2 D1")
def a_thread_that_waited_for_a_huge_folio_goes_on(p: HugePte) -> Bool:
    """The entry that a thread slept on is restored: the thread wakes before the move is over."""
    wakes = huge_waiting[p] & ~after(huge_waiting[p]) & after(huge_pte[p] == PteState.present)
    return wakes & (huge_stage[huge_pte_folio[p]] == HugeStage.settled)


@sometimes(covers="D2")
def a_huge_mapping_goes_away(p: HugePte) -> Bool:
    """An address range that led to a huge folio leads nowhere."""
    return (huge_pte[p] == PteState.present) & (after(huge_pte[p]) == PteState.none)


@sometimes(covers="D2")
def a_move_of_a_huge_folio_is_over(h: HugeFolio) -> Bool:
    """A huge folio is unlocked, and can be mapped, moved and freed as before."""
    return (huge_stage[h] == HugeStage.settled) & after(huge_stage[h] == HugeStage.idle)


@sometimes(covers="D2")
def a_program_fills_a_huge_folio(h: HugeFolio) -> Bool:
    """What is stored through an entry is in the huge folio, which no device uses."""
    stored = migratable[huge_home[h]] & (huge_contents[h] != after(huge_contents[h]))
    return stored & (huge_pin_count[h] == 0)


@sometimes(covers="D2 U5")
def a_device_fills_a_huge_folio(x: HugePin, p: HugePte) -> Bool:
    """What a device wrote is in a huge folio, from which an entry was taken away."""
    h = huge_pin_folio[x]
    stored = huge_contents[h] != after(huge_contents[h])
    return huge_pinned_by(x, h) & stored & (huge_pte[p] == PteState.none)


@sometimes(covers="D2 U5")
def a_huge_folio_is_registered_with_a_device(x: HugePin) -> Bool:
    """A huge folio is held for long: the usual buffer of RDMA."""
    return huge_pin_kind[x] == PinKind.longterm


@sometimes(covers="D2 U5")
def a_device_keeps_a_huge_folio_from_moving(x: HugePin) -> Bool:
    """A move is given up while a device uses the huge folio."""
    used = huge_pin_kind[x] == PinKind.short
    return used & (huge_stage[huge_pin_folio[x]] == HugeStage.settled)


def _is_lent_beside(x: HugePin, f: Frame) -> Bool:
    begins = (huge_pin_kind[x] == PinKind.none) & after(huge_pin_kind[x] == PinKind.longterm)
    return begins & (zone[block_of(f)] == Zone.movable)


@sometimes(covers="U5 U1")
def a_huge_folio_is_lent_beside_the_removable_area(x: HugePin, f: Frame) -> Bool:
    """A device gets a huge folio for long where another block is in the movable zone."""
    return _is_lent_beside(x, f)


@sometimes(covers="U5 U1")
def a_gigantic_folio_is_lent_beside_the_removable_area(x: HugePin, f: Frame) -> Bool:
    """The same of a gigantic folio, of which each block is asked."""
    return _is_lent_beside(x, f) & after(gigantic[huge_pin_range[x]])


@sometimes(covers="U5")
def a_device_is_done_with_a_huge_folio(x: HugePin) -> Bool:
    """A pin on a huge folio is given back."""
    return (huge_pin_kind[x] != PinKind.none) & after(huge_pin_kind[x] == PinKind.none)


@sometimes(covers="D2 U1 U5")
def a_transfer_uses_a_huge_folio_of_the_removable_area(x: HugePin, f: Frame) -> Bool:
    """For one transfer a huge folio is pinned in the movable zone, too."""
    here = (huge_pin_kind[x] == PinKind.short) & (range_of[f] == huge_pin_range[x])
    return here & (zone[block_of(f)] == Zone.movable)
