"""One bit a state: the same states, transitions, depths and verdicts as with packed states."""

from __future__ import annotations

import pytest

from memhp.checks.explore.results import Exploration
from memhp.checks.explore.run import Means, Method, explore
from memhp.checks.explore.split import Split, split
from memhp.checks.ground.model import build
from memhp.checks.ground.parts import restricted, sliced
from memhp.checks.support.compiler import compiler
from memhp.checks.support.verdicts import Verdict
from memhp.reference import Topology
from memhp.reference.shapes import Shape
from memhp.spec.language import DropGuard
from memhp.spec.language.system import Property, System
from memhp.spec.system import SYSTEM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(compiler() is None, reason="there is no C compiler"),
]

KERNEL = restricted(SYSTEM, {"blocks", "alloc_kernel", "free_kernel"})
FIRMWARE = restricted(SYSTEM, {"sections", "blocks", "firmware", "alloc_kernel", "free_kernel"})
REMOVAL = restricted(SYSTEM, {"blocks", "block_removal"})
UNLOCKED = DropGuard("begin_offline", "hotplug_lock").apply(KERNEL)


def both(
    system: System, topology: Topology, claims: list[Property], *, layers: bool = True
) -> tuple[Exploration, Exploration]:
    methods: tuple[Method, Method] = ("packed", "bits")
    packed, bits = (
        explore(system, topology, claims, means=Means(method=method, layers=layers))
        for method in methods
    )
    assert (packed.engine, bits.engine) == ("native", "bits")
    return packed, bits


@pytest.mark.parametrize(
    ("system", "shape"),
    [
        (KERNEL, Shape(blocks=4, frames=2)),
        (FIRMWARE, Shape(blocks=3)),
        (REMOVAL, Shape(blocks=3)),
        (KERNEL, Shape(blocks=2, frames=2)),
    ],
)
def test_states_transitions_dead_ends_and_layers_are_equal(system: System, shape: Shape) -> None:
    whole = sliced(system, [])
    packed, bits = both(whole, shape.build(whole), [])
    assert packed.states > 500
    for name in ("end", "states", "transitions", "deadlocks", "depth", "layers"):
        assert getattr(packed, name) == getattr(bits, name), name
    assert (packed.deadlock is None) == (bits.deadlock is None)
    assert len(packed.deadlock or ()) == len(bits.deadlock or ())


def test_without_layers_the_counts_are_equal() -> None:
    whole = sliced(KERNEL, [])
    topology = Shape(blocks=4, frames=2).build(whole)
    packed = explore(whole, topology, [], means=Means(method="packed"))
    bits = explore(whole, topology, [], means=Means(jobs=3, method="bits", layers=False))
    assert packed.states > 100_000
    for name in ("end", "states", "transitions", "deadlocks"):
        assert getattr(packed, name) == getattr(bits, name), name


@pytest.mark.parametrize(
    ("system", "name", "verdict"),
    [
        (KERNEL, "one_block_changes_at_a_time", Verdict.holds),
        (UNLOCKED, "one_block_changes_at_a_time", Verdict.refuted),
        (KERNEL, "an_offline_is_cancelled", Verdict.holds),
        (KERNEL, "the_kernel_gives_memory_back", Verdict.holds),
        (KERNEL, "empty_frames_of_leaving_blocks_stay_empty", Verdict.holds),
        (
            DropGuard("alloc_kernel", "frame_free").apply(KERNEL),
            "empty_frames_of_leaving_blocks_stay_empty",
            Verdict.refuted,
        ),
    ],
)
def test_verdicts_and_shortest_traces_are_equal(
    system: System, name: str, verdict: Verdict
) -> None:
    claim = system.property_by_name[name]
    part = sliced(system, [claim])
    packed, bits = both(part, Shape(blocks=3, frames=2).build(part), [claim], layers=False)
    assert packed.verdict(claim) is bits.verdict(claim) is verdict
    assert packed.witnesses.keys() == bits.witnesses.keys()
    for name in packed.witnesses:
        assert len(packed.witnesses[name].steps) == len(bits.witnesses[name].steps)


def digits_of(system: System, shape: Shape) -> Split | None:
    whole = sliced(system, [])
    return split(build(whole, shape.build(whole), []))


def test_dense_states_get_one_bit_each_and_others_do_not() -> None:
    whole = sliced(KERNEL, [])
    dense = explore(whole, Shape(blocks=4, frames=3).build(whole), [])
    assert dense.engine == "bits"
    bound = digits_of(KERNEL, Shape(blocks=4, frames=3))
    assert bound
    assert dense.states <= bound.bits <= 64 * dense.states
    sparse = sliced(REMOVAL, [])
    assert explore(sparse, Shape(blocks=4).build(sparse), []).engine == "native"


def test_states_that_one_step_joins_do_not_split() -> None:
    moves = restricted(SYSTEM, {"alloc_folio", "migration", "destination"})
    assert digits_of(moves, Shape(blocks=3, frames=2, folios=2)) is None


def test_memory_bounds_the_bits() -> None:
    whole = sliced(KERNEL, [])
    topology = Shape(blocks=4, frames=3).build(whole)
    result = explore(whole, topology, [], means=Means(memory=1 << 20, method="bits"))
    assert (result.engine, result.end) == ("native", "memory")
