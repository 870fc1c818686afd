"""The best choice of blocks, proved by a solver: none is surer, and none as sure moves less.

The solver is asked for a choice that fits and is better, until there is none.  It has a budget of
steps, not of time: what it cannot decide is not claimed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .choice import Choice, Surroundings, weighed
from .facts import BlockFacts, Place

if TYPE_CHECKING:
    import z3

__all__ = ["MOST_BLOCKS", "Optimum", "best"]

MOST_BLOCKS = 200
"""Of more candidates the best choice is not looked for."""

_STEPS = 5_000_000
"""What the solver may spend on one question (its rlimit)."""
_QUESTIONS = 4
"""So often it is asked for a better choice."""


@dataclass(frozen=True)
class Optimum:
    """A choice that fits, None if there is none; ``proved``: and no better one, or none at all."""

    choice: Choice | None
    proved: bool


def best(
    blocks: Sequence[BlockFacts], count: int, around: Surroundings, choice: Choice | None
) -> Optimum:
    """The best choice of so many blocks that fits, beginning with one that is known.

    Args:
        blocks: those that may go, at most `MOST_BLOCKS`.
        count: how many are to go.
        around: what is around them.
        choice: one that fits, if there is one at hand.
    """
    for _ in range(_QUESTIONS):
        better, decided = _better(blocks, count, around, choice)
        if better is None:
            return Optimum(choice, decided)
        choice = better
    return Optimum(choice, False)


def _better(
    blocks: Sequence[BlockFacts], count: int, around: Surroundings, choice: Choice | None
) -> tuple[Choice | None, bool]:
    """A choice that fits and costs less, if there is one; and whether that was decided."""
    import z3

    solver = z3.SolverFor("QF_LIRA")
    solver.set("rlimit", _STEPS)
    goes = {block.number: z3.Int(f"goes{block.number}") for block in blocks}
    solver.add(*(z3.And(each >= 0, each <= 1) for each in goes.values()))
    solver.add(_sum(goes.values()) == count)
    cost = _constrain_room(solver, blocks, goes, around)
    if choice is not None:
        sure, far = choice.cost
        unsure = _sum(block.sure * goes[block.number] for block in blocks if block.sure)
        solver.add(z3.Or(unsure < sure, z3.And(unsure == sure, cost < far)))
    answer = solver.check()
    if answer != z3.sat:
        return None, bool(answer == z3.unsat)
    model = solver.model()
    chosen = [b for b in blocks if model.eval(goes[b.number], model_completion=True).as_long()]
    return weighed(chosen, around), True


def _constrain_room(
    solver: z3.Solver,
    blocks: Sequence[BlockFacts],
    goes: dict[int, Any],
    around: Surroundings,
) -> Any:
    """Say that all contents find room; returns pages times distance."""
    import z3

    by_place: dict[Place, list[BlockFacts]] = defaultdict(list)
    for block in blocks:
        by_place[block.place].append(block)
    into: dict[Place, list[Any]] = defaultdict(list)
    costs = []
    for source, its in by_place.items():
        out = []
        for place in around.rooms:
            far = around.distance(source, place)
            if far is not None:
                flow = z3.Real(f"flow {source} {place}")
                solver.add(flow >= 0)
                out.append(flow)
                into[place].append(flow)
                costs.append(far * flow)
        solver.add(_sum(out) == _sum(b.moved.high * goes[b.number] for b in its))
    lefts = []
    for place, room in around.rooms.items():
        its = by_place[place]
        left = room.certain - _sum(b.free.high * goes[b.number] for b in its)
        solver.add(z3.Or(_sum(into[place]) <= left, _sum(into[place]) == 0))
        if its and len(its) >= around.online.get(place, 0):
            all_go = _sum(goes[b.number] for b in its) == around.online.get(place, 0)
            left = z3.If(all_go, z3.IntVal(0), left)
        lefts.append(left)
    solver.add(_sum(lefts) >= _sum(b.moved.high * goes[b.number] for b in blocks))
    return _sum(costs)


def _sum(terms: Any) -> Any:
    import z3

    return z3.Sum([z3.IntVal(0), *terms])
