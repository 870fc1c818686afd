"""The compiled search finds state by state what the search by the reference finds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.checks import localise
from memhp.checks.explore import layers
from memhp.checks.explore.tables import tables
from memhp.checks.localise import closed, cut, reads, shortest
from memhp.checks.remembered import Remembered
from memhp.checks.search import Search, search
from memhp.reference import Topology
from memhp.reference.shapes import Shape
from memhp.spec.language import System
from memhp.spec.language.system import Property
from memhp.spec.language.terms import TRUE, App, le, number
from memhp.spec.system import SYSTEM

from .test_searches_of_toys import APART, MOVES, PAGES, SYSTEMS, TOGETHER, with_never

TOYS = (
    ("toy_moves", MOVES),
    ("toy_pages", PAGES),
    ("toy_false", APART),
    ("toy_false", TOGETHER),
)


def what(found: Search) -> tuple[object, ...]:
    return (found.found, found.states, found.depth, found.complete, found.spent)


def claims(name: str) -> list[tuple[System, Property]]:
    system = SYSTEMS[name]
    kinds = ("always", "step", "sometimes")
    return [(system, claim) for claim in system.of_kind(*kinds)] + [with_never(name)]


@pytest.mark.parametrize(("name", "topology"), TOYS)
def test_the_compiled_search_finds_what_the_reference_finds(name: str, topology: Topology) -> None:
    """The same trace, not just one as long; and it gives up, or ends, at the same place."""
    compared = 0
    for system, claim in claims(name):
        begin = layers.beginning(system)
        assert begin, "these tests need a C compiler"
        for depth, most in ((3, 100_000), (None, 12)):
            by_reference = search(system, [topology], [claim], depth=depth, max_states=most)
            try:
                natively = search(
                    system, [topology], [claim], depth=depth, max_states=most, begin=begin
                )
            except layers.Leaves:
                continue
            if not by_reference.found:  # after the last target, what else there is is not counted
                assert what(natively) == what(by_reference), claim.name
            assert natively.found == by_reference.found, claim.name
            compared += 1
    assert compared > 4


def test_a_counter_that_leaves_its_numbers_is_followed_by_the_reference() -> None:
    system = SYSTEMS["toy_false"]
    claim = system.property_by_name["stores_are_counted"]
    (counter,) = (v.symbol for v in system.variables if v.symbol.name == "stores")
    few = replace(claim, name="few", formula=le(App(counter, claim.params), number(9)))
    smaller = cut(system, closed(system, reads(system, few.formula)), few)
    begin = layers.beginning(system)
    assert begin
    with pytest.raises(layers.Leaves):
        search(smaller, [TOGETHER], [few], max_states=500, begin=begin)
    trace = shortest(system, [TOGETHER], few, max_states=500)
    assert trace
    assert trace.is_shown_by(trace.replay(replace(system, properties=(few,))))


@pytest.mark.parametrize("name", ["nothing_is_torn", "who_wears_out_is_torn", "stores_are_counted"])
def test_without_a_compiler_the_same_trace_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = SYSTEMS["toy_false"]
    claim = system.property_by_name[name]
    natively = shortest(system, [APART, TOGETHER], claim, max_states=100_000)
    monkeypatch.setattr(localise, "beginning", lambda _: None)
    assert natively
    assert shortest(system, [APART, TOGETHER], claim, max_states=100_000) == natively


def test_a_machine_that_can_never_show_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = SYSTEM.property_by_name["present_lmbs_are_acquired"]
    plain = Shape(blocks=2).build(SYSTEM)
    smaller = cut(SYSTEM, closed(SYSTEM, reads(SYSTEM, claim.formula)), claim)
    begin = layers.beginning(SYSTEM)
    assert begin
    whole = search(smaller, [plain], [claim], max_states=1000, begin=begin)
    monkeypatch.setattr(layers, "_PATIENCE", 1)
    result = search(smaller, [plain], [claim], max_states=1000, begin=begin)
    assert (result.complete, result.found) == (True, whole.found)
    assert result.states < whole.states


def test_what_is_remembered_is_of_one_system() -> None:
    made = Remembered(lambda system, topology: (system, topology))
    for name in ("toy_moves", "toy_pages", "toy_moves"):
        assert made(SYSTEMS[name], MOVES) == (SYSTEMS[name], MOVES)
    assert made(SYSTEMS["toy_moves"], MOVES) is made(SYSTEMS["toy_moves"], MOVES)
    assert tables(SYSTEMS["toy_moves"], MOVES) is tables(SYSTEMS["toy_moves"], MOVES)


def test_what_every_machine_shows_at_boot_is_found_once() -> None:
    anything = SYSTEM.property_by_name["a_block_is_online_in_part"]
    claim = replace(anything, params=(), formula=TRUE)
    still = replace(SYSTEM, properties=(claim,), actions=())
    machines = [shape.build(SYSTEM) for shape in (Shape(blocks=2), Shape(nodes=2, blocks=1))]
    found = [search(still, machines, [claim])]
    if begin := layers.beginning(still):
        found.append(search(still, machines, [claim], begin=begin))
    assert [each.found[claim.name].steps for each in found] == [() for _ in found]
