"""The two solvers: text in, answer out.  A fresh solver each time, seeded, limited by work done.

Each function runs in a worker process as well as here; solvers are imported
when one is first asked.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from itertools import product
from types import MappingProxyType
from typing import Any, Literal

__all__ = [
    "Answer",
    "Growing",
    "Query",
    "Refuter",
    "Session",
    "Undecided",
    "answer",
    "interruptible",
    "refuted",
    "satisfiable",
    "solver_version",
]

Status = Literal["unsat", "sat", "unknown", "error"]
Solver = Literal["first", "z3", "z3-models", "z3-ground", "cvc5"]
"""*first* is what `batch` finds, by propagation or z3; its queries are keys, not texts.

*z3-models* tries models, too, to find what to put for a variable that no term suggests."""
_FLAGS = re.compile(r"^\(declare-const (there\d+!\S+) Bool\)$", re.MULTILINE)
"""The constants of a ground text that say which elements are there, in the order of the sorts."""
_NAMED = re.compile(r" :named (\S+)\)\)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """A text for a solver, and the work that it may do at most, in the solver's own unit."""

    solver: Solver
    text: str
    limit: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query, of a solver or of propagation.

    ``core`` names the assertions that a refutation used; ``model`` gives, for
    each symbol of a ground text, its values row-major, members by name; ``reason`` is why
    there is no answer; ``rewritten`` says that no solver was asked.
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
    """The version of the solver's package, on which kept answers depend."""
    return version("cvc5" if solver == "cvc5" else "z3-solver")


def answer(query: Query) -> Answer:
    """The solver's answer.  What goes wrong inside it is an answer too, of status *error*."""
    ask: Callable[[Query], Answer] = _cvc5 if query.solver == "cvc5" else _z3
    started = time.perf_counter()
    try:
        reply = ask(query)
    except Exception as error:  # a solver's own exceptions share no base class
        reply = Answer("error", reason=f"{query.solver}: {str(error).strip()}")
    seconds = round(time.perf_counter() - started, 4)
    return replace(reply, seconds=seconds)


class Undecided(RuntimeError):
    """A solver gave up, so that nothing can be said; the message is one line."""


def interruptible(solver: Any) -> Any:
    """The solver of z3, set to leave an interrupt to Python.

    z3 would take it for itself, answer *unknown*, and let all else go on with that.
    """
    solver.set("ctrl_c", False)
    return solver


def satisfiable(solver: Any, *assumptions: Any) -> bool:
    """Whether the assertions of a solver of z3 have a model in which the assumptions hold.

    Raises:
        Undecided: z3 does not know, which is no *no*.
    """
    status = str(solver.check(*assumptions))
    if status == "unknown":
        raise Undecided(f"z3 gave up ({solver.reason_unknown()}): nothing is decided")
    return status == "sat"


