"""Node notifiers: who depends on a node's memory hears before its first comes and its last goes.

They hear before the memory notifiers, and may refuse.  A success they hear at once, before
MEM_ONLINE or MEM_OFFLINE; a cancel in a step of its own, which comes after MEM_CANCEL_ONLINE or
MEM_CANCEL_OFFLINE, and only if they were told that something begins.  Memory notifiers hear those
even if a node notifier refused and they had heard of nothing.  Until all have heard,
mem_hotplug_lock is held: no block begins to go online or offline.

Source: mm/memory_hotplug.c (online_pages, offline_pages), drivers/base/node.c (node_notify), 6.17.
"""

from __future__ import annotations

from errno import EPERM

from ..blocks.block_states import (
    BlockState,
    MemoryEvent,
    block_state,
    changing,
    event,
    has_memory,
    in_use,
    keeps_memory,
)
from ..blocks.listeners import Listener
from ..blocks.sections import Metadata, memmap
from ..language import (
    Bool,
    Enumeration,
    action,
    after,
    always,
    any_of,
    exists,
    guard,
    implies,
    ite,
    sometimes,
    step,
    topology,
    variable,
)
from ..machine.bookkeeping import lock_held
from ..machine.topology import Block, Node, Section, Zone, block_of_section, node_of


class NodeEvent(Enumeration):
    """What node notifiers were last told about a node (include/linux/node.h)."""

    none: NodeEvent
    adding_first: NodeEvent
    added_first: NodeEvent
    cancel_adding: NodeEvent
    removing_last: NodeEvent
    removed_last: NodeEvent
    cancel_removing: NodeEvent


vetoes_first = topology(Node, Bool)
"""A node notifier refuses that the node gets its first memory."""

vetoes_last = topology(Node, Bool)
"""A node notifier refuses that the node loses its last memory."""

node_event = variable(Node, NodeEvent, initial=lambda n: NodeEvent.none)
"""The last event of the node."""


def _open(n: Node) -> Bool:
    """They were told that something begins, and not how it ended."""
    return (node_event[n] == NodeEvent.adding_first) | (node_event[n] == NodeEvent.removing_last)


@action
def announce_first_memory(b: Block) -> None:
    """Tell the node notifiers NODE_ADDING_FIRST_MEMORY."""
    n = node_of[b]
    guard(
        "going_online",
        block_state[b] == BlockState.going_online,
        why="the block is not going online",
    )
    guard(
        "memmap_initialised",
        ~exists(
            Section, lambda s: (block_of_section[s] == b) & (memmap[s] != Metadata.initialised)
        ),
        why="the mem_map of a section is not initialised",
    )
    guard("is_first", ~has_memory[n], why="the node has memory")
    guard("not_told", event[b] != MemoryEvent.going_online, why="the memory notifiers know already")
    guard("all_told", ~_open(n), why="the node notifiers know, or are still to hear of the last")
    node_event[n] = NodeEvent.adding_first


@action
def announce_last_memory(b: Block) -> None:
    """Tell the node notifiers NODE_REMOVING_LAST_MEMORY."""
    n = node_of[b]
    guard(
        "going_offline",
        block_state[b] == BlockState.going_offline,
        why="the block is not going offline",
    )
    guard("is_last", ~keeps_memory(b), why="the node keeps memory")
    guard("not_told", event[b] != MemoryEvent.going_offline, why="the memory notifiers know")
    guard("all_told", ~_open(n), why="the node notifiers know, or are still to hear of the last")
    node_event[n] = NodeEvent.removing_last


@action
def cancel_node_event(n: Node) -> None:
    """Tell the node notifiers that all is as before; mem_hotplug_lock is free then."""
    guard("told", _open(n), why="they were told of nothing that could end")
    guard(
        "settled",
        ~exists(Block, lambda b: (node_of[b] == n) & changing(b)),
        why="a block of the node is going online or offline",
    )
    first = node_event[n] == NodeEvent.adding_first
    node_event[n] = ite(first, NodeEvent.cancel_adding, NodeEvent.cancel_removing)


# --- what others do besides ---------------------------------------------------------------------


def nobody_has_the_lock(b: Block) -> Bool:
    """No other block is going online or offline, and every node notifier knows how it ended."""
    return ~exists(Block, lambda other: lock_held[other]) & ~exists(Node, _open)


def lock_is_free_to_come(b: Block, z: Zone) -> Bool:
    """The same, for a block that is to go online."""
    return nobody_has_the_lock(b)


