"""The way in: what is lost and needed, which zone each word gives, and whether it goes again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.machines.judging.offline import design_of
from memhp.machines.planning.addition import Addition, addition
from memhp.machines.planning.goals import GoalError
from memhp.machines.reading.policy import OnlinePolicy
from memhp.machines.reading.procfs import Range
from memhp.machines.reading.sysfs import MachineReading

from .made import SIZE, machine

READING = machine([(0, "Normal", 0.0)] * 4, devices={3: "PNP0C80:00"}, offline=(3,))


def added(what: int | str, reading: MachineReading = READING, **policy: object) -> Addition:
    set_to = replace(reading.policy, **policy)  # type: ignore[arg-type]  # its own fields
    return addition(what, replace(reading, policy=set_to), design_of(reading))


def test_whole_blocks_are_added_and_the_rest_is_lost() -> None:
    made = added(3 * SIZE + 5)
    assert (made.blocks, made.before, made.behind, made.verdict) == (3, 0, 5, "can")
    assert made.memmap == 3 * SIZE // 64
    assert added(SIZE - 1).verdict == "cannot"


def test_a_window_loses_what_lies_before_and_behind_whole_blocks() -> None:
    window = Range(SIZE * 10 + SIZE // 2, SIZE * 13 + SIZE // 4)
    made = added("dax0.0", replace(READING, windows=((window, "dax0.0"),)))
    assert (made.blocks, made.before, made.behind) == (2, SIZE // 2, SIZE // 4)


def test_a_device_that_is_there_and_offline_needs_nothing_more() -> None:
    made = added("PNP0C80:00")
    assert (made.blocks, made.there, made.memmap, made.verdict) == (1, (3,), 0, "can")
    assert made.steps == ("echo online_movable > /sys/devices/system/memory/memory3/state",)
    with pytest.raises(GoalError, match=r"no memory of 'dax9\.9' to add; it has PNP0C80:00"):
        added("dax9.9")


def test_mem_map_needs_free_kernel_memory_unless_it_lies_in_the_blocks() -> None:
    full = machine([(0, "Normal", 1.0)] * 2)
    assert added(SIZE * 64, full).verdict == "may"
    assert added(SIZE * 64, full, own_memmap=True).verdict == "can"
    assert added(SIZE * 64, replace(full, zones=None)).verdict == "may"


def zones_of(made: Addition) -> dict[str, str | None]:
    return {way.word: way.zone for way in made.online}


def test_each_word_gives_a_zone_and_only_the_movable_one_is_sure_to_go_again() -> None:
    made = added(SIZE, zones="contig-zones")
    assert zones_of(made) == {
        "online": "kernel",
        "online_kernel": "kernel",
        "online_movable": "movable",
    }
    assert {way.zone: way.again for way in made.online} == {
        "kernel": "cannot tell",
        "movable": "yes",
    }


def test_auto_movable_keeps_the_ratio() -> None:
    assert zones_of(added(9 * SIZE, zones="auto-movable", ratio=301))["online"] == "movable"
    assert zones_of(added(10 * SIZE, zones="auto-movable", ratio=301))["online"] == "kernel"
    assert zones_of(added(SIZE, zones="auto-movable"))["online"] is None


def test_how_to_plug_it_so_that_it_can_go_again() -> None:
    assert "auto_online_blocks" in added(SIZE, added="online").steps[0]
    assert len(added(SIZE, added="online_movable").steps) == 1
    assert OnlinePolicy().own_memmap is None
