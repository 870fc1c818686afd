"""What a user of sysfs sees: success, or the errno of the kernel's first objection."""

from __future__ import annotations

from dataclasses import replace
from errno import EBUSY, EEXIST, EINTR, EINVAL, ENODEV, ENOMEM, EPERM

import pytest

from memhp.reference import Machine, Topology
from memhp.reference.operations import Operations
from memhp.reference.shapes import Shape
from memhp.spec.system import SYSTEM

from .replaying import replayed

ONE = frozenset([1])


def booted(shape: Shape, **tables: tuple[int, ...]) -> Operations:
    topology = shape.build(SYSTEM)
    return Operations(Machine(SYSTEM, Topology(topology.sizes, {**topology.tables, **tables})))


LMBS = Shape(
    blocks=3,
    added=frozenset([1, 2]),
    more=(("MemoryDevice", 2),),
    tables=(("is_lmb", (1, 1, 1)), ("in_range", (1, 0, 0, 0, 1, 1))),
)
"""Device 0 is the memory at boot, device 1 two logical memory blocks that may come."""


def lmbs(user: Operations) -> list[tuple[object, ...]]:
    names = ("drc_acquired", "block_device", "block_state", "assigned")
    return [tuple(user.machine.get(name, block) for name in names) for block in (1, 2)]


def test_lmbs_come_online_and_go_back_to_the_hypervisor() -> None:
    user = booted(LMBS)
    before = lmbs(user)
    assert user.add_lmbs(1)
    assert lmbs(user) == [(True, True, "online", True)] * 2
    assert user.remove_lmbs(1)
    assert lmbs(user) == before
    assert not user.machine.violations()
    replayed(user)


def test_a_request_for_lmbs_that_one_of_them_refuses_leaves_all_of_them() -> None:
    user = booted(LMBS)
    assert user.add_lmbs(1)
    there = lmbs(user)
    assert user.machine.step("alloc_kernel", 2)
    assert user.remove_lmbs(1).errno == EBUSY
    assert lmbs(user) == there
    assert user.add_lmbs(1).errno == EEXIST
    assert lmbs(user) == there


SITUATIONS = {
    "online": Shape(blocks=2, movable=ONE),
    "added": Shape(blocks=2, added=ONE),
    "missing": Shape(blocks=2, added=ONE),
    "holes": Shape(blocks=2, holes=ONE),
    "zones": Shape(blocks=2, multizone=ONE),
    "kernel": Shape(blocks=2, boot_kernel=ONE),
    "veto": Shape(blocks=2, vetoing=ONE),
    "zones, holes": Shape(blocks=2, multizone=ONE, holes=ONE),
    "zones, kernel": Shape(blocks=2, multizone=ONE, boot_kernel=ONE),
    "holes, kernel": Shape(blocks=2, frames=2, holes=frozenset([2]), boot_kernel=frozenset([3])),
    "kernel, veto": Shape(blocks=2, boot_kernel=ONE, vetoing=ONE),
}


@pytest.mark.parametrize(
    ("situation", "word", "errno", "guard"),
    [
        ("online", "Offline", EINVAL, ""),
        ("online", "", None, ""),
        ("missing", "nonsense", EINVAL, ""),
        ("online", "online", EINVAL, "block_offline"),
        ("online", "online_movable", EINVAL, "block_offline"),
        ("online", "offline", None, ""),
        ("online", "offline\n", None, ""),
        ("added", "offline", EINVAL, "block_online"),
        ("added", "online", None, ""),
        ("added", "online_kernel", None, ""),
        ("added", "online_movable", None, ""),
        ("missing", "online", ENODEV, "has_device"),
        ("missing", "offline", ENODEV, "has_device"),
        ("holes", "offline", EINVAL, "no_holes"),
        ("zones", "offline", EINVAL, "one_zone"),
        ("kernel", "offline", EBUSY, "no_unmovable"),
        ("veto", "offline", EPERM, "notifiers_agree"),
        ("zones, holes", "offline", EINVAL, "one_zone"),
        ("zones, kernel", "offline", EINVAL, "one_zone"),
        ("holes, kernel", "offline", EINVAL, "no_holes"),
        ("kernel, veto", "offline", EBUSY, "no_unmovable"),
    ],
)
def test_a_write_to_state_returns_the_kernels_errno(
    situation: str, word: str, errno: int | None, guard: str
) -> None:
    user = booted(SITUATIONS[situation])
    if situation == "added":
        assert user.add_memory(1)
    result = user.write_state(1, word)
    assert (result.errno, result.guard) == (errno, guard)
    replayed(user)


