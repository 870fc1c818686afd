"""A toy whose one claim is false, and seems to follow from invariants that are false, too.

`never_lit` fails in three steps.  Its first proof rests on `no_oil`, which is refuted; the
next rests on `no_wick`, which speaks of one symbol more and is refuted as well.
"""

from __future__ import annotations

from memhp.spec.language import (
    Bool,
    Sort,
    action,
    always,
    false,
    guard,
    true,
    variable,
)


class Lamp(Sort):
    """A lamp."""


oil = variable(Lamp, Bool, initial=lambda x: false)
wick = variable(Lamp, Bool, initial=lambda x: false)
glass = variable(Lamp, Bool, initial=lambda x: false)
lit = variable(Lamp, Bool, initial=lambda x: false)


@action
def fill(x: Lamp) -> None:
    """The lamp gets oil."""
    oil[x] = true


@action
def thread(x: Lamp) -> None:
    """The lamp gets a wick."""
    wick[x] = true


@action
def light(x: Lamp) -> None:
    """The lamp burns."""
    guard("has_oil", oil[x], why="no oil")
    guard("has_wick", wick[x], why="no wick")
    lit[x] = true


@always()
def never_lit(x: Lamp) -> Bool:
    """No lamp burns."""
    return ~lit[x]


@always()
def no_oil(x: Lamp) -> Bool:
    """No lamp has oil."""
    return ~oil[x]


@always()
def no_wick(x: Lamp) -> Bool:
    """No lamp has a wick, nor a glass."""
    return ~wick[x] & ~glass[x]
