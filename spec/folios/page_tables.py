"""Page tables and reverse mapping: who can reach a folio, and who can find them (M1, D1).

A linear VMA implies by its address which folio a PTE may map; object-based
rmap relies on that.  sys_remap_file_pages() makes a VMA nonlinear: its PTEs
may map any folio of the file, and are found only through the file's list of
nonlinear VMAs.

Sources: mm/rmap.c, mm/fremap.c (2.6), mm/migrate.c (remove_migration_pte).
"""

from __future__ import annotations

from errno import EAGAIN, EFAULT, EINVAL

from ..blocks.block_states import hwpoison
from ..language import (
    Bool,
    Enumeration,
    Int,
    Sort,
    action,
    after,
    always,
    count,
    definition,
    ends,
    false,
    guard,
    implies,
    sometimes,
    step,
    topology,
    true,
    variable,
)
from ..language.errnos import EHWPOISON
from ..machine.topology import Frame
from .frames import (
    Data,
    Folio,
    FolioKind,
    birth_frame,
    contents,
    data,
    dirty,
    exists_now,
    folio_kind,
    home,
)
from .migration_stage import Stage, stage


class Vma(Sort):
    """A mapped range of an address space (struct vm_area_struct)."""


class Pte(Sort):
    """One page-table entry."""


class PteState(Enumeration):
    """``migration``: the entry names a folio that is moving; a fault on it waits."""

    none: PteState
    present: PteState
    migration: PteState


vma_of = topology(Pte, Vma)
"""The VMA whose addresses the entry serves."""

implied_folio = topology(Pte, Folio)
"""The folio that the entry's address implies while its VMA is linear (linear_page_index)."""

nonlinear = variable(Vma, Bool, initial=lambda v: false)
"""VM_NONLINEAR: remap_file_pages() was called on the VMA."""

pte = variable(Pte, PteState, initial=lambda p: PteState.none)
"""What the entry is."""

pte_folio = variable(Pte, Folio, initial=lambda p: implied_folio[p])
"""The folio that the entry maps, or that its migration entry names."""

pte_frame = variable(Pte, Frame, initial=lambda p: birth_frame[implied_folio[p]])
"""The frame that the hardware reaches through the entry while it is present."""

mapcount = variable(Folio, Int, initial=lambda o: Int.of(0))
"""How many entries map the folio or wait for it, so that nobody has to look for them."""

waiting = variable(Pte, Bool, initial=lambda p: false)
"""A thread faulted on the migration entry and sleeps (migration_entry_wait)."""


@definition
def maps(p: Pte, o: Folio) -> Bool:
    """The entry is present and maps the folio."""
    return (pte[p] == PteState.present) & (pte_folio[p] == o)


@definition
def has_entry(p: Pte, o: Folio) -> Bool:
    """The entry is a migration entry for the folio."""
    return (pte[p] == PteState.migration) & (pte_folio[p] == o)


@definition
def rmap_reaches(p: Pte, o: Folio) -> Bool:
    """A walk from the folio comes past the entry: by its linear address, or nonlinear VMA."""
    return (implied_folio[p] == o) | nonlinear[vma_of[p]]


@definition
def rmap_finds(p: Pte, o: Folio) -> Bool:
    """Reverse mapping, started at the folio, finds that the entry maps it."""
    return maps(p, o) & rmap_reaches(p, o)


@action
def fault(p: Pte) -> None:
    """A linear mapping is filled (do_fault, do_anonymous_page, do_swap_page)."""
    o = implied_folio[p]
    guard("not_mapped", pte[p] == PteState.none, why="the entry is in use")
    guard("folio_exists", exists_now(o), errno=EFAULT, why="there is nothing to map")
    guard("folio_unlocked", stage[o] == Stage.idle, errno=EAGAIN, why="the folio is moving")
    guard("no_error", ~hwpoison[home[o]], errno=EHWPOISON, why="the folio's frame has an error")
    pte[p] = PteState.present
    pte_folio[p] = o
    pte_frame[p] = home[o]
    mapcount[o] = mapcount[o] + 1


@action
def remap_file_pages(p: Pte, o: Folio) -> None:
    """Map any folio of a file at an address that implies another (sys_remap_file_pages)."""
    guard("not_mapped", pte[p] == PteState.none, why="the entry is in use")
    guard(
        "page_cache",
        folio_kind[o] == FolioKind.page_cache,
        errno=EINVAL,
        why="only file pages can be remapped",
    )
    guard("folio_unlocked", stage[o] == Stage.idle, errno=EAGAIN, why="the folio is moving")
    guard("no_error", ~hwpoison[home[o]], errno=EHWPOISON, why="the folio's frame has an error")
    nonlinear[vma_of[p]] = true
    pte[p] = PteState.present
    pte_folio[p] = o
    pte_frame[p] = home[o]
    mapcount[o] = mapcount[o] + 1


@action
def unmap(p: Pte) -> None:
    """The address range goes away (zap_pte_range); migration entries are dropped too."""
    guard("mapped", pte[p] != PteState.none, why="the entry is empty")
    guard("nobody_waits", ~waiting[p], why="a thread sleeps on the entry, in this address space")
    o = pte_folio[p]
    pte[p] = PteState.none
    mapcount[o] = mapcount[o] - 1


@action(
    using="both_frames_of_a_moving_page_are_the_kernels nothing_maps_a_frame_that_is_not_in_use",
)
def store(p: Pte, d: Data) -> None:
    """A thread stores through the entry; the hardware knows the frame, not the folio."""
    guard("mapped", pte[p] == PteState.present, errno=EFAULT, why="the access faults")
    data[pte_frame[p]] = d
    contents[pte_folio[p]] = d
    dirty[pte_folio[p]] = true


