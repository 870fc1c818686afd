"""A toy with a counter: a shelf goes when it is counted empty."""

from __future__ import annotations

from memhp.spec.language import (
    Bool,
    Int,
    Sort,
    action,
    always,
    false,
    guard,
    topology,
    true,
    variable,
)


class Shelf(Sort):
    """A shelf."""


class Book(Sort):
    """A book."""


shelf_of = topology(Book, Shelf)
"""Where the book belongs."""

there = variable(Book, Bool, initial=lambda b: false)
"""The book is on its shelf."""

number = variable(Shelf, Int, initial=lambda s: 0)
"""How many books are on the shelf."""

gone = variable(Shelf, Bool, initial=lambda s: false)
"""The shelf is taken away."""


@action
def put(b: Book) -> None:
    """A book comes back."""
    guard("is_away", ~there[b], why="it is there")
    guard("has_its_shelf", ~gone[shelf_of[b]], why="its shelf is gone")
    there[b] = true
    number[shelf_of[b]] = number[shelf_of[b]] + 1


@action
def take(b: Book) -> None:
    """A book is lent."""
    guard("is_there", there[b], why="it is away")
    there[b] = false
    number[shelf_of[b]] = number[shelf_of[b]] - 1


@action
def remove(s: Shelf) -> None:
    """An empty shelf is taken away."""
    guard("is_empty", number[s] == 0, why="there are books on it")
    gone[s] = true


@always()
def books_have_a_shelf(b: Book) -> Bool:
    """No book is on a shelf that is gone."""
    return ~(there[b] & gone[shelf_of[b]])
