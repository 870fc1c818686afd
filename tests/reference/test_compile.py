"""The compiled functions say what a naive evaluator of the same terms says."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from memhp.reference import Machine, Program, Shape, Topology, violated_axioms
from memhp.spec.language import System
from memhp.spec.language.terms import (
    INT,
    App,
    Const,
    Op,
    Quantified,
    Term,
    Var,
)
from memhp.spec.system import SYSTEM

from .naive import Naive, as_values, points
from .random_terms import FRAME, PARAMS, Terms


@pytest.fixture(scope="module")
def program(system: System, topology: Topology) -> Program:
    return Program(system, topology)


def naive(before: Machine, after: Machine | None = None) -> Naive:
    later = as_values(after.system, after.topology, after.values) if after else None
    now = as_values(before.system, before.topology, before.values)
    return Naive(before.system, before.topology, now, later)


def test_every_action_is_refused_by_the_first_guard_that_fails(
    program: Program, states: list[Machine]
) -> None:
    seen = set()
    for machine in states:
        for action in program.system.actions:
            code = program.action(action.name)
            for point in points(program.topology, *(var.sort for var in action.params)):
                expected = naive(machine).first_refusal(action, point)
                assert code.refusal(list(machine.values), *point) == expected
                seen.add((action.name, expected))
    guards = sum(len(action.guards) + 1 for action in program.system.actions)
    assert len(seen) == guards, "some guard is never the first to fail"


def test_updates_read_the_state_before_the_step(program: Program, states: list[Machine]) -> None:
    for machine in states:
        for action in program.system.actions:
            code = program.action(action.name)
            for point in points(program.topology, *(var.sort for var in action.params)):
                state = list(machine.values)
                code.apply(state, *point)
                assert all(type(value) is int for value in state)
                after = as_values(program.system, program.topology, tuple(state))
                assert after == naive(machine).applied(action, point), (action.name, point)


def test_step_is_refusal_then_apply(program: Program, states: list[Machine]) -> None:
    for machine in states:
        for action in program.system.actions:
            code = program.action(action.name)
            for point in points(program.topology, *(var.sort for var in action.params)):
                stepped, applied = list(machine.values), list(machine.values)
                refused = code.refusal(applied, *point)
                if not refused:
                    code.apply(applied, *point)
                assert code.step(stepped, *point) == refused
                assert stepped == applied


def test_swap_exchanges_and_does_not_overwrite(machine: Machine) -> None:
    assert (machine.get("partner", 1), machine.get("partner", 2)) == (1, 2)
    machine.step("swap", 1, 2)
    assert (machine.get("partner", 1), machine.get("partner", 2)) == (2, 1)


def test_properties_and_their_cases_agree_with_the_naive_evaluator(
    program: Program, states: list[Machine]
) -> None:
    for before, after in pairwise(states):
        witness = naive(before, after)
        for claim in program.system.properties:
            states_of_step = [list(before.values)]
            if claim.kind == "step":
                states_of_step.append(list(after.values))
            all_points = points(program.topology, *(var.sort for var in claim.params))
            held = [
                bool(witness.value(claim.formula, dict(zip(claim.params, point, strict=True))))
                for point in all_points
            ]
            holds = program.holds(claim.name)
            assert [bool(holds(*states_of_step, *point)) for point in all_points] == held
            wanted = claim.kind == "sometimes"
            cases = [p for p, holds_at in zip(all_points, held, strict=True) if holds_at == wanted]
            assert program.cases(claim.name)(*states_of_step) == cases


def test_enabled_finds_exactly_the_steps_that_no_guard_refuses(
    program: Program, states: list[Machine]
) -> None:
    for machine in states:
        for action in program.system.actions:
            all_points = points(program.topology, *(var.sort for var in action.params))
            witness = naive(machine)
            expected = [point for point in all_points if not witness.first_refusal(action, point)]
            assert program.enabled(action.name)(list(machine.values)) == expected


def random_terms(system: System, *, two_states: bool) -> Iterator[Term]:
    for seed in range(150):
        yield Terms(system, seed, two_states=two_states).formula(1 + seed % 4, PARAMS)


@pytest.mark.parametrize("two_states", [False, True])
def test_random_terms_have_the_value_that_the_naive_evaluator_gives(
    program: Program, states: list[Machine], two_states: bool
) -> None:
    source = random.Random(7)
    values = set()
    for term in random_terms(program.system, two_states=two_states):
        function = program.term(term, PARAMS, two_states=two_states)
        for _ in range(4):
            before, after = source.sample(states, 2)
            point = [source.randrange(program.topology.size(var.sort)) for var in PARAMS]
            states_of_step = [before.values, after.values] if two_states else [before.values]
            expected = naive(before, after).value(term, dict(zip(PARAMS, point, strict=True)))
            assert function(*states_of_step, *point) == expected, str(term)
            values.add(expected)
    assert values == {0, 1}


def test_nested_quantifiers_may_share_a_name(program: Program, states: list[Machine]) -> None:
    x, owner = Var("x", FRAME), program.variables["owner"].symbol
    user, kernel = (
        Op("eq", (App(owner, (x,)), Const(name, owner.range))) for name in ("user", "kernel")
    )
    term = Quantified("exists", x, Op("and", (user, Quantified("exists", x, kernel))))
    function = program.term(term)
    values = [function(machine.values) for machine in states]
    assert values == [naive(machine).value(term, {}) for machine in states]
    assert True in values


class Counting(list[int]):
    """A state that counts how often it is read."""

    reads = 0

    def __getitem__(self, place: int) -> int:  # type: ignore[override]  # no slices here
        self.reads += 1
        return super().__getitem__(place)


def reads(function: Callable[..., object], machine: Machine, *args: int) -> int:
    state = Counting(machine.values)
    function(state, *args)
    return state.reads


def test_a_quantifier_over_a_blocks_frames_visits_no_other_frame(
    program: Program, machine: Machine
) -> None:
    is_empty = program.definition("is_empty")
    frames_of_block = [program.topology.tables["block_of"].count(block) for block in range(5)]
    assert [reads(is_empty, machine, block) for block in range(5)] == frames_of_block
    guard = program.guard("begin_offline", "no_kernel_frame")
    assert [reads(guard, machine, block) for block in range(5)] == frames_of_block


def test_a_bulk_update_over_a_blocks_frames_visits_no_other_frame(
    program: Program, machine: Machine
) -> None:
    update = program.action("finish_offline").apply
    frames_of_block = [program.topology.tables["block_of"].count(block) for block in range(5)]
    its_own_mode = 1
    assert [reads(update, machine, block) - its_own_mode for block in range(5)] == frames_of_block


def test_an_action_without_updates_changes_nothing(system: System, topology: Topology) -> None:
    idle = replace(system.action_by_name["online"], updates=())
    machine = Machine(replace(system, actions=(idle,)), topology)
    before = machine.values
    assert machine.step("online", 0)
    assert machine.values == before


def test_axioms_that_a_topology_violates_are_named(system: System, topology: Topology) -> None:
    assert violated_axioms(system, topology) == []
    wrong = {**topology.tables, "hole": (1,) * 7, "nearer": (0, 1, 1, 1)}
    assert violated_axioms(system, Topology(topology.sizes, wrong)) == [
        "some_frame_is_no_hole",
        "nearer_is_irreflexive",
    ]


def test_a_property_of_two_hundred_conditions_is_searched(
    system: System, topology: Topology, states: list[Machine]
) -> None:
    """Python has no more than 100 levels of statements in each other."""
    claim = next(each for each in system.properties if each.kind == "sometimes")
    mode = next(v.symbol for v in system.variables if v.symbol.name == "mode")
    var = Var("any", mode.domain[0])
    online = Quantified("count", var, Op("eq", (App(mode, (var,)), Const("online", mode.range))))
    true = [Op("le", (Const(str(-value), INT), online)) for value in range(200)]
    longer = replace(claim, formula=Op("and", (claim.formula, *true)))
    long, short = (Program(replace(system, properties=(p,)), topology) for p in (longer, claim))
    for machine in states:
        state = list(machine.values)
        assert long.cases(claim.name)(state) == short.cases(claim.name)(state)


@pytest.mark.parametrize("count", [-32768, 32767, 32768, -40_000])
def test_a_counter_that_runs_away_is_packed_too(count: int) -> None:
    program = Program(SYSTEM, Shape(blocks=1).build(SYSTEM))
    state = list(program.initial)
    state[program.place("mapcount", (0,))] = count
    assert program.unpack(program.pack(state)) == state
