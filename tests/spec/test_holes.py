"""Each run of `holes` breaks its property without the mend, and is refused with it."""

from __future__ import annotations

import pytest

from memhp.reference import Machine, violated_axioms
from memhp.spec.language import Variant, apply
from memhp.spec.language.system import System
from memhp.spec.system import SYSTEM

from .holes import HOLES, Hole


def broken_without(hole: Hole) -> System:
    """The specification without what mends the hole."""
    return apply(SYSTEM, Variant("hole", hole.name, (), "", hole.breaks, hole.edits))


def violations(before: Machine, machine: Machine) -> set[str]:
    """The properties that the state, or the step to it, breaks."""
    return {each.property for each in (*machine.violations(), *machine.step_violations(before))}


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.name)
def test_the_run_breaks_the_property_where_nothing_mends_it(hole: Hole) -> None:
    system = broken_without(hole)
    machine = Machine(system, hole.shape.build(system))
    before = machine.copy()
    for action, *params in hole.run:
        before = machine.copy()
        outcome = machine.step(str(action), *params)
        assert outcome, outcome
    assert hole.breaks in violations(before, machine)


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.name)
def test_the_run_is_impossible(hole: Hole) -> None:
    topology = hole.shape.build(SYSTEM)
    machine = Machine(SYSTEM, topology)
    taken = all(machine.step(str(action), *params) for action, *params in hole.run)
    assert violated_axioms(SYSTEM, topology) or not taken
