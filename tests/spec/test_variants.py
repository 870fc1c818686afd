"""Each variant is refuted from boot, in as many steps as pinned; the specification is not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from memhp.checks.search import search
from memhp.reference import Topology
from memhp.spec.language import Variant, apply
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

LENGTHS = {
    "object-rmap-alone": 6,
    "source-freed-while-mapped": 7,
    "pgdat-goes-early": 5,
    "memmap-host-goes-early": 7,
    "memmap-freed-before-its-pages": 1,
    "memmap-used-uninitialised": 6,
    "pgdat-never-initialised-first": 2,
    "pgdat-freed-early": 5,
    "kernel-memory-anywhere": 1,
    "destination-on-a-leaving-node": 3,
    "destination-anywhere": 2,
    "cache-entry-dropped-early": 8,
    "cache-entry-leaks-on-abort": 5,
    "device-removed-while-online": 1,
    "ejected-while-present": 2,
    "shared-block-ignored": 2,
    "eject-told-too-early": 2,
    "part-of-a-device-is-success": 6,
    "failed-add-left-behind": 7,
    "refused-blocks-stay-offline": 4,
    "refusal-puts-everything-online": 6,
    "failed-ej0-not-undone": 9,
    "requests-overlap": 2,
    "empty-node-keeps-memory": 3,
    "isolation-left-on-abort": 2,
}

REACHED = {
    "a_device_is_added": 6,
    "a_device_is_ejected": 9,
    "a_failed_add_is_taken_back": 4,
    "a_failed_ej0_is_concluded": 4,
    "a_file_is_mapped_out_of_order": 2,
    "a_mapped_folio_arrives": 8,
    "a_node_appears_and_its_memory_is_present": 6,
    "a_removable_block_is_full": 1,
    "a_thread_waits_for_a_moving_folio": 6,
    "a_refused_device_is_in_use": 6,
    "a_whole_node_is_gone": 10,
    "added_memory_is_online_and_movable": 8,
    "an_abort_restores_a_mapping": 5,
    "an_offline_is_cancelled": 3,
    "an_online_is_cancelled": 7,
    "contents_leave_a_leaving_node": 3,
    "early_memory_goes_offline": 3,
    "early_memory_is_ejected": 8,
    "the_kernel_takes_memory": 1,
}


def test_every_variant_has_a_pinned_length() -> None:
    assert {variant.name for variant in VARIANTS} == set(LENGTHS)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_is_refuted_by_a_trace_that_replays(
    variant: Variant, usual: list[Topology]
) -> None:
    changed = apply(SYSTEM, variant)
    claim = changed.property_by_name[variant.breaks]
    found = search(changed, usual, [claim], depth=9).found[variant.breaks]
    assert len(found.steps) == LENGTHS[variant.name]
    machines = found.replay(changed)
    if claim.kind == "step":
        violated = machines[-1].step_violations(machines[-2])
        earlier = [m.step_violations(n) for n, m in pairwise(machines[:-1])]
    else:
        violated = machines[-1].violations()
        earlier = [machine.violations() for machine in machines[:-1]]
    assert variant.breaks in {violation.property for violation in violated}
    assert not any(v.property == variant.breaks for step in earlier for v in step)


def test_the_specification_violates_nothing_that_a_variant_breaks(usual: list[Topology]) -> None:
    depth = max(LENGTHS.values())
    targets = [SYSTEM.property_by_name[name] for name in sorted({v.breaks for v in VARIANTS})]
    result = search(SYSTEM, usual, targets, depth=depth)
    assert (result.found, result.depth) == ({}, depth)


def test_every_sometimes_property_is_reached(usual: list[Topology]) -> None:
    result = search(SYSTEM, usual, list(SYSTEM.of_kind("sometimes")), depth=10)
    assert {name: len(found.steps) for name, found in result.found.items()} == REACHED
    for found in result.found.values():
        assert found.replay(SYSTEM)[-1].witnesses(found.claim.name)


def test_every_sometimes_property_is_pinned() -> None:
    assert {claim.name for claim in SYSTEM.of_kind("sometimes")} == set(REACHED)
