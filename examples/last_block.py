"""The last block: a machine whose memory blocks go offline, but never all of them.

docs/tutorial.md builds this file, from top to bottom.
"""

from __future__ import annotations

from errno import EBUSY, EINVAL

from memhp.spec.language import (
    Bool,
    DropGuard,
    Sort,
    Variant,
    action,
    always,
    exists,
    false,
    guard,
    sometimes,
    true,
    variable,
)


class Block(Sort):
    """A piece of memory that goes online and offline as a whole."""


online = variable(Block, Bool, initial=lambda b: true)
"""The kernel uses the block."""


@action
def take_offline(b: Block) -> None:
    """The kernel stops using the block."""
    guard("online", online[b], errno=EINVAL, why="the block is offline already")
    guard(
        "another_online",
        exists(Block, lambda other: (other != b) & online[other]),
        errno=EBUSY,
        why="no other block is online",
    )
    online[b] = false


@action
def bring_online(b: Block) -> None:
    """The kernel uses the block again."""
    guard("offline", ~online[b], errno=EINVAL, why="the block is online already")
    online[b] = true


@always()
def some_block_is_online() -> Bool:
    """There is a block that the kernel uses."""
    return exists(Block, lambda b: online[b])


@sometimes()
def a_block_is_offline(b: Block) -> Bool:
    """There is a block that the kernel does not use."""
    return ~online[b]


CARELESS = Variant(
    "careless",
    "A block goes offline even if it is the last one.",
    covers=(),
    source="docs/tutorial.md",
    breaks="some_block_is_online",
    edits=(DropGuard("take_offline", "another_online"),),
)
