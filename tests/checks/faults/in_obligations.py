"""Faults in what has to be proven: its kinds, the rule for counters, updates that meet."""

from __future__ import annotations

from functools import partial

from memhp.checks.proof import counting, goals, obligations, smt
from memhp.spec.language import DropGuard, DropUpdate, tracing

from .. import test_false_claims as claims
from ..proof import test_answers_are_judged as judged
from ..proof import test_budgets as budgets
from ..proof import test_obligations_mean_what_they_say as meaning
from .fault import Fault
from .watches import FORGET, all_there, refuted, says

OBLIGATIONS = (
    Fault(
        "work may grow and nothing is spent",
        tracing._shrinks,
        "terms.implies(grows, pays)",
        "terms.implies(grows, grows)",
        partial(budgets.test_work_that_nobody_pays_for_is_refuted, DropUpdate("pay", "spent")),
    ),
    Fault(
        "what was spent may come back",
        tracing._shrinks,
        "terms.conj(stays_spent, ",
        "terms.conj(",
        partial(budgets.test_work_that_nobody_pays_for_is_refuted, DropGuard("bring", "day")),
    ),
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
        partial(
            claims.test_every_obligation_is_decided_or_reads_nothing_that_is_written, "toy_moves"
        ),
    ),
    Fault(
        "a changed property is called unchanged, and not decided",
        obligations.Obligations._of_step,
        "holds, constants, unchanged",
        'holds, constants, unchanged or action.name == "begin"',
        partial(
            claims.test_every_obligation_is_decided_or_reads_nothing_that_is_written, "toy_moves"
        ),
    ),
    Fault(
        "an always property is looked at before the step",
        goals.kept,
        "counted = after(formula, action)",
        "counted = formula",
        says("toy_pages", "consecution"),
    ),
    Fault(
        "a step property is looked at in the wrong state",
        goals._stepped,
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
        "for var in action.params if var.name in arguments",
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
        counting.keeps_count,
        "return conj(at_most_one(came), at_most_one(went), eq(",
        "return conj(eq(",
        refuted("fillings_are_counted"),
    ),
    Fault(
        "any number may come in at once",
        counting.keeps_count,
        "at_most_one(came), at_most_one(went)",
        "at_most_one(went)",
        refuted("fillings_are_counted"),
    ),
    Fault(
        "any number may go out at once",
        counting.keeps_count,
        "at_most_one(came), at_most_one(went)",
        "at_most_one(came)",
        refuted("stores_are_counted"),
    ),
    Fault(
        "what goes out is not counted",
        counting.keeps_count,
        "ite(exists(var, went), number(-1), number(0))",
        "number(0)",
        says("toy_pages", "counting"),
    ),
    Fault(
        "what counts at boot is not looked at",
        counting.nothing_counts,
        "conj(eq(after(counter, boot), number(0)), nothing)",
        "eq(after(counter, boot), number(0))",
        refuted("births_are_counted"),
    ),
    Fault(
        "what a counter is at boot is not looked at",
        counting.nothing_counts,
        "conj(eq(after(counter, boot), number(0)), nothing)",
        "nothing",
        refuted("losses_are_counted"),
    ),
    Fault(
        "an exact counter is assumed to be positive",
        counting.without_count,
        "conj(le(number(0), counter),",
        "conj(le(number(1), counter),",
        partial(
            judged.test_what_is_assumed_of_any_size_follows_from_the_invariant,
            claims.TOYS["toy_pages"],
        ),
    ),
    Fault(
        "an exact counter is assumed to be 0 when something counts",
        counting.without_count,
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
