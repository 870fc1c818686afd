"""A toy machine on which folios move out of a block that leaves, in several steps.

What it needs of the checker: an ending with three ways on, of which each is open
in one phase; two points of one variable that are written in one step; guards and
properties that share a definition with a quantifier; a counter of what moves.
"""

from __future__ import annotations

from memhp.spec.language import (
    Bool,
    Enumeration,
    Int,
    Progress,
    Sort,
    action,
    after,
    all_of,
    always,
    any_of,
    axiom,
    count,
    definition,
    ends,
    exists,
    false,
    guard,
    implies,
    sometimes,
    step,
    topology,
    true,
    variable,
)


class Block(Sort):
    """A block."""


class Folio(Sort):
    """A folio: in one block at a time."""


class Phase(Enumeration):
    """How far the move of a folio is."""

    settled: Phase
    moving: Phase
    copied: Phase


class Job(Enumeration):
    """What is still to be done with a folio that must go."""

    begin: Job
    carry: Job
    finish: Job


near = topology(Block, Block)
"""Where the folios of a block go."""

first_block = topology(Folio, Block)
"""Where a folio is at boot."""

place = variable(Folio, Block, initial=lambda o: first_block[o])
goal = variable(Folio, Block, initial=lambda o: first_block[o])
phase = variable(Folio, Phase, initial=lambda o: Phase.settled)
leaving = variable(Block, Bool, initial=lambda b: false)
moving = variable(Block, Int, initial=lambda b: Int.of(0))
"""How many moves out of the block are under way."""


@axiom
def nobody_is_near_itself(b: Block) -> Bool:
    """The folios of a block go to another one."""
    return near[b] != b


@definition
def moves_from(o: Folio, b: Block) -> Bool:
    """A move of the folio out of the block is under way."""
    return (place[o] == b) & (phase[o] != Phase.settled)


@definition
def expected(b: Block) -> Bool:
    """A folio is on its way to the block."""
    return exists(Folio, lambda o: (phase[o] != Phase.settled) & (goal[o] == b))


@definition
def wanted(b: Block) -> Bool:
    """The block is the goal of a folio, whether or not the folio moves."""
    return exists(Folio, lambda o: goal[o] == b)


@action
def leave(b: Block) -> None:
    """The block is to be emptied; nobody may be on the way to it."""
    guard("stays", ~leaving[b], why="it leaves already")
    guard("unexpected", ~expected(b), why="a folio is on its way to it")
    leaving[b] = true


@action
def stay(b: Block) -> None:
    """The block stays after all, when no move is under way."""
    guard("leaves", leaving[b], why="it stays anyway")
    guard("quiet", moving[b] == Int.of(0), why="a folio moves")
    leaving[b] = false


@action
def begin(o: Folio) -> None:
    """A folio of a block that leaves sets out."""
    guard("settled", phase[o] == Phase.settled, why="it moves already")
    guard("must_go", leaving[place[o]], why="it may stay")
    guard("welcome", ~leaving[near[place[o]]], why="that block leaves, too")
    phase[o] = Phase.moving
    goal[o] = near[place[o]]
    moving[place[o]] = moving[place[o]] + 1


@action
def carry(o: Folio) -> None:
    """Its contents are copied."""
    guard("moving", phase[o] == Phase.moving, why="it does not move, or is copied")
    phase[o] = Phase.copied


@action
def finish(o: Folio) -> None:
    """It is in the other block."""
    guard("copied", phase[o] == Phase.copied, why="it is not copied")
    place[o] = goal[o]
    phase[o] = Phase.settled
    moving[place[o]] = moving[place[o]] - 1


@action
def give_up(o: Folio) -> None:
    """It stays where it was."""
    guard("moves", phase[o] != Phase.settled, why="it does not move")
    phase[o] = Phase.settled
    moving[place[o]] = moving[place[o]] - 1


