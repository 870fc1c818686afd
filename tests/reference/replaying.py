"""What the tests of operations share: the recorded steps are steps of the specification."""

from __future__ import annotations

from memhp.reference import Machine, Operations
from memhp.spec.system import SYSTEM


def replayed(user: Operations) -> Machine:
    """The machine after the recorded steps; every state on the way keeps every property."""
    machine = Machine(SYSTEM, user.machine.topology)
    for action, params in user.steps:
        before = machine.copy()
        assert machine.step(action, *params)
        assert machine.violations() == []
        assert machine.step_violations(before) == []
    assert machine == user.machine
    return machine
