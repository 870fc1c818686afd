"""A toy whose work may grow as long as somebody pays: doors that are opened with coins."""

from __future__ import annotations

from memhp.spec.language import (
    Bool,
    Budget,
    Sort,
    action,
    always,
    ends,
    false,
    guard,
    true,
    variable,
)


class Door(Sort):
    """A door."""


class Coin(Sort):
    """A coin, spent once."""


opened = variable(Door, Bool, initial=lambda d: true)
"""The door is open."""

spent = variable(Coin, Bool, initial=lambda c: false)
"""The coin is gone."""

night = variable(Door, Bool, initial=lambda d: false)
"""Nobody brings coins to the door."""


@action
def close(d: Door) -> None:
    """Somebody closes the door."""
    guard("open", opened[d], why="the door is closed")
    opened[d] = false


@action
def pay(d: Door, c: Coin) -> None:
    """Somebody opens the door with a coin."""
    guard("closed", ~opened[d], why="the door is open")
    guard("there", ~spent[c], why="the coin is gone")
    opened[d] = true
    spent[c] = true


@action
def bring(c: Coin, d: Door) -> None:
    """Somebody brings a coin back, by day."""
    guard("day", ~night[d], why="it is night")
    guard("gone", spent[c], why="the coin is there")
    spent[c] = false


@action
def darken(d: Door) -> None:
    """The night falls, and stays."""
    guard("day", ~night[d], why="it is night")
    night.update(where=lambda e: true, value=true)


@always()
def night_falls_on_all_doors(d: Door, e: Door) -> Bool:
    """It is night everywhere, or nowhere."""
    return night[d] == night[e]


@ends(by=close)
def doors_are_closed_in_the_end(d: Door) -> tuple[Bool, Bool, Budget]:
    """By night the doors are closed at last, when no coin is left."""
    return night[d], opened[d], Budget(Coin, lambda c: ~spent[c])