@action
def swap(o: Folio, p: Folio) -> None:
    """Two folios at rest change places."""
    guard("two", o != p, why="it is one folio")
    guard("settled", (phase[o] == Phase.settled) & (phase[p] == Phase.settled), why="one moves")
    guard("at_rest", ~leaving[place[o]] & ~leaving[place[p]], why="one must go")
    place[o] = place[p]
    place[p] = place[o]


@action
def shove(b: Block) -> None:
    """All folios of a block that stays go to the next at once, if that one stays as well."""
    guard("stays", ~leaving[b], why="folios go one by one")
    place.update(
        where=lambda o: (place[o] == b) & ~leaving[near[place[o]]],
        value=lambda o: near[place[o]],
    )


@action
def forget() -> None:
    """Where nobody wants to be, folios at rest want to be where they are."""
    goal.update(
        where=lambda o: (phase[o] == Phase.settled) & ~wanted(place[o]),
        value=lambda o: place[o],
    )


@always()
def moves_are_counted(b: Block) -> Bool:
    """The counter of a block is exact."""
    return moving[b] == count(Folio, lambda o: moves_from(o, b))


@always()
def goals_stay(o: Folio) -> Bool:
    """A folio is on its way only to a block that stays."""
    return implies(phase[o] != Phase.settled, ~leaving[goal[o]])


@always()
def who_moves_must_go(o: Folio) -> Bool:
    """A folio moves only out of a block that leaves."""
    return implies(phase[o] != Phase.settled, leaving[place[o]])


@step()
def nobody_enters_a_block_that_leaves(o: Folio) -> Bool:
    """A folio changes its block only for one that stays."""
    return implies(after(place[o]) != place[o], ~after(leaving[place[o]]))


@step()
def blocks_are_expected_by_one_more(b: Block) -> Bool:
    """A block is expected anew only while its neighbour leaves."""
    fresh = ~expected(b) & after(expected(b))
    return implies(fresh, exists(Block, lambda c: leaving[c] & (near[c] == b)))


@step()
def blocks_stop_being_wanted_for_a_reason(b: Block) -> Bool:
    """Who wanted to be there must leave its own block, or is where nobody wanted to be."""
    unwanted = wanted(b) & ~after(wanted(b))

    def has_a_reason(o: Folio) -> Bool:
        return (goal[o] == b) & (leaving[place[o]] | ~wanted(place[o]))

    return implies(unwanted, exists(Folio, has_a_reason))


@step()
def folios_go_where_folios_go(o: Folio) -> Bool:
    """A folio goes to the block near its own, to its goal, or to where another one is."""
    there = after(place[o])
    company = exists(Folio, lambda p: place[p] == there)
    return any_of(there == near[place[o]], there == goal[o], company)


@ends(by=finish, unless=carry)
def copies_are_finished(o: Folio, b: Block) -> tuple[Bool, Bool]:
    """What is copied out of a block that leaves arrives."""
    return leaving[b], (place[o] == b) & (phase[o] == Phase.copied)


@ends(unless=give_up)
def leaving_ends(b: Block, o: Folio, j: Job) -> tuple[Bool, Bool, tuple[Progress, ...]]:
    """A block that leaves, next to one that stays, empties while no move is given up."""
    left = any_of(
        j == Job.finish,
        (j == Job.carry) & (phase[o] != Phase.copied),
        (j == Job.begin) & (phase[o] == Phase.settled),
    )
    ways = (
        Progress(phase[o] == Phase.settled, (begin, Job.begin), o=o),
        Progress(phase[o] == Phase.moving, (carry, Job.carry)),
        Progress(phase[o] == Phase.copied, (finish, Job.finish), o=o),
    )
    return leaving[b] & ~leaving[near[b]], (place[o] == b) & left, ways


@sometimes()
def a_folio_arrives(o: Folio) -> Bool:
    """A folio has left its first block, and is on its way again."""
    return all_of(place[o] != first_block[o], phase[o] == Phase.copied)


@sometimes()
def two_folios_move(o: Folio, p: Folio) -> Bool:
    """Moves are not made one after the other."""
    return (o != p) & (phase[o] == Phase.copied) & (phase[p] == Phase.copied)
