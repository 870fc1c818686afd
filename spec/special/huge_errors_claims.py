"""What is true of huge folios with errors: who mapped one is told, nobody takes one (D2, U3)."""

from __future__ import annotations

from ..blocks.block_states import (
    FrameState,
    frame_state,
)
from ..folios.dma import PinKind
from ..folios.page_tables import PteState
from ..language import (
    Bool,
    after,
    always,
    implies,
    sometimes,
    step,
)
from ..machine.topology import (
    Frame,
)
from .huge_draining import huge_in
from .huge_mappings import (
    HugePte,
    HugeStage,
    huge_contents,
    huge_maps,
    huge_pte,
    huge_pte_folio,
    huge_pte_range,
    huge_stage,
    huge_waiting,
    migratable,
    range_data,
    sent_sigbus,
)
from .huge_pins import HugePin, huge_pin_kind, huge_pin_range
from .huge_pools import (
    HugeFolio,
    HugeState,
    huge_home,
    huge_state,
    pool_of,
    range_has_error,
    range_of,
    surplus_huge,
)


@step(covers="D2 U3")
def who_is_told_of_an_error_has_mapped_it(q: HugePte) -> Bool:
    """No process hears of an error in a huge folio but one that had it, and has it no more.

    Nobody hears of it while the folio moves: it is locked, and may find another place.
    """
    told = ~sent_sigbus[q] & after(sent_sigbus[q])
    h = huge_pte_folio[q]
    bad = range_has_error(huge_home[h]) & (huge_stage[h] == HugeStage.idle)
    return implies(told, bad & huge_maps(q, h) & ~after(huge_maps(q, h)))


@always(covers="D2 U3")
def whoever_was_told_has_nothing_there(q: HugePte) -> Bool:
    """A signal is for who has lost a huge folio; who has mapped one anew has heard of nothing."""
    return implies(sent_sigbus[q], huge_pte[q] == PteState.none)


@step(covers="D2 U3")
def whoever_waits_in_vain_is_told_of_the_error(q: HugePte) -> Bool:
    """A thread that slept on an entry, and finds it empty, gets a signal."""
    woken = huge_waiting[q] & ~after(huge_waiting[q])
    return implies(woken & after(huge_pte[q] == PteState.none), after(sent_sigbus[q]))


@step(covers="D2 U3")
def a_huge_folio_with_an_error_is_not_mapped(q: HugePte) -> Bool:
    """No entry comes to lead to a range with a known error, unless its folio came with it."""
    comes = (huge_pte[q] == PteState.none) & after(huge_pte[q] == PteState.present)
    return implies(comes, ~range_has_error(after(huge_pte_range[q])))


@step(covers="U5 D2 U3")
def no_pin_begins_on_a_huge_folio_with_a_known_error(x: HugePin) -> Bool:
    """A device is given no range of which a frame is known to be bad."""
    begins = (huge_pin_kind[x] == PinKind.none) & after(huge_pin_kind[x] != PinKind.none)
    return implies(begins, ~range_has_error(after(huge_pin_range[x])))


@step(covers="D2 U3")
def a_used_folio_of_a_pool_goes_for_an_error_alone(h: HugeFolio) -> Bool:
    """Whoever uses a huge folio of a pool keeps it, or gives it back to the pool whole."""
    goes = (huge_state[h] == HugeState.used) & after(huge_state[h] == HugeState.none)
    of_the_pool = surplus_huge[pool_of(h)] == 0
    return implies(goes & of_the_pool, range_has_error(huge_home[h]))


@step(covers="D2 U3")
def nobody_begins_to_use_a_huge_folio_with_an_error(h: HugeFolio) -> Bool:
    """A huge folio that is taken, to be used or as a destination, has no known error."""
    taken = (huge_state[h] == HugeState.free) & after(huge_state[h] != HugeState.free)
    there = after(huge_state[h] != HugeState.none)
    return implies(taken & there, ~range_has_error(huge_home[h]))


@sometimes(covers="D2 U3")
def an_error_destroys_what_a_huge_folio_contained(h: HugeFolio) -> Bool:
    """A range with an error contains something else than the owner of the huge folio stored."""
    used = (huge_state[h] == HugeState.used) & migratable[huge_home[h]]
    r = huge_home[h]
    return used & range_has_error(r) & (range_data[r] != huge_contents[h])


@sometimes(covers="D2 U3")
def a_process_hears_that_a_huge_folio_is_lost(q: HugePte) -> Bool:
    """An error in a huge folio takes it away from the process that has mapped it."""
    return ~sent_sigbus[q] & after(sent_sigbus[q])


@sometimes(covers="U3 D2")
def the_rest_of_a_huge_folio_with_an_error_is_free(f: Frame, g: Frame) -> Bool:
    """Of a huge folio of a pool that is given up, one frame is set aside, not all."""
    set_aside = (frame_state[f] == FrameState.huge) & after(frame_state[f] == FrameState.off_buddy)
    other = (range_of[g] == range_of[f]) & (after(frame_state[g]) == FrameState.free)
    h = huge_in(f)
    of_the_pool = surplus_huge[pool_of(h)] == 0
    return (huge_state[h] == HugeState.used) & of_the_pool & set_aside & other
