"""Machines on paper: blocks with what is in them, and zones that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from memhp.machines.judging.offline import design_of, judge
from memhp.machines.planning.goals import Goal
from memhp.machines.planning.plan import Plan, make_plan
from memhp.machines.reading.numa import NodeReading
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.procfs import Range, ZoneReading
from memhp.machines.reading.sysfs import BlockReading, MachineReading
from memhp.spec.language.system import System

PAGE, SIZE = 4096, 128 << 20
PAGES = SIZE // PAGE

Contents = Mapping[str, int]


def block(number: int, node: int = 0, zone: str = "Normal", state: str = "online") -> BlockReading:
    """A block of one zone and node."""
    return BlockReading(number, state, state == "online", (zone,), 1, nodes=(node,))


def machine(
    blocks: Sequence[tuple[int, str, float]],
    *,
    low: int = 0,
    offline: Sequence[int] = (),
    sticky: Mapping[int, Contents] = {},
    devices: Mapping[int, str] = {},
    reclaimable: int | None = 0,
) -> MachineReading:
    """A machine of blocks, numbered from 0.

    Args:
        blocks: of each its node, its zone, and what share of its pages has to move.
        low: the low watermark of every zone, in pages.
        offline: numbers of blocks that are offline.
        sticky: for some blocks kinds and counts of frames, which take the place of free ones.
        devices: names by block.
        reclaimable: bytes.
    """
    frames: dict[int, Counter[FrameKind]] = {}
    free, managed = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for number, (node, zone, share) in enumerate(blocks):
        if number in offline:
            continue
        moved = round(PAGES * share)
        kinds = Counter({FrameKind.movable: moved})
        for kind, count in sticky.get(number, {}).items():
            kinds[FrameKind(kind)] += count
        kinds[FrameKind.free] = PAGES - kinds.total()
        frames[number] = +kinds
        free[node, zone] += kinds[FrameKind.free]
        managed[node, zone] += PAGES
    nodes = sorted({node for node, _, _ in blocks})
    return MachineReading(
        source="made up",
        live=False,
        page_size=PAGE,
        block_size=SIZE,
        block_size_derived=False,
        blocks=tuple(
            block(at, node, zone, "offline" if at in offline else "online")
            for at, (node, zone, _) in enumerate(blocks)
        ),
        nodes=tuple(NodeReading(n, tuple(10 + 10 * abs(n - m) for m in nodes)) for n in nodes),
        iomem=(Range(0, len(blocks) * SIZE),),
        zones=tuple(
            ZoneReading(
                node, zone, free[node, zone], count, count, count, 0, cma=0, low=max(1, low)
            )
            for (node, zone), count in sorted(managed.items())
        ),
        frames=frames,
        notes=(),
        kernel=(6, 12),
        pinned=0,
        cma=False,
        devices=devices,
        reclaimable=reclaimable,
    )


def plan(goal: Goal, reading: MachineReading, system: System | None = None) -> Plan:
    """The plan for a goal, by the design of the machine's Linux."""
    design = system or design_of(reading)
    return make_plan(goal, reading, judge(reading, design), design)


def order(made: Plan) -> list[int]:
    """The numbers of the blocks that go."""
    return [move.block.number for move in made.moves]
