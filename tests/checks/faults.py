"""Faults to plant in the checker, each with the ordinary test that must notice it.

A fault is a change of one function's text.  Whoever changes such a function finds
here which test watches it, and plants the fault anew in the new text.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from types import FunctionType
from typing import Any

import pytest

from memhp.checks import (
    attempts,
    cache,
    counterexample,
    decide,
    decided,
    lasso,
    localise,
    obligations,
    pool,
    probes,
    prove,
    reach,
    run,
    search,
    smt,
    solvers,
    verdicts,
)
from memhp.reference import compile as compiled
from memhp.spec.language import rewrite

from . import (
    test_answers_are_judged as judged,
)
from . import (
    test_false_claims as claims,
)
from . import (
    test_language_by_hand as by_hand,
)
from . import (
    test_obligations_mean_what_they_say as meaning,
)
from . import (
    test_prove as proofs,
)
from . import (
    test_searches_of_toys as searches,
)

__all__ = ["FAULTS", "Fault"]


@dataclass(frozen=True)
class Fault:
    """What the checker does wrongly: in ``where``, the text ``old`` becomes ``new``.

    ``noticed_by`` is a test that passes, and with the fault fails.
    """

    what: str
    where: Any
    old: str
    new: str
    noticed_by: Callable[..., None]

    def __str__(self) -> str:
        return self.what

    @property
    def module(self) -> str:
        """The module in which it is planted."""
        return _function(self.where).__module__.rpartition(".")[2]

    def plant(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the function run the changed text, whoever has imported it."""
        function = _function(self.where)
        text = textwrap.dedent(inspect.getsource(function))
        assert text.count(self.old) == 1, f"plant it anew: {self.what}"
        names: dict[str, Any] = {}
        changed = "from __future__ import annotations\n" + text.replace(self.old, self.new)
        exec(compile(changed, f"<{self.what}>", "exec"), function.__globals__, names)
        monkeypatch.setattr(function, "__code__", _function(names[function.__name__]).__code__)


def _function(found: Any) -> FunctionType:
    """The function behind a method, a property or a cache."""
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, cached_property):
        found = found.func
    function = inspect.unwrap(found)
    assert isinstance(function, FunctionType)
    return function


def refuted(name: str) -> Callable[[], None]:
    return partial(claims.test_a_false_claim_is_refuted_where_it_breaks, name)


def says(name: str, kind: str) -> Callable[[], None]:
    return partial(meaning.test_an_obligation_says_what_the_interpreter_finds, name, kind)


def all_there(name: str) -> Callable[[], None]:
    return partial(claims.test_every_property_has_every_obligation, name)


def ground(name: str, sizes: dict[str, int]) -> Callable[[], None]:
    return partial(meaning.test_a_ground_query_says_what_every_small_machine_shows, name, sizes)


def mini(name: str) -> Callable[[], None]:
    return partial(claims.test_a_ground_query_is_about_what_is_there, name, *claims.THERE[name])


def trace(name: str) -> Callable[[], None]:
    found = next(each for each in searches.REACHED if each[2] == name and each[3] is not None)
    return partial(searches.test_a_trace_is_as_long_as_the_walk_is_deep, *found)


RESTS = partial(proofs.test_what_rests_on_a_refuted_property_is_not_proved, claims.TOYS["toy"])
SMALL_ALONE = claims.test_what_is_true_of_the_small_machines_alone_is_not_proved
FORGET = ("toy_moves", "forget", "forget")

