"""The searches find on toys what a plain walk of the interpreter finds, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast
from unittest.mock import patch

import pytest

from memhp.checks.ground.cuts import closed, cut, reads
from memhp.checks.run import _searched
from memhp.checks.search.lasso import endless, lasso
from memhp.checks.search.localise import shortest
from memhp.checks.search.search import Choice, Witness, search
from memhp.checks.search.trivial import decided
from memhp.checks.search.usual import reach
from memhp.checks.support.store import sealed, unsealed
from memhp.checks.support.verdicts import Verdict
from memhp.reference import Machine, Topology
from memhp.reference.shapes import Shape
from memhp.spec.language import DropUpdate, System, load
from memhp.spec.language.system import Property
from memhp.spec.language.terms import FALSE, App, Next, Var, conj, exists, le, negate, number
from memhp.spec.system import SYSTEM

from .. import toy_false, toy_moves, toy_pages

SYSTEMS = {
    "toy_false": load("toy_false", (toy_false,)),
    "toy_pages": load("toy_pages", (toy_pages,)),
    "toy_moves": load("toy_moves", (toy_moves,)),
}

APART = Topology({"Box": 2, "Item": 2}, {"box": (0, 1), "after_it": (1, 0)})
TOGETHER = Topology({"Box": 2, "Item": 2}, {"box": (0, 0), "after_it": (1, 0)})
MOVES = Topology({"Block": 2, "Folio": 1}, {"near": (1, 0), "first_block": (0,)})
PAGES = Topology({"Node": 2, "Page": 1}, {"twin": (0,), "beside": (1, 0), "first_node": (0,)})


def walk(system: System, topology: Topology, depth: int) -> Iterator[list[Machine]]:
    """The new states of each depth, the boot state first: found with `Machine` alone."""
    layer = [Machine(system, topology)]
    seen = {machine.key() for machine in layer}
    yield layer
    for _ in range(depth):
        following = []
        for machine in layer:
            for action, params in machine.enabled():
                after = machine.copy()
                assert after.step(action, **params)
                if after.key() not in seen:
                    seen.add(after.key())
                    following.append(after)
        yield (layer := following)


def first_depth(system: System, topology: Topology, name: str, depth: int) -> int | None:
    """After how many steps the property is violated, or reached, at the earliest."""
    claim = system.property_by_name[name]
    for at, layer in enumerate(walk(system, topology, depth)):
        for machine in layer:
            if not claim.of_step and shows(claim, machine):
                return at
            if claim.of_step:
                for action, params in machine.enabled():
                    after = machine.copy()
                    after.step(action, **params)
                    if shows(claim, after, machine):
                        return at + 1
    return None


def shows(claim: Property, machine: Machine, before: Machine | None = None) -> bool:
    """The property is violated there (a *sometimes*: reached)."""
    if claim.kind == "sometimes":
        return bool(machine.witnesses(claim.name, before))
    violations = machine.step_violations(before) if before else machine.violations()
    return any(violation.property == claim.name for violation in violations)


def is_real(system: System, witness: Witness) -> bool:
    """The trace runs step by step, and its last state or step shows the property."""
    machines = [Machine(system, witness.topology)]
    for action, point in witness.steps:
        after = machines[-1].copy()
        if not after.step(action, *point):
            return False
        machines.append(after)
    before = machines[-2] if witness.claim.of_step else None
    return shows(witness.claim, machines[-1], before)


REACHED = (
    ("toy_false", APART, "lamps_are_lit", 0),
    ("toy_false", APART, "nothing_is_torn", 1),
    ("toy_false", APART, "somebody_is_calm_and_done", 2),
    ("toy_false", APART, "somebody_is_inside", 2),
    ("toy_false", APART, "somebody_is_calm_and_stuck", None),
    ("toy_false", APART, "who_wears_out_is_torn", None),
    ("toy_false", TOGETHER, "who_wears_out_is_torn", 2),
    ("toy_false", APART, "fillings_are_counted", None),
    ("toy_false", TOGETHER, "fillings_are_counted", 1),
    ("toy_false", TOGETHER, "stores_are_counted", 3),
    ("toy_moves", MOVES, "a_folio_arrives", 4),
    ("toy_moves", MOVES, "two_folios_move", None),
    ("toy_moves", MOVES, "moves_are_counted", None),
    ("toy_pages", PAGES, "all_pages_are_taken", 1),
    ("toy_pages", PAGES, "a_dirty_page_is_cleaned", 4),
    ("toy_pages", PAGES, "a_page_is_seen_on_a_node_that_closes", 2),
)
"""Machines, properties, and the length of the shortest trace there."""


@pytest.mark.parametrize(("name", "topology", "claim", "length"), REACHED)
def test_a_trace_is_as_long_as_the_walk_is_deep(
    name: str, topology: Topology, claim: str, length: int | None
) -> None:
    system = SYSTEMS[name]
    target = system.property_by_name[claim]
    assert first_depth(system, topology, claim, 8 if name != "toy_false" else 2) in (length, None)
    for witness in (
        search(system, [topology], [target], depth=length or 3).witnesses.get(claim),
        shortest(system, [topology], target, max_states=100_000),
    ):
        assert (len(witness.steps) if witness else None) == length
        assert witness is None or is_real(system, witness)


def with_never(name: str) -> tuple[System, Property]:
    """A system with one more property, which is never reached."""
    system = SYSTEMS[name]
    never = replace(next(system.of_kind("sometimes")), name="never", formula=FALSE)
    return replace(system, properties=(*system.properties, never)), never


@pytest.mark.parametrize(("name", "topology"), [("toy_moves", MOVES), ("toy_pages", PAGES)])
def test_the_search_sees_the_states_that_the_walk_sees(name: str, topology: Topology) -> None:
    system, never = with_never(name)
    layers = [len(layer) for layer in walk(system, topology, 30)]
    result = search(system, [topology], [never])
    assert (result.states, result.complete, result.witnesses) == (sum(layers), True, {})
    for depth in (1, 2, 3):
        result = search(system, [topology], [never], depth=depth)
        assert (result.states, result.depth, result.complete) == (
            sum(layers[: depth + 1]),
            depth,
            False,
        )


def test_a_search_that_gave_up_says_so() -> None:
    system, never = with_never("toy_moves")
    result = search(system, [MOVES], [never], max_states=5)
    assert (result.complete, result.spent) == (False, True)


def test_every_machine_is_looked_at() -> None:
    """The property is broken on the last one alone."""
    system = SYSTEMS["toy_false"]
    target = system.property_by_name["who_wears_out_is_torn"]
    for witness in (
        search(system, [APART, TOGETHER], [target], depth=2).witnesses.get(target.name),
        shortest(system, [APART, TOGETHER], target, max_states=100_000),
    ):
        assert witness
        assert witness.topology == TOGETHER


# --- work that never ends -------------------------------------------------------------------------


ENDLESS = (
    ("passing_on_ends", {"pass_on"}),
    ("work_behind_a_gate_ends", set()),
    ("noise_ends_work", set()),
)
"""Work that never ends, and the actions of the cycle; none where nothing helps."""


@pytest.mark.parametrize(("name", "cycle"), ENDLESS)
def test_work_that_never_ends_is_a_cycle_or_stuck(name: str, cycle: set[str]) -> None:
    system = replace(SYSTEMS["toy_false"], properties=())
    claim = SYSTEMS["toy_false"].property_by_name[name]
    witness = lasso(system, [APART], claim, max_states=2_000)
    assert witness
    assert witness.loop is not None
    assert {action for action, _ in witness.steps[witness.loop :]} == cycle
    machines = witness.replay(system)
    assert machines[witness.loop] == machines[-1]
    assert witness.is_shown_by(machines)


@pytest.mark.parametrize(
    ("name", "topology", "claim"),
    [
        ("toy_moves", MOVES, "copies_are_finished"),
        ("toy_moves", MOVES, "leaving_ends"),
        ("toy_pages", PAGES, "cleaning_ends"),
        ("toy_pages", PAGES, "closing_ends"),
    ],
)
def test_work_that_ends_has_no_run_without_end(name: str, topology: Topology, claim: str) -> None:
    """Other steps may go round and round, and ``unless`` may bring the work back."""
    system = SYSTEMS[name]
    target = system.property_by_name[claim]
    assert endless(system, topology, target, max_states=10_000) is None
    assert lasso(system, [topology], target, max_states=10_000) is None


TEAR, PASS, PASS_BACK = ("tear", (0,)), ("pass_on", (0,)), ("pass_on", (1,))

RUNS = (
    ("passing_on_ends", (PASS, PASS_BACK, PASS), 1, True),
    ("passing_on_ends", (PASS,), 0, False),
    ("passing_on_ends", (TEAR,), 1, False),
    ("passing_on_ends", (TEAR, TEAR), 1, False),
    ("work_behind_a_gate_ends", (TEAR,), 1, True),
    ("work_behind_a_gate_ends", (TEAR, TEAR), 1, True),
    ("work_behind_a_gate_ends", (("do", (0,)), ("do", (1,))), 2, False),
)
"""Work, a run, and where its cycle begins: it must come back, with work left, and a step that
helps is taken on it, or nowhere possible."""


@pytest.mark.parametrize(("name", "steps", "loop", "shown"), RUNS)
def test_a_run_shows_that_work_never_ends_if_what_helps_does_not_help(
    name: str, steps: tuple[Choice, ...], loop: int, shown: bool
) -> None:
    claim = SYSTEMS["toy_false"].property_by_name[name]
    witness = Witness(claim, APART, steps, (-1,), loop=loop)
    assert witness.is_shown_by(witness.replay(SYSTEMS["toy_false"])) == shown


# --- the store ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fixed:
    """A shape with one topology."""

    topology: Topology

    def build(self, system: System) -> Topology:
        return self.topology


def reached(name: str, folder: Path) -> Witness | None:
    """What `reach` finds of a property of `toy_false`, with a store."""
    shapes = [cast(Shape, Fixed(APART))]
    target = SYSTEMS["toy_false"].property_by_name[name]
    return reach(SYSTEMS["toy_false"], [target], shapes=shapes, folder=folder)[0].get(name)


def test_a_sometimes_without_a_witness_is_not_reached(tmp_path: Path) -> None:
    assert reached("somebody_is_calm_and_stuck", tmp_path) is None
    witness = reached("somebody_is_calm_and_done", tmp_path)
    assert witness
    assert is_real(SYSTEMS["toy_false"], witness)


def test_a_stored_trace_that_shows_nothing_is_not_believed(tmp_path: Path) -> None:
    witness = reached("somebody_is_calm_and_done", tmp_path)
    assert witness
    (file,) = tmp_path.iterdir()
    (entry,) = (unsealed(each) for each in json.loads(file.read_text()))
    for steps in ([], [["tear", [0]]], [["do", [0]]], [["do", [0]], ["calm_down", [1]]]):
        lie = sealed(entry | {"trace": [0, steps, [0], None]})
        file.write_text(json.dumps([lie]))
        again = reached("somebody_is_calm_and_done", tmp_path)
        assert again
        assert is_real(SYSTEMS["toy_false"], again)


def test_a_sometimes_without_a_trace_is_undetermined() -> None:
    claim = replace(next(SYSTEM.of_kind("sometimes")), name="never", formula=FALSE)
    with patch("memhp.checks.run.reach", return_value=({}, False)):
        (decision,) = _searched(SYSTEM, [claim], {}, None, 1, None)
    assert decision.verdict is Verdict.undetermined
    assert decision.trace is None


def test_a_counter_without_end_decides_nothing() -> None:
    """A property that only a number outside the small model's range violates is not decided."""
    system = SYSTEMS["toy_false"]
    claim = system.property_by_name["stores_are_counted"]
    (counter,) = (v.symbol for v in system.variables if v.symbol.name == "stores")
    formula = le(App(counter, claim.params), number(100))
    few = replace(claim, name="few", formula=formula)
    smaller = cut(system, closed(system, reads(system, few.formula)), few)
    assert not decided(smaller, TOGETHER, few)


