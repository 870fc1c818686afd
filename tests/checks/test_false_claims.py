"""False claims are refuted where they break, and every obligation is there to be looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pytest

from memhp.checks.proof.obligations import Obligations
from memhp.checks.proof.prove import prove
from memhp.checks.proof.questions import impossible
from memhp.checks.support.verdicts import Verdict
from memhp.spec.language import System, load
from memhp.spec.language.system import Action, Property, Update

from . import toy, toy_false, toy_moves, toy_pages
from .altered import joined
from .explore.brute_force import compare

FALSE = load("toy_false", (toy_false,))
TOYS = {
    "toy": load("toy", (toy,)),
    "toy_pages": load("toy_pages", (toy_pages,)),
    "toy_moves": load("toy_moves", (toy_moves,)),
}

BROKEN_BY = {
    "fillings_are_counted": {"fill_all"},
    "stores_are_counted": {"clear"},
    "births_are_counted": {None},
    "losses_are_counted": {None},
    "lamps_are_lit": {None},
    "nothing_is_torn": {"tear"},
    "there_are_two_boxes": {None},
    "one_box_is_not_all": {None},
    "there_are_three_items": {None},
    "among_three_items_a_third_box_is_left": {None},
    "who_wears_out_is_torn": {"wear"},
    "passing_on_ends": {"pass_on"},
    "work_behind_a_gate_ends": {None},
    "noise_ends_work": {None},
    "the_calm_and_the_busy_end": {None},
    "the_second_way_ends": {None},
    "the_gated_way_ends": {None},
}
"""The action after which each claim fails; None at boot, and for work that cannot go on."""


REFUTED = Verdict.refuted


def alone(name: str) -> System:
    """The system of false claims with that one alone."""
    return replace(FALSE, properties=(FALSE.property_by_name[name],))


@pytest.mark.parametrize("name", BROKEN_BY)
def test_a_false_claim_is_refuted_where_it_breaks(name: str) -> None:
    result = prove(alone(name), only=[name], jobs=1).of(name)
    assert result.verdict is Verdict.refuted
    assert {failure.action for failure in result.failures} == BROKEN_BY[name]


TRUE_CLAIMS = {"items_are_in_boxes", "boxes_are_there"}


def test_every_claim_that_is_false_on_a_small_machine_is_listed() -> None:
    provable = {claim.name for claim in FALSE.of_kind("always", "step", "ends")}
    beyond = {"there_are_no_four_boxes", "keeps_are_counted"}
    assert provable - set(BROKEN_BY) == beyond | TRUE_CLAIMS


@pytest.mark.parametrize("name", sorted(TRUE_CLAIMS))
def test_a_true_claim_is_proved(name: str) -> None:
    assert prove(alone(name), only=[name], jobs=1).verdict is Verdict.proved


def test_what_is_true_beyond_the_counting_rule_is_undetermined() -> None:
    name = "keeps_are_counted"
    assert prove(alone(name), only=[name], jobs=1).of(name).verdict is Verdict.undetermined


THERE = {
    "there_are_two_boxes": (2, True),
    "one_box_is_not_all": (2, True),
    "there_are_three_items": (3, True),
    "items_are_in_boxes": (2, False),
    "boxes_are_there": (2, False),
}
"""Claims about which elements there are: on up to so many items, can they fail?"""


@pytest.mark.parametrize(("name", "items", "fails"), [(n, *each) for n, each in THERE.items()])
def test_a_ground_query_is_about_what_is_there(name: str, items: int, fails: bool) -> None:
    """On machines with nothing else and without steps."""
    system, claim = alone(name), FALSE.property_by_name[name]
    reads = system.symbols_in(claim.formula)
    variables = tuple(variable for variable in system.variables if variable.symbol.name in reads)
    small = replace(system, variables=variables, actions=())
    assert bool(compare(small, {"Box": 2, "Item": items})[True]) == fails


def test_what_is_true_of_the_small_machines_alone_is_not_proved() -> None:
    name = "there_are_no_four_boxes"
    assert prove(alone(name), only=[name], jobs=1).verdict is Verdict.undetermined


def test_what_no_small_machine_reaches_is_not_impossible() -> None:
    system = alone("there_are_two_boxes")
    claims = [FALSE.property_by_name["four_boxes_are_there"]]
    assert impossible(system, claims) == set()


@pytest.mark.parametrize("name", ["toy_pages", "toy_moves"])
def test_the_toys_are_proved_and_certified(name: str) -> None:
    report = prove(TOYS[name], jobs=1, certify=True)
    assert report.verdict is Verdict.proved
    assert all(result.certified for result in report.results)


# --- nothing is left out --------------------------------------------------------------------------


Wanted = tuple[str, str, str, int]
"""An obligation: its kind, property, action and number."""


def wanted(system: System, claim: Property) -> Iterator[Wanted]:
    """What a property needs, said anew: from the language alone, not from the checker."""
    ending = claim.ending
    if claim.kind == "always":
        yield "initiation", claim.name, "", 0
    kind = "consecution" if claim.kind == "always" else "step"
    for action in system.actions:
        if not (ending and action.name in ending.unless):
            yield kind, claim.name, action.name, 0
    if ending:
        yield "enabled", claim.name, "", 0
        for number in range(1, len(ending.ways) + 1) or (0,):
            yield "progress", claim.name, "", number


@pytest.mark.parametrize("name", TOYS)
def test_every_property_has_every_obligation(name: str) -> None:
    system = TOYS[name]
    obligations = Obligations(system)
    for claim in system.of_kind("always", "step", "ends"):
        kinds = Counter(
            (o.kind, claim.name, o.action.name if o.action else "", o.number)
            for o in obligations.of_property(claim.name)
        )
        assert kinds == Counter(wanted(system, claim))


@pytest.mark.parametrize("name", TOYS)
def test_every_obligation_is_decided_or_reads_nothing_that_is_written(name: str) -> None:
    system = TOYS[name]
    report = prove(system, jobs=1)
    for claim in system.of_kind("always", "step", "ends"):
        result = report.of(claim.name)
        assert result.obligations == len([*wanted(system, claim)])
        if claim.kind == "always":
            reads = system.symbols_in(claim.formula)
            unchanged = [action for action in system.actions if not reads & action.written]
            assert result.unchanged == len(unchanged)


def may_meet(action: Action) -> list[tuple[Update, Update]]:
    """Two updates of one variable."""
    pairs = combinations(action.updates, 2)
    return [(a, b) for a, b in pairs if a.symbol.name == b.symbol.name]


@pytest.mark.parametrize(
    ("name", "first", "second", "pairs", "verdict"),
    [
        ("toy_pages", "follow", "spread", 1, Verdict.refuted),
        ("toy_pages", "spread", "evacuate", 1, Verdict.proved),
        ("toy_moves", "forget", "forget", 1, Verdict.refuted),
        ("toy_moves", "swap", "shove", 3, Verdict.refuted),
    ],
)
def test_all_updates_of_one_variable_are_compared(
    name: str, first: str, second: str, pairs: int, verdict: Verdict
) -> None:
    both = f"{first}_and_{second}"
    system = joined(TOYS[name], first, second)
    assert len([*Obligations(system).of_action(both)]) == pairs
    assert len(may_meet(system.action_by_name[both])) == pairs
    result = prove(replace(system, properties=()), jobs=1).of(both)
    assert result.verdict is verdict
    assert all("two updates meet" in failure.reason for failure in result.failures)