@action
def fault_on_migration_entry(p: Pte) -> None:
    """A thread touches memory that is moving, and sleeps until it has arrived."""
    guard("moving", pte[p] == PteState.migration, why="the entry is no migration entry")
    guard("nobody_waits", ~waiting[p], why="a thread sleeps on the entry already")
    waiting[p] = true


@action
def wake(p: Pte) -> None:
    """The thread that slept on the entry goes on."""
    guard("somebody_waits", waiting[p], why="nobody sleeps on the entry")
    guard("arrived", pte[p] == PteState.present, why="the folio is still moving")
    waiting[p] = false


# --- what is true -------------------------------------------------------------------------------


@always(covers="M1")
def ptes_map_the_frame_that_their_folio_lives_in(p: Pte, o: Folio) -> Bool:
    """No PTE maps an old frame: what hardware reaches is where the folio lives."""
    return implies(maps(p, o), pte_frame[p] == home[o])


@always(covers="M1")
def mapped_folios_exist(p: Pte) -> Bool:
    """An entry that is in use, present or migrating, names a folio that exists."""
    return implies(pte[p] != PteState.none, exists_now(pte_folio[p]))


@always(covers="M1 U2")
def map_counts_are_exact(o: Folio) -> Bool:
    """A folio's map count is the number of entries that name it, present or migrating."""
    return mapcount[o] == count(Pte, lambda p: (pte[p] != PteState.none) & (pte_folio[p] == o))


@always(covers="M1")
def linear_ptes_map_what_their_address_implies(p: Pte) -> Bool:
    """Only a nonlinear VMA hides a folio from its address."""
    used = (pte[p] != PteState.none) & ~nonlinear[vma_of[p]]
    return implies(used, pte_folio[p] == implied_folio[p])


@always(covers="M1")
def rmap_finds_every_mapping(p: Pte, o: Folio) -> Bool:
    """Reverse mapping misses no PTE that maps the folio."""
    return implies(maps(p, o), rmap_finds(p, o))


@always(covers="M1")
def mappings_out_of_order_are_in_nonlinear_vmas(p: Pte, o: Folio) -> Bool:
    """What maps a folio has the address that the folio implies, or lies in a nonlinear VMA."""
    return implies(maps(p, o), (implied_folio[p] == o) | nonlinear[vma_of[p]])


@always(covers="M1")
def only_files_are_mapped_out_of_order(p: Pte) -> Bool:
    """A PTE that maps what its address does not imply maps page cache."""
    odd = (pte[p] != PteState.none) & (pte_folio[p] != implied_folio[p])
    return implies(odd, folio_kind[pte_folio[p]] == FolioKind.page_cache)


@always(covers="D1")
def waiting_threads_wait_for_a_folio(p: Pte) -> Bool:
    """A thread sleeps only on an entry that is moving or has just arrived."""
    return implies(waiting[p], pte[p] != PteState.none)


@step(covers="M1 D1")
def mappings_are_not_overwritten(p: Pte) -> Bool:
    """An entry in use keeps its folio until it is unmapped."""
    used = (pte[p] != PteState.none) & after(pte[p] != PteState.none)
    return implies(used, after(pte_folio[p]) == pte_folio[p])


@step(covers="D1")
def threads_sleep_on_entries_that_move(p: Pte) -> Bool:
    """No thread goes to sleep on memory that it could use."""
    return implies(~waiting[p] & after(waiting[p]), pte[p] == PteState.migration)


@step(covers="D1")
def waiting_threads_reach_the_new_frame(p: Pte) -> Bool:
    """A thread that slept on a moving folio goes on in the frame where it lives now."""
    woken = waiting[p] & ~after(waiting[p])
    return implies(woken, maps(p, pte_folio[p]) & (pte_frame[p] == home[pte_folio[p]]))


@step(covers="D1 M1", using="devices_write_to_their_folios_home")
def stores_reach_the_folio(p: Pte, o: Folio) -> Bool:
    """No store goes to a frame that the folio has left: each changes the folio's own frame."""
    stored = contents[o] != after(contents[o])
    return implies(stored, after(data[home[o]]) == after(contents[o]))


@ends(by=wake, covers="D1")
def waiting_ends(p: Pte) -> tuple[Bool, Bool]:
    """Once the folio has arrived, the thread that waited for it goes on."""
    return pte[p] == PteState.present, waiting[p]


@sometimes(covers="M1")
def a_file_is_mapped_out_of_order(p: Pte) -> Bool:
    """A nonlinear VMA maps a folio at an address that implies another."""
    return (pte[p] == PteState.present) & (pte_folio[p] != implied_folio[p])


@sometimes(covers="M1")
def anonymous_memory_is_mapped(p: Pte) -> Bool:
    """A fault maps memory that belongs to no file."""
    return (pte[p] == PteState.present) & (folio_kind[pte_folio[p]] == FolioKind.anonymous)


@sometimes(covers="D1")
def a_thread_waits_for_a_moving_folio(p: Pte) -> Bool:
    """A fault meets a migration entry."""
    return waiting[p] & (pte[p] == PteState.migration)


@sometimes(covers="M1")
def a_mapping_goes_away(p: Pte) -> Bool:
    """An address range that led to a folio leads nowhere."""
    return (pte[p] == PteState.present) & (after(pte[p]) == PteState.none)


@sometimes(covers="D1")
def a_thread_that_waited_goes_on(p: Pte) -> Bool:
    """The entry that a thread slept on is restored, and the thread wakes."""
    return waiting[p] & ~after(waiting[p])
