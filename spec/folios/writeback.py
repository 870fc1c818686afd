"""Writeback, and a server that stops answering: removal waits only as long as it may (U4).

The list: when an NFS server does not respond, the page is held for ever.  Here
a removal has a budget, spent tick by tick while it waits; giving up is possible
all the time, and data that is not on its store yet is never dropped.  Linux has
no budget: it waits in an uninterruptible sleep.

Sources: mm/migrate.c (migrate_folio_unmap, folio_wait_writeback),
mm/memory_hotplug.c (offline_pages), mm/page-writeback.c.
"""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EINTR, EINVAL, EIO

from ..blocks.block_states import (
    BlockState,
    Tick,
    block_state,
    hwpoison,
    refused_move,
    spent,
)
from ..blocks.blocks import cancel_offline
from ..language import (
    Bool,
    Sort,
    action,
    after,
    all_of,
    always,
    definition,
    ends,
    exists,
    false,
    guard,
    implies,
    sometimes,
    step,
    topology,
    true,
    variable,
)
from ..machine.topology import Block, Frame, block_of
from .frames import (
    Data,
    Folio,
    FolioKind,
    birth_frame,
    boot_data,
    contents,
    data,
    dirty,
    exists_now,
    folio_kind,
    home,
    lost,
    stored,
)
from .migration_stage import Stage, stage
from .references import has_reference


class Store(Sort):
    """Where file data is kept: a disk, an NFS server."""


store_of = topology(Folio, Store)
"""The store that a folio's data belongs on."""

answers = variable(Store, Bool, initial=lambda s: true)
"""The store answers; it may stop, and it may come back."""

under_writeback = variable(Folio, Bool, initial=lambda o: false)
"""The folio's data is on its way to the store (PG_writeback)."""

in_flight = variable(Folio, Data, initial=lambda o: boot_data[birth_frame[o]])
"""What is on its way."""

stalled = variable(Folio, Bool, initial=lambda o: false)
"""The store fell silent while the folio's data was on its way (a ghost)."""


@definition
def is_file(o: Folio) -> Bool:
    """The folio is page cache: its data belongs on a store."""
    return folio_kind[o] == FolioKind.page_cache


@definition
def holds_up(o: Folio, b: Block) -> Bool:
    """The removal of the block waits for the folio's writeback."""
    leaving = block_state[b] == BlockState.going_offline
    return leaving & exists_now(o) & (block_of(home[o]) == b) & under_writeback[o]


@action
def begin_writeback(o: Folio) -> None:
    """Send the folio's data to its store (folio_start_writeback)."""
    guard("file", is_file(o), errno=EINVAL, why="the folio belongs on no store")
    guard("dirty", dirty[o], why="the store has the data already")
    guard("not_under_writeback", ~under_writeback[o], why="it is on its way already")
    guard("unlocked", stage[o] == Stage.idle, errno=EAGAIN, why="the folio is moving")
    guard("no_error", ~hwpoison[home[o]], errno=EIO, why="the folio's frame has an error")
    under_writeback[o] = true
    dirty[o] = false
    in_flight[o] = contents[o]


@action
def end_writeback(o: Folio) -> None:
    """The store has acknowledged the data (folio_end_writeback)."""
    guard("under_writeback", under_writeback[o], why="nothing is on its way")
    guard("store_answers", answers[store_of[o]], errno=EIO, why="the store does not answer")
    under_writeback[o] = false
    stored[o] = in_flight[o]


@action
def store_stops(s: Store) -> None:
    """The store stops answering: a network that fails, a server that is gone."""
    guard("answers", answers[s], why="it does not answer anyway")
    answers[s] = false
    stalled.update(where=lambda o: under_writeback[o] & (store_of[o] == s), value=true)


@action
def store_returns(s: Store) -> None:
    """The store answers again."""
    guard("silent", ~answers[s], why="it answers")
    answers[s] = true


@action
def wait_for_writeback(b: Block, o: Folio, t: Tick) -> None:
    """A removal waits one tick of its budget for a folio under writeback."""
    guard("holds_up", holds_up(o, b), errno=EBUSY, why="the removal does not wait for this folio")
    guard("in_budget", ~spent[b, t], errno=EINTR, why="this part of the budget is spent")
    spent[b, t] = true