@pytest.mark.parametrize(
    ("situation", "text", "errno"),
    [
        ("online", "1", None),
        ("online", "On\n", None),
        ("online", "0", None),
        ("added", "off", None),
        ("added", "n", None),
        ("added", "y", None),
        ("online", "2", EINVAL),
        ("online", "", None),
        ("added", "", None),
        ("online", "yes", None),
        ("added", "offer", None),
        ("online", " 1", EINVAL),
        ("missing", "1", ENODEV),
        ("missing", "0", ENODEV),
        ("kernel", "0", EBUSY),
    ],
)
def test_a_write_to_online_is_a_boolean_and_already_is_success(
    situation: str, text: str, errno: int | None
) -> None:
    user = booted(SITUATIONS[situation])
    if situation == "added":
        assert user.add_memory(1)
    assert user.write_online(1, text).errno == errno


@pytest.mark.parametrize("attribute", ["write_state", "write_online"])
def test_an_empty_write_does_nothing_and_succeeds(attribute: str) -> None:
    user = booted(Shape(blocks=2))
    assert getattr(user, attribute)(1, "")
    assert user.machine.get("block_state", 1) == "online"
    assert not user.steps


def test_a_veto_is_cancelled_and_everything_is_available_again() -> None:
    user = booted(Shape(blocks=2, frames=2, vetoing=ONE))
    assert user.write_state(1, "offline").errno == EPERM
    assert user.machine.get("event", 1) == "cancel_offline"
    assert user.machine.get("block_state", 1) == "online"
    assert [user.machine.get("frame_state", f) for f in range(4)] == ["free"] * 4
    replayed(user)


def test_a_veto_of_going_online_leaves_the_block_offline() -> None:
    user = booted(Shape(blocks=2, added=ONE), vetoes_online=(0, 1))
    assert user.add_memory(1)
    assert user.write_state(1, "online_movable").errno == EPERM
    assert user.machine.get("event", 1) == "cancel_online"
    assert (user.machine.get("block_state", 1), user.machine.get("zone", 1)) == ("offline", "none")
    replayed(user)


def test_a_failed_offline_keeps_what_has_moved_and_frees_the_rest() -> None:
    user = booted(Shape(blocks=2, frames=3, folios=4, ptes=2, movable=ONE))
    machine = user.machine
    for folio, frame in ((0, 0), (1, 1), (2, 3), (3, 4)):  # one frame of block 0 is left
        assert machine.step("alloc_folio", folio, frame, "anonymous")
    assert machine.step("fault", 0)
    start = machine.copy()
    result = user.write_state(1, "offline")
    assert (result.errno, result.guard) == (EINTR, "empty")
    assert machine.get("event", 1) == "cancel_offline"
    homes = [machine.get("home", folio) for folio in range(4)]
    assert homes == [0, 1, 2, 4]
    assert [machine.get("frame_state", f) for f in range(6)] == [
        *["user"] * 3,
        "free",
        "user",
        "free",
    ]
    for action, params in user.steps:
        assert start.step(action, *params)
        assert start.violations() == []
    assert start == machine


def test_an_offline_moves_what_is_mapped() -> None:
    user = booted(Shape(blocks=2, movable=ONE))
    for step in (("alloc_folio", 0, 1, "page_cache"), ("fault", 0)):
        assert user.machine.step(*step)
    assert user.write_state(1, "offline")
    assert (user.machine.get("home", 0), user.machine.get("pte_frame", 0)) == (0, 0)
    assert user.machine.get("pte", 0) == "present"
    assert user.machine.violations() == []


@pytest.mark.parametrize(
    ("shape", "away", "block", "zone"),
    [
        (Shape(blocks=3, movable=frozenset([0, 1, 2])), [1], 1, "movable"),  # a hole of the span
        (Shape(blocks=3, movable=frozenset([1, 2])), [2], 2, "kernel"),  # the span shrinks
        (Shape(blocks=3), [1], 1, "kernel"),
        (Shape(blocks=2, movable=ONE), [1], 1, "kernel"),  # neither span reaches the block
        (Shape(nodes=2, blocks=2, movable=frozenset([0, 1])), [3], 3, "kernel"),  # another node
    ],
)
def test_a_plain_online_stays_in_the_one_zone_around_it(
    shape: Shape, away: list[int], block: int, zone: str
) -> None:
    user = booted(shape)
    for other in away:
        assert user.write_state(other, "offline")
    assert user.machine.evaluate("default_zone", block) == zone