def test_a_step_that_changes_nothing_that_is_asked_shows_a_sometimes_of_steps() -> None:
    """Whichever action takes it, the cut machine has such a step."""
    system = SYSTEMS["toy_false"]
    turned = next(v.symbol for v in system.variables if v.symbol.name == "turned")
    box = Var("b", turned.domain[0], "stays")
    nobody = negate(exists(box, App(turned, (box,))))
    claim = system.property_by_name["somebody_is_inside"]
    stays = replace(claim, name="stays", params=(), formula=conj(nobody, Next(nobody)))
    whole = replace(system, properties=(stays,))
    trace = shortest(whole, [APART], stays, max_states=10_000)
    assert trace
    assert len(trace.steps) == 1
    assert trace.is_shown_by(trace.replay(whole))


def test_a_cut_machine_knows_when_an_action_is_possible_that_it_lacks() -> None:
    """What drops a page writes nothing that the property reads, since an update was dropped."""
    system = DropUpdate("drop", "use").apply(SYSTEMS["toy_pages"])
    claim = system.property_by_name["who_has_a_page_can_go_on"]
    smaller = cut(system, closed(system, reads(system, claim.formula)), claim)
    assert "drop" not in smaller.action_by_name
    found = search(smaller, [PAGES], [claim]).witnesses
    assert found.keys() == search(system, [PAGES], [claim]).witnesses.keys()
    shortest(system, [PAGES], claim, max_states=10_000)
