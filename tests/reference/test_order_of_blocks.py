"""Blocks that are added to one node: the list has an order, Linux has none."""

from __future__ import annotations

from errno import EBUSY, ENOMEM
from itertools import permutations

import pytest

from memhp.reference import (
    Machine,
    Operations,
    Shape,
    removal_order,
    violated_axioms,
)
from memhp.spec.profiles import DEFAULT, LINUX, system_of
from memhp.spec.system import SYSTEM

LOWER, UPPER = 2, 3
TWO = Shape(nodes=2, blocks=2, added=frozenset([LOWER, UPPER]))
"""Node 1 has no memory at boot."""
THREE = Shape(nodes=2, blocks=3, added=frozenset([3, 4, 5]))
HOSTED = ("memmap_host", (0, 1, 1))
VIRTIO = (
    ("is_virtio", (0, 1)),
    ("memmap_host", (0, 0)),
    ("block_of_subblock", (1,)),
)
BOTH = (DEFAULT, LINUX)
GIVEN_UP = {"pgdat_section_leaves_last", "pgdats_lie_in_plugged_memory"}


def user_of(profile: str, shape: Shape = TWO) -> Operations:
    system = system_of(profile)
    return Operations(Machine(system, shape.build(system)))


def violated(user: Operations) -> set[str]:
    return {violation.property for violation in user.machine.violations()}


def test_under_linux_the_upper_comes_first_and_the_lower_goes_first() -> None:
    user = user_of(LINUX)
    for block in (UPPER, LOWER):
        assert user.add_memory(block)
        assert user.write_state(block, "online_movable")
        assert not violated(user)
    assert removal_order(user.machine, [LOWER]).order == (LOWER,)
    for block in (LOWER, UPPER):
        assert user.machine.get("node_online", 1)
        assert user.write_state(block, "offline")
        assert user.remove_memory(block)
        assert user.eject(block)
    assert not user.machine.get("node_online", 1)
    assert user.machine.get("pgdat", 1) == "initialised"
    assert not violated(user)


def test_what_linux_gives_up_for_it_is_said_when_it_is_asked_for() -> None:
    user = user_of(LINUX)
    assert user.add_memory(UPPER)
    assert not violated(user)
    assert all(user.machine.violations_of(name) for name in GIVEN_UP)


def test_the_list_refuses_both() -> None:
    user = user_of(DEFAULT)
    result = user.add_memory(UPPER)
    assert (result.errno, result.guard) == (ENOMEM, "pgdat_memory_plugged")
    for block in (LOWER, UPPER):
        assert user.add_memory(block)
    assert removal_order(user.machine, [LOWER]).needed_by == {LOWER: (UPPER,)}
    result = user.remove_memory(LOWER)
    assert (result.errno, result.guard) == (EBUSY, "pgdat_leaves_last")
    assert not violated(user)


@pytest.mark.parametrize("added", list(permutations((3, 4, 5))), ids=str)
def test_under_linux_every_order_works(added: tuple[int, ...]) -> None:
    user = user_of(LINUX, THREE)
    assert all(user.add_memory(block) for block in added)
    assert list(removal_order(user.machine, added).graph.edges) == []
    full = user.machine.key()
    for order in permutations(added):
        user.machine.restore(full)
        assert all(user.remove_memory(block) and user.eject(block) for block in order)


def test_under_linux_a_mem_map_elsewhere_still_makes_an_order() -> None:
    user = user_of(LINUX, Shape(blocks=3, added=frozenset([1, 2]), tables=(HOSTED,)))
    assert user.add_memory(1)
    assert user.add_memory(2).guard == "host_present"  # nothing is free where all is offline
    assert user.write_state(1, "online")
    assert user.add_memory(2)
    assert removal_order(user.machine, [1]).needed_by == {1: (2,)}
    result = user.write_state(1, "offline")
    assert (result.errno, result.guard) == (EBUSY, "hosts_no_memmap")
    assert user.remove_memory(2)
    assert user.write_state(1, "offline")


def test_in_the_list_a_block_goes_before_what_its_mem_maps_describe_when_that_is_offline() -> None:
    user = user_of(DEFAULT, Shape(blocks=3, added=frozenset([1, 2]), tables=(HOSTED,)))
    for block in (1, 2):
        assert user.add_memory(block)
    assert user.write_state(1, "online")
    assert user.write_state(1, "offline")
    assert user.remove_memory(1).guard == "hosts_no_memmap"


def test_under_linux_a_node_may_have_virtio_memory_alone() -> None:
    shape = Shape(nodes=2, blocks=1, added=frozenset([1]), tables=VIRTIO)
    unlike = {name: violated_axioms(system_of(name), shape.build(SYSTEM)) for name in BOTH}
    assert unlike == {DEFAULT: ["virtio_memory_holds_no_pgdat"], LINUX: []}


def test_under_linux_boot_memory_goes_in_any_order_but_for_what_the_kernel_keeps() -> None:
    user = user_of(LINUX, Shape(nodes=2, blocks=2, boot_kernel=frozenset([2])))
    assert user.write_state(2, "offline").guard == "no_unmovable"  # its node's pgdat is reserved
    user = user_of(LINUX, Shape(nodes=2, blocks=2))
    assert user.write_state(2, "offline")
    assert user.remove_memory(2)
