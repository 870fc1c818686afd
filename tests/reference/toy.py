"""A toy machine: blocks of frames.  Small, but every shape of term and update occurs in it."""

from __future__ import annotations

from errno import EBUSY, EINVAL, ENOMEM

from memhp.spec.language import (
    Bool,
    Enumeration,
    Sort,
    action,
    after,
    always,
    axiom,
    definition,
    exists,
    false,
    forall,
    guard,
    implies,
    ite,
    sometimes,
    step,
    topology,
    true,
    variable,
)


class Node(Sort):
    """A node."""


class Block(Sort):
    """A block."""


class Frame(Sort):
    """A frame."""


class Mode(Enumeration):
    """What a block is."""

    offline: Mode
    online: Mode
    leaving: Mode


class Owner(Enumeration):
    """Who has a frame."""

    nobody: Owner
    kernel: Owner
    user: Owner


node_of = topology(Block, Node)
block_of = topology(Frame, Block)
hole = topology(Frame, Bool)
nearer = topology(Node, Node, Bool)

mode = variable(Block, Mode, initial=lambda b: Mode.offline)
owner = variable(Frame, Owner, initial=lambda f: Owner.nobody)
partner = variable(Block, Block, initial=lambda b: b)
linked = variable(Block, Frame, Bool, initial=lambda b, f: (block_of[f] == b) & ~hole[f])


@definition
def node_of_frame(f: Frame) -> Node:
    """The node of a frame."""
    return node_of[block_of[f]]


@definition
def in_use(f: Frame) -> Bool:
    """Somebody has the frame."""
    return owner[f] != Owner.nobody


@definition
def is_empty(b: Block) -> Bool:
    """Nobody has a frame of the block."""
    return ~exists(Frame, lambda f: (block_of[f] == b) & in_use(f))


@axiom
def some_frame_is_no_hole() -> Bool:
    """There is memory."""
    return exists(Frame, lambda f: ~hole[f])


@axiom
def nearer_is_irreflexive(n: Node) -> Bool:
    """No node is nearer than itself."""
    return ~nearer[n, n]


@action
def online(b: Block) -> None:
    """A block goes online."""
    guard("offline", mode[b] == Mode.offline, errno=EINVAL, why="the block is not offline")
    mode[b] = Mode.online


@action
def alloc(f: Frame, o: Owner) -> None:
    """Somebody takes a frame."""
    guard("somebody", o != Owner.nobody, why="nobody takes nothing")
    guard("block_online", mode[block_of[f]] == Mode.online, errno=ENOMEM, why="it is not online")
    guard("free", ~in_use(f), errno=ENOMEM, why="the frame is not free")
    guard("memory", ~hole[f], errno=ENOMEM, why="the frame is a hole")
    owner[f] = o


@action
def free(f: Frame) -> None:
    """A frame is given back."""
    guard("in_use", in_use(f), why="nobody has the frame")
    owner[f] = Owner.nobody


@action
def begin_offline(b: Block) -> None:
    """A block begins to leave."""
    guard("online", mode[b] == Mode.online, errno=EINVAL, why="the block is not online")
    guard(
        "no_kernel_frame",
        ~exists(Frame, lambda f: (block_of[f] == b) & (owner[f] == Owner.kernel)),
        errno=EBUSY,
        why="the kernel has a frame of the block",
    )
    mode[b] = Mode.leaving


@action
def finish_offline(b: Block) -> None:
    """A block has left; its user frames are dropped, its links are cut."""
    guard("leaving", mode[b] == Mode.leaving, errno=EINVAL, why="the block is not leaving")
    mode[b] = Mode.offline
    owner.update(where=lambda f: (block_of[f] == b) & in_use(f), value=Owner.nobody)
    linked.update(where=lambda c, f: (c == b) & (mode[b] == Mode.leaving), value=false)


@action
def swap(a: Block, b: Block) -> None:
    """Two blocks exchange their partners."""
    partner[a] = partner[b]
    partner[b] = partner[a]


@action
def follow() -> None:
    """Every block takes its partner's partner; links go with them."""
    partner.update(where=lambda b: partner[b] != b, value=lambda b: partner[partner[b]])
    linked.update(where=lambda b, f: ~hole[f], value=lambda b, f: linked[partner[b], f])


@action
def note(b: Block, f: Frame) -> None:
    """A truth value that is computed is stored."""
    linked[partner[b], f] = is_empty(b) | (node_of_frame(f) == node_of[b])
    mode[partner[b]] = ite(is_empty(b), mode[b], Mode.online)


@always()
def offline_blocks_are_empty(b: Block, f: Frame) -> Bool:
    """Nobody has a frame of an offline block."""
    return implies((block_of[f] == b) & (mode[b] == Mode.offline), ~in_use(f))


@always()
def every_block_is_online(b: Block) -> Bool:
    """False at boot: a property that fails."""
    return mode[b] == Mode.online


@step()
def frames_are_not_passed_on(f: Frame) -> Bool:
    """A frame is freed before another takes it."""
    return implies(in_use(f) & after(in_use(f)), owner[f] == after(owner[f]))


@step()
def partners_stay(b: Block) -> Bool:
    """Violated by swap; reads the new state at a place that the new state gives."""
    return (partner[b] == after(partner[b])) & (mode[b] == after(mode[partner[b]]))


@sometimes()
def a_node_is_full(n: Node) -> Bool:
    """Every frame of the node is in use, or a hole."""
    return forall(Frame, lambda f: implies(node_of_frame(f) == n, in_use(f) | hole[f]))


@sometimes()
def a_frame_is_used(f: Frame) -> Bool:
    """Somebody takes a frame."""
    return in_use(f) & (true | hole[f])