def first_is_announced(b: Block) -> None:
    """The memory notifiers may be told: the node has memory, or its notifiers know, and agree."""
    n = node_of[b]
    guard(
        "node_notifiers_know",
        has_memory[n] | (node_event[n] == NodeEvent.adding_first),
        why="the node notifiers are to hear of the first memory before",
    )
    guard(
        "node_notifiers_agree",
        has_memory[n] | ~vetoes_first[n],
        errno=EPERM,
        why="a node notifier refuses the node's first memory",
    )


def last_is_announced(b: Block) -> None:
    """The memory notifiers may be told: the node keeps memory, or its notifiers know, and agree."""
    n = node_of[b]
    guard(
        "node_notifiers_know",
        keeps_memory(b) | (node_event[n] == NodeEvent.removing_last),
        why="the node notifiers are to hear of the last memory before",
    )
    guard(
        "node_notifiers_agree",
        keeps_memory(b) | ~vetoes_last[n],
        errno=EPERM,
        why="a node notifier refuses that the node's last memory goes",
    )


def first_has_come(b: Block) -> None:
    """NODE_ADDED_FIRST_MEMORY, if they were told that it comes."""
    n = node_of[b]
    comes = node_event[n] == NodeEvent.adding_first
    node_event[n] = ite(comes, NodeEvent.added_first, node_event[n])


def last_has_gone(b: Block) -> None:
    """NODE_REMOVED_LAST_MEMORY, if they were told that it goes."""
    n = node_of[b]
    goes = node_event[n] == NodeEvent.removing_last
    node_event[n] = ite(goes, NodeEvent.removed_last, node_event[n])


def _begun(b: Block) -> Bool:
    """Some notifier was told that the block goes online or offline: of memory, or of the node."""
    going = (event[b] == MemoryEvent.going_online) | (event[b] == MemoryEvent.going_offline)
    return going | _open(node_of[b])


def coming_is_cancelled(b: Block) -> MemoryEvent:
    """MEM_CANCEL_ONLINE (failed_addition), whoever refused."""
    return ite(_begun(b), MemoryEvent.cancel_online, event[b])


def leaving_is_cancelled(b: Block) -> MemoryEvent:
    """MEM_CANCEL_OFFLINE (failed_removal_isolated), whoever refused."""
    return ite(_begun(b), MemoryEvent.cancel_offline, event[b])


def cancel_is_heard(w: Listener, b: Block) -> Bool:
    """Every listener hears the cancel."""
    return _begun(b)


# --- what is true -------------------------------------------------------------------------------


@always(covers="A1 N1")
def node_notifiers_hear_of_the_first_memory_before_memory_notifiers(b: Block) -> Bool:
    """When memory notifiers know that a node's first block comes, node notifiers do, and agree."""
    n = node_of[b]
    announced = (event[b] == MemoryEvent.going_online) & ~has_memory[n]
    return implies(announced, (node_event[n] == NodeEvent.adding_first) & ~vetoes_first[n])


@always(covers="A1 N1")
def node_notifiers_hear_of_the_last_memory_before_memory_notifiers(b: Block) -> Bool:
    """When memory notifiers know that a node's last block goes, node notifiers do, and agree."""
    n = node_of[b]
    announced = (event[b] == MemoryEvent.going_offline) & ~keeps_memory(b)
    return implies(announced, (node_event[n] == NodeEvent.removing_last) & ~vetoes_last[n])


@always(covers="A1 N1")
def node_notifiers_know_whether_a_node_has_memory(n: Node) -> Bool:
    """What they were told of the end is true, and stays so until they hear that it changes."""
    last = node_event[n]
    has = any_of(
        last == NodeEvent.added_first,
        last == NodeEvent.removing_last,
        last == NodeEvent.cancel_removing,
    )
    return implies(last != NodeEvent.none, has_memory[n] == has)


@always(covers="A1")
def node_notifiers_wait_for_one_block(n: Node) -> Bool:
    """Who was told that memory comes or goes waits for a block, or for the word that it failed."""
    settled = ~exists(Block, lambda b: changing(b))

    def waits(state: BlockState, cancelled: MemoryEvent) -> Bool:
        on_its_way = exists(Block, lambda b: (node_of[b] == n) & (block_state[b] == state))
        failed = exists(Block, lambda b: (node_of[b] == n) & (event[b] == cancelled))
        return on_its_way | (settled & failed)

    comes = waits(BlockState.going_online, MemoryEvent.cancel_online)
    goes = waits(BlockState.going_offline, MemoryEvent.cancel_offline)
    return implies(node_event[n] == NodeEvent.adding_first, comes) & implies(
        node_event[n] == NodeEvent.removing_last, goes
    )


