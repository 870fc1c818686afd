"""The two solvers: text in, answer out.  A fresh solver each time, seeded, limited by work done.

Each function runs in a worker process as well as here; solvers are imported
when one is first asked.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from itertools import product
from typing import Any, Literal

__all__ = ["Answer", "Query", "answer", "solver_version"]

Status = Literal["unsat", "sat", "unknown", "error"]
Solver = Literal["z3", "z3-ground", "cvc5"]
_NAMED = re.compile(r" :named (\S+)\)\)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """A text for a solver, and how much work it may do (in the solver's own unit)."""

    solver: Solver
    text: str
    limit: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a solver said.

    ``core`` names the assertions that a refutation used; ``model`` gives, for
    each symbol of a ground text, its values row-major, members by name.
    """

    status: Status
    seconds: float = 0.0
    core: tuple[str, ...] = ()
    model: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reason: str = ""
    cached: bool = False


@cache
def solver_version(solver: Solver) -> str:
    """The version of a solver's package, as a cache must know it."""
    return version("cvc5" if solver == "cvc5" else "z3-solver")


def answer(query: Query) -> Answer:
    """Ask the solver.  What goes wrong inside it is an answer too, of status *error*."""
    ask: Callable[[Query], Answer] = _cvc5 if query.solver == "cvc5" else _z3
    started = time.perf_counter()
    try:
        found = ask(query)
    except Exception as error:  # a solver's own exceptions share no base class
        found = Answer("error", reason=f"{query.solver}: {str(error).strip()}")
    seconds = round(time.perf_counter() - started, 4)
    return Answer(found.status, seconds, found.core, found.model, found.reason)


def _z3(query: Query) -> Answer:
    import z3

    context = z3.Context()
    solver = z3.SimpleSolver(ctx=context)
    # Without model-based instantiation z3 only proves; counterexamples come from ground texts.
    settings = {"random_seed": 0, "rlimit": query.limit, "unsat_core": True}
    solver.set(auto_config=False, mbqi=False, **settings)
    assertions = z3.parse_smt2_string(query.text, ctx=context)
    names = _NAMED.findall(query.text)
    for name, assertion in zip(names, assertions, strict=True):
        solver.assert_and_track(assertion, z3.Bool(name, context))
    status: Status = str(solver.check())  # type: ignore[assignment]  # z3 has no other three
    if status == "unsat":
        return Answer(status, core=tuple(sorted(str(name) for name in solver.unsat_core())))
    if status == "sat" and query.solver == "z3-ground":
        return Answer(status, model=_values(solver.model(), without=set(names)))
    return Answer(status, reason=solver.reason_unknown() if status == "unknown" else "")


def _values(model: Any, without: set[str]) -> dict[str, tuple[str, ...]]:
    values = {}
    for symbol in model.decls():
        if symbol.name() in without:
            continue
        domain = [symbol.domain(at) for at in range(symbol.arity())]
        members = [[s.constructor(i)() for i in range(s.num_constructors())] for s in domain]
        points = product(*members)
        values[symbol.name()] = tuple(
            _member(model.eval(symbol(*point), model_completion=True)) for point in points
        )
    return values


def _member(value: Any) -> str:
    """``idle`` for ``Stage.idle``; ``true`` for what Python prints as ``True``."""
    prefix, _, name = str(value).rpartition(".")
    return name if prefix else name.lower()


def _cvc5(query: Query) -> Answer:
    """Plain quantifier instantiation first, then by enumeration."""
    found = Answer("unknown")
    for options in ({}, {"enum-inst": "true"}, {"full-saturate-quant": "true"}):
        found = _cvc5_with(query, options)
        if found.status != "unknown":
            break
    return found


def _cvc5_with(query: Query, options: Mapping[str, str]) -> Answer:
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    for name, value in {"seed": "0", "rlimit": str(query.limit), **options}.items():
        solver.setOption(name, value)
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, query.text, "obligation")
    while not (command := parser.nextCommand()).isNull():
        said = command.invoke(solver, parser.getSymbolManager())
        if "error" in said:
            return Answer("error", reason=f"cvc5: {said.strip()}")
    result = solver.checkSat()
    if result.isUnsat():
        return Answer("unsat")
    return Answer("sat") if result.isSat() else Answer("unknown", reason=str(result))
