"""What a user of sysfs sees of a block that holds kernel pages, or metadata of other memory."""

from __future__ import annotations

from errno import EBUSY, EINTR, EINVAL

import pytest

from memhp.reference import Machine, Operations, Shape
from memhp.spec.system import SYSTEM

from .replaying import replayed

KEPT = Shape(nodes=2, blocks=1, more=(("Cpu", 2),), tables=(("address_kept", (1,)),))
"""A block on each of two nodes, and a page of the kernel that can move."""

DESCRIBING = Shape(
    blocks=2,
    frames=2,
    added=frozenset([1]),
    memmaps="pgdat",
    tables=(("metadata_frame", (1, 0, 0, 0)),),
)
"""A block with a frame in which the mem_map of another one lies, which comes later."""


def machine_of(shape: Shape, *steps: tuple[str | int, ...]) -> Operations:
    """A machine on which these steps were taken."""
    user = Operations(Machine(SYSTEM, shape.build(SYSTEM)))
    for action, *params in steps:
        assert user.machine.step(str(action), *params), action
        user.steps.append((str(action), tuple(params)))
    return user


@pytest.mark.parametrize(
    ("steps", "errno"),
    [
        ((), None),
        ((("tlb_fill", 0, 0), ("tlb_fill", 1, 0)), None),
        ((("alloc_kernel", 1),), EINTR),
    ],
)
def test_a_kernel_page_that_can_move_leaves_with_every_cpu_stopped(
    steps: tuple[tuple[str | int, ...], ...], errno: int | None
) -> None:
    user = machine_of(KEPT, ("map_kernel_page", 0, 0), *steps)
    assert user.write_state(0, "offline").errno == errno
    assert user.machine.get("maps_to", 0) == (1 if errno is None else 0)
    assert not any(user.machine.get("stopped", cpu) for cpu in (0, 1))
    assert not user.machine.violations()
    assert replayed(user).state() == user.machine.state()


def test_other_kernel_memory_keeps_its_block() -> None:
    assert machine_of(KEPT, ("alloc_kernel", 0)).write_state(0, "offline").errno == EBUSY


def test_metadata_goes_when_what_it_describes_is_out_of_use() -> None:
    user = machine_of(DESCRIBING)
    assert user.add_device(1)
    assert user.write_state(1, "online")
    assert user.machine.step("free_kernel", 0).guard == "no_metadata"
    result = user.write_state(0, "offline")
    assert (result.errno, result.guard) == (EBUSY, "hosts_no_memmap")
    assert user.write_state(1, "offline")
    assert user.write_state(0, "offline")
    result = user.write_state(0, "online_movable")
    assert (result.errno, result.guard) == (EINVAL, "metadata_does_not_move")
    assert user.write_state(0, "online")
    assert user.machine.get("frame_state", 0) == "kernel"
    assert not user.machine.violations()