@always(covers="A1 N1")
def node_notifiers_hear_of_a_removal_when_one_block_is_left(b: Block, c: Block) -> Bool:
    """NODE_REMOVING_LAST_MEMORY is the last word only while no second block is in use."""
    n = node_of[b]
    both = (node_of[c] == n) & in_use(b) & in_use(c)
    return implies((node_event[n] == NodeEvent.removing_last) & both, b == c)


@step(covers="A1 N1")
def node_vetoes_are_respected(n: Node) -> Bool:
    """No node gets its first memory, or loses its last, against a node notifier."""
    came, went = ~has_memory[n] & after(has_memory[n]), has_memory[n] & after(~has_memory[n])
    return implies(came, ~vetoes_first[n]) & implies(went, ~vetoes_last[n])


@step(covers="A1")
def every_word_to_node_notifiers_is_concluded(n: Node) -> Bool:
    """NODE_ADDING_FIRST_MEMORY is followed by how it ended, which follows nothing else."""
    last, then = node_event[n], after(node_event[n])
    came = (then == NodeEvent.added_first) | (then == NodeEvent.cancel_adding)
    went = (then == NodeEvent.removed_last) | (then == NodeEvent.cancel_removing)
    adding, removing = last == NodeEvent.adding_first, last == NodeEvent.removing_last
    return implies(last != then, (adding == came) & (removing == went))


@step(covers="A1 N1")
def a_nodes_cancel_comes_after_that_of_memory(n: Node) -> Bool:
    """Node notifiers hear of a failure when the memory notifiers have heard of it."""

    def heard_of(b: Block, cancelled: MemoryEvent) -> Bool:
        return (node_of[b] == n) & (event[b] == cancelled)

    def still_going(b: Block) -> Bool:
        going = (event[b] == MemoryEvent.going_online) | (event[b] == MemoryEvent.going_offline)
        return (node_of[b] == n) & going

    last, then = node_event[n], after(node_event[n])
    first = (last != then) & (then == NodeEvent.cancel_adding)
    final = (last != then) & (then == NodeEvent.cancel_removing)
    came = exists(Block, lambda b: heard_of(b, MemoryEvent.cancel_online))
    went = exists(Block, lambda b: heard_of(b, MemoryEvent.cancel_offline))
    done = ~exists(Block, still_going)
    return implies(first, came & done) & implies(final, went & done)


@sometimes(covers="A1")
def node_notifiers_hear_of_a_first_memory(n: Node) -> Bool:
    """A node's first memory came."""
    return node_event[n] == NodeEvent.added_first


@sometimes(covers="A1")
def node_notifiers_hear_that_the_first_memory_does_not_come(n: Node) -> Bool:
    """A memory notifier refused, or what failed later: no node notifier did."""
    return ~vetoes_first[n] & (node_event[n] == NodeEvent.cancel_adding)


@sometimes(covers="A1")
def node_notifiers_hear_of_a_last_memory(n: Node) -> Bool:
    """A node's last memory went."""
    return node_event[n] == NodeEvent.removed_last


@sometimes(covers="A1")
def a_node_keeps_its_last_memory_after_all(n: Node) -> Bool:
    """A memory notifier refused, or what failed later: no node notifier did."""
    removing = node_event[n] == NodeEvent.removing_last
    return removing & ~vetoes_last[n] & after(node_event[n] == NodeEvent.cancel_removing)


@sometimes(covers="A1")
def a_node_notifier_refuses_a_first_memory(b: Block) -> Bool:
    """Memory notifiers hear MEM_CANCEL_ONLINE, and had heard nothing of the block."""
    refused = (event[b] == MemoryEvent.none) & after(event[b] == MemoryEvent.cancel_online)
    return vetoes_first[node_of[b]] & refused


@sometimes(covers="A1")
def a_node_notifier_refuses_that_a_last_memory_goes(b: Block) -> Bool:
    """Memory notifiers hear MEM_CANCEL_OFFLINE, and had heard nothing of a removal."""
    refused = (event[b] == MemoryEvent.none) & after(event[b] == MemoryEvent.cancel_offline)
    return vetoes_last[node_of[b]] & refused
