"""Each run of `holes` breaks its property without the mend, and is refused with it."""

from __future__ import annotations

import pytest

from memhp.reference import Machine, violated_axioms
from memhp.reference.shapes import Shape
from memhp.spec.folios.frames import Folio, contents
from memhp.spec.language import ReplaceDefinition, ReplaceUpdate, Variant, apply, false
from memhp.spec.language.syntax import Expr
from memhp.spec.language.system import System
from memhp.spec.machine.topology import Frame
from memhp.spec.special.huge_draining import HugeWork
from memhp.spec.special.huge_mappings import HugePte
from memhp.spec.system import SYSTEM

from .holes import HOLES, Hole

NEITHER = 2
"""The filesystem that can neither move nor release private data."""


def what_is_there_now(o: Folio) -> Expr:
    """The present contents of the folio, not what was sent."""
    return contents[o]


def broken_without(hole: Hole) -> System:
    """The specification without what mends the hole."""
    return apply(SYSTEM, Variant("hole", hole.name, (), "", hole.breaks, hole.edits))


def violations(before: Machine, machine: Machine) -> set[str]:
    """The properties that the state, or the step to it, breaks."""
    return {each.property for each in (*machine.violations(), *machine.step_violations(before))}


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.name)
def test_the_run_breaks_the_property_where_nothing_mends_it(hole: Hole) -> None:
    system = broken_without(hole)
    machine = Machine(system, hole.shape.build(system))
    before = machine.copy()
    for action, *params in hole.run:
        before = machine.copy()
        outcome = machine.step(str(action), *params)
        assert outcome, outcome
    assert hole.breaks in violations(before, machine)


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.name)
def test_the_run_is_impossible(hole: Hole) -> None:
    topology = hole.shape.build(SYSTEM)
    machine = Machine(SYSTEM, topology)
    taken = all(machine.step(str(action), *params) for action, *params in hole.run)
    assert violated_axioms(SYSTEM, topology) or not taken


def test_page_cache_that_never_moves_is_named_as_what_breaks_the_removable_area() -> None:
    shape = Shape(blocks=2, movable=frozenset([1]), tables=(("filesystem", (NEITHER,)),))
    machine = Machine(SYSTEM, shape.build(SYSTEM))
    for step in (("alloc_folio", 0, 1, "page_cache"), ("attach_private", 0)):
        assert machine.step(*step)
    assert machine.witnesses("private_data_stays_in_the_removable_area") == [{"o": 0}]
    assert machine.step("drain", 1)
    assert not machine.step("vet", 1)


def _no_work(f: Frame, w: HugeWork, p: HugePte) -> Expr:
    return false


@pytest.mark.parametrize(
    "system", [SYSTEM, ReplaceDefinition("huge_work_left", _no_work).apply(SYSTEM)]
)
def test_a_vetted_block_that_is_not_empty_has_work_left(system: System) -> None:
    machine = Machine(system, Shape(nodes=2, blocks=1, more=(("HugeFolio", 1),)).build(system))
    run = (("grow_pool", 0, 0), ("take_huge", 0), ("drain", 0), ("vet", 0))
    for action, *params in run:
        assert machine.step(str(action), *params)
    broken = {each.property for each in machine.violations()}
    name = "the_last_step_is_left_for_what_is_in_a_vetted_block"
    assert broken == (set() if system is SYSTEM else {name})


def test_a_store_that_gets_what_was_stored_later_breaks_a_property() -> None:
    late = ReplaceUpdate("end_writeback", "stored", what_is_there_now)
    system = apply(SYSTEM, Variant("late", "", (), "", "a_store_has_what_was_sent", (late,)))
    machine = Machine(system, Shape(blocks=2, data=2).build(system))
    run: tuple[tuple[str | int, ...], ...] = (
        ("alloc_folio", 0, 0, "page_cache"),
        ("fault", 0),
        ("store", 0, 0),
        ("begin_writeback", 0),
        ("store", 0, 1),
    )
    for action, *params in run:
        assert machine.step(str(action), *params)
    before = machine.copy()
    assert machine.step("end_writeback", 0)
    assert "a_store_has_what_was_sent" in violations(before, machine)
