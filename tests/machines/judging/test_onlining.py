"""Blocks that are offline: a word of their own, the ways back, and whether they could go again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memhp.machines.judging.offline import BlockJudgement, design_of, judge
from memhp.machines.reading.policy import OnlinePolicy
from memhp.machines.reading.procfs import Range
from memhp.machines.reading.sysfs import BlockReading, MachineReading

SIZE = 128 << 20


def machine(zones: str | None, policy: OnlinePolicy) -> MachineReading:
    block = BlockReading(
        32, "offline", valid_zones=None if zones is None else tuple(zones.split()), nodes=(0,)
    )
    return MachineReading(
        source="made up",
        live=False,
        page_size=4096,
        block_size=SIZE,
        block_size_derived=False,
        blocks=(block,),
        nodes=(),
        iomem=(Range(32 * SIZE, 33 * SIZE),),
        zones=(),
        frames=None,
        notes=(),
        kernel=(6, 12),
        cma=False,
        policy=policy,
    )


def judged(zones: str | None, policy: OnlinePolicy | None = None) -> BlockJudgement:
    reading = machine(zones, policy or OnlinePolicy())
    (judgement,) = judge(reading, design_of(reading))
    return judgement


@pytest.mark.parametrize(
    ("zones", "ways"),
    [
        (
            "Normal Movable",
            [
                ("online", "Normal", "cannot tell"),
                ("online_kernel", "Normal", "cannot tell"),
                ("online_movable", "Movable", "yes"),
            ],
        ),
        (
            "Movable Normal",
            [
                ("online", "Movable", "yes"),
                ("online_kernel", "Normal", "cannot tell"),
                ("online_movable", "Movable", "yes"),
            ],
        ),
        (
            "DMA32 Normal Movable",
            [
                ("online", "DMA32", "cannot tell"),
                ("online_kernel", "DMA32", "cannot tell"),
                ("online_movable", "Movable", "yes"),
            ],
        ),
        ("Movable", [("online", "Movable", "yes"), ("online_movable", "Movable", "yes")]),
        ("none", []),
        ("Novel", []),
        (None, []),
    ],
)
def test_each_way_online_gives_a_zone(zones: str | None, ways: list[tuple[str, str, str]]) -> None:
    found = judged(zones)
    assert found.verdict == "offline"
    assert [(way.word, way.zone, way.again) for way in found.online] == ways


@pytest.mark.parametrize(
    ("added", "says"),
    [
        (None, "why is not told"),
        ("offline", "auto_online_blocks is offline, so memory that is added stays so"),
        ("online_movable", "though auto_online_blocks is online_movable"),
    ],
)
def test_the_policy_says_why_a_block_is_offline(added: str | None, says: str) -> None:
    assert says in judged("Normal Movable", OnlinePolicy(added=added)).why


def test_boot_memory_of_arm64_never_goes_again() -> None:
    reading = replace(
        machine("Movable", OnlinePolicy()), boot_memory=(Range(32 * SIZE, 33 * SIZE),)
    )
    (found,) = judge(reading, design_of(reading), boot_memory_stays=True)
    assert {way.again for way in found.online} == {"no"}


def test_no_pin_lasts_in_the_movable_zone_so_it_could_go_again() -> None:
    reading = replace(machine("Movable", OnlinePolicy()), pinned=3)
    (found,) = judge(reading, design_of(reading))
    assert {way.again for way in found.online} == {"yes"}


def test_an_offline_block_is_as_judged_when_its_write_ends_with_einval() -> None:
    found = judged("Normal Movable")
    assert found.agrees("EINVAL") is True
    assert found.agrees("done") is False