class Session:
    """z3 with assertions of which many questions are asked, each of a solver of its own.

    Args:
        text: SMT-LIB 2, whose assertions are numbered from 0 in their order.
        beside: another session, of whose context this one is; making one takes as long as some
            proofs.
    """

    def __init__(self, text: str, beside: Session | None = None) -> None:
        import z3

        self._context: z3.Context = beside._context if beside else z3.Context()
        self._assertions = list(z3.parse_smt2_string(text, ctx=self._context))
        self._names: dict[str, Any] = {}

    def ask(self, chosen: Mapping[str, int], limit: int) -> Answer:
        """The answer to whether those assertions contradict each other; its core names which.

        Args:
            chosen: the number of each assertion, by the name that a core gives back.
            limit: the work that the answer may cost; see `Query`.
        """
        started = time.perf_counter()
        solver = self._solver(limit)
        self._track(solver, ((name, self._assertions[at]) for name, at in chosen.items()))
        reply = _z3_answer(solver)
        return replace(reply, seconds=round(time.perf_counter() - started, 4))

    def of_query(self, query: Query) -> Answer:
        """The answer to the text of this session, whose assertions are all named."""
        solver, names = self._solver(query.limit), _NAMED.findall(query.text)
        solver.set(mbqi=query.solver == "z3-models")
        self._track(solver, zip(names, self._assertions, strict=True))
        if (reply := _z3_answer(solver)).status == "sat" and query.solver == "z3-ground":
            model, marks = _with_few_elements(solver, query.text), set(names)
            return replace(reply, model=_values(model, lambda name: name not in marks))
        return reply

    def _solver(self, limit: int) -> Any:
        import z3

        solver = z3.SimpleSolver(ctx=self._context)
        # Without model-based instantiation z3 only proves; counterexamples come from ground texts.
        settings = {"random_seed": 0, "rlimit": limit, "unsat_core": True}
        # An interrupt is Python's: z3 would take it for its own, and say that it does not know.
        solver.set(auto_config=False, mbqi=False, ctrl_c=False, **settings)
        return solver

    def _track(self, solver: Any, named: Iterable[tuple[str, Any]]) -> None:
        import z3

        # What z3's own `assert_and_track` does besides takes longer than the solving.
        context = self._context.ref()
        for name, assertion in named:
            if name not in self._names:
                self._names[name] = z3.Bool(name, self._context)
            mark = self._names[name].as_ast()
            z3.Z3_solver_assert_and_track(context, solver.solver, assertion.as_ast(), mark)


