"""Memory devices: what one call of the firmware does, and what a refusal puts back."""

from __future__ import annotations

from dataclasses import replace
from errno import EBUSY, EEXIST, ENODEV, ENOMEM, EPERM

import pytest

from memhp.reference import Machine
from memhp.reference.operations import Operations
from memhp.reference.shapes import Shape
from memhp.spec.devices.firmware import OST_CODES
from memhp.spec.profiles import LINUX, system_of
from memhp.spec.system import SYSTEM

from .replaying import replayed

AT_BOOT = Shape(blocks=3, more=(("MemoryDevice", 1),), tables=(("in_range", (0, 1, 1)),))
ADDED = replace(AT_BOOT, added=frozenset([1, 2]))
SHARED = Shape(blocks=2, tables=(("in_range", (0, 1, 0, 1)),))
LATER = Shape(blocks=2, added=frozenset([1]), tables=(("in_range", (0, 1, 0, 1)),))


def booted(shape: Shape) -> Operations:
    return Operations(Machine(SYSTEM, shape.build(SYSTEM)))


def shown(user: Operations, variable: str, number: int) -> list[object]:
    return [user.machine.get(variable, at) for at in range(number)]


def test_a_device_is_added_with_all_its_blocks_and_ejected_again() -> None:
    user = booted(ADDED)
    assert user.add_device(0)
    assert user.machine.get("told", 0) == "added"
    assert shown(user, "block_device", 3) == [True] * 3
    assert user.write_state(1, "online_movable")
    assert user.eject_device(0)
    assert (user.machine.get("told", 0), user.machine.get("inserted", 0)) == ("ejected", False)
    assert shown(user, "block_device", 3) == [True, False, False]
    replayed(user)


def test_a_device_is_inserted_once() -> None:
    assert booted(AT_BOOT).add_device(0).errno == EEXIST
    assert booted(ADDED).eject_device(0).errno == ENODEV


def test_an_add_that_fails_leaves_no_block_and_the_firmware_hears_of_it() -> None:
    shape = Shape(
        nodes=2,
        blocks=2,
        added=frozenset([1, 2, 3]),
        more=(("MemoryDevice", 2),),
        tables=(("in_range", (0, 1, 0, 1, 0, 0, 1, 0)),),  # the pgdat of node 1 is in block 2
    )
    user = booted(shape)
    result = user.add_device(0)
    assert (result.errno, result.guard) == (ENOMEM, "pgdat_memory_plugged")
    assert user.machine.get("told", 0) == "not_added"
    assert shown(user, "block_device", 4) == [True, False, False, False]
    assert ("create_block_device", (1,)) in user.steps
    replayed(user)


@pytest.mark.parametrize("already", [[], [1]])
def test_a_refused_eject_puts_back_what_it_took_and_nothing_else(already: list[int]) -> None:
    user = booted(
        Shape(
            blocks=4,
            more=(("MemoryDevice", 1),),
            vetoing=frozenset([3]),
            movable=frozenset([2]),
            tables=(("in_range", (0, 1, 1, 1)),),
        )
    )
    for block in already:
        assert user.write_state(block, "offline")
    before = user.machine.copy()
    result = user.eject_device(0)
    assert (result.errno, result.guard) == (EBUSY, "notifiers_agree")
    assert user.machine.get("told", 0) == "busy"
    for variable in ("block_state", "block_device", "frame_state"):
        for at in range(4):
            assert user.machine.get(variable, at) == before.get(variable, at)
    assert ("begin_online", (1, "kernel")) not in user.steps or not already
    replayed(user)


def test_a_refused_eject_brings_blocks_back_where_a_plain_online_does() -> None:
    user = booted(
        Shape(
            blocks=4,
            more=(("MemoryDevice", 1),),
            vetoing=frozenset([3]),
            movable=frozenset([2]),
            tables=(("in_range", (0, 1, 1, 1)),),
        )
    )
    assert shown(user, "zone", 4)[2] == "movable"
    assert not user.eject_device(0)
    assert shown(user, "zone", 4)[2] == "kernel"
    replayed(user)


