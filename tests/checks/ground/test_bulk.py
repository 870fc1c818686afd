"""Terms on many states at once say what the reference says of each."""

from __future__ import annotations

import numpy as np
import pytest

from memhp.checks.ground.bulk import Bulk
from memhp.checks.strengthen.states import reached
from memhp.reference import Machine, Shape
from memhp.spec.language.rewrite import expand
from memhp.spec.language.system import Property
from memhp.spec.system import SYSTEM

STATES = reached(SYSTEM, Shape(blocks=2, folios=2, added=frozenset([1])).build(SYSTEM))
BULK = Bulk(SYSTEM, STATES.topology, STATES.rows)
MACHINE = Machine(SYSTEM, STATES.topology)
FEW = range(0, len(STATES.rows), 97)


def by_reference(claim: Property, at: int) -> int:
    """For how many choices of elements the property fails, or a *sometimes* holds."""
    machine = MACHINE.at(STATES.rows[at].tolist())
    if claim.kind == "sometimes":
        return len(machine.witnesses(claim.name))
    return len(machine.violations_of(claim.name))


@pytest.mark.parametrize("kind", ["always", "sometimes"])
def test_each_property_has_the_truth_that_the_reference_finds(kind: str) -> None:
    for claim in SYSTEM.properties:
        if claim.kind == kind and not claim.of_step:
            truth = BULK.truth(expand(claim.formula, SYSTEM), claim.params)
            shown = truth if kind == "sometimes" else ~truth
            number = shown.reshape(len(STATES.rows), -1).sum(axis=1)
            assert [number[at] for at in FEW] == [by_reference(claim, at) for at in FEW], claim.name


def test_every_invariant_holds_in_all_states_that_are_reached() -> None:
    for claim in SYSTEM.of_kind("always"):
        assert BULK.truth(expand(claim.formula, SYSTEM), claim.params).all(), claim.name


def test_a_damaged_state_is_noticed() -> None:
    claim = SYSTEM.property_by_name["frames_in_use_have_an_initialised_memmap"]
    damaged = np.zeros_like(STATES.rows)
    damaged[:] = 1
    bulk = Bulk(SYSTEM, STATES.topology, damaged)
    assert not bulk.truth(expand(claim.formula, SYSTEM), claim.params).all()
