"""Random walks keep every property: the reference executes what is proven."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memhp.reference import Machine, Shape
from memhp.reference.usual import USUAL
from memhp.spec.system import SYSTEM

MACHINES = {shape: Machine(SYSTEM, shape.build(SYSTEM)) for shape in USUAL}


@settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(shape=st.sampled_from(USUAL), seed=st.integers(0, 2**32))
def test_no_walk_violates_a_property(shape: Shape, seed: int) -> None:
    random, machine = Random(seed), MACHINES[shape].copy()
    for _ in range(40):
        action = random.choice(list(SYSTEM.action_by_name))
        choices = list(machine.enabled(action)) or list(machine.enabled())
        name, params = random.choice(choices)
        before = machine.copy()
        assert machine.step(name, **params)
        assert machine.step_violations(before) == []
        assert machine.violations() == []
