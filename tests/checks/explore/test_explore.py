"""The compiled search sees what the reference sees: states, transitions, properties, traces."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import networkx as nx
import pytest

from memhp.checks.explore.results import Exploration, Progress
from memhp.checks.explore.run import Means, explore
from memhp.checks.ground.grounding import Grounding
from memhp.checks.ground.parts import restricted, sliced
from memhp.checks.ground.symmetry import swaps
from memhp.checks.search.localise import shortest
from memhp.checks.search.search import Search, search
from memhp.checks.support.compiler import compiler, why_no_compiler
from memhp.checks.support.verdicts import Verdict
from memhp.reference import Topology
from memhp.reference.compile import Program
from memhp.reference.shapes import Shape
from memhp.reference.usual import USUAL
from memhp.spec.language import DropGuard, DropUpdate, apply
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


def lengths(result: Search | Exploration) -> dict[str, int]:
    return {name: len(trace.steps) for name, trace in result.witnesses.items()}


@native
@pytest.mark.parametrize("number", [pytest.param(1, marks=pytest.mark.slow), 5, 9])
def test_layers_transitions_and_first_depths_are_those_of_the_reference(number: int) -> None:
    system = replace(SYSTEM, properties=tuple(CLAIMS[number::5]))
    topology = USUAL[number].build(system)
    sizes, expected = by_reference(system, topology, 3)
    result = explore(system, topology, system.properties, depth=3)
    assert (result.engine, result.end, result.depth) == ("native", "depth", 3)
    assert list(result.layers) == sizes
    assert (result.states, result.transitions) == (expected.states, expected.transitions)
    assert lengths(result) == lengths(expected)


@pytest.mark.slow
@native
@pytest.mark.parametrize(
    "without",
    [
        {"references", "huge_mappings"},
        {"writeback", "writeback_errors"},
    ],
    ids=lambda without: "without " + " ".join(sorted(without)),
)
def test_the_specification_on_one_block_has_no_violation_and_no_dead_end(without: set[str]) -> None:
    """Every claim, with all modules but a few: states of all together do not fit into memory."""
    part = restricted(SYSTEM, {action.module for action in SYSTEM.actions} - without)
    assert {claim for claim in part.properties if claim.kind != "ends"} == set(CLAIMS)
    result = explore(part, Shape(blocks=1).build(part), CLAIMS)
    assert (result.end, result.deadlocks) == ("complete", 0)
    assert result.states > 1_000_000
    assert {result.verdict(c) for c in CLAIMS if c.kind != "sometimes"} == {Verdict.holds}


@native
@pytest.mark.parametrize(("name", "number"), [("pgdat-goes-early", 2), ("lock-left-held", 2)])
def test_a_variant_is_refuted_by_a_shortest_trace(name: str, number: int) -> None:
    variant = next(variant for variant in VARIANTS if variant.name == name)
    system = apply(SYSTEM, variant)
    claim = system.property_by_name[variant.breaks]
    part = sliced(system, [claim])
    topology = USUAL[number].build(part)
    result = explore(part, topology, [claim], stop=True)
    assert (result.end, result.verdict(claim)) == ("refuted", Verdict.refuted)
    expected = shortest(part, [topology], claim, max_states=500_000)
    assert expected
    assert len(result.witnesses[claim.name].steps) == len(expected.steps)


@native
def test_a_planted_bug_is_found_with_and_without_symmetry() -> None:
    broken = DropGuard("alloc_folio", "frame_free").apply(SYSTEM)
    broken = restricted(broken, {"alloc_folio", "blocks"})
    claim = broken.property_by_name["folios_do_not_share_frames"]
    topology = Shape(blocks=2, frames=2, folios=2).build(broken)
    assert swaps(broken, topology, [claim])
    runs = [explore(broken, topology, [claim], symmetry=symmetry) for symmetry in (False, True)]
    assert [lengths(result) for result in runs] == [{claim.name: 2}] * 2
    assert runs[1].states < runs[0].states


def orbits(system: System, topology: Topology) -> int:
    """How many sets of images the reachable states fall into, from nothing but the definitions."""
    program, exchanges = Program(system, topology), swaps(system, topology, [])
    grounding = Grounding(system, topology, 8)
    moved = [[grounding.image(swap, p) for p in range(len(grounding.sorts))] for swap in exchanges]
    actions = [(program.enabled(n), program.action(n).apply) for n in system.action_by_name]
    seen = {program.initial}
    queue = list(seen)
    for state in queue:
        for enabled, take in actions:
            for point in enabled(list(state)):
                after = list(state)
                take(after, *point)
                if (new := tuple(after)) not in seen:
                    seen.add(new)
                    queue.append(new)
    graph: nx.Graph[tuple[int, ...]] = nx.Graph()
    graph.add_nodes_from(seen)
    for state in queue:
        for swap, places in zip(exchanges, moved, strict=True):
            image = list(state)
            for place, value in enumerate(state):
                image[places[place]] = swap.of(grounding.sorts[place], value)
            graph.add_edge(state, tuple(image))
    return nx.number_connected_components(graph)


@native
@pytest.mark.parametrize(
    ("system", "shape"),
    [
        (BLOCKS, Shape(blocks=3)),
        (FOLIOS, Shape(blocks=2, frames=2, folios=1)),
        pytest.param(FOLIOS, Shape(blocks=2, totals=(2, 2, 3), folios=2), marks=pytest.mark.slow),
    ],
)
def test_symmetry_keeps_one_state_of_each_orbit(system: System, shape: Shape) -> None:
    topology = shape.build(system)
    full = explore(system, topology, [])
    result = explore(system, topology, [], symmetry=True)
    assert result.states == orbits(system, topology) < full.states
    assert (full.end, result.end) == ("complete", "complete")
    assert bool(full.deadlocks) == bool(result.deadlocks)


@native
def test_threads_change_nothing() -> None:
    topology = Shape(blocks=2, frames=2, folios=2).build(FOLIOS)
    one, four = (explore(FOLIOS, topology, [], means=Means(jobs=jobs)) for jobs in (1, 4))
    assert (one.layers, one.transitions) == (four.layers, four.transitions)


@native
def test_memory_that_runs_out_is_said() -> None:
    claim = SYSTEM.property_by_name["only_devices_change_state"]
    told: list[Progress] = []
    topology = USUAL[0].build(SYSTEM)
    means = Means(memory=4 << 20)
    result = explore(SYSTEM, topology, [claim], means=means, progress=told.append)
    assert (result.end, result.verdict(claim)) == ("memory", Verdict.undetermined)
    assert 0 < result.depth < 15
    assert sum(result.layers) < result.states == told[-1].states


@pytest.mark.parametrize("named", ["false", "true"])
def test_a_compiler_that_makes_nothing_is_said_and_the_reference_searches(
    monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("CC", named)
    assert f"{named} " in why_no_compiler()
    assert explore(FOLIOS, Shape(blocks=1).build(FOLIOS), []).engine == "python"


def test_without_a_compiler_the_reference_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = [SYSTEM.property_by_name[n] for n in ("an_offline_is_cancelled", "a_span_shrinks")]
    system = restricted(SYSTEM, {"blocks"})
    topology = Shape(blocks=2).build(system)
    expected = explore(system, topology, claims)
    monkeypatch.setenv("CC", "no-such-compiler")
    result = explore(system, topology, claims)
    assert (result.engine, result.end) == ("python", "complete")
    assert result.layers == expected.layers or expected.engine == "python"
    for name in ("states", "transitions", "depth", "end"):
        assert getattr(result, name) == getattr(expected, name)
    assert lengths(result) == lengths(expected)
    assert (result.deadlock is None) == (expected.deadlock is None)


@native
def test_a_slice_has_the_same_steps() -> None:
    """What is left out decides nothing: fewer states, and the same verdict."""
    claim = SYSTEM.property_by_name["folios_do_not_share_frames"]
    whole = restricted(SYSTEM, {"alloc_folio", "blocks"})
    part = sliced(whole, [claim])
    assert {v.symbol.name for v in part.variables} < {v.symbol.name for v in whole.variables}
    topology = Shape(blocks=2, folios=2).build(whole)
    both = [explore(system, topology, [claim]) for system in (whole, part)]
    assert both[0].states > both[1].states
    assert both[0].depth >= both[1].depth
    assert [result.verdict(claim) for result in both] == [Verdict.holds, Verdict.holds]


def test_runs_without_end_are_looked_for_everywhere() -> None:
    names = {"alloc_folio", "begin_offline", "page_tables", "migration", "destination"}
    for system, verdict in (
        (SYSTEM, Verdict.holds),
        (DropUpdate("wake", "waiting").apply(SYSTEM), Verdict.refuted),
    ):
        part = restricted(system, names)
        claim = part.property_by_name["waiting_ends"]
        part = sliced(part, [claim])
        topology = Shape(blocks=2).build(part)
        assert explore(part, topology, [claim]).verdict(claim) is verdict
        unknown = explore(part, topology, [claim], depth=3)
        assert unknown.verdict(claim) is Verdict.undetermined


def test_frames_of_like_blocks_can_be_exchanged_with_their_blocks() -> None:
    whole = sliced(restricted(SYSTEM, {"blocks", "alloc_kernel", "free_kernel"}), [])
    topology = Shape(blocks=3, frames=2).build(whole)  # block 0 holds the pgdat
    moved = {
        tuple(sorted((a, b) for a, b in enumerate(swap.images["Frame"]) if a < b))
        for swap in swaps(whole, topology, [])
    }
    assert {((2, 4), (3, 5)), ((2, 5), (3, 4)), ((0, 1),), ((2, 3),), ((4, 5),)} <= moved
