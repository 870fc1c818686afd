"""Node notifiers: who depends on a node's memory hears before its first comes and its last goes.

They hear before the memory notifiers.  A veto is a cancel before the memory notifiers are told.
How it ended they hear in a step of its own; Linux tells a success before MEM_ONLINE or MEM_OFFLINE,
and a cancel after MEM_CANCEL_ONLINE or MEM_CANCEL_OFFLINE, which come even if a node notifier
refused and the memory notifiers had heard of nothing.

Source: mm/memory_hotplug.c (online_pages, offline_pages), drivers/base/node.c (node_notify), 6.17.
"""

from __future__ import annotations

from ..blocks.block_states import (
    BlockState,
    MemoryEvent,
    block_state,
    changing,
    event,
    has_memory,
    keeps_memory,
)
from ..blocks.sections import Metadata, memmap
from ..language import (
    Bool,
    Enumeration,
    action,
    after,
    always,
    exists,
    guard,
    implies,
    ite,
    sometimes,
    variable,
)
from ..machine.topology import Block, Node, Section, block_of_section, node_of


class NodeEvent(Enumeration):
    """What node notifiers were last told about a node (include/linux/node.h)."""

    none: NodeEvent
    adding_first: NodeEvent
    added_first: NodeEvent
    cancel_adding: NodeEvent
    removing_last: NodeEvent
    removed_last: NodeEvent
    cancel_removing: NodeEvent


node_event = variable(Node, NodeEvent, initial=lambda n: NodeEvent.none)
"""The last event of the node."""


def _open(n: Node) -> Bool:
    """They were told that something begins, and not how it ended."""
    return (node_event[n] == NodeEvent.adding_first) | (node_event[n] == NodeEvent.removing_last)


def told_first(b: Block) -> Bool:
    """The memory notifiers may be told: the node has memory, or its notifiers know."""
    n = node_of[b]
    fresh = event[b] != MemoryEvent.going_online
    return fresh & (has_memory[n] | (node_event[n] == NodeEvent.adding_first))


def told_last(b: Block) -> Bool:
    """The memory notifiers may be told: the node keeps memory, or its notifiers know."""
    n = node_of[b]
    fresh = event[b] != MemoryEvent.going_offline
    return fresh & (keeps_memory(b) | (node_event[n] == NodeEvent.removing_last))


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
def conclude_node_event(n: Node) -> None:
    """Tell the node notifiers how it ended: the memory is there, or gone, or all is as before."""
    guard("told", _open(n), why="they were told of nothing that could end")
    guard(
        "settled",
        ~exists(Block, lambda b: (node_of[b] == n) & changing(b)),
        why="a block of the node is going online or offline",
    )
    came = ite(has_memory[n], NodeEvent.added_first, NodeEvent.cancel_adding)
    went = ite(has_memory[n], NodeEvent.cancel_removing, NodeEvent.removed_last)
    node_event[n] = ite(node_event[n] == NodeEvent.adding_first, came, went)


# --- what is true -------------------------------------------------------------------------------


@always(covers="A1 N1")
def node_notifiers_hear_of_the_first_memory_before_memory_notifiers(b: Block) -> Bool:
    """When memory notifiers know that a node's first block comes, node notifiers do, too."""
    n = node_of[b]
    announced = (event[b] == MemoryEvent.going_online) & ~has_memory[n]
    return implies(announced, node_event[n] == NodeEvent.adding_first)


@always(covers="A1 N1")
def node_notifiers_hear_of_the_last_memory_before_memory_notifiers(b: Block) -> Bool:
    """When memory notifiers know that a node's last block goes, node notifiers do, too."""
    announced = (event[b] == MemoryEvent.going_offline) & ~keeps_memory(b)
    return implies(announced, node_event[node_of[b]] == NodeEvent.removing_last)


@sometimes(covers="A1")
def node_notifiers_hear_of_a_first_memory(n: Node) -> Bool:
    """A node's first memory came."""
    return node_event[n] == NodeEvent.added_first


@sometimes(covers="A1")
def node_notifiers_hear_that_the_first_memory_does_not_come(n: Node) -> Bool:
    """A veto, or what failed later."""
    return node_event[n] == NodeEvent.cancel_adding


@sometimes(covers="A1")
def node_notifiers_hear_of_a_last_memory(n: Node) -> Bool:
    """A node's last memory went."""
    return node_event[n] == NodeEvent.removed_last


@sometimes(covers="A1")
def a_node_keeps_its_last_memory_after_all(n: Node) -> Bool:
    """A veto, or what failed later."""
    removing = node_event[n] == NodeEvent.removing_last
    return removing & after(node_event[n] == NodeEvent.cancel_removing)
