"""Faults in how terms are rewritten, solvers are asked, and their answers are judged."""

from __future__ import annotations

from functools import partial

from memhp.checks import (
    attempts,
    batch,
    cache,
    counterexample,
    decide,
    keys,
    pool,
    probes,
    propagate,
    prove,
    smt,
    solvers,
)
from memhp.spec.language import rewrite

from . import (
    test_answers_are_judged as judged,
)
from . import (
    test_batch as batches,
)
from . import (
    test_export as exports,
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
    test_propagate as propagation,
)
from . import (
    test_prove as proofs,
)
from .faults import Fault
from .watches import RESTS, SMALL_ALONE, ground, mini, refuted, says

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
        "f(g(x)) stays as it is when g alone is written",
        rewrite._read,
        "return frozenset((symbol.name,)).union(*map(_read, args))",
        "return frozenset((symbol.name,))",
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
        rewrite.folded,
        "return implies(args[0], args[1])",
        "return implies(args[1], args[0])",
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
        'and answer.status == "unsat":\n        self.proof',
        'and answer.status in ("unsat", "unknown"):\n        self.proof',
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
        solvers._said_by_cvc5,
        'else Answer("unknown", reason=str(result))',
        'else Answer("unsat")',
        partial(judged.test_a_solver_that_may_do_nothing_says_that_it_does_not_know, "cvc5"),
    ),
    Fault(
        "a proof without a core rests on nothing",
        solvers._said,
        "core=tuple(sorted(str(name) for name in solver.unsat_core()))",
        "core=()",
        RESTS,
    ),
    Fault(
        "the core is looked up by other names",
        attempts.Case._of_core,
        "if part.label in kept",
        "if part.name in kept",
        partial(exports.test_a_file_assumes_what_its_proof_uses, claims.TOYS["toy"]),
    ),
    Fault(
        "a proof rests on guards and axioms only",
        attempts.Case.rests_on,
        'if role == "always"',
        'if role == "axiom"',
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
        prove._Reporter._is_shown,
        "case.proof is not None and",
        "not case.error and",
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

PROPAGATION = (
    Fault(
        "an element that there is may be one that is known",
        propagate._Known._named,
        'scope=f"{var.scope}!{self._names}"',
        'scope=f"{var.scope}!"',
        partial(propagation.test_it_stays_open, "some are not all"),
    ),
    Fault(
        "a goal follows from one of its premises",
        propagate._cases,
        "for premise in premises:",
        "for premise in premises[:1]:",
        partial(propagation.test_it_stays_open, "one case of a premise"),
    ),
    Fault(
        "one part of the goal is enough",
        propagate.follows,
        "return all(",
        "return any(",
        partial(propagation.test_it_stays_open, "one part of a conclusion"),
    ),
    Fault(
        "what is false is true",
        propagate._Known._learn,
        "self._value[inner] = FALSE",
        "self._value[inner] = TRUE",
        partial(propagation.test_it_follows, "what is left of a disjunction"),
    ),
    Fault(
        "a disjunction that is false has a true part",
        propagate._Known.suppose,
        "todo += map(negate, args)",
        "todo += args",
        propagation.test_what_follows_is_true_wherever_the_facts_are,
    ),
    Fault(
        "an open formula is used on itself and vanishes",
        propagate._Known._propagate,
        "self._forget(formula)",
        "pass",
        partial(propagation.test_it_follows, "a chain of premises, last one first"),
    ),
    Fault(
        "an if-then-else has the value of the branch that is not taken",
        propagate._Known._pushed,
        "disj(conj(condition, eq(then, const)), conj(negate(condition), eq(otherwise, const)))",
        "disj(conj(negate(condition), eq(then, const)), conj(condition, eq(otherwise, const)))",
        partial(propagation.test_it_follows, "a value, of which only later is known which"),
    ),
    Fault(
        "what something is known of is left as it is",
        propagate._Known.reduced,
        "self._value.keys().isdisjoint(_parts(term))",
        "not self._value.keys().isdisjoint(_parts(term))",
        partial(propagation.test_it_follows, "what a premise leads to"),
    ),
    Fault(
        "nothing is known below a quantifier",
        propagate._parts,
        "return _parts(body) | {term}",
        "return frozenset((term,))",
        partial(propagation.test_it_follows, "what is known below a quantifier"),
    ),
    Fault(
        "what is supposed for one goal is a fact for the next",
        propagate.follows,
        "_knowing(tuple(facts)).copy()",
        "_knowing(tuple(facts))",
        propagation.test_what_is_supposed_for_one_goal_is_no_fact_for_the_next,
    ),
    Fault(
        "what follows from a guard of one action is proved of another",
        batch._Solving.answers,
        'if found and not any(label.startswith("guard.") for label in found.core):',
        "if found:",
        batches.test_a_proof_that_uses_a_guard_is_of_its_own_action_alone,
    ),
    Fault(
        "what follows from an invariant is proved where it may not be assumed",
        batch._Solving._again,
        "if assumed >= {*found.core} else None",
        "",
        batches.test_a_proof_is_taken_again_only_where_all_that_it_uses_is_assumed,
    ),
    Fault(
        "what does not follow is proved where there are guards",
        batch._propagated,
        "if not follows(obligation.goal, facts, before):",
        "if not (*facts, *before):",
        refuted("nothing_is_torn"),
    ),
    Fault(
        "a step property is assumed before it is shown",
        batch._propagated,
        "before = [claim.formula for _ in mine]",
        "before = [obligation.goal]",
        refuted("nothing_is_torn"),
    ),
    Fault(
        "what was shown of an action is kept when its guards change",
        keys._of_action,
        "action.params, guards, updates, action.using",
        "action.params, updates, action.using",
        partial(proofs.test_an_edit_is_not_answered_by_what_was_known_before, claims.TOYS["toy"]),
    ),
    Fault(
        "what was shown of an action is kept when its updates change",
        keys._of_action,
        "action.params, guards, updates, action.using",
        "action.params, guards, action.using",
        partial(proofs.test_an_edit_is_not_answered_by_what_was_known_before, claims.TOYS["toy"]),
    ),
    Fault(
        "what was shown is kept when an assumption changes",
        keys.Keys._rest.func,
        "repr((part.label, part.term))",
        "part.label",
        partial(proofs.test_an_edit_is_not_answered_by_what_was_known_before, claims.TOYS["toy"]),
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
