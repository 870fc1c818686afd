"""A user takes a block offline that was closed beforehand: first sticky memory, then the work."""

from __future__ import annotations

from errno import EBUSY

import pytest

from memhp.reference import Machine, Shape
from memhp.reference.operations import Operations
from memhp.spec.system import SYSTEM

NEITHER = 2
"""The filesystem that can neither move nor release private data."""


def machine_with(*steps: tuple[str | int, ...], filesystem: int = 0) -> Machine:
    """Two blocks of two frames; block 0 holds what the steps put there, and is closed."""
    shape = Shape(
        blocks=2,
        frames=2,
        folios=2,
        tables=(("filesystem", (filesystem,) * 2), ("does_dma", (1,)), ("pgdat_section", (1,))),
    )
    machine = Machine(SYSTEM, shape.build(SYSTEM))
    for action, *params in (*steps, ("drain", 0)):
        assert machine.step(str(action), *params), action
    return machine


MOVES = ("alloc_folio", 0, 0, "anonymous")


def test_a_closed_block_without_sticky_memory_is_vetted_and_goes() -> None:
    user = Operations(machine_with(MOVES))
    assert user.write_state(0, "offline").errno is None
    steps = [action for action, _ in user.steps]
    assert steps.index("vet") < steps.index("begin_offline") < steps.index("reserve_destination")


@pytest.mark.parametrize(
    ("sticky", "filesystem"),
    [
        ((("alloc_kernel", 1),), 0),
        ((("alloc_folio", 1, 1, "page_cache"),), NEITHER),
        ((("alloc_folio", 1, 1, "anonymous"), ("pin_longterm", 0, 1)), 0),
    ],
)
def test_sticky_memory_is_found_and_nothing_has_moved(
    sticky: tuple[tuple[str | int, ...], ...], filesystem: int
) -> None:
    machine = machine_with(MOVES, *sticky, filesystem=filesystem)
    before, user = machine.copy(), Operations(machine)
    result = user.write_state(0, "offline")
    assert (result.errno, result.guard) == (EBUSY, "nothing_sticky")
    assert user.steps == []
    assert machine == before


def test_a_free_huge_folio_is_sticky_while_each_of_its_node_is_promised() -> None:
    user = Operations(machine_with(("grow_pool", 0, 0), ("reserve_huge", 0)))
    result = user.write_state(0, "offline")
    assert (result.errno, result.guard, user.steps) == (EBUSY, "nothing_sticky", [])
    assert user.machine.step("unreserve_huge", 0)
    assert user.write_state(0, "offline")


def test_a_short_pin_is_not_sticky() -> None:
    machine = machine_with(MOVES, ("pin_short", 0, 0))
    assert machine.step("vet", 0)
