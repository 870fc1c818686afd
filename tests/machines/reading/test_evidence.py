"""What page structures tell that page words do not, on cores whose every page is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from memhp.machines.reading.block_evidence import BlockEvidence
from memhp.machines.reading.crash_dump import read_dump
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.evidence import evidence_in, evidence_of
from memhp.machines.reading.kernel_core import Core
from memhp.machines.reading.page_structs import PageStructs
from memhp.machines.reading.pageflags import (
    KPF_ANON,
    KPF_COMPOUND_HEAD,
    KPF_COMPOUND_TAIL,
    KPF_HUGE,
    KPF_LRU,
    KPF_RESERVED,
    KPF_THP,
    KPF_UPTODATE,
    FrameKind,
)

from .. import cores
from ..cores import FRAMES, LRU, PRIVATE, SWAPBACKED, SWAPCACHE, CoreFile, Pages, put

BLOCK = 1 << cores.SECTION_BITS
ON_LRU = 1 << KPF_LRU
BLANK = 0


def looked_at(
    path: Path,
    made: Pages,
    words: Mapping[int, int],
    mapped: Mapping[int, int] | None = None,
) -> BlockEvidence:
    """The evidence of block 0 of a core with these structures and words."""
    path.write_bytes(CoreFile(made).content())

    def told(
        first: int, count: int
    ) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64] | None]:
        counts = np.zeros(count, np.uint64)
        for at, number in (mapped or {}).items():
            counts[at] = number
        return cores.words_of(words, count), None if mapped is None else counts

    with Core(path) as core:
        return evidence_of([0], PageStructs(core), told, block_size=BLOCK)[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "core"


@pytest.mark.parametrize(
    ("what", "word", "kind"),
    [
        ({"flags": 0, "refcount": 0, "mapcount": -1, "mapping": 0}, BLANK, FrameKind.listed),
        ({"flags": 0, "refcount": 1, "mapcount": -1, "mapping": 0}, BLANK, FrameKind.kernel),
        ({"flags": 0, "refcount": 1, "mapcount": -1, "mapping": 0x1000}, BLANK, FrameKind.blank),
        ({"flags": 0, "refcount": 1, "mapcount": -1, "mapping": 0x1002}, BLANK, FrameKind.unknown),
        ({"flags": 0, "refcount": 0, "mapcount": 0, "mapping": 0}, BLANK, FrameKind.blank),
        (
            {"flags": 0, "refcount": 2, "mapcount": -1, "mapping": 0},
            1 << KPF_UPTODATE,
            FrameKind.kernel,
        ),
        ({}, ON_LRU, FrameKind.movable),
        ({"refcount": 2}, ON_LRU, FrameKind.held),
        ({"refcount": 2, "mapcount": 1}, ON_LRU, FrameKind.movable),
        ({"refcount": 1025}, ON_LRU, FrameKind.pinned),
        ({"refcount": 1024}, ON_LRU, FrameKind.held),
        ({"refcount": 2, "mapping": 0x1000}, ON_LRU, FrameKind.movable),
        ({"refcount": 3, "mapping": 0x1000, "flags": LRU | PRIVATE}, ON_LRU, FrameKind.movable),
        ({"refcount": 3, "mapping": 0x1000}, ON_LRU, FrameKind.held),
        ({"refcount": 2, "flags": LRU | SWAPCACHE | SWAPBACKED}, ON_LRU, FrameKind.movable),
        ({"refcount": 2, "flags": LRU | SWAPCACHE}, ON_LRU, FrameKind.held),
        ({"refcount": 2}, 1 << KPF_ANON, FrameKind.waiting),
        ({"refcount": 3}, 1 << KPF_ANON, FrameKind.held),
    ],
)
def test_a_structure_tells_what_its_word_leaves_open(
    path: Path, what: dict[str, int], word: int, kind: FrameKind
) -> None:
    made = cores.pages()
    put(made, 7, **what)
    evidence = looked_at(path, made, {7: word})
    assert evidence.kinds == {FrameKind.free: FRAMES - 1, kind: 1}
    assert evidence.untold == 0


def test_fewer_references_than_mappings_are_of_a_page_that_was_changing(path: Path) -> None:
    made = cores.pages()
    put(made, 7, refcount=1, mapcount=3)
    evidence = looked_at(path, made, {7: ON_LRU})
    assert evidence.kinds[FrameKind.movable] == 1
    assert evidence.untold == 1


THP = {"first": 512, "count": 512}
THP_WORDS = {512: ON_LRU | 1 << KPF_THP | 1 << KPF_COMPOUND_HEAD} | {
    512 + at: 1 << KPF_THP | 1 << KPF_COMPOUND_TAIL for at in range(1, 512)
}
ONCE = {512 + at: 1 for at in range(512)}


@pytest.mark.parametrize(("references", "held"), [(1, 0), (2, 512), (3, 512)])
def test_a_large_page_that_is_mapped_whole_has_one_reference(
    path: Path, references: int, held: int
) -> None:
    made = cores.pages()
    cores.large(made, **THP, refcount=references)
    evidence = looked_at(path, made, THP_WORDS, ONCE)
    assert evidence.kinds[FrameKind.held] == held
    assert evidence.kinds[FrameKind.movable] == 512 - held
    assert evidence.untold == 0
    assert [each.frames for each in evidence.stuck] == ([512] if held else [])


def test_how_often_a_large_page_is_mapped_whole_is_not_told_without_the_counts(path: Path) -> None:
    made = cores.pages()
    cores.large(made, **THP, refcount=1)
    evidence = looked_at(path, made, THP_WORDS, None)
    assert evidence.untold == 512
    made["mapcount"][slice(512, 1024)] = 0
    made["refcount"][512] = 512
    assert looked_at(path, made, THP_WORDS, None).untold == 0


@pytest.mark.parametrize(("references", "held"), [(512, 0), (513, 512)])
def test_a_large_page_whose_parts_are_mapped_has_a_reference_for_each(
    path: Path, references: int, held: int
) -> None:
    made = cores.pages()
    cores.large(made, **THP, refcount=references)
    made["mapcount"][slice(512, 1024)] = 0
    assert looked_at(path, made, THP_WORDS, ONCE).kinds[FrameKind.held] == held


@pytest.mark.parametrize(("references", "held"), [(513, 0), (514, 512)])
def test_an_older_kernel_counts_a_whole_mapping_of_a_file_for_each_page(
    path: Path, references: int, held: int
) -> None:
    made = cores.pages()
    cores.large(made, **THP, refcount=references)
    made["mapping"][512] = 0x1000
    made["mapcount"][slice(512, 1024)] = 0
    assert looked_at(path, made, THP_WORDS, ONCE).kinds[FrameKind.held] == held


def test_of_a_page_that_begins_in_another_block_the_references_are_not_told(path: Path) -> None:
    made = cores.pages()
    cores.put(made, slice(0, 512), flags=0, refcount=0, mapcount=-1, mapping=0)
    made["head"][:512] = cores.VMEMMAP | 1
    words = dict.fromkeys(range(512), 1 << KPF_HUGE | 1 << KPF_COMPOUND_TAIL)
    evidence = looked_at(path, made, words, {})
    assert (evidence.kinds[FrameKind.huge], evidence.untold) == (512, 512)


@pytest.mark.parametrize("cached", [1, 512])
def test_a_huge_page_of_a_file_has_one_reference_of_the_cache_or_many(
    path: Path, cached: int
) -> None:
    made = cores.pages()
    cores.large(made, **THP, flags=0, refcount=1 + cached)
    made["mapping"][512] = 0x1000
    words = {at: word | 1 << KPF_HUGE for at, word in THP_WORDS.items()}
    assert looked_at(path, made, words, ONCE).kinds[FrameKind.huge] == 512
    made["refcount"][512] += 3
    assert looked_at(path, made, words, ONCE).kinds[FrameKind.held] == 512


def test_a_huge_page_that_nobody_uses_is_spare(path: Path) -> None:
    made = cores.pages()
    cores.large(made, **THP, flags=0, refcount=0)
    words = {at: word | 1 << KPF_HUGE for at, word in THP_WORDS.items()}
    kinds = looked_at(path, made, words, {}).kinds
    assert kinds == {FrameKind.free: FRAMES - 512, FrameKind.spare: 512}


def test_the_first_pages_that_do_not_go_are_named(path: Path) -> None:
    made = cores.pages()
    put(made, slice(100, 120), flags=cores.RESERVED, mapcount=-1, mapping=0)
    put(made, 50, refcount=4)
    words = {50: ON_LRU} | dict.fromkeys(range(100, 120), 1 << KPF_RESERVED)
    stuck = looked_at(path, made, words).stuck
    assert [each.frame for each in stuck] == [50, *range(100, 107)]
    assert (stuck[0].kind, stuck[0].references, stuck[0].excess) == (FrameKind.held, 4, 3)
    assert stuck[1].kind is FrameKind.reserved


def test_what_was_held_for_a_moment_is_not_held(path: Path) -> None:
    made = cores.pages()
    put(made, slice(7, 9), refcount=2)
    path.write_bytes(CoreFile(made).content())
    words = {7: ON_LRU, 8: ON_LRU}

    def let_go() -> None:
        made["refcount"][7] = 1
        path.write_bytes(CoreFile(made).content())

    with Core(path) as core:
        evidence = evidence_of(
            [0],
            PageStructs(core),
            lambda first, count: (cores.words_of(words, count, first), None),
            block_size=BLOCK,
            again=let_go,
        )[0]
    assert (evidence.kinds[FrameKind.held], evidence.kinds[FrameKind.movable]) == (1, 1)
    assert [each.frame for each in evidence.stuck] == [8]


def test_a_hold_that_begins_between_two_looks_may_end_as_soon(path: Path) -> None:
    made = cores.pages()
    put(made, 7, refcount=2)
    put(made, 8, refcount=2)
    words = {7: 1 << KPF_ANON, 8: ON_LRU}
    path.write_bytes(CoreFile(made).content())

    def take() -> None:
        made["refcount"][7] = 3
        path.write_bytes(CoreFile(made).content())

    with Core(path) as core:
        evidence = evidence_of(
            [0],
            PageStructs(core),
            lambda first, count: (cores.words_of(words, count, first), None),
            block_size=BLOCK,
            again=take,
        )[0]
    assert evidence.kinds[FrameKind.held] == 1


def test_words_and_counts_come_from_the_kernels_files(path: Path, tmp_path: Path) -> None:
    made = cores.pages(2)
    put(made, FRAMES + 3, refcount=2)
    path.write_bytes(CoreFile(made, states=lambda at: 0b1111 if at else 0b0111).content())
    flags, counts = tmp_path / "flags", tmp_path / "counts"
    flags.write_bytes(cores.words_of({FRAMES + 3: ON_LRU}, FRAMES + 10).tobytes())
    counts.write_bytes(bytes(8 * 2 * FRAMES))
    with Core(path) as core:
        found = evidence_in(
            [0, 1, 9], PageStructs(core), block_size=BLOCK, flags=flags, counts=counts
        )
    assert sorted(found) == [0, 1]
    assert (found[0].early, found[1].early) == (False, True)
    assert found[1].kinds[FrameKind.hole] == FRAMES - 10
    with Core(path) as core, pytest.raises(MachineError, match="none: cannot be opened"):
        evidence_in([0], PageStructs(core), block_size=BLOCK, flags=tmp_path / "none")


def test_a_crash_dump_tells_what_each_section_holds(path: Path) -> None:
    made = cores.pages(3)
    made["private"][:1024] = 10  # an order: the frames behind the first are free with it
    put(made, slice(1, 1024), flags=0, refcount=0, mapcount=-1, mapping=0)
    put(made, 1025, flags=0, refcount=0, mapcount=-1, mapping=0)
    first = FRAMES
    put(made, first, flags=0, mapcount=cores.SLAB, mapping=0)
    unnamed = -(0x0A << 24)  # a type that the note does not name
    put(made, first + 1, flags=0, refcount=0, mapcount=unnamed, mapping=0)
    put(made, first + 2, flags=0, mapcount=cores.OFFLINE, mapping=0)
    put(made, first + 3, flags=LRU | cores.HWPOISON)
    put(made, first + 4, refcount=9)
    put(made, first + 5, flags=0)
    put(made, first + 6, flags=0, mapcount=-1, mapping=0)
    cores.large(made, first + 512, 512, flags=0)
    made["mapcount"][first + 512] = cores.HUGETLB
    dump = CoreFile(made, states=lambda at: (0b1111, 0b0111, 0b0011)[at])
    memory = [cores.Segment(0, at << cores.SECTION_BITS, bytes(16)) for at in (1, 2)]
    path.write_bytes(cores.elf([*dump.segments(), *memory], dump.text()))

    reading = read_dump(path)
    assert (reading.page_size, reading.block_size, reading.kernel) == (4096, BLOCK, (6, 12))
    states = [(block.number, block.state) for block in reading.blocks]
    assert states == [(0, "online"), (1, "online"), (2, "offline")]
    assert reading.evidence is not None
    assert reading.frames is not None
    assert reading.frames[0] == {FrameKind.free: FRAMES - 1, FrameKind.listed: 1}
    kinds = reading.frames[1]
    assert kinds == {
        FrameKind.free: FRAMES - 7 - 512,
        FrameKind.kernel: 3,
        FrameKind.offline: 1,
        FrameKind.hwpoison: 1,
        FrameKind.held: 1,
        FrameKind.waiting: 1,
        FrameKind.huge: 512,
    }
    assert [reading.evidence[block].early for block in (0, 1)] == [True, False]


def test_the_kernels_first_instruction_shows_which_bit_reserved_pages_have(path: Path) -> None:
    made = cores.pages()
    text = 0x1000000 >> 12
    put(made, [text, 3], flags=cores.RESERVED | 1 << 58, mapcount=-1, mapping=0)
    dump = CoreFile(made)
    dump.note["NUMBER(phys_base)"] = 0
    tables = cores.tables_for(cores.TEXT, 0x1000000)
    path.write_bytes(cores.elf([*dump.segments(), tables], dump.text()))
    frames = read_dump(path).frames
    assert frames is not None
    assert frames[0][FrameKind.reserved] == 2


@pytest.mark.parametrize(
    ("place", "kinds"),
    [
        (0, {FrameKind.memmap: 512, FrameKind.kernel: 3}),
        (1 << 34, {FrameKind.kernel: 515}),
        (None, {FrameKind.unknown: 515}),
    ],
)
def test_structures_that_lie_in_their_own_block_go_with_it(
    path: Path, place: int | None, kinds: dict[FrameKind, int]
) -> None:
    made = cores.pages()
    put(made, slice(0, 515), flags=0, mapcount=-1, mapping=0)
    core = CoreFile(made, states=lambda section: 0b0111)
    core.note["NUMBER(phys_base)"] = 0
    tables = [] if place is None else [cores.tables_for(cores.VMEMMAP, place)]
    path.write_bytes(cores.elf([*core.segments(), *tables], core.text()))
    with Core(path) as opened:
        evidence = evidence_of(
            [0],
            PageStructs(opened),
            lambda first, count: (cores.words_of(dict.fromkeys(range(515), 0), count), None),
            block_size=BLOCK,
        )[0]
    assert evidence.kinds == {FrameKind.free: FRAMES - 515} | kinds


@pytest.mark.parametrize("name", ["PG_slab", "PG_hugetlb"])
def test_older_kernels_have_bits_for_what_newer_ones_have_types(path: Path, name: str) -> None:
    made = cores.pages()
    cores.large(made, 512, 512, flags=0)
    if name == "PG_slab":
        put(made, 3, flags=1 << 9, mapcount=-1, mapping=0)
    else:
        made["flags"][513] = 1 << 9
    dump = CoreFile(made)
    for key in ("PAGE_SLAB_MAPCOUNT_VALUE", "PAGE_HUGETLB_MAPCOUNT_VALUE"):
        del dump.note[f"NUMBER({key})"]
    dump.note[f"NUMBER({name})"] = 9
    dump.note["NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)"] = ~0x80
    made["mapcount"][made["mapcount"] == cores.BUDDY] = ~0x80
    path.write_bytes(dump.content())
    frames = read_dump(path).frames
    assert frames is not None
    if name == "PG_slab":
        assert frames[0][FrameKind.kernel] == 1
    else:
        assert frames[0][FrameKind.huge] == 512
    assert frames[0][FrameKind.free] > FRAMES - 600


def test_a_dump_without_sections_is_refused(path: Path) -> None:
    dump = CoreFile(cores.pages())
    del dump.note["SYMBOL(mem_section)"]
    path.write_bytes(dump.content())
    with pytest.raises(MachineError, match="no sections"):
        read_dump(path)
