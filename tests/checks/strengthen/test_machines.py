"""The small machines that candidates are tried on satisfy the axioms, and something happens."""

from __future__ import annotations

import pytest

from memhp.checks.strengthen.machines import small_machines
from memhp.checks.strengthen.states import reached
from memhp.examples import distributed_lock, last_block, two_processes
from memhp.reference import Machine, violated_axioms
from memhp.spec.language import System, load

EXAMPLES = [
    load(module.__name__, (module,)) for module in (last_block, distributed_lock, two_processes)
]


@pytest.mark.parametrize("system", EXAMPLES, ids=lambda system: system.name)
def test_machines_of_any_system_satisfy_its_axioms(system: System) -> None:
    machines = small_machines(system)
    assert not any(violated_axioms(system, each.topology) for each in machines)
    assert max(len(each.rows) for each in machines) > 2


@pytest.mark.parametrize("system", EXAMPLES, ids=lambda system: system.name)
def test_a_machine_that_is_searched_whole_has_every_state(system: System) -> None:
    for each in small_machines(system)[:1]:
        assert each.complete
        states = {tuple(row) for row in each.rows.tolist()}
        assert len(states) == len(each.rows)
        for state in states:
            machine = Machine(system, each.topology, state)
            for action, params in machine.enabled():
                after = machine.copy()
                assert after.step(action, **params)
                assert after.values in states


def test_the_same_states_are_found_each_time() -> None:
    system = EXAMPLES[1]
    topology = small_machines(system)[0].topology
    once, again = reached(system, topology, 3), reached(system, topology, 3)
    assert once.rows.tolist() == again.rows.tolist()
