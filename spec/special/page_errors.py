"""Memory errors: a frame that has one is set aside, and goes with its block (U3, A1).

A machine check finds an error in a frame.  If nobody has the frame, the buddy allocator loses it
at once.  If a folio lives there, its mappings are taken away under its lock, whoever had stored
something that its store does not have is told, and the frame is set aside.  Memory of the kernel
is marked, and stays.  Nobody gets such a frame again: it does not keep its block online, and its
block does not come online with it.  A frame that may have an error soon is set aside before that,
when its contents have moved.

Linux also lets a block go of which the kernel still uses a frame with an error.

Sources: mm/memory-failure.c (memory_failure, soft_offline_page), mm/memory_hotplug.c
(do_migrate_range), drivers/base/memory.c (memory_block_online).
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EIO, ENXIO

from ..blocks.block_states import FrameState, frame_state, hwpoison, in_use
from ..folios.dma import pin_count
from ..folios.frames import (
    Data,
    Folio,
    FolioKind,
    data,
    dirty,
    exists_now,
    folio_kind,
    folio_of,
    home,
    lost,
    released,
)
from ..folios.migration_stage import Stage, stage
from ..folios.page_tables import Pte, PteState, mapcount, maps, pte, waiting
from ..folios.private_data import carries_private, has_private, private_busy
from ..folios.references import has_reference
from ..folios.writeback import under_writeback
from ..language import (
    Bool,
    action,
    any_of,
    definition,
    false,
    guard,
    ite,
    true,
)
from ..language.errnos import EHWPOISON
from ..machine.topology import Frame, block_of, may_fail, metadata_frame
from .huge_mappings import (
    HugePte,
    HugeStage,
    huge_mapcount,
    huge_maps,
    huge_pte,
    huge_stage,
    huge_waiting,
    migratable,
    range_data,
    sent_sigbus,
)
from .huge_pins import huge_pin_count
from .huge_pools import (
    HugeFolio,
    HugeState,
    huge_home,
    huge_state,
    less_surplus,
    pool_of,
    range_has_error,
    range_of,
    unmake,
)


@definition
def in_nobodys_hands(f: Frame) -> Bool:
    """The frame is on a list of free frames, or isolated."""
    idle = any_of(
        frame_state[f] == FrameState.free,
        frame_state[f] == FrameState.pcp,
        frame_state[f] == FrameState.isolated,
    )
    return idle & ~metadata_frame[f]


@definition
def on_its_store(o: Folio) -> Bool:
    """The folio's contents can be read again."""
    return (folio_kind[o] == FolioKind.page_cache) & ~dirty[o]


_MAY_FAIL = "nobody finds an error there"
_KNOWN = "the error is known already"
_OFFLINE = "no memory is online there (pfn_to_online_page)"


@action
def soft_offline(f: Frame) -> None:
    """Set a frame aside that has had too many corrected errors (soft_offline_page).

    When somebody has it his contents move first, by a migration like any other.  Of memory that
    is not there at all Linux says ENXIO.
    """
    movable = (frame_state[f] == FrameState.user) | (frame_state[f] == FrameState.huge)
    guard("may_fail", may_fail[f], why=_MAY_FAIL)
    guard("online", in_use(block_of(f)), errno=EIO, why=_OFFLINE)
    guard("not_known", ~hwpoison[f], errno=EHWPOISON, why=_KNOWN)
    guard(
        "can_be_handled",
        in_nobodys_hands(f) | movable,
        errno=EIO,
        why="nothing can move out of it (get_any_page)",
    )
    guard("nobody_has_it", ~movable, errno=EBUSY, why="its contents must move first")
    hwpoison[f] = true
    frame_state[f] = FrameState.off_buddy


@action(using="both_frames_of_a_moving_page_are_the_kernels")
def memory_failure(f: Frame, d: Data) -> None:
    """A machine check finds an error: what the frame contained is lost (memory_failure).

    Memory of the kernel is marked alone, as no move nor removal depends on what is in it.
    """
    nothing = (frame_state[f] == FrameState.unavailable) | (
        frame_state[f] == FrameState.page_offline
    )
    guard("may_fail", may_fail[f], why=_MAY_FAIL)
    guard("online", in_use(block_of(f)) & ~nothing, errno=ENXIO, why=_OFFLINE)
    guard("not_known", ~hwpoison[f], errno=EHWPOISON, why=_KNOWN)
    hwpoison[f] = true
    frame_state[f] = ite(in_nobodys_hands(f), FrameState.off_buddy, frame_state[f])
    data[f] = ite(frame_state[f] == FrameState.kernel, data[f], d)
    range_data.update(
        where=lambda r: (range_of[f] == r) & (frame_state[f] == FrameState.huge), value=d
    )


