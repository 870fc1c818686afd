"""The compiled search finds state by state what the search by the reference finds."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any
from unittest.mock import patch

import pytest

from memhp.checks.ground.cuts import closed, cut, reads
from memhp.checks.ground.tables import Tables, tables
from memhp.checks.search import layers, localise
from memhp.checks.search.localise import shortest
from memhp.checks.search.search import Search, Witness, search
from memhp.checks.search.trivial import decided
from memhp.checks.support.remembered import Remembered
from memhp.reference import Topology
from memhp.reference.shapes import Shape
from memhp.spec.language import System
from memhp.spec.language.system import Action, Property
from memhp.spec.language.terms import TRUE, App, Next, conj, le, negate, number
from memhp.spec.system import SYSTEM

from .test_searches_of_toys import APART, MOVES, PAGES, SYSTEMS, TOGETHER, with_never

AND = 3
"""How `layers.c` numbers the sentences that have parts, after those that have none."""

AND = 3
"""How `layers.c` numbers the sentences that have parts, after those that have none."""

TOYS = (
    ("toy_moves", MOVES),
    ("toy_pages", PAGES),
    ("toy_false", APART),
    ("toy_false", TOGETHER),
)


def what(result: Search) -> tuple[object, ...]:
    return (result.witnesses, result.states, result.depth, result.complete, result.spent)


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
            # After the last target, what else there is is not counted.
            if not by_reference.witnesses:
                assert what(natively) == what(by_reference), claim.name
            assert natively.witnesses == by_reference.witnesses, claim.name
            compared += 1
    assert compared > 4


def test_a_step_that_leads_nowhere_new_may_be_what_is_looked_for() -> None:
    """Storing and tearing do not disturb each other, but what is stored may be torn already."""
    system = SYSTEMS["toy_false"]
    claim = system.property_by_name["who_wears_out_is_torn"]
    stored, torn = (
        App(each.symbol, claim.params)
        for each in system.variables
        if each.symbol.name in ("stored", "torn")
    )
    formula = negate(conj(negate(stored), Next(stored), torn))
    late = replace(claim, formula=formula)
    trace = shortest(replace(system, properties=(late,)), [TOGETHER], late, max_states=1_000)
    assert trace
    assert [name for name, _ in trace.steps] == ["tear", "store"]


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


def test_a_counter_that_leaves_its_numbers_is_followed_further_by_wider_tables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system = SYSTEMS["toy_false"]
    claim = system.property_by_name["stores_are_counted"]
    (counter,) = (v.symbol for v in system.variables if v.symbol.name == "stores")
    few = replace(claim, name="few", formula=le(App(counter, claim.params), number(7)))
    monkeypatch.setattr(localise, "decided", lambda *_: pytest.fail("the reference searches"))
    trace = shortest(system, [TOGETHER], few, max_states=500)
    assert trace
    assert trace.is_shown_by(trace.replay(replace(system, properties=(few,))))


def test_where_a_trace_was_the_reference_goes_on_that_tables_cannot_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a design of one's own, in the last turn; on other machines it takes too long."""
    system = replace(SYSTEMS["toy_false"], is_own=True)
    claim = system.property_by_name["stores_are_counted"]
    (counter,) = (v.symbol for v in system.variables if v.symbol.name == "stores")
    beyond = negate(le(App(counter, claim.params), number(60)))
    many = replace(claim, name="many", kind="sometimes", formula=beyond)
    smaller = cut(system, closed(system, ["stores", "stored"]), many)
    monkeypatch.setattr(localise, "_TURNS", (5, 10, 5_000))
    for before in (None, Witness(many, TOGETHER, (), (0,))):
        found, _ = localise._in_turn(
            system, smaller, [[TOGETHER]], many, before, set(), max_states=5, depth=None
        )
        assert bool(found.witnesses) == bool(before)


@pytest.mark.parametrize("first", [20, 60, 300])
def test_a_counter_may_begin_outside_its_numbers(first: int) -> None:
    system = SYSTEMS["toy_false"]
    variables = tuple(
        replace(each, initial=number(first)) if each.symbol.name == "stores" else each
        for each in system.variables
    )
    claim = system.property_by_name["stores_are_counted"]
    (counter,) = (each.symbol for each in variables if each.symbol.name == "stores")
    grows = replace(claim, formula=le(App(counter, claim.params), number(first)))
    begun = replace(system, variables=variables, properties=(grows,))
    trace = shortest(begun, [TOGETHER], grows, max_states=500)
    assert trace
    assert [name for name, _ in trace.steps] == ["store"]
    assert trace.is_shown_by(trace.replay(begun))


@pytest.mark.parametrize("name", ["nothing_is_torn", "who_wears_out_is_torn", "stores_are_counted"])
def test_without_a_compiler_the_same_trace_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = SYSTEMS["toy_false"]
    claim = system.property_by_name[name]
    natively = shortest(system, [APART, TOGETHER], claim, max_states=100_000)
    monkeypatch.setattr(localise, "beginning", lambda *_, **__: None)
    assert natively
    assert shortest(system, [APART, TOGETHER], claim, max_states=100_000) == natively


STANDBY = Shape(blocks=2, added=frozenset([1]), tables=(("in_storage", (1,)),))


