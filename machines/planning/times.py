"""How long each block of a plan takes to go, by the work that its pages are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..judging.page_work import PageWork, count_work, work_of
from ..judging.removal_time import Cost, Span, predict, total
from ..reading.errors import MachineError
from ..reading.sysfs import MachineReading
from .order import Move

__all__ = ["Duration", "durations", "together"]


@dataclass(frozen=True)
class Duration:
    """Seconds: at least ``low``, at most ``high``, but for the work of ``endless`` kinds.

    What is endless has no bound: a store may never answer.
    """

    low: float
    expected: float
    high: float
    endless: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        """The bounds; without an upper one if something is endless."""
        return Span(self.low, None if self.endless else self.high)


def together(durations: Sequence[Duration]) -> Duration:
    """The duration of all, one after the other.

    >>> together([Duration(1, 2, 3), Duration(1, 1, 1)])
    Duration(low=2, expected=3, high=4, endless=())
    """
    return Duration(
        sum(each.low for each in durations),
        sum(each.expected for each in durations),
        sum(each.high for each in durations),
        tuple(dict.fromkeys(kind for each in durations for kind in each.endless)),
    )


def durations(
    moves: Sequence[Move], reading: MachineReading, costs: Mapping[str, Cost]
) -> tuple[tuple[Duration, ...], tuple[str, ...]]:
    """The duration of each move, and notes on what they rest on.

    Args:
        moves: in their order.
        reading: the machine; `/proc/kpagecount` is read, too, if it is this one.
        costs: seconds for a unit of each kind of work.
    """
    works, notes = _works(moves, reading)
    cached: dict[PageWork, Duration] = {}
    found = []
    for move in moves:
        work = _with_again(works.get(move.block.number), move)
        if work not in cached:
            cached[work] = _duration(work, reading, costs)
        found.append(cached[work])
    return tuple(found), (*notes, *_basis(costs))


def _basis(costs: Mapping[str, Cost]) -> tuple[str, ...]:
    """What the times rest on, unless a user gave it."""
    copy = costs["copy"]
    if copy.confidence == "given":
        return ()
    if copy.confidence == "measured":
        return (f"times by what was measured here ({copy.source})",)
    return ("the speed of the machine is assumed: it is measured where the plan is made on it",)


def _works(
    moves: Sequence[Move], reading: MachineReading
) -> tuple[Mapping[int, PageWork], tuple[str, ...]]:
    """What the pages of the blocks are, where this machine tells."""
    if reading.frames is None:
        return {}, ("pages are not told: all of a block may have to move",)
    if not reading.live:
        return {}, ("how often pages are mapped is not in a record: once at most is assumed",)
    assert reading.block_size is not None
    assert reading.page_size is not None
    numbers = [move.block.number for move in moves]
    try:
        size, page = reading.block_size, reading.page_size
        return count_work(numbers, block_size=size, page_size=page), ()
    except MachineError as error:
        return {}, (str(error),)


def _with_again(work: PageWork | None, move: Move) -> PageWork:
    """The work of a move: that of the block's pages, and of what came into it before."""
    own, all_ = move.block.moved, move.moved
    if work is None:
        work = PageWork(own.low, own.high - own.low, (0, own.high), own.high, own.high)
    again = all_.high - own.high
    least, most = work.mappings
    return replace(
        work,
        maybe=work.maybe + again,
        mappings=(least, most + again),
        mapped=work.mapped + again,
    )


def _duration(work: PageWork, reading: MachineReading, costs: Mapping[str, Cost]) -> Duration:
    assert reading.block_size is not None
    amounts = work_of(work, block_size=reading.block_size, page_size=reading.page_size)
    parts = predict({kind: Span(*bounds) for kind, bounds in amounts.items()}, costs)
    seconds = total(part.seconds for part in parts)
    bounded = [part.seconds.upper for part in parts if part.seconds.upper is not None]
    endless = tuple(part.kind for part in parts if part.seconds.upper is None)
    expected = sum(part.expected for part in parts)
    return Duration(seconds.lower, expected, max(expected, sum(bounded)), endless)
