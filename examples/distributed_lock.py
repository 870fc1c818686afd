"""A lock that hosts hand on to each other, by messages that may arrive late, or twice.

A message carries an epoch, and counts only if that is later than the epoch of the host that it
reaches.  That the lock is in one place, with a host or on its way, and that whoever has it has the
latest epoch, is what ``memhp check --strengthen`` has to find.

Source: ironfleet_distributed_lock.pyv of mypyvy's examples, after C. Hawblitzel et al., IronFleet,
SOSP 2015.
"""

from __future__ import annotations

from memhp.spec.language import (
    Bool,
    Sort,
    action,
    always,
    axiom,
    definition,
    false,
    guard,
    implies,
    sometimes,
    topology,
    true,
    variable,
)


class Host(Sort):
    """Who may have the lock."""


class Epoch(Sort):
    """A time in the life of the lock."""


later = topology(Epoch, Epoch, Bool)
"""``later[a, b]``: epoch a comes after epoch b."""

begins = topology(Host, Bool)
"""The host has the lock at first."""

first_epoch = topology(Host, Epoch)
"""The epoch in which a host begins."""

sent = variable(Host, Epoch, Bool, initial=lambda h, e: false)
"""The lock was sent to the host, in that epoch; a message stays, and may arrive again."""

epoch = variable(Host, Epoch, initial=lambda h: first_epoch[h])
"""The latest epoch that the host knows of."""

holds = variable(Host, Bool, initial=lambda h: begins[h])
"""The host has the lock."""


@axiom
def epochs_are_ordered(a: Epoch, b: Epoch, c: Epoch) -> Bool:
    """No epoch is later than itself, and what is later than a later one is later."""
    return ~later[a, a] & implies(later[a, b] & later[b, c], later[a, c])


@axiom
def epochs_differ(a: Epoch, b: Epoch) -> Bool:
    """Of two epochs one is later."""
    return implies(a != b, later[a, b] | later[b, a])


@axiom
def one_host_begins(a: Host, b: Host) -> Bool:
    """No two hosts have the lock at first."""
    return implies(begins[a] & begins[b], a == b)


@axiom
def who_begins_is_ahead(a: Host, b: Host) -> Bool:
    """Who has the lock at first is in a later epoch than the others."""
    return implies(begins[a] & (a != b), later[first_epoch[a], first_epoch[b]])


@definition
def in_flight(h: Host, e: Epoch) -> Bool:
    """A message that the host has not seen yet carries the lock."""
    return sent[h, e] & later[e, epoch[h]]


@action
def hand_on(h: Host, to: Host, e: Epoch) -> None:
    """A host sends the lock, in a later epoch."""
    guard("holds_the_lock", holds[h], why="the host has no lock")
    guard("later", later[e, epoch[h]], why="the epoch is not later than the host's own")
    holds[h] = false
    sent[to, e] = true


@action
def accept(h: Host, e: Epoch) -> None:
    """A message arrives; an old one is not looked at."""
    guard("was_sent", sent[h, e], why="there is no such message")
    guard("later", later[e, epoch[h]], why="the message is old")
    holds[h] = true
    epoch[h] = e


@always()
def one_host_has_the_lock(h: Host, other: Host) -> Bool:
    """No two hosts have the lock at a time."""
    return implies(holds[h] & holds[other], h == other)


@sometimes()
def the_lock_is_handed_on(h: Host) -> Bool:
    """A host gets the lock that did not have it at first."""
    return holds[h] & ~begins[h]
