"""What a guest shows, through the reader of `memhp inspect`.

No rule is stated here: what a page word shows says `memhp.machines.pageflags`, and what it
leaves open `memhp.machines.worlds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from memhp.machines.findings import PAGE_WORDS, PageWords, page_words_text
from memhp.machines.lab.guest import Guest
from memhp.machines.lab.snapshot import files_of, page_sizes, words_of
from memhp.machines.pageflags import FrameKind
from memhp.machines.sysfs import MachineReading, read_tree
from memhp.machines.worlds import facts_of

__all__ = ["Files", "kernel_memory", "listed", "read_guest", "read_listing", "settled"]

_LISTING = (
    "cd /; grep -sH '' sys/devices/system/memory/block_size_bytes"
    " sys/devices/system/memory/memory[0-9]*/state"
    " sys/devices/system/memory/memory[0-9]*/valid_zones"
    " sys/devices/system/node/online sys/devices/system/node/has_memory;"
    " grep -sH '' sys/devices/system/node/node[0-9]*/cpulist;"
    " grep -sH Mem[TF] sys/devices/system/node/node[0-9]*/meminfo;"
    " ls -d sys/devices/system/memory/memory[0-9]*/node[0-9]* 2>/dev/null; true"
)
_PROC = ("proc/version", "proc/zoneinfo")

_BETWEEN = 256
"""More pages than one CPU keeps between two lists (mm/swap.c): blank, and neither free nor used."""


class Files:
    """A `Tree` of a few files; links are names alone.

    >>> Files({"sys/a/b": b"1"}, ["sys/a/link"]).listdir("sys/a")
    ('b', 'link')
    """

    live = False

    def __init__(self, contents: Mapping[str, bytes], links: Iterable[str] = ()) -> None:
        self.source = "a guest"
        self._contents = contents
        self._links = frozenset(links)
        self._names: dict[str, set[str]] = {}
        for path in (*contents, *self._links):
            while path:
                path, _, name = path.rpartition("/")
                self._names.setdefault(path, set()).add(name)

    def read_bytes(self, path: str) -> bytes | None:
        """See `Tree.read_bytes`."""
        return self._contents.get(path)

    def read_text(self, path: str) -> str | None:
        """See `Tree.read_text`."""
        content = self.read_bytes(path)
        return None if content is None else content.decode(errors="replace")

    def listdir(self, path: str) -> tuple[str, ...]:
        """See `Tree.listdir`."""
        return tuple(sorted(self._names.get(path, ())))

    def exists(self, path: str) -> bool:
        """See `Tree.exists`."""
        folder, _, name = path.rpartition("/")
        return name in self._names.get(folder, ())

    def readlink(self, path: str) -> str | None:
        """See `Tree.readlink`."""
        return "" if path in self._links else None


def read_guest(guest: Guest) -> MachineReading:
    """All that a record of the guest would have, but its page words."""
    files, links = files_of(guest)
    return read_tree(Files(dict(files), links))


def listed(guest: Guest) -> MachineReading:
    """The blocks and nodes of the guest, and nothing else: one request."""
    return read_listing(guest.shell(_LISTING).out)


def read_listing(text: str, more: Mapping[str, bytes] | None = None) -> MachineReading:
    """What a guest listed: `PATH:LINE` for each line of a file, and the paths of links.

    >>> path = "sys/devices/system/memory/memory3"
    >>> read_listing(f"{path}/state:online\\n{path}/valid_zones:Movable\\n").blocks[0].state
    'online'
    """
    contents: dict[str, bytes] = {}
    links = []
    for line in text.splitlines():
        path, colon, content = line.partition(":")
        if colon:
            contents[path] = contents.get(path, b"") + content.encode() + b"\n"
        else:
            links.append(path)
    return read_tree(Files({**contents, **(more or {})}, links))


def kernel_memory(guest: Guest, blocks: Iterable[int]) -> dict[int, tuple[bool, ...]]:
    """Whether the kernel has memory of its own in each of these online blocks.

    Both values, if the page words do not tell.  Blocks by their number in the guest.
    """
    asked = tuple(blocks)
    listing = guest.shell(_LISTING).out
    page, size = page_sizes(guest)
    words = {block: words_of(guest, block, size // page) for block in asked}

    def reading() -> MachineReading:
        text = page_words_text(PageWords(page, size, words))
        more = {path: guest.read(f"/{path}").encode() for path in _PROC}
        return read_listing(listing, {**more, PAGE_WORDS: text.encode()})

    found = _told(reading(), asked)
    if any(len(told) > 1 for told in found.values()):
        others = [b.number for b in reading().blocks if b.state == "online"]
        words |= {b: words_of(guest, b, size // page) for b in others if b not in words}
        found = _told(settled(reading()), asked)
    return found


def _told(reading: MachineReading, asked: Iterable[int]) -> dict[int, tuple[bool, ...]]:
    shown = {block.number: block for block in reading.blocks}
    return {
        number: tuple(
            sorted(
                {
                    not frames.isdisjoint(("kernel", "boot"))
                    for frames in facts_of(reading, shown[number], (False,), False).frames
                }
            )
        )
        for number in asked
    }


def settled(reading: MachineReading) -> MachineReading:
    """The reading with blank frames decided, where the lists of the CPUs account for them.

    A free frame on the list of a CPU is blank, and so is a plain page of the kernel's.  A zone
    tells how many are on lists.  If its blocks have no more blank frames, these are all free;
    a block that has far more than all lists together has memory of the kernel's.  That takes a
    reading of every online block in which nothing happened meanwhile: so only nodes without
    CPUs are looked at, where the looking itself takes no memory.
    """
    quiet = {node.number for node in reading.nodes if node.cpus == ()}
    frames = dict(reading.frames or {})
    for zone in (zone for zone in reading.zones or () if zone.node in quiet):
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