def test_a_device_with_the_pgdat_of_others_is_refused_whole() -> None:
    user = booted(Shape(blocks=2))
    result = user.eject_device(0)
    assert (result.errno, result.guard) == (EBUSY, "pgdat_leaves_last")
    assert shown(user, "block_state", 2) == ["online", "online"]
    replayed(user)


def test_an_eject_that_is_forbidden_is_declined_until_it_is_allowed() -> None:
    user = booted(replace(AT_BOOT, tables=(*AT_BOOT.tables, ("may_be_forbidden", (1,)))))
    assert user.machine.step("forbid_eject", 0)
    before = shown(user, "block_state", 3)
    assert user.eject_device(0).errno == EPERM
    assert OST_CODES[str(user.machine.get("told", 0))] == 0x80
    assert shown(user, "block_state", 3) == before
    assert user.machine.step("allow_eject", 0)
    assert user.eject_device(0)
    assert OST_CODES[str(user.machine.get("told", 0))] == 0


def test_what_cannot_go_is_declined_and_linux_finds_out_last() -> None:
    """Both tell the firmware the same; only Linux has removed the memory by then."""
    shape = replace(AT_BOOT, tables=(*AT_BOOT.tables, ("lacks_ej0", (1,))))
    for system, left in ((SYSTEM, True), (system_of(LINUX), False)):
        user = Operations(Machine(system, shape.build(system)))
        assert user.eject_device(0).errno == ENODEV
        assert OST_CODES[str(user.machine.get("told", 0))] == 0x01
        assert user.machine.get("inserted", 0)
        assert shown(user, "block_device", 3) == [True, left, left]
        assert user.machine.get("request", 0) == "none"
        assert user.machine.violations() == []


def test_an_eject_is_refused_while_memory_is_online_that_is_to_be_offline_before() -> None:
    user = booted(replace(AT_BOOT, tables=(*AT_BOOT.tables, ("demands_offline", (1,)))))
    assert user.write_state(1, "offline")
    assert user.machine.step("drain", 2)
    assert user.eject_device(0).errno == EBUSY
    assert shown(user, "block_state", 3) == ["online", "offline", "online"]
    assert not user.machine.get("vetted", 2)
    assert user.write_state(2, "offline")
    assert user.eject_device(0)
    assert shown(user, "block_device", 3) == [True, False, False]


def test_a_shared_block_comes_with_its_last_device() -> None:
    user = booted(LATER)
    assert user.add_device(0)
    assert not user.machine.get("block_device", 1)
    assert user.probe(1).guard == "memory_plugged"
    assert user.add_device(1)
    assert user.machine.get("block_device", 1)
    replayed(user)


def test_a_shared_block_goes_with_its_first_device() -> None:
    user = booted(SHARED)
    assert user.eject_device(0)
    assert shown(user, "inserted", 2) == [False, True]
    assert not user.machine.get("present", 1)
    assert user.eject_device(1)
    replayed(user)


def test_memory_in_no_device_is_added_by_the_probe_file_and_never_leaves() -> None:
    shape = Shape(
        blocks=2,
        added=frozenset([1]),
        more=(("MemoryDevice", 1),),
        tables=(("in_range", (0, 0)),),
    )
    user = booted(shape)
    assert user.probe(1)
    assert user.machine.get("block_device", 1)
    assert user.probe(1).errno == EEXIST
    assert user.remove_memory(1)
    assert user.machine.evaluate("plugged", 1)
    replayed(user)


def test_nobody_else_changes_a_block_while_the_firmware_waits() -> None:
    user = booted(Shape(blocks=2, movable=frozenset([1])))
    assert user.machine.step("request_eject", 1)
    assert user.write_state(0, "offline").guard == "device_hotplug_lock"
    assert user.write_state(1, "offline")
    assert user.write_state(1, "online").guard == "device_hotplug_lock"
    assert user.machine.step("refuse_eject", 1)
    assert not user.machine.step("conclude_refusal", 1)
    assert user.write_state(1, "online")
    assert user.machine.step("conclude_refusal", 1)