@action(using="user_frames_belong_to_folios folios_live_in_user_frames")
def unmap_poisoned(p: Pte, f: Frame) -> None:
    """Under the folio's lock, a PTE that maps the frame goes (unmap_poisoned_folio)."""
    o = folio_of[f]
    guard("has_error", hwpoison[f], why="the frame has no error")
    guard("user", frame_state[f] == FrameState.user, why="no folio lives there")
    guard("maps", maps(p, o), why="the entry does not map the folio")
    guard("unlocked", stage[o] == Stage.idle, errno=EAGAIN, why="the folio is moving")
    guard("no_writeback", ~under_writeback[o], errno=EBUSY, why="its data is on the way")
    pte[p] = PteState.none
    waiting[p] = false
    mapcount[o] = mapcount[o] - 1
    lost[o] = ~on_its_store(o)


@action(using="folios_live_in_user_frames frames_know_the_folio_that_lives_in_them")
def give_up_folio(o: Folio) -> None:
    """A folio that nothing maps lets go of the frame with an error (truncate_error_folio)."""
    guard("folio_exists", exists_now(o), why="there is no such folio")
    guard("has_error", hwpoison[home[o]], why="its frame has no error")
    guard("unlocked", stage[o] == Stage.idle, errno=EAGAIN, why="the folio is moving")
    guard("not_mapped", mapcount[o] == 0, errno=EBUSY, why="a PTE maps the folio")
    guard("not_pinned", pin_count[o] == 0, errno=EBUSY, why="a device uses the folio")
    guard("no_reference", ~has_reference(o), errno=EBUSY, why="somebody has a reference")
    guard("no_writeback", ~under_writeback[o], errno=EBUSY, why="its data is on the way")
    guard("private_idle", ~private_busy[o], errno=EBUSY, why="its private data is in use")
    folio_kind[o] = FolioKind.none
    has_private[o] = false
    carries_private[home[o]] = false
    lost[o] = ~on_its_store(o)
    frame_state[home[o]] = released(home[o])


@action
def tell_of_loss(o: Folio) -> None:
    """The owner learns that contents are lost: SIGBUS, or EIO of the next fsync."""
    guard("lost", lost[o], why="nothing is lost")
    lost[o] = false


@action
def unmap_poisoned_huge(q: HugePte, h: HugeFolio) -> None:
    """Under its lock, an entry goes that maps a huge folio with an error (unmap_poisoned_folio)."""
    guard("has_error", range_has_error(huge_home[h]), why="none of its frames has an error")
    guard("maps", huge_maps(q, h), why="the entry does not map the huge folio")
    guard("unlocked", huge_stage[h] == HugeStage.idle, errno=EBUSY, why="the folio is moving")
    huge_pte[q] = PteState.none
    huge_waiting[q] = false
    sent_sigbus[q] = true
    huge_mapcount[h] = huge_mapcount[h] - 1


@action(using="ranges_know_the_folio_that_takes_them")
def give_up_huge(h: HugeFolio) -> None:
    """A huge folio in use that has an error is no more: its other frames are free (me_huge_page).

    Nobody maps it any more: who did was told.  Of hugetlbfs Linux lets go only of what belongs to
    no file: a file's folio stays in the page cache, and its block with it (docs/invariants.md).
    """
    guard("huge_used", huge_state[h] == HugeState.used, why="nobody uses the huge folio")
    guard("has_error", range_has_error(huge_home[h]), why="none of its frames has an error")
    guard("unlocked", huge_stage[h] == HugeStage.idle, errno=EBUSY, why="the folio is moving")
    guard("not_mapped", huge_mapcount[h] == 0, errno=EBUSY, why="an entry maps the huge folio")
    guard("not_pinned", huge_pin_count[h] == 0, errno=EBUSY, why="a device uses the huge folio")
    unmake(h)
    migratable[huge_home[h]] = false
    less_surplus(pool_of(h))
