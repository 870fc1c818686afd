"""Pages that Linux would move must find room on the nodes that it moves them to."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from memhp.machines.judging.offline import design_of, judge
from memhp.machines.judging.room import Fit, fit_of
from memhp.machines.reading.numa import NodeReading
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.procfs import Range, ZoneReading
from memhp.machines.reading.sysfs import BlockReading, MachineReading

BLOCK = 128 << 20
OTHER_COUNTS: dict[str, Any] = {"spanned": 1, "present": 1, "managed": 1, "start_pfn": 0}
FRAMES = BLOCK >> 12
GIB_KIB = 1 << 20


def node(number: int, free_mib: int, cache_mib: int | None = None) -> NodeReading:
    """A node of 1 GiB, of which 32 MiB stay with the kernel."""
    cache = None if cache_mib is None else cache_mib << 10
    return NodeReading(number, mem_total_kib=GIB_KIB, mem_free_kib=free_mib << 10, cache_kib=cache)


def machine(*nodes: NodeReading, movable_mib: int = 100) -> MachineReading:
    """A block of node 0 with so much to move, the rest of it free."""
    kinds = Counter(
        {FrameKind.movable: movable_mib << 8, FrameKind.free: FRAMES - (movable_mib << 8)}
    )
    return MachineReading(
        source="test",
        live=False,
        page_size=4096,
        block_size=BLOCK,
        block_size_derived=False,
        blocks=(BlockReading(4, "online", valid_zones=("Normal",), nodes=(0,)),),
        nodes=nodes,
        iomem=(Range(0, 64 * BLOCK),),
        zones=None,
        frames={4: kinds},
        notes=(),
        kernel=(6, 12),
        cma=False,
    )


@pytest.mark.parametrize(
    ("nodes", "there_mib"),
    [
        ((node(0, 500), node(1, 132)), 100),  # not its own while another has memory
        ((node(0, 500), node(1, 32, 60)), 60),
        ((node(0, 500), node(1, 10, 12)), 0),
        ((node(0, 500), node(1, 132), node(2, 82)), 150),
        ((node(0, 160),), 100),  # its own, but not what is free in the block itself
        ((node(0, 500), NodeReading(1, mem_total_kib=0)), 440),
        ((node(0, 500), NodeReading(1, mem_total_kib=GIB_KIB)), None),
        ((), None),
    ],
)
def test_room_is_where_linux_moves_pages_to(
    nodes: tuple[NodeReading, ...], there_mib: int | None
) -> None:
    reading = machine(*nodes)
    room = fit_of(reading, reading.blocks[0])
    assert room == (None if there_mib is None else Fit(100 << 20, there_mib << 20))


@pytest.mark.parametrize(("free_mib", "verdict"), [(132, "yes"), (131, "cannot tell")])
def test_a_block_whose_pages_may_find_no_room_is_not_called_removable(
    free_mib: int, verdict: str
) -> None:
    reading = machine(node(0, 500), node(1, free_mib))
    (judged,) = judge(reading, design_of(reading))
    assert judged.verdict == verdict
    assert ("need 100 MiB elsewhere, and 99 MiB are free" in judged.why) == (verdict != "yes")


@pytest.mark.parametrize(
    ("taken_back_mib", "verdict"), [(49, "no"), (50, "cannot tell"), (None, "cannot tell")]
)
def test_a_block_stays_whose_pages_find_no_room_whatever_is_taken_back(
    taken_back_mib: int | None, verdict: str
) -> None:
    back = None if taken_back_mib is None else taken_back_mib << 20
    reading = replace(machine(node(0, 500), node(1, 50)), reclaimable=back)
    (judged,) = judge(reading, design_of(reading))
    assert judged.verdict == verdict
    assert "need 100 MiB elsewhere" in judged.why
    assert ("at most 99 MiB can be free" in judged.why) == (verdict == "no")


def test_where_zones_tell_their_watermarks_all_above_them_is_room() -> None:
    zone = ZoneReading(1, "Normal", free=30 << 8, low=4 << 8, protection=1 << 8, **OTHER_COUNTS)
    reading = machine(node(0, 500), node(1, 30, 5))
    assert fit_of(replace(reading, zones=(zone,)), reading.blocks[0]) == Fit(100 << 20, 30 << 20)
    untold = replace(reading, zones=(zone, replace(zone, name="Movable", low=None)))
    assert fit_of(untold, reading.blocks[0]) == Fit(100 << 20, 3 << 20)


def test_each_block_that_needs_room_is_told_its_own_need() -> None:
    reading = machine(node(0, 500), node(1, 50))
    (block,) = reading.blocks
    other = Counter({FrameKind.movable: 60 << 8})
    both = replace(
        reading,
        blocks=(block, replace(block, number=5)),
        frames={**(reading.frames or {}), 5: other},
    )
    judged = judge(both, design_of(both))
    assert ["need 100 MiB" in each.why for each in judged] == [True, False]
    assert ["need 60 MiB" in each.why for each in judged] == [False, True]


def test_what_is_free_in_the_block_itself_is_no_room_whatever_is_taken_back() -> None:
    room = fit_of(reading := replace(machine(node(0, 160)), reclaimable=0), reading.blocks[0])
    assert room
    assert room.most == 132 << 20


def test_what_is_offline_needs_no_room() -> None:
    reading = machine(node(0, 500), node(1, 10))
    offline = replace(reading, blocks=(replace(reading.blocks[0], state="offline"),))
    (judged,) = judge(offline, design_of(offline))
    assert judged.verdict == "offline"
