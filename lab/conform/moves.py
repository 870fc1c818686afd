"""The scenarios of what moves: to which node contents go, and huge folios.

The reference says beforehand where that may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from memhp.reference.machine import Machine
from memhp.reference.shapes import Shape
from memhp.spec.language.system import System
from memhp.spec.system import SYSTEM

from ..guest.machine import MIB
from ..tools.errors import whole_number
from .follow import Follower
from .steps import (
    FIRST,
    SECOND,
    Check,
    begin_leaving,
    contents_kept,
    figures,
    hold,
    move_huge,
    pages_on,
    plug,
    take,
    take_steps,
)

__all__ = ["huge_folios_move_whole", "linux_moves_to_another_node"]


def linux_moves_to_another_node(follower: Follower) -> Iterator[Check]:
    """Linux moves contents to another node although their own has room, which N4 wants first.

    A block with memory of a process goes offline while the other block of its node is free.
    Seen must be: the node had room, and pages arrived on the nodes to which Linux's profile moves
    a folio, and the list's design does not.
    """
    guest = plug(follower, "online_movable")
    user = hold(guest, "anon", 64 * MIB)
    before = {node: pages_on(guest, user, node) for node in (0, 1)}
    take_steps(
        follower, ("write_state", FIRST, "offline"), ("write_state", SECOND, "online_movable")
    )
    if pages_on(guest, user, 0) == 0:  # they were all in the other block
        take_steps(
            follower, ("write_state", FIRST, "online_movable"), ("write_state", SECOND, "offline")
        )
    room = figures(guest, "MemFree") > 64 * MIB
    yield Check("the own node had room", "True", str(room))
    moved = {node for node in (0, 1) if pages_on(guest, user, node) > before[node]}
    yield Check("nodes that got pages", str(_destinations(follower.system)), str(moved))
    differs = _destinations(SYSTEM) != moved
    yield Check("the list wants another one", "True", str(differs))


def _destinations(system: System) -> set[int]:
    """The nodes to which a folio of node 1 can move, when there is room on both."""
    machine = Machine(system, Shape(nodes=2, blocks=2).build(system))
    machine.step("alloc_folio", 0, 2, "anonymous")
    machine.step("begin_offline", 2)
    return {
        int(machine.evaluate("node_of_frame", params["d"]))
        for _, params in machine.enabled("reserve_destination")
    }


def huge_folios_move_whole(follower: Follower) -> Iterator[Check]:
    """A huge folio in use moves whole, free ones are dissolved, and the pools count exactly (D2).

    Node 0 has one huge page and node 1 two, of which one is in use; both blocks of node 1 go
    offline.  Seen must be: how many there are, how many are free and where the one in use is, as
    the reference ends in some order of its steps; and its contents unchanged.
    """
    guest = plug(follower, "online_movable")
    for node, number in ((0, 1), (1, 2)):
        pool = f"/sys/devices/system/node/node{node}/hugepages/hugepages-2048kB"
        guest.write(f"{pool}/nr_hugepages", str(number))
    user = hold(guest, "huge", 2 * MIB)
    take_steps(follower, ("write_state", FIRST, "offline"), ("write_state", SECOND, "offline"))
    meminfo = guest.read("/proc/meminfo")
    counts = (re.search(rf"HugePages_{word}:\s+(\d+)", meminfo) for word in ("Total", "Free"))
    total, free = (whole_number(match[1]) if match else None for match in counts)
    seen = str((total, free, [node for node in (0, 1) if pages_on(guest, user, node)]))
    wanted = " or ".join(sorted(map(str, _huge_folios_after_offlining(follower.system))))
    yield Check("huge folios: all, free, and the nodes of the one in use", wanted, seen)
    yield contents_kept(guest, user)


_HugeFolios = tuple[int, int, list[int]]
"""How many there are, how many are free, and the nodes of the one in use."""


def _huge_folios_after_offlining(system: System) -> list[_HugeFolios]:
    """What the specification leaves.

    One is free on node 0; of two on node 1 one is in use, and both blocks of node 1 go offline.
    """
    shape = Shape(nodes=2, totals=(3, 3, 3), tables=(("node_of", (0, 1, 1)),))
    machine = Machine(system, replace(shape, more=(("HugeFolio", 3),)).build(system))
    for number in range(3):
        take(machine, "grow_pool", number, number)
    take(machine, "take_huge", 1)
    take(machine, "map_huge", 0, 1)
    return _ends(machine, (1, 2))


def _ends(machine: Machine, blocks: tuple[int, ...]) -> list[_HugeFolios]:
    """What may be left once the blocks are offline, one after the other."""
    if not blocks:
        counts = [sum(int(machine.get(of, n)) for n in (0, 1)) for of in ("nr_huge", "free_huge")]
        return [(counts[0], counts[1], [int(machine.evaluate("pool_of", 1))])]
    block, *rest = blocks
    begin_leaving(machine, block)
    ends: list[_HugeFolios] = []
    for move in _moves_out_of(machine, block) or [None]:
        world = machine.copy()
        if move:
            move_huge(world, *move)
        for free in [params["h"] for _, params in world.enabled("dissolve")]:
            if world.get("huge_home", free) == block:
                take(world, "dissolve", free)
        take(world, "finish_offline", block)
        ends += [end for end in _ends(world, tuple(rest)) if end not in ends]
    return ends


def _moves_out_of(machine: Machine, block: int) -> list[tuple[int, int] | None]:
    """Huge folios of the block (of one frame, with its number), and where each may go."""
    moves = [params for _, params in machine.enabled("begin_huge_migration")]
    return [
        (int(params["h"]), int(params["t"]))
        for params in moves
        if machine.get("huge_home", params["h"]) == block
    ]
