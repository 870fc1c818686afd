"""What removing every block that can go, or may, takes, against a reboot (U3).

The work is counted by page (`page_work`), and what it costs says a table (`removal_time`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..reading.errors import MachineError
from ..reading.sysfs import MachineReading
from .offline import BlockJudgement
from .page_work import PageWork, count_work, work_of
from .removal_time import Cost, Part, Reboot, Span, TimeVerdict, compare, predict, total

__all__ = ["BlockForecast", "Forecast", "forecast", "memory_of"]

_STICKY = ("reserved", "kernel")
"""The kinds of frames, as the page flags show them, that neither move nor can be written out."""


@dataclass(frozen=True)
class BlockForecast:
    """What removing one block takes; ``certain`` if it can go, else it only may."""

    number: int
    certain: bool
    parts: tuple[Part, ...]

    @property
    def seconds(self) -> Span:
        """The seconds of all its parts, one after the other."""
        return total(part.seconds for part in self.parts)

    @property
    def expected(self) -> float:
        """The seconds to expect."""
        return sum(part.expected for part in self.parts)


@dataclass(frozen=True)
class Forecast:
    """What removing takes; ``sticky`` counts frames by kind, None if the flags were not read."""

    blocks: tuple[BlockForecast, ...]
    sticky: Mapping[str, int] | None
    costs: Mapping[str, Cost]
    reboot: Reboot
    notes: tuple[str, ...]

    @property
    def seconds(self) -> Span:
        """The seconds of all blocks, one after the other: at least those that go for certain."""
        least = total(block.seconds for block in self.blocks if block.certain)
        return Span(least.lower, total(block.seconds for block in self.blocks).upper)

    @property
    def expected(self) -> float:
        """The seconds to expect of all blocks, if stores answer and no page is tried twice."""
        return sum(block.expected for block in self.blocks)

    @property
    def verdict(self) -> TimeVerdict:
        """Whether removing is faster than the reboot; "cannot tell" if no block goes."""
        return compare(self.seconds, self.reboot.seconds) if self.blocks else "cannot tell"


def forecast(
    reading: MachineReading,
    judgements: Sequence[BlockJudgement],
    *,
    costs: Mapping[str, Cost],
    reboot: Reboot,
) -> Forecast:
    """The forecast for the judged blocks that are not refused.

    Args:
        reading: the machine; `/proc/kpagecount` is read, too, if it is this one.
        judgements: of `memhp.machines.judging.offline.judge`, on the blocks in question.
        costs: seconds for a unit of each kind of work.
        reboot: what it is compared with.

    Raises:
        MachineError: the block size is unknown.
    """
    if reading.block_size is None:
        raise MachineError("the block size is unknown, so nothing can be said of the time")
    goes = [judged for judged in judgements if judged.verdict in ("yes", "cannot tell")]
    pages, notes = _pages(reading, [judged.number for judged in goes])
    blocks = []
    for judged in goes:
        work = work_of(
            pages.get(judged.number), block_size=reading.block_size, page_size=reading.page_size
        )
        spans = {kind: Span(*bounds) for kind, bounds in work.items()}
        blocks.append(BlockForecast(judged.number, judged.verdict == "yes", predict(spans, costs)))
    numbers = {judged.number for judged in judgements}
    return Forecast(tuple(blocks), _sticky(reading, numbers), costs, reboot, notes)


def memory_of(reading: MachineReading) -> int | None:
    """Bytes of memory: what the nodes say, or all blocks that are not offline.

    Returns:
        None if neither the nodes nor the blocks tell.
    """
    nodes = [node.mem_total_kib for node in reading.nodes]
    totals = [kib for kib in nodes if kib is not None]
    if totals and len(totals) == len(nodes):
        return sum(totals) * 1024
    if reading.block_size is None or not reading.blocks:
        return None
    return reading.block_size * sum(block.state != "offline" for block in reading.blocks)


def _pages(
    reading: MachineReading, numbers: list[int]
) -> tuple[Mapping[int, PageWork], tuple[str, ...]]:
    """What the pages of the blocks need, as far as it can be read, and a note if it cannot."""
    if not reading.live:
        return {}, ("kpagecount not in a dump: all of a block may have to move",)
    if reading.frames is None or reading.block_size is None or reading.page_size is None:
        return {}, ("kpageflags and kpagecount not read: all of a block may have to move",)
    try:
        work = count_work(numbers, block_size=reading.block_size, page_size=reading.page_size)
    except MachineError as error:
        return {}, (str(error),)
    return work, ()


def _sticky(reading: MachineReading, numbers: set[int]) -> Mapping[str, int] | None:
    """Frames of each sticky kind in the blocks; None if the page flags were not read."""
    if reading.frames is None:
        return None
    frames: Counter[str] = Counter()
    for number, kinds in reading.frames.items():
        if number in numbers:
            frames.update({kind.value: count for kind, count in kinds.items()})
    return {kind: frames[kind] for kind in _STICKY}
