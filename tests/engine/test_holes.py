"""The engine refuses what the specification refuses in the runs that were holes of it."""

from __future__ import annotations

import pytest

from memhp.engine.huge import HugePools
from memhp.engine.target import EngineTarget
from memhp.reference import Machine, violated_axioms
from memhp.spec.system import SYSTEM

from ..spec.holes import HOLES, Hole

ON_THE_ENGINE = [
    hole
    for hole in HOLES
    if {action for action, *_ in hole.run} <= EngineTarget.operations
    and not violated_axioms(SYSTEM, hole.shape.build(SYSTEM))
]
FARTHEST = next(hole for hole in HOLES if "farthest" in hole.name)


def disagreements(hole: Hole) -> list[str]:
    """The steps of the run that the engine answers otherwise than the reference."""
    topology = hole.shape.build(SYSTEM)
    machine, engine = Machine(SYSTEM, topology), EngineTarget()
    engine.reset(topology)
    answers = [
        (bool(machine.step(str(action), *params)), engine.do(str(action), *params) is None, action)
        for action, *params in hole.run
    ]
    return [str(action) for expected, got, action in answers if expected != got]


@pytest.mark.parametrize("hole", ON_THE_ENGINE, ids=lambda hole: hole.name)
def test_the_engine_refuses_the_run_where_the_reference_does(hole: Hole) -> None:
    assert not disagreements(hole)


def test_a_nearer_pool_that_is_passed_over_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HugePools, "_has_one", lambda *_: False)
    assert disagreements(FARTHEST) == ["begin_huge_migration"]
