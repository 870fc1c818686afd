"""What a topology decides alone, and that a search does not look there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.decided import decided
from memhp.checks.localise import shortest
from memhp.reference.shapes import Shape
from memhp.spec.language import apply
from memhp.spec.language.terms import FALSE, TRUE
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

PLAIN = Shape(blocks=2)
LMBS = Shape(blocks=2, tables=(("is_lmb", (1, 1)),))
STANDBY = Shape(blocks=2, added=frozenset([1]), tables=(("in_storage", (1,)),))


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("present_lmbs_are_acquired", PLAIN, True),
        ("present_lmbs_are_acquired", LMBS, False),
        ("memory_is_used_when_every_increment_is_assigned", PLAIN, True),
        ("memory_is_used_when_every_increment_is_assigned", STANDBY, False),
        ("the_hypervisor_gets_an_lmb", PLAIN, True),
        ("the_hypervisor_gets_an_lmb", LMBS, False),
        ("memory_is_unplugged_when_nobody_uses_it", PLAIN, True),
        ("pools_count_their_folios", PLAIN, False),
        ("memmaps_lie_in_plugged_memory", PLAIN, False),
    ],
)
def test_a_property_is_decided_where_no_state_matters(
    name: str, shape: Shape, expected: bool
) -> None:
    assert decided(SYSTEM, shape.build(SYSTEM), SYSTEM.property_by_name[name]) == expected


def test_true_decides_a_claim_and_false_a_sometimes() -> None:
    topology, claim = PLAIN.build(SYSTEM), SYSTEM.property_by_name["present_lmbs_are_acquired"]
    for kind, formula in (("always", TRUE), ("sometimes", FALSE)):
        assert decided(SYSTEM, topology, replace(claim, kind=kind, formula=formula))
    for kind, formula in (("always", FALSE), ("sometimes", TRUE)):
        assert not decided(SYSTEM, topology, replace(claim, kind=kind, formula=formula))


def test_a_violation_is_found_on_the_machine_that_is_not_decided() -> None:
    variant = next(variant for variant in VARIANTS if variant.name == "online-before-assignment")
    system = apply(SYSTEM, variant)
    claim = system.property_by_name[variant.breaks]
    standby = Shape(
        blocks=2,
        added=frozenset([1]),
        tables=(("in_storage", (1,)), ("increment_block", (1,))),
    )
    topologies = [shape.build(system) for shape in (PLAIN, standby)]
    found = shortest(system, topologies, claim, max_states=100_000)
    assert found
    assert found.topology == topologies[1]