@pytest.mark.parametrize(
    ("shape", "away", "block", "zone"),
    [
        (Shape(blocks=3), [1], 1, "kernel"),  # the kernel's span alone reaches the block
        (Shape(blocks=2, movable=ONE), [1], 1, "movable"),
        (Shape(nodes=2, blocks=2, movable=frozenset([0, 1])), [3], 3, "movable"),
        (Shape(blocks=5, movable=frozenset([1, 4])), [2], 2, "movable"),  # both do
    ],
)
def test_with_movable_node_what_zones_leave_open_is_movable(
    shape: Shape, away: list[int], block: int, zone: str
) -> None:
    told = (("movable_node", (1,) * shape.nodes),)
    test_a_plain_online_stays_in_the_one_zone_around_it(
        replace(shape, tables=told), away, block, zone
    )


def test_between_two_zones_that_overlap_the_kernel_zone_is_chosen() -> None:
    user = booted(Shape(blocks=5, movable=frozenset([1, 4])))
    assert user.write_state(2, "offline")
    assert user.machine.get("zone_span", 2, "movable")
    assert user.machine.get("zone_span", 2, "kernel")
    assert user.machine.evaluate("default_zone", 2) == "kernel"
    assert user.write_state(2, "online_movable")
    assert user.machine.get("zone", 2) == "movable"


def test_a_node_comes_and_goes() -> None:
    user = booted(Shape(nodes=2, blocks=2, sections=2, added=frozenset([2, 3])))
    boot = user.machine.copy()
    for block in (2, 3):
        assert user.add_memory(block)
        assert user.write_state(block, "online_movable")
    assert user.machine.get("node_online", 1)
    assert user.machine.get("has_memory", 1)
    assert user.remove_node(1)
    assert not user.machine.get("node_online", 1)
    for variable in ("inserted", "present", "memmap", "pgdat", "node_online", "block_device"):
        span = {"inserted": 4, "block_device": 4, "present": 8, "memmap": 8}.get(variable, 2)
        for at in range(span):
            assert user.machine.get(variable, at) == boot.get(variable, at)
    replayed(user)


def test_a_node_goes_although_one_of_its_blocks_is_offline_already() -> None:
    user = booted(Shape(nodes=2, blocks=2))
    assert user.write_state(3, "offline")
    assert user.remove_node(1)
    replayed(user)


@pytest.mark.parametrize(
    ("shape", "operation", "element", "errno"),
    [
        (Shape(blocks=2), "add_memory", 1, EEXIST),
        (Shape(nodes=2, blocks=2, added=frozenset([2, 3])), "add_memory", 3, ENOMEM),
        (Shape(blocks=2), "remove_memory", 1, EBUSY),
        (Shape(blocks=2, added=ONE), "remove_memory", 1, ENODEV),
        (Shape(blocks=2), "eject", 1, EBUSY),
        (Shape(blocks=2, added=ONE), "eject", 1, ENODEV),
    ],
)
def test_an_operation_that_fails_changes_nothing(
    shape: Shape, operation: str, element: int, errno: int
) -> None:
    user = booted(shape)
    before = user.machine.copy()
    assert getattr(user, operation)(element).errno == errno
    assert user.machine == before
    assert user.steps == []


@pytest.mark.parametrize(
    ("shape", "errno"),
    [
        (Shape(nodes=2, boot_kernel=frozenset([2])), EBUSY),
        (Shape(nodes=2, vetoing=frozenset([2])), EPERM),
    ],
)
def test_a_node_that_cannot_go_is_online_again_in_its_zones(shape: Shape, errno: int) -> None:
    user = booted(shape)
    before = user.machine.copy()
    assert user.remove_node(1).errno == errno
    for variable in ("block_state", "zone", "frame_state", "present", "memmap", "leaving"):
        points = 2 if variable == "leaving" else 4
        for at in range(points):
            assert user.machine.get(variable, at) == before.get(variable, at)
    assert ("begin_online", (3, "kernel")) in user.steps
    replayed(user)


def test_the_block_with_the_pgdat_cannot_go_before_the_others() -> None:
    user = booted(Shape(nodes=2, blocks=2))
    before = user.machine.copy()
    result = user.write_state(2, "offline")
    assert (result.errno, result.guard) == (EBUSY, "pgdat_leaves_last")
    assert user.machine == before
