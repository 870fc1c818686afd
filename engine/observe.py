"""What can be seen of folios and of those who use them, as the specification names it."""

from __future__ import annotations

from collections.abc import Sequence

from .codes import (
    BUSY,
    DIRTY,
    KIND,
    PRIVATE,
    WRITEBACK,
)
from .huge import HugePools
from .memory import Memory

__all__ = ["folios"]


def folios(memory: Memory) -> dict[str, Sequence[int | None]]:
    """The values of the variables of folios, page tables, stores, pins and pools, by name.

    They are row-major; None where the engine keeps nothing.
    """
    all_folios = range(memory.folios)
    states = [memory.state(folio) for folio in all_folios]
    born = memory.layout.birth_frame or all_folios
    data = memory.layout.boot_data
    homes = memory.home.numbers()
    private = {homes[o]: o for o in all_folios if states[o] & PRIVATE}
    all_frames = range(memory.layout.blocks * memory.per_block)
    return {
        "folio_kind": [state & KIND for state in states],
        "home": homes,
        "contents": memory.contents.numbers(),
        "stored": memory.stored.numbers(),
        "lost": [folio in memory.lost for folio in all_folios],
        "dirty": [state & DIRTY != 0 for state in states],
        "under_writeback": [state & WRITEBACK != 0 for state in states],
        "has_private": [state & PRIVATE != 0 for state in states],
        "private_busy": [state & BUSY != 0 for state in states],
        "carries_private": [frame in private for frame in all_frames],
        "private_of": [private.get(frame) for frame in all_frames],
        "in_flight": [
            memory.stores.in_flight.get(o, 0 if data is None else data[born[o]]) for o in all_folios
        ],
        "answers": list(memory.stores.answers),
        "wb_err": list(memory.stores.wb_err),
        "mapcount": [len(memory.mappers(folio)) for folio in all_folios],
        "pin_count": [len(memory.pins.pins_on.get(folio, ())) for folio in all_folios],
        **_page_tables(memory),
        **_huge(memory.pools),
        "ref_taken": list(memory.references.taken),
        "ref_folio": memory.references.folio,
        "ref_frame": memory.references.frame,
        "pin_kind": list(memory.pins.pin_kind),
        "pin_folio": memory.pins.pin_folio,
        "pin_frame": memory.pins.pin_frame,
    }


def _page_tables(memory: Memory) -> dict[str, Sequence[int | None]]:
    """Page-table entries; where one is not in use, it is not told what it names."""
    frames, named = memory.pte_frame.numbers(), memory.pte_folio.numbers()
    return {
        "nonlinear": list(memory.nonlinear),
        "pte": [frame != 0 for frame in frames],
        "pte_frame": [frame - 1 if frame else None for frame in frames],
        "pte_folio": [folio if frame else None for folio, frame in zip(named, frames, strict=True)],
    }


def _huge(pools: HugePools) -> dict[str, Sequence[int | None]]:
    uses, huge_folios = pools.uses, range(len(pools.huge_state))
    return {
        "huge_pte": list(uses.huge_pte),
        "huge_pte_folio": uses.huge_pte_folio,
        "huge_pte_range": uses.huge_pte_range,
        "huge_waiting": list(uses.huge_waiting),
        "huge_mapcount": [uses.map_count(huge) for huge in huge_folios],
        "huge_pin_kind": list(uses.huge_pin_kind),
        "huge_pin_folio": uses.huge_pin_folio,
        "huge_pin_range": uses.huge_pin_range,
        "huge_pin_count": [len(uses.pins_on(huge)) for huge in huge_folios],
        "huge_state": list(pools.huge_state),
        "huge_home": pools.huge_home,
        "huge_of": pools.huge_of,
        "held": list(pools.held),
        "nr_huge": pools.nr_huge,
        "free_huge": pools.free_huge,
        "surplus_huge": pools.surplus_huge,
        "reserved_huge": pools.reserved_huge,
        "huge_stage": list(pools.huge_stage),
        "target": pools.huge_target,
        "range_data": pools.range_data,
        "huge_contents": pools.huge_contents,
        "migratable": list(pools.migratable),
    }
