"""What a solver says is judged: *unknown* is no answer, a second opinion counts, a model is re-run.

The answers are made here, so that they can be what no solver should ever give.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from memhp.checks.proof.cache import Cache
from memhp.checks.proof.case import Case, Limits, uniform
from memhp.checks.proof.counterexample import CounterexampleError, explain
from memhp.checks.proof.obligations import Obligations
from memhp.checks.proof.pool import Pool
from memhp.checks.proof.prove import prove
from memhp.checks.proof.solvers import Answer, Query, answer
from memhp.checks.run import Decision
from memhp.checks.support.verdicts import Verdict, combine
from memhp.spec.language import DropGuard, DropUpdate, System, load

from .. import toy, toy_false, toy_moves, toy_pages
from ..interpreter import drawn

TOY = load("toy", (toy,))
PAGES = load("toy_pages", (toy_pages,))
MOVES = load("toy_moves", (toy_moves,))
FALSE = load("toy_false", (toy_false,))


def case(system: System, claim: str, action: str) -> Case:
    """The obligation that an action keeps an *always* property."""
    obligation = next(
        each
        for each in Obligations(system).of_property(claim)
        if each.action and each.action.name == action
    )
    return Case(system, obligation, Limits())


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["unsat", "sat", "unknown", "error"])
def test_only_a_refutation_of_the_whole_question_is_a_proof(status: str) -> None:
    one = case(TOY, "free_frames_are_online", "online")
    one.take(Query("z3", "", 1), Answer(status, reason="why"))  # type: ignore[arg-type]  # one of them
    assert bool(one.proof) == (status == "unsat")
    assert one.small is None
    assert bool(one.error) == (status == "error")


@pytest.mark.parametrize("status", ["unsat", "sat", "unknown"])
def test_a_small_machine_refutes_and_never_proves(status: str) -> None:
    one = case(TOY, "free_frames_are_online", "online")
    one.take(Query("z3-ground", "", 1), Answer(status))  # type: ignore[arg-type]  # one of them
    assert one.proof is None
    assert bool(one.small) == (status == "sat")


@pytest.mark.parametrize("status", ["unsat", "sat", "unknown"])
def test_the_second_solver_confirms_contradicts_or_says_nothing(status: str) -> None:
    one = case(TOY, "free_frames_are_online", "online")
    one.take(Query("z3", "", 1), Answer("unsat"))
    one.take(Query("cvc5", "", 1), Answer(status))  # type: ignore[arg-type]  # one of them
    assert one.confirmed == (status == "unsat")
    assert bool(one.error) == (status == "sat")


def test_a_core_names_the_assumptions_that_were_used() -> None:
    one = case(TOY, "nobody_lives_in_free_frames", "online")
    used = ("always.folios_live_in_blocks_that_are_not_offline", "goal", "guard.offline")
    one.take(Query("z3", "", 1), Answer("unsat", core=used))
    assert {part.label for part in one.used()} == set(used) - {"goal"}
    assert one.rests_on() == {"folios_live_in_blocks_that_are_not_offline"}


EASY = "(declare-const p Bool)\n(assert (! p :named a))\n(assert (! (not p) :named goal))"
OPEN = "(declare-const p Bool)\n(assert (! p :named a))"


@pytest.mark.parametrize("solver", ["z3", "z3-models", "z3-ground", "cvc5"])
def test_the_solvers_say_what_they_find(solver: str) -> None:
    def reply(text: str) -> Answer:
        return answer(Query(solver, text, 100_000))  # type: ignore[arg-type]  # one of them

    assert reply(EASY).status == "unsat"
    assert reply(EASY).core == (() if solver == "cvc5" else ("a", "goal"))
    assert reply(OPEN).status == "sat"
    assert reply("(assert (! nonsense :named a))").status == "error"


NO_TERM = """
(declare-sort S 0)
(declare-const here S)
(declare-fun p (S) Bool)
(assert (! (forall ((x S)) (not (or (= x here) (p x)))) :named goal))
"""


@pytest.mark.parametrize(("solver", "status"), [("z3", "unknown"), ("z3-models", "unsat")])
def test_models_suggest_an_element_where_no_term_does(solver: str, status: str) -> None:
    reply = answer(Query(solver, NO_TERM, 100_000))  # type: ignore[arg-type]  # one of them
    assert reply.status == status


@pytest.mark.parametrize("solver", ["z3", "cvc5"])
def test_a_solver_that_may_do_nothing_says_that_it_does_not_know(solver: str) -> None:
    hard = next(case(TOY, "folios_do_not_share", "move").attempts()).text
    assert answer(Query(solver, hard, 1)).status == "unknown"  # type: ignore[arg-type]


# --- what is assumed ------------------------------------------------------------------------------


@pytest.mark.parametrize("system", [TOY, PAGES, MOVES], ids=lambda system: system.name)
def test_what_is_assumed_of_any_size_follows_from_the_invariant(system: System) -> None:
    """An exact counter is 0 when nothing counts: no more is said of it, and no less."""
    obligations, falls = Obligations(system), 0
    for interpreter, machines in drawn(system):
        for part in (*obligations.invariants, *obligations.axioms):
            whole, general = (interpreter.program.term(t) for t in (part.term, part.general))
            for machine in machines:
                values = list(machine.values)
                assert general(values) or not whole(values), part.label
                falls += not general(values)
    assert falls > 0


def test_an_invariant_is_what_the_interpreter_holds_it_for() -> None:
    """Closed, for all parameters: exactly the states without a violation satisfy it."""
    for system in (PAGES, MOVES):
        for interpreter, machines in drawn(system):
            for part in Obligations(system).invariants:
                holds = interpreter.program.term(part.term)
                for machine in machines:
                    broken = {violation.property for violation in machine.violations()}
                    assert bool(holds(list(machine.values))) == (part.name not in broken)


# --- models ---------------------------------------------------------------------------------------


def refuting(system: System, claim: str, action: str, model: dict[str, tuple[str, ...]]) -> Case:
    """A case that a solver has refuted with a model on machines of one element a sort."""
    one = case(system, claim, action)
    one.ground(uniform(system, 1))
    one.small = Answer("sat", model=model)
    return one


MODELS = (
    ({"topology.block_of": ("0",)}, "the step is refused", "begin_offline"),
    ({"state.mode": ("offline",), "state.free": ("true",)}, "fails before the step", "online"),
    ({"state.mode": ("offline",)}, "nothing is wrong after the step", "online"),
)
"""Models that show nothing, and why not."""


@pytest.mark.parametrize(("model", "why", "action"), MODELS)
def test_a_model_that_shows_nothing_is_not_believed(
    model: dict[str, tuple[str, ...]], why: str, action: str
) -> None:
    one = refuting(TOY, "free_frames_are_online", action, model)
    with pytest.raises(CounterexampleError, match=why):
        explain(TOY, [one])


def test_a_model_that_violates_an_axiom_is_not_believed() -> None:
    one = refuting(FALSE, "nothing_is_torn", "tear", {})
    with pytest.raises(CounterexampleError, match="what_comes_after_is_another"):
        explain(FALSE, [one])


def test_a_counterexample_has_as_many_elements_as_the_model_says() -> None:
    broken = DropGuard("finish_offline", "empty").apply(TOY)
    name = "folios_live_in_blocks_that_are_not_offline"
    (failure,) = prove(broken, only=[name], jobs=1).of(name).failures
    example = failure.counterexample
    assert example
    assert example.before
    assert example.before.topology.sizes == {"Block": 1, "Frame": 1, "Folio": 1}


# --- what is known already ------------------------------------------------------------------------


def test_an_edited_system_is_asked_anew(tmp_path: Path) -> None:
    assert prove(TOY, jobs=1, cache=tmp_path).verdict is Verdict.proved
    for edit in (DropUpdate("born", "free"), DropGuard("born", "free")):
        assert prove(edit.apply(TOY), jobs=1, cache=tmp_path).verdict is Verdict.refuted


def test_another_budget_is_asked_anew(tmp_path: Path) -> None:
    few = Limits(z3=1, ground=1)
    assert prove(TOY, jobs=1, cache=tmp_path, limits=few).verdict is Verdict.undetermined
    assert prove(TOY, jobs=1, cache=tmp_path).verdict is Verdict.proved


def test_another_solver_or_version_is_asked_anew() -> None:
    cache, query = Cache(None), Query("z3", EASY, 1)
    cache.put(query, Answer("unsat"))
    assert cache.get(query)
    assert cache.get(replace(query, solver="cvc5")) is None
    assert cache.get(replace(query, text=EASY + " ")) is None
    assert cache.get(replace(query, limit=2)) is None
    with patch("memhp.checks.proof.cache.solver_version", return_value="another"):
        assert cache.get(query) is None


@pytest.mark.parametrize(
    ("answer", "is_kept"),
    [
        (Answer("error"), False),
        (Answer("unknown", reason="max. memory exceeded"), False),
        (Answer("unknown", reason="(MEMOUT)"), False),
        (Answer("unknown", reason="canceled"), True),
    ],
)
def test_what_another_run_might_answer_is_not_remembered(answer: Answer, is_kept: bool) -> None:
    known, query = Cache(None), Query("z3", EASY, 1)
    known.put(query, answer)
    assert (known.get(query) is not None) == is_kept


def test_each_query_gets_its_own_answer() -> None:
    queries = [Query("z3", text, 1000) for text in (EASY, OPEN, EASY, OPEN)]
    answers = Pool(Cache(None), 1).ask(queries)
    assert [each.status for each in answers] == ["unsat", "sat", "unsat", "sat"]


# --- verdicts -------------------------------------------------------------------------------------


def test_the_worst_verdict_counts() -> None:
    worst_last = list(Verdict)
    for at, worse in enumerate(worst_last):
        for better in worst_last[: at + 1]:
            assert combine([better, worse]) is combine([worse, better]) is worse
    assert [verdict.passes for verdict in worst_last] == [True, True, False, False, False]


@pytest.mark.parametrize("verdict", Verdict)
def test_a_property_that_is_given_up_must_be_refuted(verdict: Verdict) -> None:
    claim = next(TOY.of_kind("always"))
    decided = Decision(claim, verdict, "search", "", 0.0, given_up="it is not kept")
    assert decided.counts_as.passes == (verdict is Verdict.refuted)
    assert replace(decided, given_up="").counts_as is verdict
