"""Cores of kernels that there are none of: the same layout as a real one's, small and made here."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

PAGE = 4096
SECTION_BITS = 27
FRAMES = (1 << SECTION_BITS) // PAGE
"""Frames of a section, which is a block of 128 MiB."""

ROOTS = 1 << 12
DIRECT, VMEMMAP, TEXT = 0xFFFF888000000000, 0xFFFFEA0000000000, 0xFFFFFFFF81000000
"""Where the kernel's memory is mapped; the lists of sections lie in the first page of memory."""

LAYOUT = np.dtype(
    {
        "names": ["flags", "head", "mapping", "private", "mapcount", "refcount"],
        "formats": ["<u8", "<u8", "<u8", "<u8", "<i4", "<i4"],
        "offsets": [0, 8, 24, 40, 48, 52],
        "itemsize": 64,
    }
)

LRU, PRIVATE, SWAPCACHE, SWAPBACKED, HEAD, RESERVED, HWPOISON = (
    1 << bit for bit in (5, 14, 10, 17, 6, 13, 21)
)
BUDDY, OFFLINE, SLAB, HUGETLB = (
    value - (1 << 32) if value >> 31 else value
    for value in (0xF0000000, 0xF1000000, 0xF5000000, 0xF4000000)
)
ANON = 1
"""In `mapping`."""

NOTE: Mapping[str, int | str] = {
    "OSRELEASE": "6.12.1-test",
    "PAGESIZE": PAGE,
    "SYMBOL(swapper_pg_dir)": "ffffffff82000000",
    "SYMBOL(_stext)": f"{TEXT:x}",
    "SYMBOL(vmemmap)": f"{VMEMMAP:x}",
    "SYMBOL(mem_section)": f"{DIRECT:x}",
    "LENGTH(mem_section)": ROOTS,
    "SIZE(mem_section)": 32,
    "OFFSET(mem_section.section_mem_map)": 0,
    "NUMBER(SECTION_SIZE_BITS)": SECTION_BITS,
    "NUMBER(MAX_PHYSMEM_BITS)": 46,
    "SIZE(page)": 64,
    "OFFSET(page.flags)": 0,
    "OFFSET(page._refcount)": 52,
    "OFFSET(page.mapping)": 24,
    "OFFSET(page.lru)": 8,
    "OFFSET(page._mapcount)": 48,
    "OFFSET(page.private)": 40,
    "OFFSET(page.compound_head)": 8,
    "NUMBER(PG_lru)": 5,
    "NUMBER(PG_private)": 14,
    "NUMBER(PG_swapcache)": 10,
    "NUMBER(PG_swapbacked)": 17,
    "NUMBER(PG_hwpoison)": 21,
    "NUMBER(PG_head_mask)": HEAD,
    "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)": SLAB,
    "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)": BUDDY,
    "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)": HUGETLB,
    "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)": OFFLINE,
}

Pages = npt.NDArray[Any]


def pages(sections: int = 1) -> Pages:
    """The structures of so many sections of free memory, each frame on its own."""
    made = np.zeros(sections * FRAMES, LAYOUT)
    made["mapcount"] = BUDDY
    return made


def put(
    made: Pages,
    at: int | slice | list[int],
    *,
    flags: int = LRU,
    refcount: int = 1,
    mapcount: int = 0,
    mapping: int = ANON | 0x1000,
) -> None:
    """What a frame is: if nothing is said, a page of a process."""
    made["flags"][at] = flags
    made["refcount"][at] = refcount
    made["mapcount"][at] = mapcount
    made["mapping"][at] = mapping
    made["private"][at] = 0


def large(made: Pages, first: int, count: int, *, flags: int = LRU, refcount: int = 1) -> None:
    """A large folio that is mapped as a whole, once."""
    put(made, first, flags=flags | HEAD, refcount=refcount, mapcount=-1)
    tails = slice(first + 1, first + count)
    put(made, tails, flags=0, refcount=0, mapcount=-1, mapping=0)
    made["head"][tails] = VMEMMAP + 64 * first | 1


@dataclass
class Segment:
    """Memory of the core: where, and what."""

    virtual: int
    physical: int
    content: bytes


@dataclass
class CoreFile:
    """An ELF core. As it is made it is as `/proc/kcore` of a machine whose memory begins at 0.

    `states` are the lowest bits of each section's entry; `frames` are those of a section.
    """

    made: Pages
    note: dict[str, int | str] = field(default_factory=lambda: dict(NOTE))
    states: Callable[[int], int] = lambda section: 0b1111
    machine: int = 62
    name: bytes = b"VMCOREINFO"
    frames: int = FRAMES

    def segments(self) -> list[Segment]:
        """The lists of sections, and the structures."""
        count = len(self.made) // self.frames
        roots = bytearray(ROOTS * 8)
        struct.pack_into("<Q", roots, 0, DIRECT + len(roots))
        entries = bytearray(PAGE)
        for section in range(count):
            entries[32 * section : 32 * section + 32] = entry_of(section, self.states(section))
        return [
            Segment(DIRECT, 0, bytes(roots + entries)),
            Segment(VMEMMAP, 1 << 32, self.made.tobytes()),
        ]

    def text(self) -> bytes:
        """The content of the note."""
        return "".join(f"{key}={value}\n" for key, value in self.note.items()).encode()

    def content(self) -> bytes:
        """The bytes of the file."""
        return elf(self.segments(), self.text(), self.machine, self.name)


def entry_of(section: int, state: int = 0b1111) -> bytes:
    """The entry of a section in the lists: where its structures are, and its lowest bits."""
    return struct.pack("<Q", VMEMMAP | state).ljust(32, b"\0")


