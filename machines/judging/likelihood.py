"""Which of two worlds is likely, where a frame's word does not tell: from counts alone.

A blank word is a free page on the list of a CPU, or a plain page of the kernel's.  `/proc/zoneinfo`
counts the pages on the lists of each zone, so blank frames beyond these are the kernel's (or were
never given to the allocator, which it counts, too), and where there are no more of them than the
lists hold, they are likely to be what the lists hold.  The
memmap that a block keeps in its own memory leaves with it, and has a size of its own.  What a
virtio-mem device took away it gives back when the block goes (virtio_mem_fake_offline).

Nothing of this decides: *likely* stands beside *cannot tell*.  How often it was right the records
of tests/data tell (tests/machines/judging/test_likelihood.py).

Sources: mm/page_alloc.c (per-CPU lists), mm/memory_hotplug.c (memmap_on_memory),
drivers/virtio/virtio_mem.c (MEM_GOING_OFFLINE).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from memhp.spec.numbers.architectures import STRUCT_PAGE

from ..reading.pageflags import FrameKind
from ..reading.sysfs import BlockReading, MachineReading
from .completions import frames_that_may_be, zones_of

__all__ = ["Likelihood", "likelihoods", "untold_frames"]

Likelihood = Literal["likely yes", "likely no"]


def untold_frames(reading: MachineReading, block: BlockReading) -> int | None:
    """How many frames of a block have a word that does not tell; None if no word was read."""
    kinds = _kinds(reading, block)
    if kinds is None:
        return None
    may_be = frames_that_may_be(reading)
    return sum(count for kind, count in kinds.items() if count and len(may_be[kind]) > 1)


def likelihoods(
    reading: MachineReading, blocks: Iterable[BlockReading]
) -> Mapping[int, Likelihood]:
    """What is likely of blocks of which nothing but the use of frames is unknown, by number.

    Args:
        reading: the machine.
        blocks: those blocks; together they are held against the lists of the CPUs.
    """
    open_ = {block: kinds for block in blocks if (kinds := _kinds(reading, block))}
    blanks: Counter[tuple[tuple[int, str], ...]] = Counter()
    for block, kinds in open_.items():
        if kinds[FrameKind.blank] < kinds.total():  # else the allocator never had it
            blanks[_zones(reading, block)] += kinds[FrameKind.blank]
    answers: dict[int, Likelihood] = {}
    for block, kinds in open_.items():
        answer = _likely(reading, block, kinds, blanks[_zones(reading, block)])
        if answer is not None:
            answers[block.number] = answer
    return answers


def _likely(
    reading: MachineReading, block: BlockReading, kinds: Counter[FrameKind], in_zone: int
) -> Likelihood | None:
    """What is likely of one block; ``in_zone`` counts the blank frames of all that are open."""
    zones = zones_of(reading, block)
    if len(zones) != 1 or block.nodes != (zones[0].node,):
        return None
    listed, present, managed = zones[0].listed, zones[0].present, zones[0].managed
    if present is None or managed is None:
        return None
    unknown = _open(reading, kinds)
    blank = unknown.pop(FrameKind.blank, 0)
    if blank > listed + present - managed:
        return "likely no"
    explained = max(blank, in_zone) <= listed
    if unknown.pop(FrameKind.unknown, 0) not in (0, _memmap(reading, kinds)):
        explained = False
    if unknown.pop(FrameKind.offline, 0) and not _of_virtio(reading, block):
        explained = False
    return "likely yes" if explained and not unknown else None


def _kinds(reading: MachineReading, block: BlockReading) -> Counter[FrameKind] | None:
    return None if reading.frames is None else reading.frames.get(block.number)


def _open(reading: MachineReading, kinds: Counter[FrameKind]) -> Counter[FrameKind]:
    """The frames of kinds that may be several things."""
    may_be = frames_that_may_be(reading)
    return Counter({kind: n for kind, n in kinds.items() if n and len(may_be[kind]) > 1})


def _zones(reading: MachineReading, block: BlockReading) -> tuple[tuple[int, str], ...]:
    return tuple((zone.node, zone.name) for zone in zones_of(reading, block))


def _memmap(reading: MachineReading, kinds: Counter[FrameKind]) -> int | None:
    """How many frames the memmap of a block takes."""
    page = reading.page_size
    return None if page is None else kinds.total() * STRUCT_PAGE // page


def _of_virtio(reading: MachineReading, block: BlockReading) -> bool:
    return reading.devices.get(block.number, "").startswith("virtio")
