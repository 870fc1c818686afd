"""A removal may move so many KiB out of a block, and no more: its budget is memory, not time.

Numbers: a counter that begins at 0 and grows by literals is held against a literal, for machines
of every size.
"""

from errno import EINTR

from memhp.spec.folios.frames import Folio, home
from memhp.spec.folios.removal_work import goes_offline
from memhp.spec.language import (
    Bool,
    Design,
    DropProperty,
    ExtendAction,
    Int,
    always,
    guard,
    implies,
    ite,
    sometimes,
    variable,
)
from memhp.spec.machine.topology import Block, block_of

FOLIO, BUDGET = 4, 16
"""In KiB: what a folio has, and what a removal may copy."""

kib_moved = variable(Block, Int, initial=lambda b: Int.of(0))
"""How many KiB the removal of the block has copied out of it."""


def _pay(o: Folio) -> None:
    b = block_of(home[o])
    leaves = goes_offline(b)
    guard(
        "in_budget",
        implies(leaves, kib_moved[b] + FOLIO <= BUDGET),
        errno=EINTR,
        why="the removal has moved as much as it may",
    )
    kib_moved[b] = ite(leaves, kib_moved[b] + FOLIO, kib_moved[b])


def _begin_with_nothing(b: Block) -> None:
    kib_moved[b] = Int.of(0)


@always(covers="U3")
def no_removal_moves_more_than_its_budget(b: Block) -> Bool:
    """What is copied out of a block that goes offline is within the budget."""
    return kib_moved[b] <= BUDGET


@sometimes(covers="U3")
def a_removal_pays(b: Block) -> Bool:
    """A removal has moved something, and is not over."""
    return goes_offline(b) & (kib_moved[b] >= FOLIO)


DESIGN = Design(
    edits=(
        ExtendAction("copy", _pay),
        ExtendAction("begin_offline", _begin_with_nothing),
        DropProperty("a_block_that_goes_offline_empties"),  # its budget may not be enough
    )
)
