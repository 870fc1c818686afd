"""Memory notifiers one by one: what each listener hears of a block (A1).

`event` says what the chain was last told.  The chain stops at the first listener that refuses, so
that who stands behind it hears nothing of what was to begin.  When that is given up, who heard of
it is told so: what a listener undoes then is what it did itself.

Sources: kernel/notifier.c (notifier_call_chain, notifier_call_chain_robust), drivers/base/memory.c
(memory_notify), include/linux/memory.h.
"""

from __future__ import annotations

from ..language import (
    Bool,
    Sort,
    after,
    always,
    definition,
    implies,
    sometimes,
    step,
    topology,
    variable,
)
from ..machine.topology import Block, vetoes_offline, vetoes_online
from .block_states import BlockState, MemoryEvent, block_state, event


class Listener(Sort):
    """A memory notifier: one of those in the chain (struct notifier_block)."""


asked_first = topology(Listener, Block, Bool)
"""Where somebody refuses: the listener has the higher priority, is asked before that, and agrees.

False of the one that refuses, and of all behind it.
"""

heard = variable(Listener, Block, MemoryEvent, initial=lambda w, b: MemoryEvent.none)
"""What the listener last heard of the block."""


@definition
def hears_of_coming(w: Listener, b: Block) -> Bool:
    """The listener is told that the block goes online: nobody before it refuses."""
    return ~vetoes_online[b] | asked_first[w, b]


@definition
def hears_of_leaving(w: Listener, b: Block) -> Bool:
    """The listener is told that the block goes offline: nobody before it refuses."""
    return ~vetoes_offline[b] | asked_first[w, b]


@definition
def hears_the_cancel(w: Listener, b: Block) -> Bool:
    """The listener is told that the block stays as it was: it heard that something begins."""
    last = heard[w, b]
    return (last == MemoryEvent.going_online) | (last == MemoryEvent.going_offline)


# --- what is true -------------------------------------------------------------------------------


@always(covers="A1")
def listeners_hear_what_begins(w: Listener, b: Block) -> Bool:
    """All hear that a block is about to come or to leave, but who stands behind a refusal."""
    coming, leaving = MemoryEvent.going_online, MemoryEvent.going_offline
    asked = asked_first[w, b]
    comes = (event[b] == coming) & implies(vetoes_online[b], asked)
    leaves = (event[b] == leaving) & implies(vetoes_offline[b], asked)
    return ((heard[w, b] == coming) == comes) & ((heard[w, b] == leaving) == leaves)


@step(covers="A1")
def listeners_that_heard_what_began_hear_how_it_ended(w: Listener, b: Block) -> Bool:
    """Who prepared itself hears that it was right, or that it is to undo it."""
    state, then = block_state[b], after(block_state[b])
    last, now = heard[w, b], after(heard[w, b])
    came = (last == MemoryEvent.going_online) & (state == BlockState.going_online)
    left = (last == MemoryEvent.going_offline) & (state == BlockState.going_offline)
    return (
        implies(came & (then == BlockState.online), now == MemoryEvent.online)
        & implies(came & (then == BlockState.offline), now == MemoryEvent.cancel_online)
        & implies(left & (then == BlockState.offline), now == MemoryEvent.offline)
        & implies(left & (then == BlockState.online), now == MemoryEvent.cancel_offline)
    )


@step(
    covers="A1",
    using="listeners_hear_what_begins notifiers_know_that_a_block_is_coming "
    "notifiers_know_that_a_block_is_leaving",
)
def a_cancel_is_heard_by_who_heard_it_begin(w: Listener, b: Block) -> Bool:
    """A listener undoes what it did itself, and nothing that it was never told of (I14)."""
    last, now = heard[w, b], after(heard[w, b])
    online = (last != now) & (now == MemoryEvent.cancel_online)
    offline = (last != now) & (now == MemoryEvent.cancel_offline)
    return implies(online, last == MemoryEvent.going_online) & implies(
        offline, last == MemoryEvent.going_offline
    )


@step(
    covers="A1",
    using="listeners_hear_what_begins notifiers_know_that_a_block_is_coming "
    "notifiers_know_that_a_block_is_leaving",
)
def listeners_hear_what_the_chain_is_told(w: Listener, b: Block) -> Bool:
    """What a listener hears of a block is something that the chain is told of it."""
    return implies(heard[w, b] != after(heard[w, b]), after(heard[w, b] == event[b]))


@sometimes(covers="A1")
def who_agreed_hears_that_another_refused(w: Listener, b: Block) -> Bool:
    """A listener that was asked first hears that the block stays online."""
    return vetoes_offline[b] & (heard[w, b] == MemoryEvent.cancel_offline)


@sometimes(covers="A1")
def who_stands_behind_a_refusal_hears_nothing(w: Listener, b: Block) -> Bool:
    """A block stays online, and a listener never heard that it was about to go."""
    return (event[b] == MemoryEvent.cancel_offline) & (heard[w, b] == MemoryEvent.none)
