"""What is to go, as an operator says it: a size, a node, blocks, or a device.

A size leaves open which blocks go; all else names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..reading.sysfs import MachineReading
from ..reading.units import in_units

__all__ = ["Goal", "GoalError", "Wanted", "ranges_of", "wanted"]

_DRC = re.compile(r"(?:DRC )?0x([0-9a-f]{1,16})(?:-0x([0-9a-f]{1,16}))?", re.ASCII)


class GoalError(ValueError):
    """A goal that makes no sense on the machine; the message is one line and says what to do."""


@dataclass(frozen=True)
class Goal:
    """What is to go; exactly one of ``size``, ``blocks`` and ``device``, or a ``node`` alone.

    ``size`` is in bytes, of ``node`` if that is given; ``keep`` has ranges of blocks that stay,
    ``to`` the nodes that contents may move to (None: any).
    """

    size: int | None = None
    node: int | None = None
    blocks: tuple[range, ...] = ()
    device: str | None = None
    keep: tuple[range, ...] = ()
    to: tuple[int, ...] | None = None

    @property
    def words(self) -> str:
        """The goal as a sentence has it: what is to go."""
        if self.blocks:
            return f"blocks {ranges_of(self.blocks)}"
        if self.device is not None:
            return f"device {self.device}"
        where = "" if self.node is None else f"node {self.node}"
        if self.size is None:
            return where
        return f"{in_units(self.size)}{' of ' if where else ''}{where}"


@dataclass(frozen=True)
class Wanted:
    """A goal on one machine: of these blocks so many are to go; all of them if ``named``.

    ``gone`` are blocks that the goal names and that are offline already; ``kept`` would be
    among ``blocks`` but for the goal's ``keep``.
    """

    blocks: tuple[int, ...]
    count: int
    named: bool
    gone: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()


def wanted(goal: Goal, reading: MachineReading) -> Wanted:
    """The blocks that the goal is about.

    Raises:
        GoalError: the machine has no such node, block or device, or nothing is to go.
    """
    size = reading.block_size
    if not reading.blocks:
        raise GoalError(f"{reading.source} shows no memory blocks: there is nothing to plan")
    if size is None:
        raise GoalError(f"{reading.source} does not tell the size of a block")
    _refuse_unknown_nodes(goal, reading)
    inside = _inside(goal, reading)
    offline = {block.number for block in reading.blocks if block.state == "offline"}
    there = {block.number for block in reading.blocks}
    kept = {number for each in goal.keep for number in inside if number in each}
    for each in goal.keep:
        if not any(number in there for number in each):
            raise GoalError(f"--keep: the machine has no block {ranges_of([each])}")
    gone = tuple(number for number in inside if number in offline and number not in kept)
    blocks = tuple(number for number in inside if number not in offline and number not in kept)
    if goal.size is not None:
        if goal.size < 1:
            raise GoalError("the size to free is nothing: give at least a block's")
        return Wanted(blocks, -(-goal.size // size), False, (), tuple(sorted(kept)))
    if kept and not goal.blocks:
        raise GoalError(
            f"--keep {ranges_of(goal.keep)} keeps what {goal.words} takes away: leave one out"
        )
    if not blocks and not gone:
        raise GoalError("no block is left to go: --keep keeps all of them")
    return Wanted(blocks, len(blocks), True, gone, tuple(sorted(kept)))


def _inside(goal: Goal, reading: MachineReading) -> list[int]:
    """The numbers of the blocks that the goal names or draws from."""
    if goal.blocks:
        there = {block.number for block in reading.blocks}
        for each in goal.blocks:
            if not any(number in each for number in there):
                raise GoalError(f"--blocks: the machine has no block {ranges_of([each])}")
        return sorted(number for number in there if any(number in each for each in goal.blocks))
    if goal.device is not None:
        return _of_device(goal.device, reading)
    if goal.node is None:
        return [block.number for block in reading.blocks]
    inside = [block.number for block in reading.blocks if goal.node in block.nodes]
    if not inside:
        raise GoalError(f"node {goal.node} has no memory block: it is without memory already")
    return inside


def _of_device(name: str, reading: MachineReading) -> list[int]:
    """The blocks of a device by its name, or of a range of logical memory blocks (DRC)."""
    indexes = _DRC.fullmatch(name)
    if indexes is not None:
        span = range(int(indexes[1], 16), int(indexes[2] or indexes[1], 16) + 1)
        inside = [
            number
            for number, device in reading.devices.items()
            if device.startswith("DRC 0x") and int(device[4:], 16) in span
        ]
    else:
        inside = [number for number, device in reading.devices.items() if device == name]
    if not inside:
        some = ", ".join(sorted(set(reading.devices.values()))[:8])
        told = f"it tells of {some}" if some else "its files tell of none; name --blocks"
        raise GoalError(f"--device: the machine has no memory of {name[:60]!r}; {told}")
    return sorted(inside)


def _refuse_unknown_nodes(goal: Goal, reading: MachineReading) -> None:
    there = {node.number for node in reading.nodes}
    there |= {node for block in reading.blocks for node in block.nodes}
    for option, nodes in (("--node", (goal.node,)), ("--to", goal.to or ())):
        for node in nodes:
            if node is not None and node not in there:
                some = ", ".join(map(str, sorted(there))) or "none"
                raise GoalError(f"{option}: there is no node {node}; there are: {some}")


def ranges_of(ranges: Iterable[range]) -> str:
    """The ranges as a list has them.

    >>> ranges_of([range(32, 40), range(44, 45)])
    '32-39,44'
    """
    return ",".join(
        str(each.start) if len(each) == 1 else f"{each.start}-{each.stop - 1}" for each in ranges
    )
