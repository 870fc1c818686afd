"""The compiled search sees what the reference sees: states, transitions, properties, traces."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from memhp.checks.explore.native import NativeError, compiler
from memhp.checks.explore.parts import restricted, sliced
from memhp.checks.explore.results import Exploration, Progress
from memhp.checks.explore.run import explore
from memhp.checks.explore.symmetry import swaps
from memhp.checks.scopes import USUAL
from memhp.checks.search import Search, search
from memhp.checks.verdicts import Verdict
from memhp.reference import Topology
from memhp.reference.shapes import Shape
from memhp.spec.language import DropGuard, apply
from memhp.spec.language.system import System
from memhp.spec.language.terms import FALSE
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

native = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")

CLAIMS = [claim for claim in SYSTEM.properties if claim.kind != "ends"]
BLOCKS = sliced(restricted(SYSTEM, {"blocks", "alloc_kernel", "free_kernel"}), [])
FOLIOS = sliced(
    restricted(SYSTEM, {"alloc_folio", "begin_offline", "migration", "destination"}), []
)


def by_reference(system: System, topology: Topology, depth: int) -> tuple[list[int], Search]:
    """The layers' sizes, and all that the reference's own search finds to that depth."""
    never = replace(CLAIMS[0], name="never", kind="sometimes", params=(), formula=FALSE)
    claims = [claim for claim in system.properties if claim.kind != "ends"]
    whole = replace(system, properties=(*system.properties, never))
    totals = [0, 1]
    result = search(
        whole,
        [topology],
        [*claims, never],
        depth=depth,
        progress=lambda so_far: totals.append(so_far.states),
    )
    return [after - before for before, after in pairwise(totals)], result


def lengths(found: Search | Exploration) -> dict[str, int]:
    return {name: len(trace.steps) for name, trace in found.found.items()}


@native
@pytest.mark.parametrize("number", [1, 3, 5, 8, 9])
def test_layers_transitions_and_first_depths_are_those_of_the_reference(number: int) -> None:
    topology = USUAL[number].build(SYSTEM)
    sizes, expected = by_reference(SYSTEM, topology, 3)
    found = explore(SYSTEM, topology, CLAIMS, depth=3)
    assert (found.engine, found.end, found.depth) == ("native", "depth", 3)
    assert list(found.layers) == sizes
    assert (found.states, found.transitions) == (expected.states, expected.transitions)
    assert lengths(found) == lengths(expected)


@native
def test_the_whole_specification_on_one_block_has_no_violation_and_no_dead_end() -> None:
    found = explore(SYSTEM, Shape(blocks=1).build(SYSTEM), CLAIMS)
    assert (found.end, found.states, found.transitions) == ("complete", 2_501_984, 19_956_544)
    assert {found.verdict(c) for c in CLAIMS if c.kind != "sometimes"} == {Verdict.holds}
    assert found.deadlocks == 0


@native
@pytest.mark.parametrize("name", ["pgdat-goes-early", "free-while-mapped"])
def test_a_variant_is_refuted_by_a_trace_that_the_reference_runs(name: str) -> None:
    variant = next((v for v in VARIANTS if v.name == name), VARIANTS[0])
    system = apply(SYSTEM, variant)
    claim = system.property_by_name[variant.breaks]
    for shape in USUAL:
        topology = shape.build(system)
        found = explore(system, topology, [claim], depth=9, stop=True)
        if claim.name in found.found:
            expected = search(system, [topology], [claim])
            assert lengths(found) == lengths(expected)
            assert (found.end, found.verdict(claim)) == ("refuted", Verdict.refuted)
            return
    pytest.fail(f"{name} is not refuted")


@native
def test_a_planted_bug_is_found_with_and_without_symmetry() -> None:
    broken = DropGuard("alloc_folio", "frame_free").apply(SYSTEM)
    broken = restricted(broken, {"alloc_folio", "blocks"})
    claim = broken.property_by_name["folios_do_not_share_frames"]
    topology = Shape(blocks=2, frames=2, folios=2).build(broken)
    assert swaps(broken, topology, [claim])
    runs = [explore(broken, topology, [claim], symmetry=symmetry) for symmetry in (False, True)]
    assert [lengths(found) for found in runs] == [{claim.name: 2}] * 2
    assert runs[1].states < runs[0].states


@native
@pytest.mark.parametrize(
    ("system", "shape", "states", "kept"),
    [
        (BLOCKS, Shape(blocks=3), 9072, 1690),
        (BLOCKS, Shape(blocks=4, frames=2), 501_552, 14_620),
        (FOLIOS, Shape(blocks=2, frames=2, folios=2), 293_952, 49_332),
    ],
)
def test_symmetry_keeps_one_state_of_each_orbit(
    system: System, shape: Shape, states: int, kept: int
) -> None:
    """The numbers of orbits were counted with nothing but the swaps' definition."""
    topology = shape.build(system)
    full = explore(system, topology, [])
    found = explore(system, topology, [], symmetry=True)
    assert (full.states, found.states) == (states, kept)
    assert (full.depth, full.end) == (found.depth, found.end)
    assert bool(full.deadlocks) == bool(found.deadlocks)


@native
def test_threads_change_nothing() -> None:
    topology = Shape(blocks=2, frames=2, folios=2).build(FOLIOS)
    one, four = (explore(FOLIOS, topology, [], jobs=jobs) for jobs in (1, 4))
    assert (one.layers, one.transitions) == (four.layers, four.transitions)


@native
def test_memory_that_runs_out_is_said() -> None:
    claim = SYSTEM.property_by_name["only_devices_change_state"]
    told: list[Progress] = []
    topology = USUAL[0].build(SYSTEM)
    found = explore(SYSTEM, topology, [claim], memory=4 << 20, progress=told.append)
    assert (found.end, found.verdict(claim)) == ("memory", Verdict.undetermined)
    assert 0 < found.depth < 15
    assert sum(found.layers) < found.states == told[-1].states


@native
def test_a_compiler_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "false")
    with pytest.raises(NativeError, match="false cannot compile the search"):
        explore(FOLIOS, Shape(blocks=1).build(FOLIOS), [])


def test_without_a_compiler_the_reference_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = [SYSTEM.property_by_name[n] for n in ("an_offline_is_cancelled", "a_span_shrinks")]
    system = restricted(SYSTEM, {"blocks"})
    topology = Shape(blocks=2).build(system)
    expected = explore(system, topology, claims)
    monkeypatch.setenv("CC", "no-such-compiler")
    found = explore(system, topology, claims)
    assert (found.engine, found.end) == ("python", "complete")
    assert found.layers == expected.layers or expected.engine == "python"
    for name in ("states", "transitions", "depth", "end"):
        assert getattr(found, name) == getattr(expected, name)
    assert lengths(found) == lengths(expected)
    assert (found.deadlock is None) == (expected.deadlock is None)


def test_a_slice_has_the_same_steps() -> None:
    """What is left out decides nothing: the layers of the whole, seen without it, are the same."""
    claim = SYSTEM.property_by_name["lock_holders_are_changing"] if False else CLAIMS[0]
    part = sliced(SYSTEM, [claim])
    assert {v.symbol.name for v in part.variables} < {v.symbol.name for v in SYSTEM.variables}
    assert [len(a.guards) for a in part.actions] == [len(a.guards) for a in SYSTEM.actions]
