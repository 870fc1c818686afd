"""A store of keys and values, spread over nodes; a key moves to another node by a message.

That a key has one owner, and that it is either with its owner or on its way, is what
``memhp check --strengthen`` has to find.

Source: sharded_kv.pyv of mypyvy's examples, after Y. M. Y. Feldman et al., Inferring Inductive
Invariants from Phase Structures, CAV 2019.
"""

from __future__ import annotations

from memhp.spec.language import (
    Bool,
    Sort,
    action,
    always,
    false,
    guard,
    implies,
    sometimes,
    topology,
    true,
    variable,
)


class Node(Sort):
    """Where keys are kept."""


class Key(Sort):
    """What is looked up."""


class Value(Sort):
    """What is kept for a key."""


first_owner = topology(Key, Node)
"""The node that owns the key at first."""

owns = variable(Node, Key, Bool, initial=lambda n, k: n == first_owner[k])
"""The node answers for the key."""

table = variable(Node, Key, Value, Bool, initial=lambda n, k, v: false)
"""The node keeps the value for the key."""

moving = variable(Node, Key, Value, Bool, initial=lambda n, k, v: false)
"""A message with key and value is on its way to the node."""


@action
def reshard(k: Key, v: Value, n: Node, to: Node) -> None:
    """A node sends a key to another."""
    guard("has_it", table[n, k, v], why="the node has no such value")
    table[n, k, v] = false
    owns[n, k] = false
    moving[to, k, v] = true


@action
def receive(n: Node, k: Key, v: Value) -> None:
    """The message arrives."""
    guard("was_sent", moving[n, k, v], why="there is no such message")
    moving[n, k, v] = false
    table[n, k, v] = true
    owns[n, k] = true


@action
def put(n: Node, k: Key, v: Value) -> None:
    """The owner of a key writes its value."""
    guard("owns_it", owns[n, k], why="the node does not own the key")
    table.update(where=lambda m, j, w: (m == n) & (j == k), value=lambda m, j, w: w == v)


@always()
def keys_have_one_node(n: Node, other: Node, k: Key, v: Value, w: Value) -> Bool:
    """A key is kept in one node at most."""
    return implies(table[n, k, v] & table[other, k, w], n == other)


@always()
def keys_have_one_value(n: Node, k: Key, v: Value, w: Value) -> Bool:
    """A node keeps one value for a key at most."""
    return implies(table[n, k, v] & table[n, k, w], v == w)


@sometimes()
def a_key_moves(n: Node, k: Key, v: Value) -> Bool:
    """A key gets to a node that did not own it at first."""
    return table[n, k, v] & (n != first_owner[k])
