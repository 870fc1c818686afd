"""The search finds the shortest trace, counts what it saw, and says when it gave up."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from memhp.checks.search.search import Frontier, _Frontier, search
from memhp.reference import Machine, Topology
from memhp.reference.shapes import Shape
from memhp.spec.language import System, Variant, apply
from memhp.spec.language.system import Property
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

SMALL = Shape(blocks=2, added=frozenset([1])).build(SYSTEM)
TWO = Shape(blocks=2, movable=frozenset([1])).build(SYSTEM)


def named(name: str) -> Variant:
    return next(variant for variant in VARIANTS if variant.name == name)


def layers(depth: int) -> list[int]:
    """The numbers of states, counted with nothing but the machine's own steps."""
    seen = {Machine(SYSTEM, TWO)}
    counts = [len(seen)]
    for _ in range(depth):
        for machine in list(seen):
            for action, params in machine.enabled():
                after = machine.copy()
                assert after.step(action, **params)
                seen.add(after)
        counts.append(len(seen))
    return counts


def test_the_first_layers_have_the_sizes_that_the_interpreter_finds() -> None:
    claim = SYSTEM.property_by_name["only_devices_change_state"]
    sizes = [search(SYSTEM, [TWO], [claim], depth=depth).states for depth in range(4)]
    assert sizes == layers(3)


def test_without_targets_nothing_is_searched() -> None:
    result = search(SYSTEM, [TWO], [])
    assert (result.states, result.transitions, result.complete) == (1, 0, True)


def test_a_spent_budget_is_said() -> None:
    claim = SYSTEM.property_by_name["only_devices_change_state"]
    result = search(SYSTEM, [TWO], [claim], max_states=50)
    assert not result.complete
    assert not result.witnesses


def test_the_shortest_trace_over_all_topologies_is_given() -> None:
    claim = SYSTEM.property_by_name["a_removable_block_is_full"]
    alone = search(SYSTEM, [SMALL], [claim]).witnesses[claim.name]
    both = search(SYSTEM, [SMALL, TWO], [claim]).witnesses[claim.name]
    assert (len(alone.steps), len(both.steps)) == (8, 1)
    assert both.topology == TWO


@pytest.mark.parametrize(
    ("first", "least", "begun"), [(TWO, 1, [TWO]), (TWO, 0, [TWO, SMALL]), (SMALL, 1, [SMALL, TWO])]
)
def test_where_no_trace_can_be_shorter_the_first_machine_goes_alone(
    first: Topology, least: int, begun: list[Topology]
) -> None:
    """As far as the others could not have one: then they are begun, and have the shorter one."""
    claim = SYSTEM.property_by_name["a_removable_block_is_full"]
    seen: list[Topology] = []

    def begin(system: System, topology: Topology, targets: Sequence[Property]) -> Frontier:
        seen.append(topology)
        return _Frontier.at_boot(system, topology, targets)

    both = [first, SMALL if first is TWO else TWO]
    result = search(SYSTEM, both, [claim], least=least, begin=begin)
    assert (len(result.witnesses[claim.name].steps), seen) == (1, begun)


def test_a_step_property_is_refuted_by_its_last_step() -> None:
    changed = apply(SYSTEM, named("pgdat-never-initialised-first"))
    claim = changed.property_by_name["pgdats_are_allocated_before_initialisation"]
    topology = Shape(nodes=2, blocks=1, added=frozenset([1])).build(changed)
    witness = search(changed, [topology], [claim]).witnesses[claim.name]
    before, after = witness.replay(changed)[-2:]
    assert [step[0] for step in witness.steps] == ["insert_device", "allocate_pgdat"]
    assert claim.name in {violation.property for violation in after.step_violations(before)}


def test_progress_is_told_once_a_layer() -> None:
    claim = SYSTEM.property_by_name["only_devices_change_state"]
    depths: list[int] = []
    search(SYSTEM, [TWO], [claim], depth=3, progress=lambda so_far: depths.append(so_far.depth))
    assert depths == [1, 2, 3]


def test_a_sometimes_about_a_step_is_shown_by_its_last_step_and_by_no_state_alone() -> None:
    claim = SYSTEM.property_by_name["a_drain_is_taken_back"]
    witness = search(SYSTEM, [TWO], [claim]).witnesses[claim.name]
    assert [action for action, _ in witness.steps] == ["drain", "undrain"]
    before, last = witness.replay(SYSTEM)[-2:]
    assert last.witnesses(claim.name, before) == [{"b": 0}]
    assert last.witnesses(claim.name) == last.witnesses(claim.name, last) == []


def test_where_any_machine_will_do_the_one_with_the_fewest_states_goes_on() -> None:
    claim = SYSTEM.property_by_name["a_drain_is_taken_back"]
    large, small = Shape(blocks=3).build(SYSTEM), Shape(blocks=1).build(SYSTEM)
    for least, first in ((0, large), (None, small)):
        witnesses = search(SYSTEM, [large, small], [claim], least=least).witnesses
        assert witnesses[claim.name].topology == first
