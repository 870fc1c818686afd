"""An obligation's goal says, of the state before a step, just what holds after it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod
from random import Random

import pytest

from memhp.checks.proof.obligations import Obligation, Obligations
from memhp.reference import Machine, Program, Topology
from memhp.spec.language import System
from memhp.spec.language.rewrite import substitute
from memhp.spec.language.terms import (
    BOOL,
    Call,
    Next,
    SortRef,
    Var,
)

TOPOLOGY = Topology(
    {"Block": 2, "Frame": 3, "Folio": 2},
    {"block_of": (0, 1, 0), "first_of": (2, 1), "first_block": (0, 1)},
)


@pytest.fixture(scope="module")
def states(system: System) -> list[Machine]:
    """States of a small toy, reachable or not: the goals must agree in all of them."""
    random = Random(1)
    sizes = [
        (TOPOLOGY.size(v.symbol.range), prod(map(TOPOLOGY.size, v.symbol.domain)))
        for v in system.variables
    ]
    return [
        Machine(system, TOPOLOGY, [random.randrange(n) for n, count in sizes for _ in range(count)])
        for _ in range(150)
    ]


def judge(program: Program, obligation: Obligation, state: Machine) -> int:
    """Compare the goal with the property after each step; how many steps there were."""
    assert obligation.action
    assert obligation.claim
    names = [Var(f"c{i}", var.sort) for i, var in enumerate(obligation.constants)]
    goal = program.term(
        substitute(obligation.goal, dict(zip(obligation.constants, names, strict=True))), names
    )
    claim = obligation.claim
    holds, steps = program.holds(claim.name), 0
    ranges = [range(program.topology.size(var.sort)) for var in claim.params]
    for _, params in state.enabled(obligation.action.name):
        following, steps = state.copy(), steps + 1
        following.step(obligation.action.name, **params)
        for point in product(*ranges):
            seen = (
                [following.values] if claim.kind == "always" else [state.values, following.values]
            )
            expected = bool(holds(*seen, *point))
            arguments = [params[var.name] for var in obligation.action.params]
            assert bool(goal(state.values, *arguments, *point)) == expected, obligation.name
    return steps


def test_goals_agree_with_steps_of_the_reference(system: System, states: list[Machine]) -> None:
    program, all_of_them = Program(system, TOPOLOGY), Obligations(system)
    steps = 0
    for claim in system.properties:
        for obligation in all_of_them.of_property(claim.name):
            if obligation.action:
                steps += sum(judge(program, obligation, state) for state in states)
    assert steps > 1000


def test_bound_variables_are_not_captured(system: System, states: list[Machine]) -> None:
    """`refill` asks for each frame whether its block `has_free`; the claim asks so of a block."""
    b = Var("b", SortRef("Block"), "claim")
    formula = Next(Call("has_free", (b,), BOOL))
    claim = replace(next(system.of_kind("step")), name="claim", params=(b,), formula=formula)
    asking = replace(system, properties=(*system.properties, claim))
    program = Program(asking, TOPOLOGY)
    (obligation,) = (
        each
        for each in Obligations(asking).of_property("claim")
        if each.action and each.action.name == "refill"
    )
    assert sum(judge(program, obligation, state) for state in states) > 10


def test_unchanged_obligations_read_nothing_that_is_written(system: System) -> None:
    for claim in system.of_kind("always"):
        for obligation in Obligations(system).of_property(claim.name):
            if obligation.action:
                reads = system.symbols_in(claim.formula)
                assert obligation.unchanged == (not reads & obligation.action.written)
