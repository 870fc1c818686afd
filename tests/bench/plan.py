"""How long a plan for a machine of 64 TiB takes, of which 1 % of the blocks are mixed.

Run by hand; judging is measured beside it.
"""

from __future__ import annotations

import gc
import random
import sys
from collections import Counter
from time import process_time

from memhp.machines.judging.offline import design_of, judge
from memhp.machines.planning.goals import Goal
from memhp.machines.planning.plan import make_plan
from memhp.machines.reading.numa import NodeReading
from memhp.machines.reading.pageflags import FrameKind
from memhp.machines.reading.procfs import Range, ZoneReading
from memhp.machines.reading.sysfs import BlockReading, MachineReading

__all__ = ["large", "measure"]

GIB, TIB = 1 << 30, 1 << 40
PAGE = 4096


def large(
    size: int = 64 * TIB,
    *,
    nodes: int = 8,
    block_size: int = 2 * GIB,
    used: float = 0.5,
    mixed: float = 0.01,
    seed: int = 0,
) -> MachineReading:
    """A machine that has run for a while: half of it full, some blocks with all kinds of pages.

    The upper half of each node is movable; the first block of each is the kernel's.

    Args:
        size: bytes of memory.
        nodes: how many.
        block_size: bytes of a block.
        used: the share of blocks that are full.
        mixed: the share of blocks with frames of all kinds.
        seed: of the choice of blocks.
    """
    draw = random.Random(seed)
    count, pages = size // block_size, block_size // PAGE
    per_node = count // nodes
    frames: dict[int, Counter[FrameKind]] = {}
    blocks, free, managed = [], Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for number in range(count):
        node, at = divmod(number, per_node)
        zone = "Movable" if at >= per_node // 2 else "Normal"
        blocks.append(BlockReading(number, "online", True, (zone,), 1, nodes=(node,)))
        frames[number] = kinds = _kinds(draw, pages, at == 0, zone, (used, mixed))
        free[node, zone] += kinds[FrameKind.free]
        managed[node, zone] += pages
    zones = [
        ZoneReading(n, z, free[n, z], managed[n, z], managed[n, z], managed[n, z], 0, cma=0, low=99)
        for n in range(nodes)
        for z in ("Normal", "Movable")
    ]
    distance = [
        tuple(10 if a == b else 20 + abs(a - b) for b in range(nodes)) for a in range(nodes)
    ]
    return MachineReading(
        source="synthetic",
        live=False,
        page_size=PAGE,
        block_size=block_size,
        block_size_derived=False,
        blocks=tuple(blocks),
        nodes=tuple(NodeReading(n, distance[n]) for n in range(nodes)),
        iomem=(Range(0, size),),
        zones=tuple(zones),
        frames=frames,
        notes=(),
        kernel=(6, 12),
        pinned=0,
        cma=False,
        reclaimable=0,
    )


def _kinds(
    draw: random.Random, pages: int, first: bool, zone: str, shares: tuple[float, float]
) -> Counter[FrameKind]:
    used, mixed = shares
    if first:
        return Counter({FrameKind.reserved: pages})
    choice = draw.random()
    if choice < mixed:
        moved, kernel = draw.randrange(pages), draw.randrange(2) if zone == "Normal" else 0
        return Counter(
            {
                FrameKind.kernel: kernel,
                FrameKind.movable: moved,
                FrameKind.free: pages - moved - kernel,
            }
        )
    return Counter({FrameKind.movable if choice < mixed + used else FrameKind.free: pages})


def measure(goal: Goal, block_size: int) -> dict[str, float]:
    """Seconds of the processor for judging and for planning."""
    reading = large(block_size=block_size)
    begun = process_time()
    design = design_of(reading)
    judgements = judge(reading, design)
    judged = process_time()
    plan = make_plan(goal, reading, judgements, design)
    done = process_time()
    print(
        f"{goal.words}, blocks of {block_size >> 20} MiB: {plan.verdict}, {len(plan.moves)} steps"
    )
    return {"judge": judged - begun, "plan": done - judged}


if __name__ == "__main__":
    gc.set_threshold(100_000, 50, 50)  # as the command does
    sizes = [2 * GIB, 128 << 20] if "--small" in sys.argv else [2 * GIB]
    for block_size in sizes:
        for goal in (
            Goal(size=8 * TIB),
            Goal(node=3),
            Goal(size=40 * TIB),
            Goal(size=1 * TIB, node=1),
        ):
            for name, seconds in measure(goal, block_size).items():
                print(f"  {name:6} {seconds:6.2f} s")
