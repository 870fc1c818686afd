"""What a guest shows, through the reader of `memhp inspect`.

No rule is stated here: what a page word shows says `memhp.machines.reading.pageflags`, and what it
leaves open `memhp.machines.judging.completions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from memhp.machines.judging.completions import facts_of
from memhp.machines.reading.pageflags import FrameKind, kinds_of
from memhp.machines.reading.procfs import zones
from memhp.machines.reading.sysfs import MachineReading, read_tree

from ..guest.files import Files
from ..guest.guest import Guest
from ..guest.snapshot import tallied, words_of
from ..tools.errors import LabError, whole_number

__all__ = ["Own", "frames_of", "kernel_memory", "listed", "read_listing", "settled"]

Own = Literal["nothing", "kernel", "boot"]
"""What the kernel has of its own in a block: what it may give back, or what boot reserved."""

_LISTING = (
    "cd /; grep -sH '' sys/devices/system/memory/block_size_bytes"
    " sys/devices/system/memory/memory[0-9]*/state"
    " sys/devices/system/memory/memory[0-9]*/valid_zones"
    " sys/devices/system/node/online sys/devices/system/node/has_memory"
    " sys/devices/system/node/node[0-9]*/cpulist;"
    " grep -sH Mem[TF] sys/devices/system/node/node[0-9]*/meminfo;"
    " ls -d sys/devices/system/memory/memory[0-9]*/node[0-9]* 2>/dev/null; true"
)
_ANONYMOUS = re.compile(r"(?m)^([0-9a-f]+)-([0-9a-f]+) rw-p 00000000 00:00 0 *$")
_PRESENT, _FRAME = 1 << 63, (1 << 55) - 1
"""Of a word of pagemap (Documentation/admin-guide/mm/pagemap.rst)."""
_AT_ONCE = 4096
"""How many different words the agent counts at most (MOST_WORDS)."""
_LONGEST = 4096
"""Characters of a path (PATH_MAX)."""
_MOST_FRAMES = 1 << 20
"""That a holder may have: many times what one is told to hold."""
_LOOKS = 8
"""So many times at most: the lists of the CPUs may change at any time."""
_BETWEEN = 256
"""More pages than one CPU keeps between two lists (mm/swap.c): blank, and neither free nor used."""


def listed(guest: Guest, *proc: str) -> MachineReading:
    """The reading of a guest's blocks and nodes, and of these files of `/proc`."""
    more = {f"proc/{name}": guest.read(f"/proc/{name}").encode() for name in proc}
    return read_listing(guest.shell(_LISTING).out, more)


def read_listing(text: str, more: Mapping[str, bytes] | None = None) -> MachineReading:
    """The reading of what a guest listed.

    Args:
        text: `PATH:LINE` for each line of a file, and the paths of links.
        more: the contents of other files, by path.

    >>> path = "sys/devices/system/memory/memory3"
    >>> read_listing(f"{path}/state:online\\n{path}/valid_zones:Movable\\n").blocks[0].state
    'online'
    """
    lines: dict[str, list[str]] = {}
    links = []
    for line in text.splitlines():
        path, colon, content = line.partition(":")
        if len(path) > _LONGEST:
            continue
        if colon:
            lines.setdefault(path, []).append(f"{content}\n")
        else:
            links.append(path)
    contents = {path: "".join(its).encode() for path, its in lines.items()}
    return read_tree(Files({**contents, **(more or {})}, links))


def kernel_memory(guest: Guest, blocks: Iterable[int], frames: int) -> dict[int, tuple[Own, ...]]:
    """What the kernel may have of its own in each of these online blocks.

    Where the lists of the CPUs may decide and something happens meanwhile, it is looked again.

    Args:
        guest: the guest.
        blocks: their numbers in the guest.
        frames: how many frames a block has.

    Returns:
        Several things for a block, if the page words do not tell.
    """
    wanted = tuple(blocks)
    if not wanted:
        return {}
    reading = listed(guest, "version")
    kinds = {block: kinds_of(words_of(guest, block, frames)) for block in wanted}
    memory = _own_in(replace(reading, frames=kinds), wanted)
    quiet = {node.number for node in reading.nodes if node.cpus == ()}
    there = [block for block in reading.blocks if quiet.intersection(block.nodes)]
    online = [block.number for block in there if block.state == "online"]
    untold = any(len(memory.get(block.number, ())) > 1 for block in there)
    for _ in range(_LOOKS if untold else 0):
        before = zones(guest.read("/proc/zoneinfo"))
        again = kinds | {block: kinds_of(words_of(guest, block, frames)) for block in online}
        after = [zone for zone in zones(guest.read("/proc/zoneinfo")) if zone.node in quiet]
        still = tuple(zone for zone in after if zone in before)
        memory = _own_in(settled(replace(reading, frames=again, zones=still)), wanted)
        if len(still) == len(after):
            break
    return memory


def frames_of(guest: Guest, holder: int, page: int) -> frozenset[int]:
    """The numbers of the frames of a holder of anonymous memory, by /proc/PID/pagemap.

    What it holds is the largest of its mappings that no file is behind.

    Args:
        guest: the guest.
        holder: the process id.
        page: the bytes of a page.

    Raises:
        LabError: it has none such, or they cannot be read.
    """
    mappings = _ANONYMOUS.findall(guest.read(f"/proc/{holder}/maps"))
    if not mappings:
        raise LabError(f"process {holder} of the guest has no anonymous memory")
    start, stop = max(
        ((whole_number(a, 16) // page, whole_number(z, 16) // page) for a, z in mappings),
        key=lambda mapping: mapping[1] - mapping[0],
    )
    if stop - start > _MOST_FRAMES:
        raise LabError(f"process {holder} of the guest says that it has {stop - start} pages")
    words: set[int] = set()
    for first in range(start, stop, _AT_ONCE):
        count = min(_AT_ONCE, stop - first)
        words |= set(tallied(guest, f"/proc/{holder}/pagemap", first, count))
    return frozenset(word & _FRAME for word in words if word & _PRESENT)


def _own_in(reading: MachineReading, blocks: Iterable[int]) -> dict[int, tuple[Own, ...]]:
    shown = {block.number: block for block in reading.blocks}
    return {
        number: tuple(
            sorted({*map(_own, facts_of(reading, shown[number], (False,), False).frames)})
        )
        for number in blocks
    }


def _own(frames: frozenset[str]) -> Own:
    return "boot" if "boot" in frames else "kernel" if "kernel" in frames else "nothing"


def settled(reading: MachineReading) -> MachineReading:
    """The reading with its blank frames decided, where the lists of the CPUs account for them.

    A free frame on the list of a CPU is blank, and so is a plain page of the kernel's.  A zone
    tells how many are on lists.  If its blocks have no more blank frames, these are all free;
    a block that has far more than all lists together has memory of the kernel's.  That takes a
    reading of every online block of the zone in which nothing happened meanwhile: its ``zones``
    are those of which that is so.
    """
    frames = dict(reading.frames or {})
    for zone in reading.zones or ():
        blank = {
            block.number: frames[block.number][FrameKind.blank]
            for block in reading.blocks
            if zone.node in block.nodes and block.valid_zones == (zone.name,)
            if block.number in frames
        }
        free = sum(blank.values()) == zone.listed
        for number, count in blank.items():
            if count and (free or count > zone.listed + _BETWEEN):
                kinds = frames[number].copy()
                kinds[FrameKind.free if free else FrameKind.kernel] += kinds.pop(FrameKind.blank)
                frames[number] = kinds
    return replace(reading, frames=frames)
