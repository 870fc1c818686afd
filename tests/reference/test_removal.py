"""An order of removal works exactly when it is a topological order of the dependencies."""

from __future__ import annotations

from itertools import permutations

import pytest

from memhp.reference import Machine, Topology
from memhp.reference.operations import Operations
from memhp.reference.removal import removal_order
from memhp.reference.shapes import Shape
from memhp.spec.system import SYSTEM


def machine_of(shape: Shape, **tables: tuple[int, ...]) -> Machine:
    topology = shape.build(SYSTEM)
    return Machine(SYSTEM, Topology(topology.sizes, {**topology.tables, **tables}))


MACHINES = {
    "pgdat only": machine_of(Shape(blocks=4)),
    "mem_maps beside the pgdat": machine_of(Shape(blocks=3, memmaps="pgdat")),
    "several sections": machine_of(Shape(blocks=3, sections=2, memmaps="pgdat")),
    "two nodes": machine_of(Shape(nodes=2, blocks=2)),
    "chain": machine_of(Shape(blocks=4), memmap_host=(0, 0, 1, 2)),
    "pgdat last": machine_of(Shape(blocks=3), pgdat_section=(2,)),
    "pgdat's mem_map elsewhere": machine_of(Shape(nodes=2, blocks=2), memmap_host=(2, 1, 2, 3)),
}
CYCLES = {
    "two mem_maps": machine_of(Shape(blocks=3), memmap_host=(0, 2, 1)),
    "pgdat and its mem_map": machine_of(Shape(blocks=2), memmap_host=(1, 1)),
    "inside one block": machine_of(Shape(blocks=2, sections=2), memmap_host=(0, 1, 3, 2)),
}


def accepted(machine: Machine, order: tuple[int, ...]) -> bool:
    user = Operations(machine.copy())
    for block in order:
        if not user.write_state(block, "offline"):
            return False
    return all(user.remove_memory(block) for block in order)


@pytest.mark.parametrize("name", [*MACHINES, *CYCLES])
def test_an_order_is_accepted_exactly_if_it_is_topological(name: str) -> None:
    machine = {**MACHINES, **CYCLES}[name]
    blocks = range(machine.topology.sizes["Block"])
    plan = removal_order(machine, blocks)
    for order in permutations(blocks):
        place = {block: at for at, block in enumerate(order)}
        topological = all(place[first] < place[later] for first, later in plan.graph.edges)
        possible = topological and bool(plan)
        assert accepted(machine, order) == possible, order


@pytest.mark.parametrize("name", MACHINES)
def test_the_order_that_is_given_works(name: str) -> None:
    machine = MACHINES[name]
    plan = removal_order(machine, range(machine.topology.sizes["Block"]))
    assert plan
    assert len(plan.order) == machine.topology.sizes["Block"]
    assert accepted(machine, plan.order)


@pytest.mark.parametrize(
    ("name", "cycle"),
    [("two mem_maps", {1, 2}), ("pgdat and its mem_map", {0, 1}), ("inside one block", {1})],
)
def test_a_cycle_is_named(name: str, cycle: set[int]) -> None:
    machine = CYCLES[name]
    plan = removal_order(machine, range(machine.topology.sizes["Block"]))
    assert (plan.order, set(plan.cycle), bool(plan)) == ((), cycle, False)


def test_blocks_outside_the_set_that_need_one_of_it_are_named() -> None:
    plan = removal_order(MACHINES["chain"], [1, 2])
    assert (plan.order, plan.cycle) == ((), ())
    assert plan.needed_by == {2: (3,)}
    assert not plan


@pytest.mark.parametrize(
    ("blocks", "says"),
    [
        ([9], "there is no block 9: the machine has 0 to"),
        ([-1], "there is no block -1"),
        ([1, 1], "block 1 is named 2 times"),
        ([True], "True is no number of a block"),
        ([0.0], "0.0 is no number of a block"),
        (["0"], "'0' is no number of a block"),
    ],
)
def test_blocks_that_are_none_have_no_order(blocks: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        removal_order(MACHINES["chain"], blocks)
