"""What removing memory costs on the machine at hand, from its own speed.

In guests of three kernels a page of a leaving block took 0.5 (in a huge folio) to 1.0 times what
one takes that its process moves, and an empty block 0.4 to 1.0 times what it takes to look at its
page structures (docs/benchmarks.md, *Plans*).  The bounds leave as much again on either side, and
more for what other processes do meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..reading.speed import Speed, measured_speed
from ..reading.sysfs import MachineReading
from .removal_time import COSTS, GIB, Cost

__all__ = ["costs_here", "measured_costs"]

_LEAST, _MOST = 0.3, 2.5
"""Times what a page takes that its own process moves."""
_AS_FRESH = 2.0
"""Moving a page, in times of giving out and filling one."""
_LOOKS = (0.3, 2.0)
"""Times what it takes to look at all page structures of a block once, for a block without pages."""
_ROOM = 64 << 10
"""KiB free on a node to which pages of one's own may go."""


def costs_here(reading: MachineReading) -> Mapping[str, Cost]:
    """The table for a machine: measured where it is the one that this runs on, else assumed.

    Args:
        reading: the machine; its page size and block size are known.
    """
    online = [block.number for block in reading.blocks if block.state == "online"]
    if not reading.live or not online or reading.block_size is None or reading.page_size is None:
        return COSTS
    size, page = reading.block_size, reading.page_size
    nodes = _with_room(reading)
    speed = measured_speed(nodes, online[-1], block_size=size, page_size=page)
    return measured_costs(speed, block_size=size, page_size=page)


def _with_room(reading: MachineReading) -> Sequence[int]:
    """The nodes to which pages of one's own may go for a moment."""
    return [node.number for node in reading.nodes if (node.mem_free_kib or 0) >= _ROOM]


def measured_costs(
    speed: Speed, *, block_size: int, page_size: int, costs: Mapping[str, Cost] = COSTS
) -> Mapping[str, Cost]:
    """The table with what follows from a machine's speed.

    Args:
        speed: of the machine.
        block_size: bytes.
        page_size: bytes of a base page.
        costs: the table for what was not measured.

    >>> speed = Speed(page=1e-6, fresh=1e-6, grace=0.0, frame=1e-7, process=1e-3)
    >>> costs = measured_costs(speed, block_size=1 << 27, page_size=4096)
    >>> round(costs["copy"].expected, 3), round(costs["block"].expected, 5)
    (0.262, 0.00428)
    """
    page = speed.page if speed.page is not None else _AS_FRESH * speed.fresh
    how = "pages of this process moved between nodes"
    if speed.page is None:
        how = f"{_AS_FRESH:g} times as long as a page is given out and filled here"
    copy = page * (GIB // page_size)
    table = {
        "copy": _measured(costs["copy"], copy, (_LEAST, _MOST), f"{how}: {page * 1e6:.3g} us each"),
        "unmap": replace(
            costs["unmap"],
            upper=page / 4,
            confidence="derived",
            source="at most a quarter of what moving a page takes here, of which one is a part",
        ),
        "flush": replace(
            costs["flush"], upper=0.0, confidence="measured", source="a part of moving a page"
        ),
    }
    if speed.frame is not None:
        table["block"] = _of_block(costs["block"], speed, speed.frame * (block_size // page_size))
    return {**costs, **table}


def _of_block(cost: Cost, speed: Speed, looks: float) -> Cost:
    """A block without pages: its structures are looked at, and a process writes."""
    grace = speed.grace or 0.0
    told = (
        f"looking at its page structures took {looks:.3g} s, a grace period of RCU {grace:.3g} s,"
        f" a process {speed.process:.3g} s"
    )
    seconds = looks + speed.process
    measured = _measured(cost, seconds, _LOOKS, told)
    return replace(measured, upper=_LOOKS[1] * seconds + grace)


def _measured(cost: Cost, seconds: float, times: tuple[float, float], source: str) -> Cost:
    least, most = times
    return replace(
        cost,
        lower=least * seconds,
        upper=most * seconds,
        usual=seconds,
        confidence="measured",
        source=source,
    )