OBLIGATIONS = (
    Fault(
        "nothing is shown at boot",
        obligations.Obligations.of_property,
        'if claim.kind == "always":',
        'if claim.kind == "step":',
        refuted("lamps_are_lit"),
    ),
    Fault(
        "one action is left out",
        obligations.Obligations.of_property,
        "if action.name not in unless:",
        'if action.name not in (*unless, "tear"):',
        refuted("nothing_is_torn"),
    ),
    Fault(
        "one action is left out where nobody knows of a false claim",
        obligations.Obligations.of_property,
        "if action.name not in unless:",
        'if action.name not in (*unless, "begin"):',
        all_there("toy_moves"),
    ),
    Fault(
        "what an action writes beside what a property reads is all that counts",
        obligations.Obligations._of_step,
        "unchanged = not symbols(claim.formula) & action.written",
        "unchanged = not symbols(claim.formula) <= action.written",
        says("toy_moves", "consecution"),
    ),
    Fault(
        "a changed property is called unchanged, and not decided",
        obligations.Obligations._of_step,
        "constants, unchanged, counted=counted",
        'constants, unchanged or action.name == "begin", counted=counted',
        partial(
            claims.test_every_obligation_is_decided_or_reads_nothing_that_is_written, "toy_moves"
        ),
    ),
    Fault(
        "an always property is looked at before the step",
        obligations.Obligations._of_step,
        "claim.formula if unchanged else after(claim.formula, action)",
        "claim.formula",
        says("toy_pages", "consecution"),
    ),
    Fault(
        "a step property is looked at in the wrong state",
        obligations._stepped,
        "return after(_without_next(term.body), action)",
        "return _without_next(term.body)",
        says("toy_pages", "step"),
    ),
    Fault(
        "what ends the work may add as much",
        obligations.Obligations.of_property,
        "unless = claim.ending.unless if",
        "unless = (*claim.ending.unless, *claim.ending.by) if",
        refuted("passing_on_ends"),
    ),
    Fault(
        "what ends the work need not be possible",
        obligations.Obligations._of_ending,
        'yield Obligation("enabled", claim, None, rest, implies(todo, allowed), claim.params)',
        "pass",
        refuted("work_behind_a_gate_ends"),
    ),
    Fault(
        "what ends the work need not take anything out",
        obligations.Obligations._of_ending,
        'yield Obligation("progress", claim, None, rest, goal, claim.params)',
        "pass",
        refuted("noise_ends_work"),
    ),
    Fault(
        "of several ways none need be open",
        obligations.Obligations._of_ways,
        'yield Obligation("enabled", claim, None, rest, goal, claim.params)',
        "pass",
        refuted("the_calm_and_the_busy_end"),
    ),
    Fault(
        "the second way need not lead on",
        obligations.Obligations._of_ways,
        "for at, (way, condition) in enumerate(zip(ways, conditions, strict=True), 1):",
        "for at, (way, condition) in enumerate(zip(ways[:1], conditions[:1], strict=True), 1):",
        refuted("the_second_way_ends"),
    ),
    Fault(
        "on a way a step that is refused leads on",
        obligations._move,
        "conj(enabled(action), there,",
        "conj(there,",
        refuted("the_gated_way_ends"),
    ),
    Fault(
        "on a way what was never left is taken out",
        obligations._move,
        "conj(enabled(action), there,",
        "conj(enabled(action),",
        says("toy_moves", "progress"),
    ),
    Fault(
        "on a way the given parameters may be any",
        obligations._move,
        "for var in action.params if var.name in known",
        "for var in ()",
        says("toy_pages", "progress"),
    ),
    Fault(
        "on a way another chore is taken out",
        obligations._move,
        "element[var] = Const(member, var.sort)",
        "element[var] = Const(var.sort.members[0], var.sort)",
        says("toy_pages", "progress"),
    ),
)

