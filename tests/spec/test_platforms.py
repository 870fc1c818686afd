"""A day in the life of each platform's memory: what happens, what is refused, with which errno."""

from __future__ import annotations

from errno import EBUSY, EEXIST, EINVAL, ENODEV, ENOENT, EPERM

import pytest

from memhp.reference import Machine, Operations
from memhp.reference.shapes import Shape
from memhp.spec.system import SYSTEM

from ..reference.replaying import replayed

NO_DEVICE = ("in_range", (0, 0, 0))
ONE_DEVICE = ("MemoryDevice", 1)

PSERIES = Shape(
    blocks=3,
    added=frozenset([2]),
    tables=(NO_DEVICE, ("is_lmb", (1, 1, 1)), ("reserved_lmb", (1, 0, 0))),
    more=(ONE_DEVICE,),
)
VIRTIO = Shape(
    blocks=3,
    frames=2,
    added=frozenset([1, 2]),
    movable=frozenset([1]),
    memmaps="pgdat",
    tables=(
        NO_DEVICE,
        ("is_virtio", (0, 0, 1)),
        ("block_of_subblock", (2, 2)),
        ("subblock_of", (0, 0, 0, 0, 0, 1)),
    ),
    more=(ONE_DEVICE, ("SubBlock", 2)),
)
S390 = Shape(
    blocks=3,
    boot_kernel=frozenset([0]),
    added=frozenset([1, 2]),
    tables=(NO_DEVICE, ("in_storage", (1, 1, 1)), ("increment_block", (0, 2, 2))),
    more=(ONE_DEVICE, ("Increment", 3)),
)
ARM64 = Shape(blocks=3, sections=2, vetoing=frozenset([2]))


class Day:
    """A user of the machine, and the platform that takes its own steps in between."""

    def __init__(self, shape: Shape) -> None:
        self.user = Operations(Machine(SYSTEM, shape.build(SYSTEM)))
        self.machine = self.user.machine

    def take(self, action: str, *params: int | str) -> None:
        """A step that must be allowed."""
        outcome = self.machine.step(action, *params)
        assert outcome, outcome
        self.user.steps.append((action, params))

    def refused(self, action: str, *params: int | str) -> tuple[int | None, str]:
        """The errno and the guard of a step that must not be allowed."""
        outcome = self.machine.step(action, *params)
        assert not outcome
        return outcome.errno, outcome.guard

    def remove(self, block: int) -> None:
        """Take the block offline and remove it."""
        assert self.user.write_state(block, "offline")
        assert self.user.remove_memory(block)

    def add(self, block: int) -> None:
        """Add the block and bring it online."""
        assert self.user.probe(block)
        assert self.user.write_state(block, "online")

    def all_of(self, variable: str) -> list[object]:
        """The variable's values, in order."""
        sort = next(v for v in SYSTEM.variables if v.symbol.name == variable).symbol.domain[0]
        return [self.machine.get(variable, at) for at in range(self.machine.topology.size(sort))]


# --- pseries ------------------------------------------------------------------------------------


def test_an_lmb_is_acquired_added_online_and_assigned() -> None:
    day = Day(PSERIES)
    result = day.user.probe(2)
    assert (result.errno, result.guard) == (ENODEV, "memory_plugged")
    assert day.refused("assign_lmb", 2) == (EINVAL, "acquired")
    day.take("acquire_lmb", 2)
    assert day.refused("acquire_lmb", 2) == (EEXIST, "not_acquired")
    assert day.refused("assign_lmb", 2) == (EINVAL, "online")
    day.add(2)
    day.take("assign_lmb", 2)
    assert day.refused("assign_lmb", 2) == (EINVAL, "not_assigned")
    assert day.refused("release_lmb", 2) == (EBUSY, "not_assigned")
    assert day.all_of("assigned") == [True, True, True]
    replayed(day.user)


def test_an_lmb_that_cannot_be_added_goes_back_to_the_hypervisor() -> None:
    day = Day(PSERIES)
    day.take("acquire_lmb", 2)
    assert day.user.probe(2)
    assert day.refused("release_lmb", 2) == (EBUSY, "no_memmap_left")
    assert day.user.remove_memory(2)
    day.take("release_lmb", 2)
    assert day.all_of("drc_acquired") == [True, True, False]
    replayed(day.user)


def test_a_request_that_removes_too_few_lmbs_brings_them_back() -> None:
    day = Day(PSERIES)
    assert day.refused("unassign_lmb", 1) == (EBUSY, "memory_removed")
    day.remove(1)
    day.take("unassign_lmb", 1)
    assert day.refused("release_lmb", 1) == (EBUSY, "not_coming_back")
    result = day.user.probe(1)
    assert (result.errno, result.guard) == (EINVAL, "request_allows_add")
    assert day.user.write_state(0, "offline")
    result = day.user.remove_memory(0)
    assert (result.errno, result.guard) == (EINVAL, "not_reserved")
    assert day.user.write_state(0, "online")
    day.take("give_up_removal", 1)
    assert day.refused("release_lmb", 1) == (EBUSY, "not_coming_back")
    day.add(1)
    day.take("assign_lmb", 1)
    assert day.all_of("assigned") == [True, True, False]
    assert day.all_of("removed_for_request") == ["none"] * 3
    assert day.all_of("block_state") == ["online", "online", "offline"]
    replayed(day.user)


