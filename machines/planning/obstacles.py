"""The facts that stand in the way of a goal, each with who holds the memory and what helps."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from memhp.machines.reading.units import in_units

from ..judging.explanations import why_not_of
from ..judging.offline import BlockJudgement
from ..reading.sysfs import MachineReading
from .choice import Surroundings
from .cores import Class, Fact, Obstacles
from .facts import BlockFacts, Place
from .goals import Goal, Wanted, ranges_of

__all__ = ["numbers", "obstacles_of"]

_STICKY = ("reserved", "kernel", "held", "pinned", "offline", "hole", "huge", "unknown", "blank")
"""Kinds of frames that may keep a block, in the order in which they are told."""
_MANY_NODES = 3
"""Of more nodes facts are not told node by node."""


def numbers(blocks: Iterable[int]) -> str:
    """Block numbers as ranges.

    >>> numbers([3, 1, 2, 7])
    '1-3,7'
    """
    ranges: list[range] = []
    for number in sorted(blocks):
        if ranges and number == ranges[-1].stop:
            ranges[-1] = range(ranges[-1].start, number + 1)
        else:
            ranges.append(range(number, number + 1))
    return ranges_of(ranges)


def obstacles_of(
    goal: Goal,
    wanted: Wanted,
    judgements: Mapping[int, BlockJudgement],
    may: Mapping[int, BlockFacts],
    around: Surroundings,
    reading: MachineReading,
) -> Obstacles:
    """All that stands in the way of a goal on a machine.

    Args:
        goal: what is to go.
        wanted: the same on this machine.
        judgements: on all blocks, by number.
        may: the facts of the blocks that may go.
        around: what is around them.
        reading: the machine.
    """
    size = reading.block_size or 0
    inside = [number for number in wanted.blocks if number in may]
    classes = [*_refused(wanted, judgements, may, reading), *_left_out(wanted, goal, size)]
    if not wanted.named:
        offline = [n for n, judged in judgements.items() if judged.verdict == "offline"]
        here = [n for n in offline if goal.node is None or judgements[n].node == goal.node]
        if here:
            classes.append(_offline(here, size))
    where = "the machine" if goal.node is None else f"node {goal.node}"
    total = len(inside) + sum(len(each.blocks) for each in classes)
    return Obstacles(
        goal=Fact("goal", f"{wanted.count} blocks ({in_units(wanted.count * size)}) are to go"),
        count=wanted.count,
        may=[may[number] for number in inside],
        refused=classes,
        around=around,
        machine=Fact(
            "machine",
            f"{where} has {total} blocks ({in_units(total * size)}) that this is about",
            cures=() if wanted.named else ("ask for less",),
        ),
        room=_room_facts(around, reading),
        rules=_RULES,
        reclaim=None
        if around.reclaimable is None
        else Fact(
            "reclaim",
            f"at most {_pages(around.reclaimable, reading)} can be taken back:"
            " page cache, slab, room in swap",
            cures=("add swap, or end who uses memory",),
        ),
    )


_RULES = {
    "own": Fact(
        "own",
        "Linux moves contents of a leaving block to other nodes alone, while any has memory",
        "the kernel (do_migrate_range)",
        ("free memory on other nodes, or take no node's memory that others have no room for",),
    ),
    "kernel": Fact(
        "kernel",
        "what lies in a kernel zone does not move to ZONE_MOVABLE",
        "the kernel (alloc_migration_target)",
        ("free memory in kernel zones of other nodes",),
    ),
    "to": Fact("to", "--to lets contents move to no other node", "who asks", ("name more nodes",)),
}


def _refused(
    wanted: Wanted,
    judgements: Mapping[int, BlockJudgement],
    may: Mapping[int, BlockFacts],
    reading: MachineReading,
) -> list[Class]:
    """The blocks that do not go, by why."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    inside = [number for number in wanted.blocks if number not in may]
    many = len({judgements[number].node for number in inside}) > _MANY_NODES
    for number in inside:
        judged = judgements[number]
        groups[None if many else judged.node, judged.guard, judged.why].append(number)
    return [_class(blocks, judgements[blocks[0]], reading, many) for blocks in groups.values()]


def _class(
    blocks: Sequence[int], judged: BlockJudgement, reading: MachineReading, many: bool
) -> Class:
    where = "" if many or judged.node is None else f" of node {judged.node}"
    what = f"block {blocks[0]}" if len(blocks) == 1 else f"blocks {numbers(blocks)}"
    guard = "" if judged.guard is None else f" ({judged.guard})"
    cures = [cure.text for each in why_not_of(reading, judged) for cure in each.cures]
    if reading.live:
        cures.append(f"memhp why {blocks[0]} tells which pages, and which processes map the block")
    fact = Fact(
        f"refused {blocks[0]}",
        f"{what}{where} ({in_units(len(blocks) * (reading.block_size or 0))}): {judged.why}{guard}",
        _holder(blocks, reading),
        tuple(dict.fromkeys(cures)),
    )
    return Class(tuple(blocks), fact)


def _holder(blocks: Sequence[int], reading: MachineReading) -> str:
    """What is in refused blocks that may keep them."""
    if reading.frames is None or reading.page_size is None:
        return ""
    inside: Counter[str] = Counter()
    for number in blocks:
        for kind, count in reading.frames.get(number, {}).items():
            inside[kind.value] += count
    held = (
        f"{kind} {in_units(inside[kind] * reading.page_size)}" for kind in _STICKY if inside[kind]
    )
    return ", ".join(held)


def _left_out(wanted: Wanted, goal: Goal, size: int) -> list[Class]:
    """The blocks that are kept, although they are of those that the goal draws from."""
    if not wanted.kept or wanted.named:
        return []
    fact = Fact(
        "kept",
        f"--keep keeps blocks {numbers(wanted.kept)} ({in_units(len(wanted.kept) * size)})",
        "who asks",
        ("keep fewer",),
    )
    return [Class(wanted.kept, fact)]


def _offline(blocks: Sequence[int], size: int) -> Class:
    fact = Fact(
        "offline",
        f"blocks {numbers(blocks)} ({in_units(len(blocks) * size)}) are offline already",
        cures=("they are free already: ask for less by so much",),
    )
    return Class(tuple(blocks), fact)


def _room_facts(around: Surroundings, reading: MachineReading) -> dict[Place, Fact]:
    """How much each place can take, or all places of a zone; {} if that is not told of all."""
    rooms = around.rooms.values()
    if not all(room.told for room in rooms):
        return {}
    many = len(around.nodes) > _MANY_NODES
    free: Counter[tuple[object, str]] = Counter()
    for room in rooms:
        free[None if many else room.place.node, room.place.zone] += room.possible
    facts = {key: _room_fact(*key, _pages(pages, reading)) for key, pages in free.items()}
    return {p: facts[None if many else p.node, p.zone] for p in around.rooms}


def _room_fact(node: object, zone: str, size: str) -> Fact:
    if node is None:
        where, cure = "all nodes together have", "free memory there: end who uses it, drop caches"
    else:
        where = f"node {node} has"
        cure = f"free memory on node {node}: end or move who uses it, drop caches"
    return Fact(f"room {node} {zone}", f"{where} {size} free in zone {zone}", cures=(cure,))


def _pages(pages: int, reading: MachineReading) -> str:
    return in_units(pages * (reading.page_size or 0))