COUNTING = (
    Fault(
        "any number may come in and go out at once",
        obligations._keeps_count,
        "return conj(at_most_one(came), at_most_one(went), eq(",
        "return conj(eq(",
        refuted("fillings_are_counted"),
    ),
    Fault(
        "any number may come in at once",
        obligations._keeps_count,
        "at_most_one(came), at_most_one(went)",
        "at_most_one(went)",
        refuted("fillings_are_counted"),
    ),
    Fault(
        "any number may go out at once",
        obligations._keeps_count,
        "at_most_one(came), at_most_one(went)",
        "at_most_one(came)",
        refuted("stores_are_counted"),
    ),
    Fault(
        "what goes out is not counted",
        obligations._keeps_count,
        "ite(exists(var, went), number(-1), number(0))",
        "number(0)",
        says("toy_pages", "counting"),
    ),
    Fault(
        "what counts at boot is not looked at",
        obligations._nothing_counts,
        "conj(eq(after(counter, boot), number(0)), nothing)",
        "eq(after(counter, boot), number(0))",
        refuted("births_are_counted"),
    ),
    Fault(
        "what a counter is at boot is not looked at",
        obligations._nothing_counts,
        "conj(eq(after(counter, boot), number(0)), nothing)",
        "nothing",
        refuted("losses_are_counted"),
    ),
    Fault(
        "an exact counter is assumed to be positive",
        obligations._without_count,
        "conj(le(number(0), counter),",
        "conj(le(number(1), counter),",
        partial(
            judged.test_what_is_assumed_of_any_size_follows_from_the_invariant,
            claims.TOYS["toy_pages"],
        ),
    ),
    Fault(
        "an exact counter is assumed to be 0 when something counts",
        obligations._without_count,
        "eq(eq(counter, number(0)), nothing)",
        "eq(counter, number(0))",
        partial(
            judged.test_what_is_assumed_of_any_size_follows_from_the_invariant,
            claims.TOYS["toy_moves"],
        ),
    ),
    Fault(
        "on a small machine the rule is asked, not the count",
        smt.script,
        "obligation.goal if sizes is None else ground(obligation.small_goal, sizes)",
        "obligation.goal if sizes is None else ground(obligation.goal, sizes)",
        claims.test_what_is_true_beyond_the_counting_rule_is_undetermined,
    ),
)

APART = (
    Fault(
        "two bulk updates are never compared",
        obligations.Obligations.of_action,
        "if pair[0].symbol == pair[1].symbol",
        "if pair[0].symbol == pair[1].symbol and (pair[0].point or pair[1].point)",
        partial(claims.test_all_updates_of_one_variable_are_compared, *FORGET, 1, claims.REFUTED),
    ),
    Fault(
        "two updates of one point are never compared",
        obligations.Obligations.of_action,
        "if pair[0].symbol == pair[1].symbol",
        "if pair[0].symbol == pair[1].symbol and not (pair[0].point and pair[1].point)",
        partial(
            meaning.test_updates_are_apart_where_no_place_is_written_twice,
            "toy_moves",
            "finish",
            "give_up",
        ),
    ),
    Fault(
        "the set of a bulk update is compared with itself",
        obligations._apart,
        "condition = substitute(second.condition, dict(zip(second.variables, here, strict=True)))",
        "condition = first.condition",
        partial(
            meaning.test_updates_are_apart_where_no_place_is_written_twice,
            "toy_pages",
            "drop",
            "soil",
        ),
    ),
    Fault(
        "the bound variables of an action are those of a property",
        obligations._apart_from_others,
        "scope=term.var.scope + suffix",
        "scope=term.var.scope",
        says("toy_moves", "step"),
    ),
)

