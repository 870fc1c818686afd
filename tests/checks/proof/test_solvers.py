"""What is asked of z3 is answered by z3: not by an interrupt, and not by its giving up."""

from __future__ import annotations

import os
from collections.abc import Callable
from signal import SIGINT
from threading import Timer
from time import sleep
from typing import Any

import pytest
import z3

from memhp.checks.proof.prove import prove
from memhp.checks.proof.solvers import (
    Query,
    Undecided,
    answer,
    interruptible,
    satisfiable,
)
from memhp.spec.system import SYSTEM


def hard(pigeons: int) -> list[Any]:
    """One hole fewer: z3 needs a while to see that this cannot be."""
    inside = [[z3.Bool(f"b{p}_{h}") for h in range(pigeons - 1)] for p in range(pigeons)]
    apart = [
        z3.Not(z3.And(one, other))
        for hole in zip(*inside, strict=True)
        for at, one in enumerate(hole)
        for other in hole[:at]
    ]
    return [z3.Or(*row) for row in inside] + apart


def by_solver() -> Callable[[], str]:
    solver = interruptible(z3.Solver())
    solver.add(*hard(9))
    return lambda: str(solver.check())


def by_text() -> Callable[[], str]:
    names = [f"b{p}_{h}" for p in range(8) for h in range(7)]
    lines = [f"(declare-const {name} Bool)" for name in names]
    lines += [f"(assert (! {each.sexpr()} :named n{n}))" for n, each in enumerate(hard(8))]
    query = Query("z3", "\n".join(lines), 10**9)
    return lambda: answer(query).status


@pytest.mark.parametrize("maker", [by_solver, by_text])
def test_an_interrupt_is_no_answer_of_a_solver(maker: Callable[[], Callable[[], str]]) -> None:
    """z3 would catch it, say *unknown*, and nobody else would hear of it."""
    ask = maker()

    def interrupted() -> None:
        Timer(0.05, os.kill, (os.getpid(), SIGINT)).start()
        assert ask() == "unsat"
        sleep(60)  # z3 was faster

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_that_a_solver_gives_up_is_no_answer() -> None:
    solver = z3.Solver()
    solver.set("rlimit", 1)
    solver.add(*hard(4))
    with pytest.raises(Undecided, match=r"z3 gave up \(.*\): nothing is decided"):
        satisfiable(solver)


def test_a_claim_with_many_parameters_is_confirmed_by_cvc5_soon() -> None:
    """Its quantifiers, brought to the front of the text, kept cvc5 for minutes."""
    name = "the_last_step_is_left_for_what_is_in_a_vetted_block"
    assert prove(SYSTEM, only={name}, jobs=1, certify=True).of(name).certified
