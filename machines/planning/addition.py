"""The way in: what adding memory takes, where it goes, and whether it could go again.

Sources: mm/memory_hotplug.c (add_memory_resource, online_policy), drivers/dax/kmem.c,
Documentation/admin-guide/mm/memory-hotplug.rst.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from memhp.machines.reading.units import in_units
from memhp.spec.language.system import System
from memhp.spec.numbers.hot_add import goes_movable, lost, memmap_bytes

from ..judging.completions import Facts
from ..judging.court import Court, Removability, court_of
from ..reading.sysfs import MachineReading
from .facts import Place, rooms_of
from .goals import GoalError

__all__ = ["Addition", "Online", "addition"]

_OWN_MEMMAP = 2 << 20
"""What the memmap of a block must be a multiple of to lie in the block (x86_64)."""
_ANY = tuple(frozenset({use}) for use in ("free", "user", "kernel"))


@dataclass(frozen=True)
class Online:
    """What a word in `auto_online_blocks`, or in a block's state, gives: a kind of zone.

    ``zone`` is None where the policy chooses and what decides is not told; ``again`` says whether
    the memory could go again, whatever is in it then.
    """

    word: str
    zone: Literal["kernel", "movable"] | None
    again: Removability


@dataclass(frozen=True)
class Addition:
    """What adding memory comes to, in bytes.

    ``blocks`` whole blocks are added, ``before`` and ``behind`` are lost where the memory begins
    or ends within a block; ``there`` of the blocks are there and offline, so that they need not be
    added. ``memmap`` is needed first, out of ``free`` kernel memory (None: not told), unless it
    lies in the blocks themselves (``own``).
    """

    words: str
    block_size: int
    blocks: int
    before: int
    behind: int
    there: tuple[int, ...]
    memmap: int
    own: bool
    free: int | None
    online: tuple[Online, ...]
    policy: str | None
    verdict: Literal["can", "cannot", "may"]
    steps: tuple[str, ...]


def addition(what: int | str, reading: MachineReading, system: System) -> Addition:
    """What adding so many bytes, or the memory of a device, comes to.

    Args:
        what: bytes, or the name of a device whose memory the machine tells of.
        reading: the machine; its page size is known.
        system: the design that it has.

    Raises:
        GoalError: the machine does not tell the size of a block, or of no such device.
    """
    size, page = reading.block_size, reading.page_size
    if size is None or page is None:
        raise GoalError(f"{reading.source} does not tell the size of a block")
    there = tuple(n for n, name in sorted(reading.devices.items()) if name == what)
    offline = {block.number for block in reading.blocks if block.state == "offline"}
    there = tuple(number for number in there if number in offline)
    blocks, before, behind = _blocks(what, there, reading, size)
    new = blocks - len(there)
    memmap = memmap_bytes(new * size, page)
    own = bool(reading.policy.own_memmap) and memmap_bytes(size, page) % _OWN_MEMMAP == 0
    free = _free_for_the_kernel(reading, page)
    online = _ways(reading, system, blocks * size, page)
    return Addition(
        words=in_units(what) if isinstance(what, int) else what[:80],
        block_size=size,
        blocks=blocks,
        before=before,
        behind=behind,
        there=there,
        memmap=memmap,
        own=own,
        free=free,
        online=online,
        policy=reading.policy.added,
        verdict=_verdict(blocks, memmap, own, free),
        steps=tuple(_steps(reading, there, size)),
    )


def _blocks(
    what: int | str, there: tuple[int, ...], reading: MachineReading, size: int
) -> tuple[int, int, int]:
    """Whole blocks, and bytes lost before and behind them."""
    if isinstance(what, int):
        return what // size, 0, what % size
    ranges = [at for at, name in reading.windows if name == what]
    if ranges:
        parts = [lost(at.start, at.stop, size) for at in ranges]
        whole = sum(at.stop - at.start for at in ranges) - sum(map(sum, parts))
        return whole // size, sum(part[0] for part in parts), sum(part[1] for part in parts)
    if there:
        return len(there), 0, 0
    some = sorted({name for _, name in reading.windows} | set(reading.devices.values()))
    told = ", ".join(some[:8]) or "none; give a size"
    raise GoalError(f"--add: the machine tells of no memory of {what[:60]!r} to add; it has {told}")


def _free_for_the_kernel(reading: MachineReading, page: int) -> int | None:
    """Bytes in kernel zones above the watermarks; None if it is not told."""
    rooms = rooms_of(reading).values()
    if not rooms or not all(room.told for room in rooms):
        return None
    return page * sum(room.certain for room in rooms if room.place.kind == "kernel")


def _verdict(
    blocks: int, memmap: int, own: bool, free: int | None
) -> Literal["can", "cannot", "may"]:
    if not blocks:
        return "cannot"
    if own or not memmap:
        return "can"
    return "may" if free is None or free < memmap else "can"


def _ways(reading: MachineReading, system: System, added: int, page: int) -> tuple[Online, ...]:
    """What each word gives, and whether memory there could go again."""
    court = court_of(system)
    again = {zone: _again(zone, court) for zone in ("kernel", "movable")}
    chosen = _chosen(reading, added, page)
    ways = [Online("online", chosen, again[chosen] if chosen else "cannot tell")]
    ways.append(Online("online_kernel", "kernel", again["kernel"]))
    ways.append(Online("online_movable", "movable", again["movable"]))
    return tuple(ways)


def _again(zone: str, court: Court) -> Removability:
    """Whether a block in a kind of zone could go offline, whatever its frames are used for."""
    no = (False,)
    return court.answer(Facts(("online",), (zone,), _ANY, no, no, no, no, no, no)).verdict


def _chosen(reading: MachineReading, added: int, page: int) -> Literal["kernel", "movable"] | None:
    """The kind of zone that the policy takes; None if it depends on what is not told."""
    policy = reading.policy
    if policy.movable_node or policy.zones is None or reading.zones is None:
        return None
    if policy.zones == "contig-zones":
        return (
            None
            if any(zone.name == "Movable" and zone.managed for zone in reading.zones)
            else ("kernel")
        )
    if policy.ratio is None:
        return None
    sizes = {"kernel": 0, "movable": 0}
    for zone in reading.zones:
        sizes[Place(zone.node, zone.name).kind] += (zone.managed or 0) * page
    movable = goes_movable(sizes["kernel"], sizes["movable"], added, policy.ratio)
    return "movable" if movable else "kernel"


def _steps(reading: MachineReading, there: tuple[int, ...], size: int) -> list[str]:
    """How to bring it in so that it can go again."""
    if there:
        folder = "/sys/devices/system/memory"
        return [f"echo online_movable > {folder}/memory{number}/state" for number in there[:16]] + (
            ["and so on"] if len(there) > 16 else []
        )
    steps = [f"plug it so that it begins and ends at a multiple of {in_units(size)}"]
    if reading.policy.added != "online_movable":
        told = reading.policy.added or "not told"
        steps.insert(
            0,
            "echo online_movable > /sys/devices/system/memory/auto_online_blocks before it is"
            f" plugged (it is {told}): the kernel then puts nothing of its own there",
        )
    return steps
