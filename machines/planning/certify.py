"""Each move of a plan, done on the reference: the guards hold, and contents go where they should.

A move becomes a small machine: the block with what is in it, its own node's other memory, a nearer
node that is full if there is one, and the place that the contents are to go to.  Blocks of which
the same is said share one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memhp.reference import Machine, Operations, Shape
from memhp.spec.language.system import System

from .choice import Surroundings
from .destinations import asked_once
from .order import Move

__all__ = ["Certificate", "certify"]

_OWN, _LEAVES, _FULL, _TARGET = range(4)
"""Blocks, in the order of the nodes' distance; the first two are on the own node."""
_FOLIO = 0


@dataclass(frozen=True)
class Certificate:
    """How many moves the reference does as planned; ``failures`` says which it does not."""

    done: int
    failures: tuple[str, ...]


@dataclass(frozen=True)
class _Case:
    """One move, as far as the reference can tell moves apart.

    ``target`` is the kind of zone that contents go to (None: nothing moves, or memory is taken
    back), ``own`` whether that is on the own node, ``nearer`` whether a nearer node is full;
    ``alone`` whether no other node has memory.
    """

    kind: str
    target: str | None
    own: bool
    nearer: bool
    alone: bool


def certify(moves: Sequence[Move], around: Surroundings, system: System) -> Certificate:
    """What the reference says of the moves.

    Args:
        moves: of a plan.
        around: what is around its blocks.
        system: the design.
    """
    failures = []
    for move in moves:
        for case in _cases(move, around):
            if why := _problem(system, case):
                failures.append(f"block {move.block.number}: {why}")
                break
    return Certificate(len(moves) - len(failures), tuple(failures))


def _cases(move: Move, around: Surroundings) -> list[_Case]:
    """One case for each kind of place that contents go to; at least one."""
    source = move.block.place
    alone = around.nodes <= {source.node}
    cases = []
    for place, _ in move.to:
        far = around.distance(source, place)
        nearer = any(
            other.node not in (place.node, source.node)
            and (at := around.distance(source, other)) is not None
            and at < (far or 0)
            for other in around.rooms
        )
        own = place.node == source.node
        cases.append(_Case(source.kind, place.kind, own, nearer and not own, alone))
    return list(dict.fromkeys(cases)) or [_Case(source.kind, None, False, False, alone)]


@asked_once
def _problem(system: System, case: _Case) -> str:
    """Why the reference does not do a move as planned; empty if it does."""
    nodes = (0, 0) if case.alone else (0, 0, 1, 2)
    target = _OWN if case.own else _TARGET
    movable = {_LEAVES} if case.kind == "movable" else set[int]()
    movable |= {target} if case.target == "movable" else set()
    full = {block for block in range(len(nodes)) if block not in (_LEAVES, target)}
    shape = Shape(
        nodes=max(nodes) + 1,
        movable=frozenset(movable),
        boot_kernel=frozenset(full),
        totals=(len(nodes),) * 3,
        tables=(("node_of", nodes),),
    )
    machine = Machine(system, shape.build(system))
    if case.target is not None:
        machine.step("alloc_folio", _FOLIO, _LEAVES, "anonymous")
    result = Operations(machine).write_state(_LEAVES, "offline")
    if not result:
        return str(result)
    if violations := machine.violations():
        return f"{violations[0]} is violated"
    if case.target is not None and machine.get("home", _FOLIO) != target:
        return f"its contents go to block {machine.get('home', _FOLIO)} of the case, not {target}"
    return ""
