"""Each planted defect makes the engine differ from the reference, within a stated budget."""

from __future__ import annotations

import pytest

from memhp.checks.fuzz.topologies import built
from memhp.checks.fuzz.walk import walk
from memhp.engine.target import EngineTarget
from memhp.spec.system import SYSTEM

from .defects import DEFECTS, Defect


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
@pytest.mark.slow
def test_a_walk_finds_the_defect_within_its_budget(
    defect: Defect, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect.plant(monkeypatch)
    run = walk(
        SYSTEM, EngineTarget(), built(defect.topology), steps=defect.within, seed=1, shrink=False
    )
    assert run.divergence is not None, f"{run.steps} steps did not find it"


@pytest.mark.slow
@pytest.mark.parametrize("topology", sorted({defect.topology for defect in DEFECTS}))
def test_the_engine_without_defects_passes_the_largest_budget(topology: str) -> None:
    budget = max(defect.within for defect in DEFECTS if defect.topology == topology)
    run = walk(SYSTEM, EngineTarget(), built(topology), steps=budget, seed=1)
    assert run.divergence is None, str(run.divergence)
