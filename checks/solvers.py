"""The two solvers: text in, answer out.  A fresh solver each time, seeded, limited by work done.

Each function runs in a worker process as well as here; solvers are imported
when one is first asked.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from itertools import product
from typing import Any, Literal

__all__ = ["Answer", "Query", "Session", "answer", "solver_version"]

Status = Literal["unsat", "sat", "unknown", "error"]
Solver = Literal["first", "z3", "z3-ground", "cvc5"]
"""*first* is what `batch` finds, by propagation or z3; its queries are keys, not texts."""
_NAMED = re.compile(r" :named (\S+)\)\)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """A text for a solver, and how much work it may do (in the solver's own unit)."""

    solver: Solver
    text: str
    limit: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a solver said, or what was shown without one.

    ``core`` names the assertions that a refutation used; ``model`` gives, for
    each symbol of a ground text, its values row-major, members by name; ``rewritten`` says
    that no solver was asked.
    """

    status: Status
    seconds: float = 0.0
    core: tuple[str, ...] = ()
    model: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reason: str = ""
    cached: bool = False
    rewritten: bool = False


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
    return replace(found, seconds=seconds)


class Session:
    """z3 with assertions of which many questions are asked, each of a solver of its own.

    Args:
        text: SMT-LIB 2, whose assertions are numbered from 0 in their order.
    """

    def __init__(self, text: str) -> None:
        import z3

        self._context = z3.Context()
        self._assertions = z3.parse_smt2_string(text, ctx=self._context)

    def ask(self, chosen: Mapping[str, int], limit: int) -> Answer:
        """Whether those assertions contradict each other, and which; see `Query` for ``limit``.

        Args:
            chosen: the number of each assertion, by the name that a core gives back.
        """
        started = time.perf_counter()
        solver = self._solver(limit)
        self._track(solver, ((name, self._assertions[at]) for name, at in chosen.items()))
        found = _said(solver)
        return replace(found, seconds=round(time.perf_counter() - started, 4))

    def of_query(self, query: Query) -> Answer:
        """The answer to the text of this session, whose assertions are all named."""
        solver, names = self._solver(query.limit), _NAMED.findall(query.text)
        self._track(solver, zip(names, self._assertions, strict=True))
        if (found := _said(solver)).status == "sat" and query.solver == "z3-ground":
            return replace(found, model=_values(solver.model(), without=set(names)))
        return found

    def _solver(self, limit: int) -> Any:
        import z3

        solver = z3.SimpleSolver(ctx=self._context)
        # Without model-based instantiation z3 only proves; counterexamples come from ground texts.
        settings = {"random_seed": 0, "rlimit": limit, "unsat_core": True}
        solver.set(auto_config=False, mbqi=False, **settings)
        return solver

    def _track(self, solver: Any, named: Iterable[tuple[str, Any]]) -> None:
        import z3

        for name, assertion in named:
            solver.assert_and_track(assertion, z3.Bool(name, self._context))


def _said(solver: Any) -> Answer:
    status: Status = str(solver.check())  # type: ignore[assignment]  # z3 has no other three
    if status == "unsat":
        return Answer(status, core=tuple(sorted(str(name) for name in solver.unsat_core())))
    return Answer(status, reason=solver.reason_unknown() if status == "unknown" else "")


def _z3(query: Query) -> Answer:
    return Session(query.text).of_query(query)


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