# --- what is true -------------------------------------------------------------------------------


@always(covers="U4 M2")
def clean_folios_are_on_their_store(o: Folio) -> Bool:
    """What is neither dirty nor on its way is what the store has."""
    clean = is_file(o) & ~dirty[o] & ~under_writeback[o]
    return implies(clean, stored[o] == contents[o])


@always(covers="U4")
def writeback_carries_the_contents(o: Folio) -> Bool:
    """What is on its way is what the owner last stored, or the folio is dirty again."""
    carried = is_file(o) & under_writeback[o] & ~dirty[o]
    return implies(carried, in_flight[o] == contents[o])


@always(covers="U4")
def only_files_are_written_back(o: Folio) -> Bool:
    """Only page cache that exists is on its way to a store."""
    return implies(under_writeback[o], is_file(o))


@always(covers="U4")
def folios_under_writeback_stay(o: Folio) -> Bool:
    """A folio that a store may still read from is not unmapped, copied or moved."""
    still = (stage[o] == Stage.idle) | (stage[o] == Stage.reserved) | (stage[o] == Stage.aborting)
    return implies(under_writeback[o], still)


@step(covers="U4")
def unwritten_data_is_never_dropped(o: Folio) -> Bool:
    """Page cache goes away only when its store has it, or when its owner is to hear of a loss."""
    dropped = is_file(o) & ~after(exists_now(o))
    return implies(dropped, (stored[o] == contents[o]) | after(lost[o]))


@step(covers="U4")
def a_silent_store_gets_nothing(o: Folio) -> Bool:
    """Data is on the store only when the store has answered."""
    written = is_file(o) & (stored[o] != after(stored[o]))
    return implies(written, answers[store_of[o]])


@step(covers="U4 U3")
def the_budget_is_spent_on_waiting(b: Block, t: Tick) -> Bool:
    """Each tick of a removal's budget is a wait for a store, or pays for another try."""
    waited = ~spent[b, t] & after(spent[b, t])
    leaving = block_state[b] == BlockState.going_offline
    held_up = exists(Folio, lambda o: holds_up(o, b))
    again = exists(Frame, lambda f: (block_of(f) == b) & refused_move[f] & ~after(refused_move[f]))
    return implies(waited, held_up | (leaving & again))


@step(covers="U4 U3")
def nothing_but_writeback_or_another_try_spends_the_budget(b: Block, t: Tick) -> Bool:
    """A tick is spent while a folio of the block is on its way to a store, or for a try."""
    waited = ~spent[b, t] & after(spent[b, t])
    sent = exists(Folio, lambda o: (block_of(home[o]) == b) & under_writeback[o])
    again = exists(Frame, lambda f: (block_of(f) == b) & refused_move[f] & ~after(refused_move[f]))
    leaving = block_state[b] == BlockState.going_offline
    return implies(waited, leaving & (sent | again))


@step(covers="U4 U3")
def a_removal_begins_with_its_whole_budget(b: Block, t: Tick) -> Bool:
    """What an earlier removal of the block has waited does not shorten the next."""
    begins = (block_state[b] != BlockState.going_offline) & after(
        block_state[b] == BlockState.going_offline
    )
    return implies(begins, ~after(spent[b, t]))


@step(covers="U4 U3")
def only_the_removal_that_begins_gets_its_budget_back(b: Block, t: Tick) -> Bool:
    """The start of a removal does not refill the budget of another block."""
    begins = after(block_state[b] == BlockState.going_offline) & (
        block_state[b] != BlockState.going_offline
    )
    return implies(spent[b, t] & ~after(spent[b, t]), begins)


@step(covers="U4")
def only_data_on_its_way_is_stalled(o: Folio) -> Bool:
    """A store that falls silent stalls the folios whose data is on its way to it, and no other."""
    stalls = ~stalled[o] & after(stalled[o])
    silent = answers[store_of[o]] & ~after(answers[store_of[o]])
    return implies(stalls, under_writeback[o] & silent)


@step(covers="U4")
def folios_begin_clean(o: Folio) -> Bool:
    """A new folio owes its store nothing, whatever the one before it left behind."""
    begins = ~exists_now(o) & after(exists_now(o))
    return implies(begins, ~after(dirty[o]))


