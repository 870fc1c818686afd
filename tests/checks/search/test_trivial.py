"""What a topology decides alone, and that a search does not look there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks.ground.cuts import closed, cut, reads
from memhp.checks.search.localise import shortest
from memhp.checks.search.trivial import decided
from memhp.reference.shapes import Shape
from memhp.spec.language import apply
from memhp.spec.language.system import Property
from memhp.spec.language.terms import FALSE, TRUE
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

PLAIN = Shape(blocks=2)
LMBS = Shape(blocks=2, tables=(("is_lmb", (1, 1)),))
STANDBY = Shape(blocks=2, added=frozenset([1]), tables=(("in_storage", (1,)),))


def is_decided(claim: Property, shape: Shape) -> bool:
    smaller = cut(SYSTEM, closed(SYSTEM, reads(SYSTEM, claim.formula)), claim)
    return decided(smaller, shape.build(SYSTEM), claim)


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
        ("devices_write_to_their_folios_home", PLAIN, True),
        ("pools_count_their_folios", PLAIN, False),
        ("memmaps_lie_in_plugged_memory", PLAIN, False),
    ],
)
def test_a_property_is_decided_where_no_state_matters(
    name: str, shape: Shape, expected: bool
) -> None:
    assert is_decided(SYSTEM.property_by_name[name], shape) == expected


def test_true_decides_a_claim_and_false_a_sometimes() -> None:
    claim = SYSTEM.property_by_name["present_lmbs_are_acquired"]
    for kind, formula in (("always", TRUE), ("sometimes", FALSE)):
        assert is_decided(replace(claim, kind=kind, formula=formula), PLAIN)
    for kind, formula in (("always", FALSE), ("sometimes", TRUE)):
        assert not is_decided(replace(claim, kind=kind, formula=formula), PLAIN)


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
    witness = shortest(system, topologies, claim, max_states=100_000)
    assert witness
    assert witness.topology == topologies[1]


def test_a_step_that_changes_nothing_of_what_matters_breaks_a_property_too() -> None:
    """Here every step must take a drain back; the first that is possible does not."""
    taken_back = SYSTEM.property_by_name["a_drain_is_taken_back"]
    claim = replace(taken_back, kind="step")
    witness = shortest(SYSTEM, [PLAIN.build(SYSTEM)], claim, max_states=1000)
    assert witness
    assert [action for action, _ in witness.steps] != [""]
    assert witness.is_shown_by(witness.replay(replace(SYSTEM, properties=(claim,))))
