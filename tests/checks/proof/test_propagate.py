"""Propagation says *follows* only of what follows, and finds what it is there for."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

import pytest

from memhp.checks.proof.propagate import follows
from memhp.reference import Machine, Topology
from memhp.spec.language import load
from memhp.spec.language.rewrite import expand, rebuild
from memhp.spec.language.terms import (
    BOOL,
    FALSE,
    App,
    Const,
    Quantified,
    SortRef,
    Symbol,
    Term,
    Var,
    conj,
    disj,
    eq,
    exists,
    forall,
    implies,
    ite,
    negate,
)

from ...reference import toy
from ...reference.naive import Naive, as_values
from ...reference.random_terms import PARAMS, Terms

SYSTEM = load("toy", (toy,))
SIZES = {"Node": 2, "Block": 2, "Frame": 2}
TOPOLOGIES = [
    Topology(
        SIZES,
        {"block_of": block_of, "node_of": node_of, "hole": hole, "nearer": (0, 1, 1, 0)},
    )
    for block_of, node_of, hole in (((0, 1), (0, 1), (0, 0)), ((1, 1), (1, 0), (0, 1)))
]


def apart(term: Term, numbers: list[int]) -> Term:
    """The term, no two of whose quantifiers have one variable: so `load` makes them."""
    if isinstance(term, Quantified):
        numbers[0] += 1
        mine = replace(term.var, scope=f"q{numbers[0]}")
        body = rebind(term.body, term.var, mine)
        return Quantified(term.kind, mine, apart(body, numbers))
    return rebuild(term, lambda part: apart(part, numbers))


def rebind(term: Term, old: Var, new: Var) -> Term:
    if term == old:
        return new
    if isinstance(term, Quantified) and term.var == old:
        return term
    return rebuild(term, lambda part: rebind(part, old, new))


class Riddles:
    """Facts and goals that are put together of few formulas, so that they often meet."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        terms = Terms(SYSTEM, seed, two_states=False)
        self.parts = [
            apart(expand(terms.formula(depth, PARAMS), SYSTEM), [10 * at])
            for at, depth in enumerate((0, 1, 1, 2))
        ]

    def formula(self, depth: int) -> Term:
        if depth == 0:
            return self.random.choice(self.parts)
        left, right = self.formula(depth - 1), self.formula(depth - 1)
        match self.random.choice(("not", "and", "or", "implies", "eq", "ite")):
            case "not":
                return negate(left)
            case "and":
                return conj(left, right)
            case "or":
                return disj(left, right)
            case "implies":
                return implies(left, right)
            case "eq":
                return eq(left, right)
        return ite(left, right, self.formula(depth - 1))


def models() -> list[tuple[Naive, dict[Var, int]]]:
    """States drawn at random, with every choice of what the parameters are."""
    source = random.Random(20040611)
    choices = []
    for topology in TOPOLOGIES:
        machine = Machine(SYSTEM, topology)
        sizes = [
            topology.size(variable.symbol.range)
            for variable in SYSTEM.variables
            for _ in topology.points(variable.symbol.domain)
        ]
        for _ in range(12):
            values = tuple(source.randrange(size) for size in sizes)
            now = Naive(SYSTEM, topology, as_values(SYSTEM, topology, machine.at(values).values))
            for point in product(*(range(topology.size(var.sort)) for var in PARAMS)):
                choices.append((now, dict(zip(PARAMS, point, strict=True))))
    return choices


MODELS = models()


def is_so(seeds: range) -> int:
    """How many goals follow; fails if one is false where its facts are true."""
    shown = 0
    for seed in seeds:
        riddle = Riddles(seed)
        facts, goal = [riddle.formula(2), riddle.formula(2)], riddle.formula(2)
        if not follows(goal, facts):
            continue
        shown += 1
        for state, values in MODELS:
            if all(state.value(fact, values) for fact in facts):
                assert state.value(goal, values), (seed, str(goal), [str(fact) for fact in facts])
    return shown


def test_what_follows_is_true_wherever_the_facts_are() -> None:
    assert is_so(range(600)) > 100


BLOCK, MODE = SortRef("Block"), SortRef("Mode", ("off", "on", "broken"))
B, C, X, Y = (Var(name, BLOCK, name) for name in "bcxy")
ON = Symbol("on", (BLOCK,), BOOL, True)
FULL = Symbol("full", (BLOCK,), BOOL, True)
MODE_OF = Symbol("mode", (BLOCK,), MODE, True)