@step(covers="U4")
def only_dirty_data_is_sent(o: Folio) -> Bool:
    """What the store has already is not sent again, and what is sent counts as clean."""
    sent = ~under_writeback[o] & after(under_writeback[o])
    return implies(sent, dirty[o] & ~after(dirty[o]))


@step(covers="U4")
def what_is_in_flight_stays(o: Folio) -> Bool:
    """A store gets what was sent, not something that came later."""
    sending = under_writeback[o] & after(under_writeback[o])
    return implies(sending, in_flight[o] == after(in_flight[o]))


@step(covers="U4")
def a_store_has_what_was_sent(o: Folio) -> Bool:
    """When writeback ends the store has what was sent, or what it had: nothing that came later."""
    ended = under_writeback[o] & ~after(under_writeback[o])
    return implies(ended, (after(stored[o]) == in_flight[o]) | (after(stored[o]) == stored[o]))


@step(covers="U4")
def what_is_sent_is_what_the_folio_contains(o: Folio) -> Bool:
    """When writeback begins, the contents of that moment are on their way, from the frame."""
    begins = ~under_writeback[o] & after(under_writeback[o])
    sent = after(in_flight[o])
    return implies(begins, (sent == contents[o]) & (sent == data[home[o]]))


@step(covers="U4 U3")
def giving_up_moves_nothing(b: Block, o: Folio) -> Bool:
    """When a removal is given up nothing changes but what had already moved."""
    gave_up = (block_state[b] == BlockState.going_offline) & after(
        block_state[b] == BlockState.online
    )
    same = all_of(
        home[o] == after(home[o]),
        contents[o] == after(contents[o]),
        dirty[o] == after(dirty[o]),
        under_writeback[o] == after(under_writeback[o]),
        stored[o] == after(stored[o]),
    )
    return implies(gave_up, same)


@ends(by=cancel_offline, covers="U4 U3")
def giving_up_is_always_possible(b: Block, o: Folio) -> tuple[Bool, Bool]:
    """A removal that waits for a store can be given up at every moment, and then it is over."""
    return holds_up(o, b), block_state[b] == BlockState.going_offline


@ends(by=wait_for_writeback, covers="U4 U3")
def waiting_for_a_store_ends(b: Block, o: Folio, t: Tick) -> tuple[Bool, Bool]:
    """A removal does not wait for a store longer than its budget."""
    return holds_up(o, b), ~spent[b, t]


@sometimes(covers="U4 U3")
def a_removal_gives_up_on_a_silent_store(b: Block, o: Folio, t: Tick) -> Bool:
    """The budget is spent, the store is silent, and the block is online again."""
    here = (block_of(home[o]) == b) & under_writeback[o] & ~answers[store_of[o]]
    return here & spent[b, t] & (block_state[b] == BlockState.online)


@sometimes(covers="U4")
def a_store_gets_data_that_is_out_of_date(o: Folio) -> Bool:
    """The owner stores while data is on its way: the store has less, and the folio is dirty."""
    behind = is_file(o) & dirty[o] & (stored[o] != contents[o])
    return behind & under_writeback[o] & ~after(under_writeback[o])


@sometimes(covers="U4")
def a_store_comes_back_and_gets_the_data(o: Folio) -> Bool:
    """Data was on its way when the store fell silent; the store is back and has all of it."""
    other = contents[o] != boot_data[birth_frame[o]]
    clean = is_file(o) & ~dirty[o] & ~under_writeback[o]
    return stalled[o] & clean & other & (stored[o] == contents[o])


@sometimes(covers="U4 U3")
def a_removal_waits_for_a_silent_store(b: Block, o: Folio, t: Tick) -> Bool:
    """A removal waits although the folio is dirty again, and neither in use nor tried before."""
    waits = ~spent[b, t] & after(spent[b, t]) & (block_state[b] == BlockState.going_offline)
    sent = under_writeback[o] & (block_of(home[o]) == b) & ~answers[store_of[o]]
    again = exists(Frame, lambda f: refused_move[f])
    return waits & sent & dirty[o] & ~has_reference(o) & ~again
