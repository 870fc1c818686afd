"""Candidates exclude the counterexample, hold in each state that was seen, and are minimal."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

from memhp.checks.ground.bulk import Bulk
from memhp.checks.strengthen.clauses import Cube, Knowledge
from memhp.checks.strengthen.machines import small_machines
from memhp.checks.strengthen.states import Reached
from memhp.examples import lock_service
from memhp.reference import Machine, Topology
from memhp.spec.language import load
from memhp.spec.language.terms import Var, conj

SYSTEM = load("lock service", (lock_service,))
STATES = small_machines(SYSTEM)
SORTS = {sort.name: sort for sort in SYSTEM.sorts}
S = Var("s", SORTS["Server"])
C, D = (Var(name, SORTS["Client"]) for name in "cd")
NAMES = frozenset(variable.symbol.name for variable in SYSTEM.variables)


def wrong_state() -> Machine:
    """Two clients hold the lock that the server has, too."""
    machine = Machine(SYSTEM, Topology({"Client": 2, "Server": 1}, {}))
    for action in ("ask", "grant", "take"):
        assert machine.step(action, 0, 0)
    assert machine.values[-3:] == (1, 0, 0)  # holds[0, 0], holds[0, 1], has_lock[0]
    return machine.at([*machine.values[:-3], 1, 1, 1])


@pytest.fixture(scope="module", params=[(S, C), (S, C, D)], ids=len)
def cubes(request: pytest.FixtureRequest) -> tuple[tuple[Var, ...], list[Cube]]:
    variables: tuple[Var, ...] = request.param
    knowledge = Knowledge(SYSTEM, STATES)
    return variables, list(knowledge.excluding(wrong_state(), NAMES, variables))


def ever(cube: Cube, variables: tuple[Var, ...], leave_out: int | None = None) -> bool:
    """Whether a state that was seen has all literals of the cube, but perhaps one."""
    literals = [each for at, each in enumerate(cube.literals) if at != leave_out]
    term = conj(*(each.expanded for each in literals))
    return any(
        Bulk(SYSTEM, each.topology, each.rows).truth(term, variables).any() for each in STATES
    )


def test_no_state_that_was_seen_has_a_cube(cubes: tuple[tuple[Var, ...], list[Cube]]) -> None:
    variables, found = cubes
    assert found
    assert not any(ever(cube, variables) for cube in found)


def test_each_part_of_a_cube_was_seen(cubes: tuple[tuple[Var, ...], list[Cube]]) -> None:
    variables, found = cubes
    for cube in found:
        assert all(ever(cube, variables, at) for at in range(len(cube.literals)))


def test_the_state_that_is_excluded_has_each_cube() -> None:
    machine = wrong_state()
    state = Bulk(SYSTEM, machine.topology, np.array([machine.values]))
    for cube in Knowledge(SYSTEM, STATES).excluding(machine, NAMES, (S, C)):
        assert state.truth(conj(*(each.expanded for each in cube.literals)), (S, C)).any()


def test_what_was_seen_is_not_excluded() -> None:
    machine = Machine(SYSTEM, Topology({"Client": 2, "Server": 1}, {}))
    for action in ("ask", "grant", "take"):
        assert machine.step(action, 0, 0)
    assert not list(Knowledge(SYSTEM, STATES).excluding(machine, NAMES, (S, C)))


def test_no_cube_is_another_with_more(cubes: tuple[tuple[Var, ...], list[Cube]]) -> None:
    parts = [frozenset(each.expanded for each in cube.literals) for cube in cubes[1]]
    assert not any(one < other or other < one for one, other in combinations(parts, 2))


def test_what_other_machines_have_is_refuted_on_them() -> None:
    kinds = set()
    for number in (2, 12):
        few = [replace(each, rows=each.rows[:number]) for each in STATES]
        knowledge = Knowledge(SYSTEM, few, STATES)
        for cube in knowledge.excluding(wrong_state(), NAMES, (S, C)):
            kinds.add(knowledge.refutes(cube, (S, C)))
            assert knowledge.refutes(cube, (S, C)) == ever(cube, (S, C))
            assert not Knowledge(SYSTEM, few).refutes(cube, (S, C))
    assert kinds == {False, True}


def test_what_is_looked_at_is_counted_once() -> None:
    knowledge = Knowledge(SYSTEM, STATES)
    list(knowledge.excluding(wrong_state(), NAMES, (S, C)))
    looked_at = knowledge.looked_at
    assert looked_at > 0
    list(knowledge.excluding(wrong_state(), NAMES, (S, C)))
    assert knowledge.looked_at == looked_at


def test_four_literals_are_found_where_each_three_of_them_were_seen_together() -> None:
    topology = Topology({"Client": 1, "Server": 1}, {})
    rows = [row for row in product((0, 1), repeat=5) if row[:4] != (1, 1, 1, 1)]
    states = Reached(topology, np.array(rows), complete=True)
    machine = Machine(SYSTEM, topology, [1, 1, 1, 1, 0])
    knowledge = Knowledge(SYSTEM, [states])
    (cube,) = knowledge.excluding(machine, NAMES, (S, C), fours=True)
    names = [str(each.term) for each in cube.literals]
    assert sorted(names) == ["asked[s, c]", "granted[s, c]", "holds[s, c]", "returned[s, c]"]
    assert list(knowledge.excluding(machine, NAMES, (S, C))) == []
