"""A whole plan, frame by frame, on the engine: every block goes, and no page is lost on the way.

The engine knows the rules on its own.  A zone of a node is one of its nodes, with those that may
take its contents as the places to fall back to, the nearest first; beside the blocks each has one
of the kernel's that stays.  Of large machines a frame stands for several pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from memhp.engine import Layout, Machine
from memhp.engine.codes import BOOT, FREE, KERNEL, USER, ZONES
from memhp.spec.language.errnos import errorcode

from ..reading.pageflags import FrameKind
from ..reading.sysfs import MachineReading
from .choice import Surroundings
from .facts import FREE_KINDS, MOVED_KINDS, Place
from .order import Move

__all__ = ["MOST_FRAMES", "Whole", "run_whole"]

MOST_FRAMES = 1 << 21
"""So many frames the engine has at most; of more pages a frame stands for several."""
_LEAST = 16
"""Frames of a block at least; a machine whose blocks would have fewer is not run."""


@dataclass(frozen=True)
class Whole:
    """What came of a plan on the engine: steps done, pages moved in all, and what failed.

    ``unit`` is how many pages a frame stands for.
    """

    done: int
    moved: int
    unit: int
    failures: tuple[str, ...]


def run_whole(moves: Sequence[Move], reading: MachineReading, around: Surroundings) -> Whole | None:
    """What comes of the moves; None where frames are not known, or there are too many.

    Args:
        moves: of a plan.
        reading: the machine.
        around: what is around the blocks that go.
    """
    frames, size, page = reading.frames, reading.block_size, reading.page_size
    known = all(move.block.moved.low == move.block.moved.high for move in moves)
    if not moves or frames is None or not known or not size or not page:
        return None
    there = [b for b in reading.blocks if b.state != "offline" and b.nodes and b.number in frames]
    pages, unit = size // page, 1
    while pages // unit * len(there) > MOST_FRAMES:
        unit *= 2
    if pages // unit < _LEAST:
        return None
    places = {
        at: Place(at[0][0], at[1][0]) for at in {(b.nodes, b.valid_zones or ("?",)) for b in there}
    }
    online = {b.number: places[b.nodes, b.valid_zones or ("?",)] for b in there}
    if any(move.block.number not in online for move in moves):
        return None
    gone = {move.block.number for move in moves}
    machine = _machine(online, gone, reading, around, unit)
    index = {number: at for at, number in enumerate(online)}
    return _run(machine, [(move.block.number, index[move.block.number]) for move in moves], unit)


def _machine(
    online: dict[int, Place],
    gone: set[int],
    reading: MachineReading,
    around: Surroundings,
    unit: int,
) -> Machine:
    """The machine as the engine has it; the last blocks are the kernel's, one a place."""
    places = sorted(set(online.values()))
    number_of = {place: at for place, at in zip(places, range(len(places)), strict=True)}
    size = (reading.block_size or 0) // (reading.page_size or 1) // unit
    node_of = [*(number_of[place] for place in online.values()), *range(len(places))]
    kinds = [*(place.kind for place in online.values()), *("kernel" for _ in places)]
    frames = reading.frames or {}
    codes = {
        at: _codes(frames[number], size, unit, goes=number in gone)
        for at, number in enumerate(online)
    }
    fallback = []
    for source in places:
        far = [(around.distance(source, to), at) for at, to in enumerate(places)]
        fallback.append([at for _, at in sorted((d, at) for d, at in far if d is not None)])
    layout = Layout(
        node_of=node_of,
        fallback=fallback,
        sections=1,
        frames=size,
        early=b"\1" * len(node_of),
        early_zone=bytes(ZONES.index(kind) for kind in kinds),
        pgdat_section=[len(online) + at for at in range(len(places))],
        block_codes=bytes([FREE] * len(online) + [BOOT] * len(places)),
        frame_codes=codes,
    )
    return Machine(layout)


def _codes(kinds: Counter[FrameKind], frames: int, unit: int, *, goes: bool) -> bytes:
    """The frames of a block: what moves, rounded up, what is free, and what stays.

    What neither moves nor stays, such as failed memory, goes with its block and is no room.
    """
    moved = min(frames, -(-sum(kinds[kind] for kind in MOVED_KINDS) // unit))
    vanish = sum(kinds[kind] for kind in _VANISH) if goes else 0
    free = (sum(kinds[kind] for kind in FREE_KINDS) + vanish) // unit
    sticky = sum(kinds[kind] for kind in _STICKY)
    free = min(frames - moved, free if sticky or not goes else frames)
    return bytes([USER]) * moved + bytes([FREE]) * free + bytes([KERNEL]) * (frames - moved - free)


_VANISH = (FrameKind.hwpoison, FrameKind.memmap, FrameKind.spare)
_STICKY = (FrameKind.kernel, FrameKind.reserved)


def _run(machine: Machine, blocks: Sequence[tuple[int, int]], unit: int) -> Whole:
    user = machine.memory.user
    before = sum(user)
    done, moved, failures = 0, 0, []
    for number, at in blocks:
        had = user[at]
        error = machine.write_state(at, "offline")
        if error:
            failures.append(f"block {number}: {errorcode[error]}")
        else:
            done, moved = done + 1, moved + had
    if sum(user) != before:
        failures.append(f"{before - sum(user)} frames are lost")
    return Whole(done, moved * unit, unit, tuple(failures))
