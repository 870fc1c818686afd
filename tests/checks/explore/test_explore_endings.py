"""Runs without end in the compiled search: those of the reference, on far larger machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.explore.results import Exploration
from memhp.checks.explore.run import Means, explore
from memhp.checks.ground.parts import restricted, sliced
from memhp.checks.search.lasso import endless
from memhp.checks.search.search import Witness
from memhp.checks.support.compiler import compiler
from memhp.checks.support.verdicts import Verdict
from memhp.reference import Topology
from memhp.reference.shapes import Shape
from memhp.spec.language import DropUpdate, apply
from memhp.spec.language.system import Property, System
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(compiler() is None, reason="there is no C compiler"),
]

WAITING = {"alloc_folio", "begin_offline", "page_tables", "migration", "destination"}
STORES = {"alloc_folio", "begin_offline", "cancel_offline", "fault", "store", "writeback"}
DRAINING = {"drain", "vet", "alloc_folio", "free_folio", "reserve_destination", "begin_unmap"}
DRAINING |= {"copy", "change_home", "finish_migration"}
ROOMY = Shape(blocks=2, frames=4, folios=2)


def variant(name: str) -> System:
    return apply(SYSTEM, next(variant for variant in VARIANTS if variant.name == name))


def part(system: System, names: set[str], claim: str) -> tuple[System, Property]:
    """The named actions and those that the property speaks of, with what they depend on."""
    ending = system.property_by_name[claim].ending
    assert ending
    smaller = restricted(system, names | {*ending.by, *ending.unless})
    wanted = smaller.property_by_name[claim]
    return sliced(smaller, [wanted]), wanted


def draining(system: System) -> tuple[System, Property]:
    """What a block needs that drains: a property of several ways, of which some are open."""
    claim = system.property_by_name["draining_ends"]
    actions = tuple(action for action in system.actions if action.name in DRAINING)
    return sliced(replace(system, actions=actions), [claim]), claim


def run_of(result: Exploration, claim: Property) -> Witness:
    """The run without end, once it has been seen to be one on the reference."""
    assert result.verdict(claim) is Verdict.refuted
    run = result.witnesses[claim.name]
    assert run.loop is not None
    machines = run.replay(result.system)
    assert run.is_shown_by(machines)
    assert machines[run.loop].key() == machines[-1].key()
    return run


def agree(system: System, claim: Property, shape: Shape, *, endless_run: bool) -> Witness | None:
    """The run without end, if there is one: as long as the reference's, about the same work."""
    topology: Topology = shape.build(system)
    expected = endless(system, topology, claim, max_states=50_000)
    result = explore(system, topology, [claim])
    assert (result.engine, bool(expected)) == ("native", endless_run)
    if expected is None:
        assert result.verdict(claim) is Verdict.holds
        return None
    run = run_of(result, claim)
    assert (len(run.steps), run.loop, run.params) == (
        len(expected.steps),
        expected.loop,
        expected.params,
    )
    return run


@pytest.mark.parametrize(
    ("edits", "names", "claim"),
    [
        ((DropUpdate("wake", "waiting"),), WAITING, "waiting_ends"),
        ((DropUpdate("restore_pte", "pte"),), WAITING, "restoring_ends"),
        ((), WAITING, "waiting_ends"),
        ((), STORES, "giving_up_is_always_possible"),
        ((), STORES, "waiting_for_a_store_ends"),
    ],
)
def test_the_same_runs_without_end_as_by_the_reference(
    edits: tuple[DropUpdate, ...], names: set[str], claim: str
) -> None:
    system = SYSTEM
    for edit in edits:
        system = edit.apply(system)
    smaller, wanted = part(system, names, claim)
    agree(smaller, wanted, Shape(blocks=2), endless_run=bool(edits))


@pytest.mark.parametrize(
    ("edits", "cycle"),
    [
        ((), None),
        ((DropUpdate("change_home", "frame_state"),), None),
        ((DropUpdate("copy", "stage"),), ["copy"]),
        ((DropUpdate("change_home", "stage"),), ["change_home"]),
        ((DropUpdate("reserve_destination", "source"),), []),
        ((DropUpdate("finish_migration", "stage"),), []),
    ],
)
def test_the_same_verdict_where_work_has_several_ways_on(
    edits: tuple[DropUpdate, ...], cycle: list[str] | None
) -> None:
    """Without a step's update it is taken for ever; or none of the ways is open any more."""
    system = SYSTEM
    for edit in edits:
        system = edit.apply(system)
    smaller, wanted = draining(system)
    assert wanted.ending
    assert len(wanted.ending.ways) > 1
    run = agree(smaller, wanted, Shape(blocks=2, frames=3), endless_run=cycle is not None)
    assert (run and [name for name, _ in run.steps[run.loop :]]) == cycle


def test_a_wait_without_a_budget_is_a_run_without_end_on_the_whole_specification() -> None:
    system = variant("wait-without-a-budget")
    claim = system.property_by_name["waiting_for_a_store_ends"]
    smaller = sliced(system, [claim])
    result = explore(smaller, Shape(blocks=1).build(smaller), [claim])
    assert result.states > 500_000
    run = run_of(result, claim)
    assert [name for name, _ in run.steps[run.loop :]] == ["wait_for_writeback"]


def test_a_removal_that_cannot_be_given_up_is_stuck() -> None:
    smaller, claim = part(
        variant("no-giving-up-while-waiting"), STORES, "giving_up_is_always_possible"
    )
    run = run_of(explore(smaller, Shape(blocks=1).build(smaller), [claim]), claim)
    assert run.loop == len(run.steps)


@pytest.mark.slow
def test_a_cycle_of_many_steps_is_found_before_all_was_seen() -> None:
    """A part of the machine is enough: where its steps lead outside does not matter."""
    system = variant("allocation-refills-what-drains")
    smaller, claim = draining(system)
    result = explore(smaller, ROOMY.build(smaller), [claim], depth=11)
    assert result.end == "depth"
    run = run_of(result, claim)
    cycle = [name for name, _ in run.steps[run.loop :]]
    assert {"change_home", "free_folio", "alloc_folio"} <= set(cycle)
    assert len(run.steps) == 12


def test_what_was_not_followed_is_undetermined() -> None:
    smaller, claim = part(SYSTEM, WAITING, "waiting_ends")
    topology = Shape(blocks=2).build(smaller)
    assert explore(smaller, topology, [claim], depth=3).verdict(claim) is Verdict.undetermined
    assert explore(smaller, topology, [claim]).verdict(claim) is Verdict.holds


def test_with_symmetry_runs_without_end_are_looked_for_without_it() -> None:
    smaller, claim = part(DropUpdate("wake", "waiting").apply(SYSTEM), WAITING, "waiting_ends")
    topology = Shape(blocks=2, folios=2, ptes=2).build(smaller)
    result = explore(smaller, topology, [claim], symmetry=True)
    assert result.symmetry
    assert run_of(result, claim).loop == 8


@pytest.mark.parametrize("jobs", [1, 3])
def test_threads_find_the_same_runs(jobs: int) -> None:
    smaller, claim = part(DropUpdate("wake", "waiting").apply(SYSTEM), WAITING, "waiting_ends")
    topology = Shape(blocks=2, ptes=2).build(smaller)
    run = run_of(explore(smaller, topology, [claim], means=Means(jobs=jobs)), claim)
    assert (len(run.steps), run.loop) == (9, 8)