REWRITING = (
    Fault(
        "one equal coordinate is enough to be the point",
        rewrite._updated,
        "hit = conj(*(",
        "hit = disj(*(",
        says("toy_pages", "step"),
    ),
    Fault(
        "an update of a point is one of all points",
        rewrite._updated,
        "return ite(hit, update.value, old)",
        "return update.value",
        says("toy_moves", "consecution"),
    ),
    Fault(
        "a bulk update is one of all points",
        rewrite._updated,
        "return ite(substitute(update.condition, here), substitute(update.value, here), old)",
        "return substitute(update.value, here)",
        says("toy_moves", "step"),
    ),
    Fault(
        "the condition of a bulk update is about another point",
        rewrite._updated,
        "ite(substitute(update.condition, here),",
        "ite(update.condition,",
        says("toy_pages", "step"),
    ),
    Fault(
        "the value of a bulk update is that of another point",
        rewrite._updated,
        "substitute(update.value, here), old",
        "update.value, old",
        says("toy_moves", "step"),
    ),
    Fault(
        "of f(g(x)) only f is looked at after the step",
        rewrite.after,
        "args = tuple(after(arg, action) for arg in term.args)",
        "args = term.args",
        says("toy_pages", "step"),
    ),
    Fault(
        "of two updates of a variable one alone is seen",
        rewrite.after,
        "value = _updated(update, args, value)",
        "value = _updated(update, args, App(term.symbol, args))",
        says("toy_pages", "counting"),
    ),
    Fault(
        "of two updates of a point the first one counts",
        rewrite.after,
        "for update in action.updates:",
        "for update in reversed(action.updates):",
        partial(
            meaning.test_of_two_updates_of_a_place_the_later_one_counts,
            "toy_moves",
            "begin",
            "forget",
        ),
    ),
    Fault(
        "an action is enabled when its first guard holds",
        rewrite.enabled,
        "for guard in action.guards",
        "for guard in action.guards[:1]",
        says("toy_moves", "progress"),
    ),
    Fault(
        "the arguments of a definition are taken in another order",
        rewrite.expand,
        "zip(definition.params, args, strict=True)",
        "zip(definition.params[::-1], args, strict=True)",
        by_hand.test_a_definition_means_what_it_says,
    ),
    Fault(
        "what was put in is replaced again",
        rewrite.substitute,
        "return values.get(term, term)",
        "return values.get(values.get(term, term), values.get(term, term))",
        by_hand.test_what_is_substituted_is_substituted_once,
    ),
    Fault(
        "an implication is turned round",
        rewrite.rebuild,
        "return implies(parts[0], parts[1])",
        "return implies(parts[1], parts[0])",
        by_hand.test_a_rebuilt_term_is_the_same,
    ),
    Fault(
        "an axiom holds if it does for some element",
        rewrite.closed,
        'isinstance(claim, Property) and claim.kind == "sometimes" else forall',
        'not isinstance(claim, Property) or claim.kind == "sometimes" else forall',
        by_hand.test_an_axiom_is_about_all_elements,
    ),
    Fault(
        "an invariant is assumed of some element only",
        rewrite.closed,
        'isinstance(claim, Property) and claim.kind == "sometimes" else forall',
        "isinstance(claim, Property) else forall",
        judged.test_an_invariant_is_what_the_interpreter_holds_it_for,
    ),
)