class Growing:
    """One solver of z3 that is told more and more, and asked what may be true together.

    What it learns from one question helps it with the next.

    Args:
        text: SMT-LIB 2, as all that `tell` adds: what is declared once is not declared again.
        limit: the work that one answer may cost; see `Query`.
    """

    def __init__(self, text: str, limit: int) -> None:
        import z3

        self._z3, self._context = z3, z3.Context()
        self._parser = z3.ParserContext(self._context)
        self._solver = interruptible(z3.SimpleSolver(ctx=self._context))
        self._solver.set(random_seed=0, rlimit=limit)
        self.tell(text)

    def tell(self, text: str) -> None:
        """Declare and assert more."""
        self._solver.add(self._parser.from_string(text))

    def ask(self, names: Iterable[str]) -> tuple[Status, frozenset[str]]:
        """Whether constants of sort Bool, by their names, may be true together.

        Returns:
            the status, and if that is *unsat*, those of them that contradict the rest.
        """
        status: Status = str(self._solver.check(*map(self._bool, names)))  # type: ignore[assignment]  # z3 has no other three
        core = self._solver.unsat_core() if status == "unsat" else ()
        return status, frozenset(map(str, core))

    def holds(self, names: Sequence[str]) -> list[bool]:
        """Whether each of those constants is true in the model of the last question."""
        model = self._solver.model()
        values = (model.eval(self._bool(name), model_completion=True) for name in names)
        return [self._z3.is_true(value) for value in values]

    def values(self, prefixes: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The values of the symbols with such names in that model, as `Answer` has them."""
        return _values(self._solver.model(), lambda name: name.startswith(tuple(prefixes)))

    def _bool(self, name: str) -> Any:
        return self._z3.Bool(name, self._context)


def _with_few_elements(solver: Any, text: str) -> Any:
    """A model with no more elements of a sort than are needed, sort by sort (`smt.there`)."""
    import z3

    model = solver.model()
    for name in _FLAGS.findall(text):
        solver.push()
        solver.add(z3.Not(z3.Bool(name, solver.ctx)))
        if str(solver.check()) == "sat":
            model = solver.model()
        else:
            solver.pop()
    return model


def _z3_answer(solver: Any) -> Answer:
    status: Status = str(solver.check())  # type: ignore[assignment]  # z3 has no other three
    if status == "unsat":
        return Answer(status, core=tuple(sorted(str(name) for name in solver.unsat_core())))
    return Answer(status, reason=solver.reason_unknown() if status == "unknown" else "")


def _z3(query: Query) -> Answer:
    return Session(query.text).of_query(query)


def _values(model: Any, wanted: Callable[[str], bool]) -> dict[str, tuple[str, ...]]:
    values = {}
    for symbol in filter(lambda each: wanted(each.name()), model.decls()):
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


_QUANTIFIERS = {"prenex-quant": "none"}
"""Quantifiers stay where they are: one brought to the front of a term with many parameters has kept
cvc5 for minutes, whatever its limit."""
_WAYS: tuple[Mapping[str, str], ...] = ({}, {"enum-inst": "true"}, {"full-saturate-quant": "true"})
"""How cvc5 looks for instances of quantifiers: plainly first, then by enumeration."""


def _cvc5(query: Query) -> Answer:
    return refuted(query.text, query.limit, proofs=False)[0]


def refuted(text: str, limit: int, *, proofs: bool) -> tuple[Answer, str]:
    """cvc5's answer, asked anew in each way until it knows, and the proof; see `Refuter.ask`.

    Args:
        text: SMT-LIB 2.
        limit: the work that an answer may cost; see `Query`.
        proofs: give a proof with *unsat*.

    Raises:
        Exception: as cvc5 raises it.
    """
    reply = Answer("unknown"), ""
    for way in _WAYS:
        reply = Refuter(limit, proofs=proofs, way=way).ask(text)
        if reply[0].status != "unknown":
            break
    return reply


_PROOFS = {
    "produce-proofs": "true",
    "proof-format-mode": "cpc",
    "proof-granularity": "dsl-rewrite",
}
"""Proofs in the Cooperating Proof Calculus, each rewriting step a rule that a checker knows."""


class Refuter:
    """cvc5, asked about one text after another, each in a scope of its own that is left again.

    Most of what a text costs otherwise is the making of a solver and of its table of rules.

    Args:
        limit: the work that an answer may cost; see `Query`.
        proofs: give a proof with each *unsat*.
        way: of looking for instances of quantifiers; one of `_WAYS`.
    """

    def __init__(
        self, limit: int, *, proofs: bool, way: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        import cvc5

        self._proofs = proofs
        self._solver = cvc5.Solver(cvc5.TermManager())
        options = {"seed": "0", "rlimit-per": str(limit), "incremental": "true"} | _QUANTIFIERS
        for name, value in (options | dict(way) | (_PROOFS if proofs else {})).items():
            self._solver.setOption(name, value)
        self._symbols = cvc5.InputParser(self._solver).getSymbolManager()
        self._run("(set-logic ALL)")

    def ask(self, text: str) -> tuple[Answer, str]:
        """The answer to whether the assertions of an SMT-LIB 2 text contradict each other.

        Returns:
            the answer, and with *unsat* the proof in CPC, if proofs are wanted; else nothing.

        Raises:
            Exception: as cvc5 raises it; after that the object is of no more use.
        """
        started = time.perf_counter()
        self._run(f"(push 1)\n{text.removeprefix('(set-logic ALL)')}")
        reply = _cvc5_answer(self._solver.checkSat())
        proof = self._proof() if self._proofs and reply.status == "unsat" else ""
        self._run("(pop 1)")
        return replace(reply, seconds=round(time.perf_counter() - started, 4)), proof

    def _proof(self) -> str:
        """The commands of the proof, without the parentheses around them."""
        import cvc5

        (proof,) = self._solver.getProof()
        text = self._solver.proofToString(proof, cvc5.ProofFormat.CPC)
        whole = text.decode() if isinstance(text, bytes) else str(text)
        return whole.strip().removeprefix("(\n").removesuffix("\n)") + "\n"

    def _run(self, text: str) -> None:
        import cvc5

        parser = cvc5.InputParser(self._solver, self._symbols)
        parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "obligation")
        while not (command := parser.nextCommand()).isNull():
            if "error" in (message := command.invoke(self._solver, self._symbols)):
                raise ValueError(message.strip())


def _cvc5_answer(result: Any) -> Answer:
    if result.isUnsat():
        return Answer("unsat")
    return Answer("sat") if result.isSat() else Answer("unknown", reason=str(result))
