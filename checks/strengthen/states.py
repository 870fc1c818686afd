"""States that small machines reach, as arrays: what an invariant must be true of.

A machine that is small enough is searched whole.  Of a larger one, walks from boot give some of
the states, those that rare actions lead to before others.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, prod
from random import Random

import numpy as np

from memhp.reference import Topology
from memhp.reference.compile import Program, State
from memhp.spec.language.system import System
from memhp.spec.language.terms import INT

from ..ground.bulk import Array

__all__ = ["Reached", "reached"]

WHOLE = 24
"""A machine whose state has at most so many bits is searched whole..."""
MOST_STATES = 20_000
"""... up to so many states."""
WALKS, STEPS = 3, 250
"""How many walks of how many steps each other machine takes."""


@dataclass(frozen=True, eq=False)
class Reached:
    """Some states that a machine reaches, one a row, their values as `Machine.values` has them.

    ``complete``: there are no others.
    """

    topology: Topology
    rows: Array
    complete: bool


def reached(system: System, topology: Topology, seed: int = 0) -> Reached:
    """The states that the machine reaches, or some of them.

    Args:
        system: the specification.
        topology: a machine that satisfies its axioms.
        seed: of the walks.
    """
    program = Program(system, topology)
    small = _bits(system, topology) <= WHOLE
    states = _all(program) if small else None
    complete = states is not None
    if states is None:
        states = _walked(program, Random(seed))
    return Reached(topology, np.array(states, dtype=np.int16), complete)


def _bits(system: System, topology: Topology) -> float:
    """How many bits a state has."""
    sizes = (
        (prod(topology.size(sort) for sort in symbol.domain), symbol.range)
        for symbol in (variable.symbol for variable in system.variables)
    )
    return sum(points * (3 if sort == INT else log2(topology.size(sort))) for points, sort in sizes)


def _all(program: Program) -> list[State] | None:
    """Every state, in the order of a breadth-first search; None if they are too many."""
    names = list(program.system.action_by_name)
    looks = [(program.enabled(name), program.action(name).apply) for name in names]
    states = [list(program.initial)]
    seen = {program.pack(states[0])}
    for state in states:
        for look, take in looks:
            for point in look(state):
                new = state.copy()
                take(new, *point)
                if (key := program.pack(new)) not in seen:
                    seen.add(key)
                    states.append(new)
        if len(states) > MOST_STATES:
            return None
    return states


def _walked(program: Program, random: Random) -> list[State]:
    """The states of walks from boot, each once."""
    names = list(program.system.action_by_name)
    looks = [program.enabled(name) for name in names]
    times = [0] * len(names)
    states = {program.pack(list(program.initial)): list(program.initial)}
    for _ in range(WALKS):
        state = list(program.initial)
        for _ in range(STEPS):
            able = [(at, points) for at, look in enumerate(looks) if (points := look(state))]
            if not able:
                break
            if random.random() < 0.6:
                least = min(times[at] for at, _ in able)
                able = [each for each in able if times[each[0]] == least]
            at, points = random.choice(able)
            times[at] += 1
            program.action(names[at]).apply(state, *random.choice(points))
            states.setdefault(program.pack(state), state.copy())
    return list(states.values())