SOLVERS = (
    Fault(
        "the goal is asserted, not its negation",
        smt.script,
        "_named(GOAL, negate(goal))",
        "_named(GOAL, goal)",
        refuted("nothing_is_torn"),
    ),
    Fault(
        "<= is written <",
        smt.text,
        "{_OPERATORS[kind]}",
        "{_OPERATORS[kind].replace('<=', '<')}",
        ground("toy_pages", {"Node": 1, "Page": 2}),
    ),
    Fault(
        "for all elements means for all that might be there",
        smt.ground,
        "conj(*(implies(is_there, case) for is_there, case in cases))",
        "conj(*(case for _, case in cases))",
        mini("one_box_is_not_all"),
    ),
    Fault(
        "an element that is not there is a witness",
        smt.ground,
        "disj(*(conj(is_there, case) for is_there, case in cases))",
        "disj(*(case for _, case in cases))",
        mini("there_are_two_boxes"),
    ),
    Fault(
        "elements that are not there are counted",
        smt.ground,
        "ite(conj(is_there, case), number(1), number(0))",
        "ite(case, number(1), number(0))",
        mini("there_are_three_items"),
    ),
    Fault(
        "a function may lead to an element that is not there",
        smt._size,
        "inside = conj(*(_is_there(value, sizes) for value in values))",
        "inside = TRUE",
        mini("items_are_in_boxes"),
    ),
    Fault(
        "a parameter may be an element that is not there",
        smt._in_range,
        "_is_there(var, sizes)",
        "TRUE",
        mini("boxes_are_there"),
    ),
    Fault(
        "unknown is a proof",
        attempts.Case.take,
        'elif query.solver == "z3" and answer.status == "unsat":',
        'elif query.solver == "z3" and answer.status in ("unsat", "unknown"):',
        partial(proofs.test_a_spent_budget_is_undetermined, claims.TOYS["toy"]),
    ),
    Fault(
        "what is true of small machines is proved",
        attempts.Case.take,
        "self._hint = self._of_core(answer)",
        "self.proof = answer",
        SMALL_ALONE,
    ),
    Fault(
        "what no small machine reaches is impossible",
        probes.impossible,
        "if case.proof",
        "if not case.small",
        claims.test_what_no_small_machine_reaches_is_not_impossible,
    ),
    Fault(
        "the second solver's unknown is a confirmation",
        attempts.Case.take,
        'self.confirmed = answer.status == "unsat"',
        'self.confirmed = answer.status != "sat"',
        partial(proofs.test_a_proof_that_is_not_confirmed_is_undetermined, claims.TOYS["toy"]),
    ),
    Fault(
        "the second solver may contradict",
        attempts.Case.take,
        'if answer.status == "sat":',
        'if answer.status == "never":',
        partial(judged.test_the_second_solver_confirms_contradicts_or_says_nothing, "sat"),
    ),
    Fault(
        "the second solver says unsat when it does not know",
        solvers._cvc5_with,
        'else Answer("unknown", reason=str(result))',
        'else Answer("unsat")',
        partial(judged.test_a_solver_that_may_do_nothing_says_that_it_does_not_know, "cvc5"),
    ),
    Fault(
        "a proof without a core rests on nothing",
        solvers._z3,
        "core=tuple(sorted(str(name) for name in solver.unsat_core()))",
        "core=()",
        RESTS,
    ),
    Fault(
        "the core is looked up by other names",
        attempts.Case._of_core,
        "if part.label in kept",
        "if part.name in kept",
        RESTS,
    ),
    Fault(
        "a proof rests on guards and axioms only",
        attempts.Case.rests_on,
        'if part.role == "always"',
        'if part.role == "axiom"',
        RESTS,
    ),
    Fault(
        "a property is proved when one obligation is",
        decide.Work.unproved,
        "if not all(case.proof for case in cases)",
        "if not any(case.proof for case in cases)",
        RESTS,
    ),
    Fault(
        "a lost proof is no failure",
        prove._Reporter._failure,
        "if case.lost:",
        "if case.lost and case.error:",
        RESTS,
    ),
    Fault(
        "an obligation without a proof is no failure",
        prove._Reporter._failure,
        "if not case.proof:",
        "if not case.proof and case.error:",
        SMALL_ALONE,
    ),
    Fault(
        "a refuted obligation is as good as a proof",
        prove._Reporter._failure,
        "if example := self.examples.get(id(case)):",
        "if (example := self.examples.get(id(case))) and case.error:",
        refuted("nothing_is_torn"),
    ),
    Fault(
        "the end of a text is not part of the cache's key",
        cache._key,
        "query.text)",
        "query.text[:400])",
        judged.test_an_edited_system_is_asked_anew,
    ),
    Fault(
        "the budget is not part of the cache's key",
        cache._key,
        "str(query.limit)",
        '""',
        judged.test_another_budget_is_asked_anew,
    ),
    Fault(
        "the solver's version is not part of the cache's key",
        cache._key,
        "solver_version(query.solver)",
        '""',
        judged.test_another_solver_or_version_is_asked_anew,
    ),
    Fault(
        "answers are handed to other questions",
        pool.Pool.ask,
        "for query in queries if",
        "for query in sorted(queries, key=lambda each: each.text) if",
        judged.test_each_query_gets_its_own_answer,
    ),
)

