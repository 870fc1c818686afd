"""A core of a kernel's memory is read as its headers and its note tell, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from memhp.machines.reading.dump_kinds import is_dump
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.kernel_core import Core
from memhp.machines.reading.page_structs import PageStructs
from memhp.machines.reading.vmcoreinfo import vmcoreinfo_in

from .. import cores


def opened(path: Path, content: bytes) -> Core:
    """The core in a file with this content."""
    path.write_bytes(content)
    return Core(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "core"


def test_memory_is_found_by_the_address_that_a_segment_names(path: Path) -> None:
    parts = [cores.Segment(0x1000, 0x9000, b"abcd"), cores.Segment(0x5000, 0xA000, b"efgh")]
    with opened(path, cores.elf(parts, b"PAGESIZE=4096\n")) as core:
        assert core.virtual(0x5001, 2) == b"fg"
        assert core.physical(0x9000, 4) == b"abcd"
        assert core.virtual(0x5003, 2) is None
        assert core.patchwork(0xFFE, 8) == b"\0\0abcd\0\0"
        assert core.patchwork(0x2000, 8) is None
        assert (core.architecture, core.order) == ("x86_64", "<")


def test_the_note_is_found_among_others(path: Path) -> None:
    made = cores.CoreFile(cores.pages())
    with opened(path, made.content()) as core:
        assert core.info.release == "6.12.1-test"
        assert core.info.symbols["vmemmap"] == cores.VMEMMAP
        assert core.info.numbers["PAGE_BUDDY_MAPCOUNT_VALUE"] == cores.BUDDY


def test_numbers_of_a_note_are_decimal_and_symbols_are_not() -> None:
    text = b"PAGESIZE=4096\nSYMBOL(a)=10\nNUMBER(b)=-10\nNUMBER(c)=0x10\nKERNELOFFSET=1c\n"
    info = vmcoreinfo_in(text, "core")
    assert (info.symbols["a"], info.numbers["b"], info.numbers["c"]) == (16, -10, 16)


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (b"SIZE(page)=64\n", "no size of a page"),
        (b"PAGESIZE=4095\n", "no size of a page"),
        (b"PAGESIZE=4096\nSIZE(page)=6x\n", "a number that is none: 'SIZE\\(page\\)=6x'"),
        (b"PAGESIZE=4096\nSYMBOL(vmemmap)\n", "tells nothing"),
        (b"PAGESIZE=4096\n" + b"x" * (1 << 20), "which is no note"),
    ],
)
def test_a_note_that_says_nonsense_is_refused(note: bytes, told: str) -> None:
    with pytest.raises(MachineError, match=told):
        vmcoreinfo_in(note, "core")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: b"\x7fELG" + content[4:], "not an ELF file"),
        (lambda content: content[:4] + b"\x01" + content[5:], "not one of 64 bits"),
        (lambda content: content[:16] + b"\x02" + content[17:], "not a core"),
        (lambda content: content[:54] + b"\x20" + content[55:], "headers of 32 bytes"),
        (lambda content: content[:60], "ends before its header"),
        (lambda content: content[:100], "ends before its program headers"),
        (lambda content: content[:-1], "was not copied whole"),
    ],
)
def test_a_file_that_is_no_whole_core_is_refused(path: Path, change: object, told: str) -> None:
    content = cores.CoreFile(cores.pages()).content()
    assert callable(change)
    with pytest.raises(MachineError, match=told):
        opened(path, change(content))


def test_a_core_without_the_note_is_refused(path: Path) -> None:
    made = cores.CoreFile(cores.pages(), name=b"QEMU")
    with pytest.raises(MachineError, match="no note VMCOREINFO"):
        opened(path, made.content())


def test_what_may_not_be_read_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="No such file"):
        Core(tmp_path / "none")
    assert not is_dump(tmp_path)
    assert not is_dump(tmp_path / "none")


def test_structures_are_found_by_section(path: Path) -> None:
    made = cores.pages(2)
    made["refcount"] = np_range(len(made))
    with opened(
        path, cores.CoreFile(made, states=lambda at: 0b1111 if at else 0b0011).content()
    ) as core:
        structs = PageStructs(core)
        read = structs.of(cores.FRAMES + 5, 3)
        assert read is not None
        assert read["refcount"].tolist() == [cores.FRAMES + at for at in (5, 6, 7)]
        assert structs.section_of(0) == (False, False)
        assert structs.section_of(cores.FRAMES) == (True, True)
        assert structs.section_of(2 * cores.FRAMES) is None
        assert structs.of(2 * cores.FRAMES, 1) is None


def np_range(count: int) -> list[int]:
    """0, 1, 2, …"""
    return list(range(count))


def test_without_sections_structures_are_at_vmemmap(path: Path) -> None:
    made = cores.CoreFile(cores.pages())
    del made.note["SYMBOL(mem_section)"]
    with opened(path, made.content()) as core:
        structs = PageStructs(core)
        assert structs.frames_of_section is None
        assert structs.section_of(3) is None
        read = structs.of(3, 1)
        assert read is not None
        assert read["mapcount"].tolist() == [cores.BUDDY]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SIZE(page)", "no size of struct page"),
        ("OFFSET(page._refcount)", "where struct page has refcount"),
        ("OFFSET(page.compound_head)", "where struct page has head"),
        ("NUMBER(SECTION_SIZE_BITS)", None),
    ],
)
def test_what_the_note_does_not_tell_is_not_known(path: Path, name: str, told: str | None) -> None:
    made = cores.CoreFile(cores.pages())
    del made.note[name]
    with opened(path, made.content()) as core:
        if told is None:  # vmemmap is told
            assert PageStructs(core).frames_of_section is None
            return
        with pytest.raises(MachineError, match=told):
            PageStructs(core)


def test_newer_kernels_have_another_name_for_the_head(path: Path) -> None:
    made = cores.CoreFile(cores.pages())
    made.note["OFFSET(page.compound_info)"] = made.note.pop("OFFSET(page.compound_head)")
    with opened(path, made.content()) as core:
        assert PageStructs(core).layout.fields is not None


@pytest.mark.parametrize("levels", [4, 5])
def test_a_dump_without_addresses_is_read_by_page_tables(path: Path, levels: int) -> None:
    info = dict(cores.NOTE) | {"NUMBER(phys_base)": 0, "NUMBER(pgtable_l5_enabled)": levels - 4}
    del info["SYMBOL(mem_section)"]
    parts = [cores.tables_for(cores.VMEMMAP, 0x10000000, levels)]
    made = cores.pages()
    made["refcount"][7] = 77
    parts.append(cores.Segment(0, 0x10000000, made.tobytes()))
    text = "".join(f"{key}={value}\n" for key, value in info.items()).encode()
    with opened(path, cores.elf(parts, text)) as core:
        read = PageStructs(core).of(5, 3)
        assert read is not None
        assert read["refcount"].tolist() == [0, 0, 77]
        beyond = PageStructs(core).of(cores.FRAMES + 5, 3)
        assert beyond is None
