"""Runs that never end are found, replay, and come back to where they were."""

from __future__ import annotations

import pytest

from memhp.checks.search.lasso import lasso
from memhp.checks.search.usual import first_violation
from memhp.reference import Trace
from memhp.reference.usual import ROOMY
from memhp.spec.language import DropGuard, DropUpdate, System
from memhp.spec.system import SYSTEM


def found_in(system: System, name: str) -> bool:
    topologies = [shape.build(system) for shape in ROOMY]
    claim = system.property_by_name[name]
    return lasso(system, topologies, claim, max_states=5_000) is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", [claim.name for claim in SYSTEM.of_kind("ends")])
def test_no_run_of_the_specification_is_without_end(name: str) -> None:
    assert not found_in(SYSTEM, name)


def test_a_step_that_leaves_its_work_undone_is_a_cycle() -> None:
    broken = DropUpdate("wake", "waiting").apply(SYSTEM)
    witness = first_violation(broken, "waiting_ends")
    assert witness
    assert witness.loop == len(witness.steps) - 1
    assert witness.steps[-1][0] == "wake"


@pytest.mark.slow
def test_a_refill_is_found_with_its_cycle() -> None:
    broken = DropGuard("alloc_folio", "not_draining").apply(SYSTEM)
    witness = first_violation(broken, "draining_ends")
    assert witness
    assert witness.loop is not None
    cycle = {name for name, _ in witness.steps[witness.loop :]}
    assert {"change_home", "alloc_folio", "free_folio"} <= cycle
    assert "abort_migration" not in cycle
    again = Trace.from_itf(witness.trace(broken).to_itf(broken), broken)
    assert again.loop == witness.loop