COUNTEREXAMPLES = (
    Fault(
        "a counterexample is believed though nothing is wrong after the step",
        counterexample._Reading.counterexample,
        "if not self._fails(before, after, claim_params):",
        "if False:",
        partial(judged.test_a_model_that_shows_nothing_is_not_believed, *judged.MODELS[2]),
    ),
    Fault(
        "a counterexample may begin in a state that breaks an invariant",
        counterexample._Reading._before,
        "if violations := machine.violations():",
        "if violations := []:",
        partial(judged.test_a_model_that_shows_nothing_is_not_believed, *judged.MODELS[1]),
    ),
    Fault(
        "a counterexample may take a step that is refused",
        counterexample._Reading.counterexample,
        "if action and not (outcome := after.step(action.name, **params)):",
        "if action and not (outcome := [after.step(action.name, **params)]):",
        partial(judged.test_a_model_that_shows_nothing_is_not_believed, *judged.MODELS[0]),
    ),
    Fault(
        "a counterexample may be a machine that cannot be",
        counterexample._Reading.counterexample,
        "if violated := violated_axioms(self.system, self.topology):",
        "if violated := []:",
        judged.test_a_model_that_violates_an_axiom_is_not_believed,
    ),
    Fault(
        "a counterexample has elements that are not there",
        attempts.Case.elements,
        'return 1 + sum(row == ("true",) for row in found)',
        "return self.sizes[sort.name]",
        refuted("among_three_items_a_third_box_is_left"),
    ),
)

