"""Faults in what a proof may rest on, in the last look at it, and in where anything is shown."""

from __future__ import annotations

from functools import partial

from memhp.checks.proof import argument, rounds
from memhp.checks.search import scopes

from .. import test_false_claims as claims
from ..proof import test_argument, test_axioms_hold
from .fault import Fault
from .watches import RESTS

TOY = claims.TOYS["toy"]

ARGUMENT = (
    Fault(
        "what a second proof rests on is not decided",
        rounds.Work.settle,
        "self._decide_properties((), pool)",
        "pass",
        test_argument.test_what_a_second_proof_rests_on_is_decided_too,
    ),
    Fault(
        "a second proof is not looked for",
        rounds.Work._shaken,
        "return [case",
        "return [] and [case",
        RESTS,
    ),
    Fault(
        "the last look sees nothing",
        argument.gaps,
        "return wrong",
        "return {}",
        partial(test_argument.test_the_last_look_misses_no_obligation, TOY, "step"),
    ),
    Fault(
        "the last look misses no obligation that is missing",
        argument._gaps,
        "(expected - shown) + (shown - expected)",
        "shown - expected",
        partial(test_argument.test_the_last_look_misses_no_obligation, TOY, "initiation"),
    ),
    Fault(
        "at boot invariants may be relied on",
        argument._foreign,
        'set() if obligation.kind == "initiation" else invariants',
        "invariants",
        partial(
            test_argument.test_the_last_look_knows_what_a_proof_may_use,
            TOY,
            "initiation",
            "always.folios_do_not_share",
        ),
    ),
    Fault(
        "a proof may rest on what is not proved",
        argument._foreign,
        "name not in allowed.get(role, ())",
        "role not in allowed",
        partial(
            test_argument.test_the_last_look_knows_what_a_proof_may_use,
            TOY,
            "consecution",
            "always.no_such_property",
        ),
    ),
    Fault(
        "a machine that violates an axiom shows something",
        scopes._fit,
        "if not violated_axioms(system, each.build(system))",
        "if violated_axioms(system, each.build(system)) is not None",
        test_axioms_hold.test_what_needs_two_nodes_is_not_reached_with_an_axiom_that_there_is_one,
    ),
)