def on(var: Var) -> Term:
    return App(ON, (var,))


def full(var: Var) -> Term:
    return App(FULL, (var,))


def mode(var: Var, name: str) -> Term:
    return eq(App(MODE_OF, (var,)), Const(name, MODE))


FOLLOW = {
    "a fact": ([on(B)], on(B)),
    "the parts of a conjunction": ([conj(on(B), full(B))], conj(full(B), on(B))),
    "what a premise leads to": ([on(B), implies(on(B), full(B))], full(B)),
    "what is left of a disjunction": ([negate(on(B)), disj(on(B), full(B))], full(B)),
    "anything, from what contradicts itself": ([on(B), negate(on(B))], FALSE),
    "a chain of premises, last one first": (
        [implies(full(B), mode(B, "on")), implies(on(B), full(B)), on(B)],
        mode(B, "on"),
    ),
    "one value is not another": ([mode(B, "on")], negate(mode(B, "off"))),
    "a value is put in": (
        [mode(B, "on")],
        eq(ite(eq(B, C), Const("on", MODE), App(MODE_OF, (B,))), Const("on", MODE)),
    ),
    "a value, of which only later is known which": (
        [mode(B, "off")],
        implies(on(B), eq(ite(on(B), Const("on", MODE), App(MODE_OF, (B,))), Const("on", MODE))),
    ),
    "each case of a premise": ([], implies(disj(conj(on(B), full(B)), on(B)), on(B))),
    "each part of a conclusion": ([on(B)], implies(full(B), conj(on(B), full(B)))),
    "what holds for all holds for all": ([forall(X, on(X))], forall(X, on(X))),
    "of all elements, one by one": ([], forall(X, implies(on(X), on(X)))),
    "an element that there is": (
        [exists(X, conj(on(X), full(X)))],
        exists(X, conj(on(X), full(X))),
    ),
    "two sides of an equation": ([eq(on(B), full(B)), on(B)], full(B)),
    "what is known below a quantifier": (
        [on(B), forall(X, implies(on(B), full(X)))],
        forall(X, full(X)),
    ),
    "the branch that is taken": ([ite(on(B), full(B), full(C)), on(B)], full(B)),
    "the other branch": ([ite(on(B), full(B), full(C)), negate(on(B))], full(C)),
}

STAY_OPEN = {
    "some are not all": ([exists(X, on(X))], forall(X, on(X))),
    "one case of a premise": ([], implies(disj(on(B), full(B)), on(B))),
    "one part of a conclusion": ([on(B)], conj(on(B), full(B))),
    "the branch that is not taken": ([ite(on(B), full(B), full(C)), on(B)], full(C)),
    "the value of another branch": (
        [negate(eq(B, C)), mode(B, "off")],
        eq(ite(eq(B, C), Const("on", MODE), App(MODE_OF, (B,))), Const("on", MODE)),
    ),
    "of another element": ([on(B)], on(C)),
    "one of two": ([disj(on(B), full(B))], on(B)),
    "the converse": ([implies(on(B), full(B)), full(B)], on(B)),
    "two elements of which something is true are not one": (
        [exists(X, on(X)), exists(Y, negate(on(Y)))],
        FALSE,
    ),
    "the same formula twice": (
        [exists(X, on(X)), exists(X, full(X))],
        exists(X, conj(on(X), full(X))),
    ),
    "a third value": ([negate(mode(B, "off"))], mode(B, "on")),
    "an element of a goal is any": ([on(B)], forall(X, on(X))),
    "nothing": ([], on(B)),
}


@pytest.mark.parametrize("name", FOLLOW)
def test_it_follows(name: str) -> None:
    facts, goal = FOLLOW[name]
    assert follows(goal, facts)


@pytest.mark.parametrize("name", STAY_OPEN)
def test_it_stays_open(name: str) -> None:
    facts, goal = STAY_OPEN[name]
    assert not follows(goal, facts)


def test_what_is_supposed_for_one_goal_is_no_fact_for_the_next() -> None:
    assert follows(full(C), [on(C)], more=[full(C)])
    assert not follows(full(C), [on(C)])