SEARCHES = (
    Fault(
        "two states are one if they begin alike",
        search._expand,
        "if new not in parents:",
        "if new[:3] not in {key[:3] for key in parents}:",
        partial(
            searches.test_the_search_sees_the_states_that_the_walk_sees, "toy_moves", searches.MOVES
        ),
    ),
    Fault(
        "a search goes one step less deep than asked",
        search.search,
        "going_on = [f for f in open_ended if f.depth != depth]",
        "going_on = [f for f in open_ended if depth is None or f.depth + 1 < depth]",
        trace("somebody_is_calm_and_done"),
    ),
    Fault(
        "a search that gave up calls itself complete",
        search.search,
        "result.complete, result.spent = False, True",
        "result.spent = True",
        searches.test_a_search_that_gave_up_says_so,
    ),
    Fault(
        "only the first machine is searched",
        search.search,
        "for topology in topologies]",
        "for topology in list(topologies)[:1]]",
        searches.test_every_machine_is_looked_at,
    ),
    Fault(
        "the boot state is not looked at",
        search.search,
        "_judge(frontier, key, frontier.program.unpack(key), open_targets, result)",
        "pass",
        trace("lamps_are_lit"),
    ),
    Fault(
        "a step property is judged with its states exchanged",
        search._judge_step,
        "cases(claim.name)(before, after)",
        "cases(claim.name)(after, before)",
        trace("who_wears_out_is_torn"),
    ),
    Fault(
        "a property that no step violates counts as violated at boot",
        search._judge,
        "for point in cases:",
        "for point in cases or [(0,) * len(claim.params)]:",
        searches.test_a_sometimes_without_a_witness_is_not_reached,
    ),
    Fault(
        "machines with other tables are taken for one",
        localise.different,
        "tuple(topology.tables[symbol.name] for symbol in tables),",
        "",
        searches.test_every_machine_is_looked_at,
    ),
    Fault(
        "a cut machine lacks an action",
        localise.cut,
        "changing = [action for action in actions if action.updates]",
        "changing = [action for action in actions if action.updates][1:]",
        trace("nothing_is_torn"),
    ),
    Fault(
        "a trace of the cut machine is believed of the whole",
        localise.shortest,
        "missing = refusal(system, found) - kept",
        "missing = frozenset[str]()",
        trace("somebody_is_inside"),
    ),
    Fault(
        "what can be broken is called decided",
        decided.decided,
        "return counted and not model.watches",
        "return counted",
        trace("nothing_is_torn"),
    ),
    Fault(
        "a counter that leaves its numbers decides",
        decided.decided,
        "counted = all(found.overflow is FALSE for found in model.instances)",
        "counted = True",
        partial(searches.test_a_counter_without_end_decides_nothing),
    ),
    Fault(
        "any cycle is one on which what helps does not help",
        lasso._Graph._runs,
        "edge for edge in helps or mine if",
        "edge for edge in self.edges[node] if",
        partial(
            searches.test_work_that_ends_has_no_run_without_end,
            "toy_moves",
            searches.MOVES,
            "leaving_ends",
        ),
    ),
    Fault(
        "where nothing comes back nothing helps",
        lasso._Graph._runs,
        "if not helps and not round_trips:",
        "if not round_trips:",
        partial(
            searches.test_work_that_ends_has_no_run_without_end,
            "toy_pages",
            searches.PAGES,
            "cleaning_ends",
        ),
    ),
    Fault(
        "the work may be brought back by what the claim excepts",
        lasso._Graph._explore,
        "if name not in unless:",
        "if True:",
        partial(
            searches.test_work_that_ends_has_no_run_without_end,
            "toy_moves",
            searches.MOVES,
            "leaving_ends",
        ),
    ),
    Fault(
        "who is stuck is not seen",
        lasso._Graph._runs,
        "if not helps and not round_trips:",
        "if False:",
        partial(searches.test_work_that_never_ends_is_a_cycle_or_stuck, *searches.ENDLESS[1]),
    ),
    Fault(
        "a run need not come back",
        search.Found._never_ends,
        "machines[self.loop].key() != machines[-1].key()",
        "not machines",
        partial(
            searches.test_a_run_shows_that_work_never_ends_if_what_helps_does_not_help,
            *searches.RUNS[1],
        ),
    ),
    Fault(
        "where something helps a run may go round all the same",
        search.Found._never_ends,
        "return helped or any(",
        "return helped or all(machines) or any(",
        partial(
            searches.test_a_run_shows_that_work_never_ends_if_what_helps_does_not_help,
            *searches.RUNS[2],
        ),
    ),
    Fault(
        "on a run the work may be done",
        search.Found._never_ends,
        "if not all(left):",
        "if not left:",
        partial(
            searches.test_a_run_shows_that_work_never_ends_if_what_helps_does_not_help,
            *searches.RUNS[-1],
        ),
    ),
    Fault(
        "a stored trace is believed",
        reach._believed,
        "if not found.is_shown_by(found.replay(system)):",
        "if not found.replay(system):",
        searches.test_a_stored_trace_that_shows_nothing_is_not_believed,
    ),
)

VERDICTS = (
    Fault(
        "the best verdict counts",
        verdicts.combine,
        "return max(",
        "return min(",
        judged.test_the_worst_verdict_counts,
    ),
    Fault(
        "what is given up may be proved",
        run.Decision.counts_as,
        "if self.verdict is Verdict.refuted else Verdict.error",
        "if self.verdict is not Verdict.undetermined else Verdict.error",
        partial(judged.test_a_property_that_is_given_up_must_be_refuted, verdicts.Verdict.proved),
    ),
    Fault(
        "a sometimes without a trace counts as reached",
        run._searched,
        "without=(Verdict.undetermined,",
        "without=(Verdict.holds,",
        searches.test_a_sometimes_without_a_trace_is_undetermined,
    ),
    Fault(
        "a machine that violates an axiom is a machine",
        compiled.violated_axioms,
        "if not program.term(closed(axiom))(())",
        "if not system",
        by_hand.test_an_axiom_is_about_all_elements,
    ),
)

FAULTS = (
    *OBLIGATIONS,
    *COUNTING,
    *APART,
    *REWRITING,
    *SOLVERS,
    *COUNTEREXAMPLES,
    *SEARCHES,
    *VERDICTS,
)
