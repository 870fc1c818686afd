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
    return {
        "folio_kind": [state & KIND for state in states],
        "home": homes,
        "contents": memory.contents.numbers(),
        "stored": memory.stored.numbers(),
        "dirty": [state & DIRTY != 0 for state in states],
        "under_writeback": [state & WRITEBACK != 0 for state in states],
        "has_private": [state & PRIVATE != 0 for state in states],
        "private_busy": [state & BUSY != 0 for state in states],
        "private_frame": [
            homes[o] if states[o] & PRIVATE else memory.private_left.get(o, born[o])
            for o in all_folios
        ],
        "in_flight": [
            memory.stores.in_flight.get(o, 0 if data is None else data[born[o]]) for o in all_folios
        ],
        "answers": list(memory.stores.answers),
        "mapcount": [len(memory.mappers(folio)) for folio in all_folios],
        "pin_count": [len(memory.pins.pins_on.get(folio, ())) for folio in all_folios],
        **_page_tables(memory),
        **_huge(memory.pools),
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
    return {
        "huge_state": list(pools.huge_state),
        "huge_home": pools.huge_home,
        "huge_of": pools.huge_of,
        "surplus": list(pools.surplus),
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