def hopeless(name: str, shape: Shape) -> bool:
    """Whether the compiled search sees at once that the machine cannot show the property."""
    claim = SYSTEM.property_by_name[name]
    smaller = cut(SYSTEM, closed(SYSTEM, reads(SYSTEM, claim.formula)), claim)
    begin = layers.beginning(SYSTEM)
    assert begin
    topology = shape.build(SYSTEM)
    is_hopeless = not begin(smaller, topology, [claim]).layer
    assert is_hopeless == decided(smaller, topology, claim)
    return is_hopeless


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("present_lmbs_are_acquired", Shape(blocks=2), True),
        ("present_lmbs_are_acquired", Shape(blocks=2, tables=(("is_lmb", (1, 1)),)), False),
        ("memory_is_used_when_every_increment_is_assigned", Shape(blocks=2), True),
        ("memory_is_used_when_every_increment_is_assigned", STANDBY, False),
        ("the_hypervisor_gets_an_lmb", Shape(blocks=2), True),
        ("memory_is_unplugged_when_nobody_uses_it", Shape(blocks=2), True),
    ],
)
def test_a_machine_that_can_never_show_it_is_given_up(
    name: str, shape: Shape, expected: bool
) -> None:
    assert hopeless(name, shape) == expected


@pytest.mark.parametrize(("name", "topology"), TOYS)
def test_only_a_machine_that_never_shows_it_is_given_up(name: str, topology: Topology) -> None:
    """A state is seen by the reference in the layers that the compiled search leaves out."""
    for system, claim in claims(name):
        begin = layers.beginning(system)
        assert begin
        if not begin(system, topology, [claim]).layer:
            assert not search(system, [topology], [claim], max_states=2_000).witnesses, claim.name


def test_where_a_number_may_become_too_large_nothing_is_given_up() -> None:
    system = SYSTEMS["toy_false"]
    begin = layers.beginning(system)
    assert begin
    for name, given_up in (("stores_are_counted", False), ("nothing_is_torn", True)):
        claim = replace(system.property_by_name[name], formula=TRUE)
        smaller = cut(
            system, closed(system, reads(system, system.property_by_name[name].formula)), claim
        )
        assert (not begin(smaller, TOGETHER, [claim]).layer) == given_up, name


def test_a_machine_that_can_show_nothing_is_not_looked_at_again() -> None:
    """The cut machines are cut less and less; of several that were alike, none is."""
    more = (("Cpu", 2),)
    lmbs = Shape(blocks=2, tables=(("is_lmb", (1, 1)),))
    shapes = (Shape(blocks=2), Shape(blocks=2, more=more), lmbs)
    topologies = [shape.build(SYSTEM) for shape in shapes]
    looked: list[list[Topology]] = []

    def searching(system: System, those: list[Topology], *args: Any, **more: Any) -> Search:
        looked.append(those)
        return search(system, those, *args, **more)

    claim = SYSTEM.property_by_name["the_hypervisor_gets_an_lmb"]
    with patch("memhp.checks.search.localise.search", searching):
        assert shortest(SYSTEM, topologies, claim, max_states=100_000)
    first, *later = looked
    assert later
    assert first == [topologies[0], topologies[2]]
    assert later == [[topologies[2]] for _ in later]


def watched(machine: Tables, claim: Property, action: Action, at: int) -> list[object]:
    """For which parameters a step shows the property, and when."""
    watches = machine.watched(claim, machine.steps(action), at)
    return [*watches.points, *(sentence(machine, when) for when in watches.table[1:])]


def sentence(machine: Tables, at: int) -> object:
    """A sentence, wherever it stands and whatever was said before it."""
    kind, *rest = machine.code[at : at + 3]
    if kind < AND:
        return kind, tuple(rest) if kind == AND - 1 else ()
    return kind, frozenset(sentence(machine, n) for n in machine.code[at + 2 : at + 2 + rest[0]])


@pytest.mark.parametrize(("name", "topology"), TOYS)
def test_each_step_is_watched_for_what_it_writes(name: str, topology: Topology) -> None:
    system = SYSTEMS[name]
    steps = [claim for claim in system.properties if claim.of_step]
    shared = Tables(system, topology)
    for claim, action in product(steps, system.actions):
        for at in range(len(shared.steps(action).points)):
            alone = Tables(system, topology)
            expected = watched(alone, claim, action, at)
            assert watched(shared, claim, action, at) == expected, (claim.name, action.name)


def test_what_is_remembered_is_of_one_system() -> None:
    remembered = Remembered(lambda system, topology: (system, topology))
    for name in ("toy_moves", "toy_pages", "toy_moves"):
        assert remembered(SYSTEMS[name], MOVES) == (SYSTEMS[name], MOVES)
    assert remembered(SYSTEMS["toy_moves"], MOVES) is remembered(SYSTEMS["toy_moves"], MOVES)
    assert tables(SYSTEMS["toy_moves"], MOVES) is tables(SYSTEMS["toy_moves"], MOVES)


def test_what_every_machine_shows_at_boot_is_found_once() -> None:
    anything = SYSTEM.property_by_name["a_block_is_online_in_part"]
    claim = replace(anything, params=(), formula=TRUE)
    still = replace(SYSTEM, properties=(claim,), actions=())
    machines = [shape.build(SYSTEM) for shape in (Shape(blocks=2), Shape(nodes=2, blocks=1))]
    results = [search(still, machines, [claim])]
    if begin := layers.beginning(still):
        results.append(search(still, machines, [claim], begin=begin))
    assert [each.witnesses[claim.name].steps for each in results] == [() for _ in results]
