"""Peterson's algorithm: two processes that share memory are never in the critical section together.

Each process says that it wants to enter, gives the turn to the other, and waits until the other
does not want to, or it has the turn itself.  Any number of pairs runs at once.

Source: peterson.pyv of mypyvy's examples; G. L. Peterson, Myths About the Mutual Exclusion Problem,
1981.
"""

from __future__ import annotations

from memhp.spec.language import (
    Bool,
    Enumeration,
    Sort,
    action,
    always,
    axiom,
    false,
    guard,
    sometimes,
    topology,
    true,
    variable,
)


class Process(Sort):
    """One of two."""


class Place(Enumeration):
    """Where a process is in its program."""

    outside: Place
    wants: Place
    waits: Place
    critical: Place
    leaves: Place


partner = topology(Process, Process)
"""The other process of the pair."""

goes_first = topology(Process, Bool)
"""The process has the turn at first."""

place = variable(Process, Place, initial=lambda p: Place.outside)
"""Where the process is."""

flag = variable(Process, Bool, initial=lambda p: false)
"""The process has said that it wants to enter."""

has_turn = variable(Process, Bool, initial=lambda p: goes_first[p])
"""The process may enter, if both want to."""


@axiom
def partners_are_two(p: Process) -> Bool:
    """A process is its partner's partner, and one of the two goes first."""
    mutual = (partner[partner[p]] == p) & (partner[p] != p)
    return mutual & (goes_first[p] != goes_first[partner[p]])


@action
def begin(p: Process) -> None:
    """The process says that it wants to enter."""
    guard("outside", place[p] == Place.outside, why="it is on its way already")
    flag[p] = true
    place[p] = Place.wants


@action
def yield_turn(p: Process) -> None:
    """It lets the other go first."""
    guard("wants_to_enter", place[p] == Place.wants, why="it does not want to enter, or waits")
    has_turn[p] = false
    has_turn[partner[p]] = true
    place[p] = Place.waits


@action
def enter(p: Process) -> None:
    """It enters, if the other does not want to, or gave it the turn."""
    guard("waits", place[p] == Place.waits, why="it does not wait")
    guard(
        "may_enter",
        ~flag[partner[p]] | has_turn[p],
        why="the other wants to enter, and has the turn",
    )
    place[p] = Place.critical


@action
def leave(p: Process) -> None:
    """It leaves the critical section."""
    guard("critical", place[p] == Place.critical, why="it is not in the critical section")
    place[p] = Place.leaves


@action
def end(p: Process) -> None:
    """It says that it does not want to enter any more."""
    guard("leaves", place[p] == Place.leaves, why="it has not left the critical section")
    flag[p] = false
    place[p] = Place.outside


@always()
def partners_exclude_each_other(p: Process) -> Bool:
    """Not both are in the critical section."""
    return (place[p] != Place.critical) | (place[partner[p]] != Place.critical)


@sometimes()
def a_process_enters(p: Process) -> Bool:
    """A process gets into the critical section."""
    return place[p] == Place.critical