def test_the_hypervisor_gets_all_lmbs_once_their_count_is_reached() -> None:
    day = Day(PSERIES)
    day.take("acquire_lmb", 2)
    day.add(2)
    day.take("assign_lmb", 2)
    for block in (1, 2):
        day.remove(block)
        day.take("unassign_lmb", block)
    day.take("reach_count", 1)
    assert day.refused("give_up_removal", 2) == (EINVAL, "has_removed")
    for block in (1, 2):
        day.take("release_lmb", block)
    assert day.all_of("drc_acquired") == [True, False, False]
    assert day.user.probe(1).errno == ENODEV
    replayed(day.user)


def test_the_next_request_waits_until_the_last_one_is_over() -> None:
    day = Day(PSERIES)
    day.take("acquire_lmb", 2)
    day.add(2)
    day.take("assign_lmb", 2)
    day.remove(1)
    day.take("unassign_lmb", 1)
    day.take("reach_count", 1)
    day.remove(2)
    assert day.refused("unassign_lmb", 2) == (EBUSY, "request_goes_on")
    day.take("release_lmb", 1)
    day.take("unassign_lmb", 2)
    replayed(day.user)


# --- virtio-mem ---------------------------------------------------------------------------------


def with_half_a_block_online() -> Day:
    day = Day(VIRTIO)
    result = day.user.probe(2)
    assert (result.errno, result.guard) == (ENODEV, "a_piece_plugged")
    day.take("plug_subblock", 0)
    assert day.refused("plug_subblock", 0) == (EEXIST, "not_plugged")
    day.add(2)
    return day


def test_a_block_goes_online_with_the_subblocks_that_are_plugged() -> None:
    day = with_half_a_block_online()
    assert day.all_of("frame_state")[4:] == ["free", "page_offline"]
    day.take("plug_subblock", 1)
    assert day.all_of("frame_state")[4:] == ["free", "free"]
    assert day.all_of("driver_reference") == [False] * 6
    replayed(day.user)


def test_a_subblock_in_use_is_not_unplugged() -> None:
    day = with_half_a_block_online()
    day.take("alloc_kernel", 4)
    assert day.refused("unplug_subblock", 0) == (EBUSY, "frames_free")
    assert day.refused("unplug_subblock", 1) == (ENOENT, "plugged")
    day.take("free_kernel", 4)
    day.take("unplug_subblock", 0)
    assert day.all_of("frame_state")[4:] == ["page_offline"] * 2
    assert day.refused("alloc_kernel", 4)[0] is not None
    replayed(day.user)


def test_the_driver_lets_go_of_its_frames_while_their_block_leaves() -> None:
    day = with_half_a_block_online()
    day.take("begin_offline", 2)
    assert day.all_of("driver_reference")[4:] == [False, True]
    day.take("announce_offline", 2)
    assert day.all_of("driver_reference")[4:] == [False, False]
    day.take("cancel_offline", 2)
    assert day.all_of("driver_reference")[4:] == [False, True]
    assert day.all_of("frame_state")[4:] == ["free", "page_offline"]
    day.remove(2)
    day.take("unplug_subblock", 0)
    replayed(day.user)


# --- s390x --------------------------------------------------------------------------------------


def test_standby_memory_is_assigned_by_online_and_given_back_by_offline() -> None:
    day = Day(S390)
    assert day.all_of("assigned_increment") == [True, False, False]
    assert day.refused("assign_increment", 1) == (EINVAL, "preparing")
    day.add(2)
    assert day.all_of("assigned_increment") == [True, True, True]
    assert day.user.write_state(2, "offline")
    assert day.all_of("assigned_increment") == [True, False, False]
    replayed(day.user)


def test_a_block_that_cannot_be_prepared_stays_offline_and_keeps_nothing() -> None:
    day = Day(S390)
    assert day.user.probe(2)
    day.take("begin_online", 2, "kernel")
    day.take("assign_increment", 1)
    assert day.refused("assign_increment", 1) == (EEXIST, "is_standby")
    assert day.refused("initialise_memmap", 2) == (EPERM, "accessible")
    day.take("cancel_online", 2)
    assert day.all_of("assigned_increment") == [True, False, False]
    assert day.machine.get("block_state", 2) == "offline"
    replayed(day.user)


# --- arm64, and blocks of several sections ------------------------------------------------------


def test_boot_memory_that_a_notifier_keeps_is_usable_after_each_try() -> None:
    day = Day(ARM64)
    before = day.all_of("frame_state")
    for _ in range(2):
        result = day.user.write_state(2, "offline")
        assert (result.errno, result.guard) == (EPERM, "notifiers_agree")
        assert day.machine.get("event", 2) == "cancel_offline"
        assert day.all_of("frame_state") == before
    result = day.user.remove_memory(2)
    assert (result.errno, result.guard) == (EBUSY, "block_offline")
    replayed(day.user)


@pytest.mark.parametrize("word", ["online_kernel", "online_movable"])
def test_what_happens_to_a_block_happens_to_all_its_sections(word: str) -> None:
    day = Day(ARM64)
    assert day.user.write_state(1, "offline")
    assert day.all_of("memmap")[2:4] == ["allocated"] * 2
    assert day.user.write_state(1, word)
    assert day.all_of("memmap")[2:4] == ["initialised"] * 2
    day.remove(1)
    assert day.all_of("present") == [True, True, False, False, True, True]
    replayed(day.user)
