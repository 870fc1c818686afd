"""Who reaches a huge folio: entries of page tables that map it whole (D2, D1).

An entry of PMD or PUD size leads to a range.  While the folio moves, the entry is a migration
entry, and who faults on it waits; see `huge_migration`.

Source: mm/hugetlb.c (hugetlb_no_page, hugetlb_fault, __unmap_hugepage_range).
"""

from __future__ import annotations

from errno import EBUSY, EFAULT

from ..folios.frames import Data
from ..folios.page_tables import PteState
from ..language import (
    Bool,
    Enumeration,
    Int,
    Sort,
    action,
    after,
    definition,
    exists,
    false,
    guard,
    ite,
    topology,
    true,
    variable,
)
from ..language.errnos import EHWPOISON
from .huge_pools import (
    HugeFolio,
    HugeState,
    Range,
    birth_range,
    huge_home,
    huge_state,
    range_has_error,
)


class HugePte(Sort):
    """A page-table entry that maps a huge folio whole: of the size of a PMD or a PUD."""


class HugeStage(Enumeration):
    """How far a huge folio's migration is.

    ``settled``: it is decided where the folio lives, there or here, and its entries come back.
    """

    idle: HugeStage
    reserved: HugeStage
    copied: HugeStage
    settled: HugeStage


boot_range_data = topology(Range, Data)
"""What a range contains at boot."""

first_mapped = topology(HugePte, HugeFolio)
"""What an entry names before it was ever used; nothing depends on it."""

huge_stage = variable(HugeFolio, HugeStage, initial=lambda h: HugeStage.idle)
"""How far the migration is; anything but ``idle`` means that the folio is locked."""

range_data = variable(Range, Data, initial=lambda r: boot_range_data[r])
"""What the range contains."""

huge_contents = variable(HugeFolio, Data, initial=lambda h: boot_range_data[birth_range[h]])
"""What the huge folio's owner last stored in it (a ghost: no kernel has it)."""

migratable = variable(Range, Bool, initial=lambda r: false)
"""HPG_migratable of the range's head page: a scan for what must move sees the folio."""

huge_pte = variable(HugePte, PteState, initial=lambda p: PteState.none)
"""What the entry is."""

huge_pte_folio = variable(HugePte, HugeFolio, initial=lambda p: first_mapped[p])
"""The huge folio that the entry maps, or that its migration entry names."""

huge_pte_range = variable(HugePte, Range, initial=lambda p: birth_range[first_mapped[p]])
"""The range that the hardware reaches through the entry while it is present."""

huge_mapcount = variable(HugeFolio, Int, initial=lambda h: Int.of(0))
"""How many entries map the huge folio or wait for it."""

huge_waiting = variable(HugePte, Bool, initial=lambda p: false)
"""A thread faulted on the migration entry and sleeps (migration_entry_wait_huge)."""

sent_sigbus = variable(HugePte, Bool, initial=lambda p: false)
"""The process has lost the huge folio that it had mapped to an error, and was told (SIGBUS)."""


def begins_to_move_huge(h: HugeFolio) -> Bool:
    """The step sets a free huge folio aside for h to move to."""
    return (huge_stage[h] == HugeStage.idle) & after(huge_stage[h] == HugeStage.reserved)


@definition
def huge_maps(p: HugePte, h: HugeFolio) -> Bool:
    """The entry is present and maps the huge folio."""
    return (huge_pte[p] == PteState.present) & (huge_pte_folio[p] == h)


@definition
def has_huge_entry(p: HugePte, h: HugeFolio) -> Bool:
    """The entry is a migration entry for the huge folio."""
    return (huge_pte[p] == PteState.migration) & (huge_pte_folio[p] == h)


@definition
def is_mapped_huge(h: HugeFolio) -> Bool:
    """Some entry is present and maps the huge folio."""
    return exists(HugePte, lambda p: huge_maps(p, h))


@definition
def has_huge_entries(h: HugeFolio) -> Bool:
    """Some entry is a migration entry for the huge folio."""
    return exists(HugePte, lambda p: has_huge_entry(p, h))


def used_and_unlocked(h: HugeFolio) -> None:
    """In an action: what everybody asks who does something with a huge folio."""
    guard("huge_used", huge_state[h] == HugeState.used, why="nobody uses the huge folio")
    guard("unlocked", huge_stage[h] == HugeStage.idle, errno=EBUSY, why="the folio is moving")


@action
def map_huge(p: HugePte, h: HugeFolio) -> None:
    """A fault maps the folio; the first makes it visible to migration (hugetlb_no_page)."""
    guard("not_mapped", huge_pte[p] == PteState.none, why="the entry is in use")
    used_and_unlocked(h)
    r = huge_home[h]
    guard("no_error", ~range_has_error(r), errno=EHWPOISON, why="a frame of it has an error")
    huge_pte[p] = PteState.present
    huge_pte_folio[p] = h
    huge_pte_range[p] = r
    huge_mapcount[h] = huge_mapcount[h] + 1
    huge_contents[h] = ite(migratable[r], huge_contents[h], range_data[r])
    migratable[r] = true
    sent_sigbus[p] = false


@action
def unmap_huge(p: HugePte) -> None:
    """The address range goes away; migration entries are dropped too."""
    guard("mapped", huge_pte[p] != PteState.none, why="the entry is empty")
    guard("nobody_waits", ~huge_waiting[p], why="a thread sleeps on the entry")
    h = huge_pte_folio[p]
    huge_pte[p] = PteState.none
    huge_mapcount[h] = huge_mapcount[h] - 1


@action
def store_huge(p: HugePte, d: Data) -> None:
    """A thread stores through the entry; the hardware knows the range, not the folio."""
    guard("mapped", huge_pte[p] == PteState.present, errno=EFAULT, why="the access faults")
    range_data[huge_pte_range[p]] = d
    huge_contents[huge_pte_folio[p]] = d


@action
def wait_for_huge(p: HugePte) -> None:
    """A thread touches a huge folio that is moving, and sleeps until it has arrived."""
    guard("moving", huge_pte[p] == PteState.migration, why="the entry is no migration entry")
    guard("nobody_waits", ~huge_waiting[p], why="a thread sleeps on the entry already")
    huge_waiting[p] = true


@action
def wake_from_huge(p: HugePte) -> None:
    """The thread that slept on the entry goes on."""
    guard("somebody_waits", huge_waiting[p], why="nobody sleeps on the entry")
    guard("arrived", huge_pte[p] == PteState.present, why="the huge folio is still moving")
    huge_waiting[p] = false