def elf(
    parts: list[Segment],
    text: bytes,
    machine: int = 62,
    name: bytes = b"VMCOREINFO",
    sizes: list[int] | None = None,
) -> bytes:
    """An ELF core with this memory and this note; `sizes` are those of memory that follows."""
    name += b"\0"
    note = struct.pack("<III", len(name), len(text), 0) + name + b"\0" * (-len(name) % 4) + text
    note += b"\0" * (-len(note) % 4)
    count = len(parts) + 1
    place = 64 + 56 * count
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    head = identity + struct.pack(
        "<HHIQQQIHHHHHH", 4, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0
    )
    table = struct.pack("<IIQQQQQQ", 4, 0, place, 0, 0, len(note), len(note), 0)
    place += len(note)
    for part, size in zip(parts, sizes or [len(part.content) for part in parts], strict=True):
        table += struct.pack(
            "<IIQQQQQQ", 1, 7, place, part.virtual, part.physical, size, size, PAGE
        )
        place += size
    return b"".join([head, table, note, *(part.content for part in parts)])


def tables_for(address: int, target: int, levels: int = 4) -> Segment:
    """Page tables of x86_64 that lead from an address to physical memory, 2 MiB of it."""
    return tables_of({address: target}, levels)


def tables_of(targets: Mapping[int, int], levels: int = 4) -> Segment:
    """The same for several addresses.

    They lie where `SYMBOL(swapper_pg_dir)` of the note is with a `phys_base` of 0.
    """
    first = 0x2000000
    tables: dict[tuple[int, ...], bytearray] = {(): bytearray(PAGE)}
    for address, target in targets.items():
        path: tuple[int, ...] = ()
        for level in range(levels - 1, 0, -1):
            slot = address >> 12 + 9 * level & 511
            entry = target | 0x83
            if level > 1:
                below = tables.setdefault((*path, slot), bytearray(PAGE))
                entry = first + PAGE * list(map(id, tables.values())).index(id(below)) | 0x3
            struct.pack_into("<Q", tables[path], 8 * slot, entry)
            path = (*path, slot)
    return Segment(0, first, b"".join(tables.values()))


def words_of(
    kinds: Mapping[int, int], count: int = FRAMES, first: int = 0
) -> npt.NDArray[np.uint64]:
    """The page words of frames from `first` on, free where nothing else is said."""
    words = np.full(count, 1 << 10, np.uint64)
    for at, word in kinds.items():
        if first <= at < first + count:
            words[at - first] = word
    return words


SMALL = 256
"""Frames of a section of the small cores."""


def small() -> CoreFile:
    """Two small sections, with a page that is held and a large one, as kcore has them."""
    made = np.zeros(2 * SMALL, LAYOUT)
    made["mapcount"] = BUDDY
    put(made, 3, refcount=4)
    large(made, 64, 32)
    core = CoreFile(made, frames=SMALL)
    core.note["NUMBER(SECTION_SIZE_BITS)"] = 20
    core.note["NUMBER(phys_base)"] = 0
    return core


def small_dump() -> bytes:
    """The same as a crash dump, in which some memory of each section is."""
    core = small()
    memory = [Segment(0, at << 20, bytes(16)) for at in (0, 1)]
    return elf([*core.segments(), *memory], core.text())


def small_memory() -> tuple[list[Segment], bytes]:
    """The same as physical memory, with the page tables that lead to it; and the note."""
    core = small()
    lists, structs = core.segments()
    place = 0x4000000
    tables = tables_of({DIRECT: 0, VMEMMAP: place})
    return [
        lists,
        Segment(0, 1 << 20, b"x"),
        tables,
        Segment(0, place, structs.content),
    ], core.text()


_ODD = [
    0,
    1,
    2,
    7,
    255,
    1 << 16,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 40,
    (1 << 63),
    (1 << 64) - 1,
]
ODD_WORDS = [
    "",
    "0",
    "-1",
    "0x",
    "x",
    "9" * 25,
    "-" + "9" * 19,
    "ffffffffffffffff",
    "1" * 400,
    "\x00",
]
"""What stands where a number belongs."""


def damaged(content: bytes, random: Random) -> bytes:
    """The core with its headers, its note, its memory or its end made wrong."""
    data = bytearray(content)
    how = random.randrange(6)
    headers = 64 + 56 * 5
    if how == 0:
        for _ in range(random.choice((1, 2, 8))):
            data[random.randrange(headers)] = random.randrange(256)
    elif how == 1:
        at = 8 * random.randrange(headers // 8)
        struct.pack_into("<Q", data, at, random.choice(_ODD))
    elif how == 2:
        note = data.index(b"OSRELEASE")
        end = data.index(b"\n\0", note) if b"\n\0" in data[note:] else note + 1500
        lines = data[note:end].decode("ascii", "replace").split("\n")
        at = random.randrange(len(lines))
        key = lines[at].partition("=")[0]
        lines[at] = random.choice(
            (f"{key}={random.choice(ODD_WORDS)}", key, "", f"{lines[at]}\n" * 9)
        )
        text = "\n".join(lines).encode()[: end - note].ljust(end - note, b"\n")
        data[note:end] = text
    elif how == 3:
        del data[random.randrange(len(data)) :]
    elif how == 4:
        at = random.randrange(headers, len(data) - 8) & ~7
        struct.pack_into("<Q", data, at, random.choice(_ODD))
    else:
        at = random.randrange(headers, len(data) - 4096)
        data[at : at + random.choice((1, 64, 4096))] = random.randbytes(64)
    return bytes(data)
