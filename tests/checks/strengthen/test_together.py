"""What no step breaks holds together; a counterexample is one that the reference sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pytest

from memhp.checks.proof.obligations import Obligations
from memhp.checks.strengthen.together import Together
from memhp.examples import lock_service
from memhp.reference import Machine
from memhp.spec.language import load
from memhp.spec.language.system import Property
from memhp.spec.language.terms import App, Term, Var, conj, eq, implies, negate

SYSTEM = load("lock service", (lock_service,))
SAFE = SYSTEM.property_by_name["one_client_holds_the_lock"]
SYMBOLS = {variable.symbol.name: variable.symbol for variable in SYSTEM.variables}
S, C, D = SAFE.params
PLACES = ("granted", "holds", "returned")


def at(name: str, *args: Var) -> Term:
    return App(SYMBOLS[name], args)


def claim(name: str, formula: Term) -> Property:
    return replace(SAFE, name=name, formula=formula)


def claims() -> Iterator[Property]:
    """A lock is with its server, or in one other place, for one client."""
    for one in PLACES:
        yield claim(f"{one}_once", implies(conj(at(one, S, C), at(one, S, D)), eq(C, D)))
        yield claim(f"{one}_or_free", negate(conj(at(one, S, C), at("has_lock", S))))
    for one, other in combinations(PLACES, 2):
        yield claim(f"{one}_or_{other}", negate(conj(at(one, S, C), at(other, S, D))))


NOBODY = claim("nobody_holds", negate(at("holds", S, C)))


@pytest.fixture
def obligations() -> Obligations:
    return Obligations(SYSTEM)


def test_what_is_inductive_stays_and_what_a_step_breaks_goes(obligations: Obligations) -> None:
    every = list(claims())
    together = Together(SYSTEM, obligations, [SAFE.name])
    assert together.inductive([NOBODY, *every], []) == every


def test_what_needs_a_claim_that_is_not_there_goes_with_it(obligations: Obligations) -> None:
    together = Together(SYSTEM, obligations, [SAFE.name])
    without = [each for each in claims() if each.name != "granted_or_free"]
    assert together.inductive(without, []) == []


def test_what_is_known_is_assumed(obligations: Obligations) -> None:
    together = Together(SYSTEM, obligations, [SAFE.name])
    one, *others = claims()
    known = obligations.suppose(others)
    assert together.inductive([one], []) == []
    assert together.inductive([one], known) == [one]


def test_a_doubtful_invariant_is_assumed_only_where_it_is_said_to_be(
    obligations: Obligations,
) -> None:
    asked = next(each for each in claims() if each.name == "holds_or_returned")
    others = [each for each in claims() if each.name not in ("holds_once", asked.name)]
    (safe,), known = obligations.invariants, obligations.suppose(others)
    doubtful, sure = (Together(SYSTEM, obligations, names) for names in ([SAFE.name], []))
    assert doubtful.inductive([asked], known) == []
    assert doubtful.inductive([asked], [*known, safe]) == [asked]
    assert sure.inductive([asked], known) == [asked]


def test_the_reference_takes_the_step_from_the_counterexample(obligations: Obligations) -> None:
    together = Together(SYSTEM, obligations, [])
    (step,) = (each for each in obligations.of_property(SAFE.name) if each.name.endswith("__take"))
    state = together.counterexample(step, [])
    assert state
    machine = Machine(SYSTEM, state[0], list(state[1]))
    clients, servers = (machine.topology.size(var.sort) for var in (C, S))
    ends = []
    for server in range(servers):
        for client in range(clients):
            after = machine.copy()
            if after.step("take", server, client):
                ends.append(after.violations())
    assert any(ends)


def test_there_is_no_counterexample_where_enough_is_known(obligations: Obligations) -> None:
    together = Together(SYSTEM, obligations, [])
    (step,) = (each for each in obligations.of_property(SAFE.name) if each.name.endswith("__take"))
    known = obligations.suppose(claims())
    assert together.counterexample(step, known) is None
