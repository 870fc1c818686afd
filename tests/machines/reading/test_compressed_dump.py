"""Dumps of makedumpfile are read as ELF dumps of the same memory are; wrong ones are refused."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from memhp.machines.reading import unpacking
from memhp.machines.reading.crash_dump import read_dump
from memhp.machines.reading.dump_kinds import is_dump
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.sysfs import MachineReading

from .. import cores
from ..dumps import DumpFile


def dump() -> DumpFile:
    return DumpFile(*cores.small_memory())


def read(tmp_path: Path, content: bytes) -> MachineReading:
    path = tmp_path / "vmcore"
    path.write_bytes(content)
    assert is_dump(path)
    return read_dump(path)


def expected(tmp_path: Path) -> MachineReading:
    """What an ELF dump of the same memory tells."""
    return read(tmp_path, cores.elf(*cores.small_memory()))


def packers() -> list[tuple[int, Callable[[bytes], bytes]]]:
    import cramjam
    from lzallright import LZOCompressor

    return [
        (1, zlib.compress),
        (2, lambda page: bytes(LZOCompressor().compress(page))),
        (4, lambda page: bytes(cramjam.snappy.compress_raw(page))),
        (0x20, lambda page: bytes(cramjam.zstd.compress(page))),
        (1, lambda page: page),
    ]


@pytest.mark.parametrize(("method", "pack"), packers(), ids=["zlib", "lzo", "snappy", "zstd", "-"])
def test_a_dump_tells_the_same_however_it_is_packed(
    tmp_path: Path, method: int, pack: Callable[[bytes], bytes]
) -> None:
    told = read(tmp_path, replace(dump(), method=method, pack=pack).content())
    assert told == expected(tmp_path)
    assert [block.state for block in told.blocks] == ["online", "online"]
    assert told.evidence is not None
    assert [page.frame for page in told.evidence[0].stuck] == [3]


@pytest.mark.parametrize("version", [3, 5, 6, 7])
def test_a_dump_tells_the_same_in_each_version(tmp_path: Path, version: int) -> None:
    assert read(tmp_path, replace(dump(), version=version).content()) == expected(tmp_path)


def test_pages_of_zeros_may_be_in_the_file_or_left_out(tmp_path: Path) -> None:
    with_zeros = replace(dump(), level=0).content()
    assert len(with_zeros) > len(dump().content())
    assert read(tmp_path, with_zeros) == expected(tmp_path)


def test_a_page_that_was_left_out_is_not_taken_for_zeros(tmp_path: Path) -> None:
    lost = frozenset({0x4000000 // cores.PAGE})
    told = read(tmp_path, replace(dump(), level=0, lost=lost).content())
    assert told.frames is not None
    assert told.frames != expected(tmp_path).frames


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda made: replace(made, version=2), "a dump of version 2"),
        (lambda made: replace(made, split=1), "makedumpfile --reassemble"),
        (lambda made: replace(made, note=b""), "has no note VMCOREINFO"),
        (lambda made: replace(made, pack=lambda page: zlib.compress(page)[:-9]), "is damaged"),
        (lambda made: replace(made, pack=lambda page: zlib.compress(page + page)), None),
        (lambda made: replace(made, method=0x21), "packed in a way that is not known"),
        (lambda made: replace(made, machine=b"sparc64"), "not read for 'sparc64'"),
        (lambda made: replace(made, order=">"), "tells of no section"),
    ],
)
def test_a_wrong_dump_is_refused(
    tmp_path: Path, change: Callable[[DumpFile], DumpFile], match: str | None
) -> None:
    content = change(dump()).content()
    if match is None:  # what is behind a page is not looked at
        assert read(tmp_path, content) == expected(tmp_path)
        return
    with pytest.raises(MachineError, match=match):
        read(tmp_path, content)


@pytest.mark.parametrize("size", [100, 5000, 9000, -10])
def test_a_dump_that_ends_early_is_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(MachineError, match="ends before"):
        read(tmp_path, dump().content()[:size])


def test_a_flattened_dump_is_made_whole_first(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="makedumpfile -R DUMPFILE <"):
        read(tmp_path, b"makedumpfile".ljust(4096, b"\0"))


def test_what_unpacks_is_installed_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(packed: bytes, size: int) -> bytes:
        raise ModuleNotFoundError("No module named 'lzallright'")

    monkeypatch.setattr(unpacking, "_METHODS", {0: unpacking._METHODS[0], 2: ("LZO", absent)})
    with pytest.raises(MachineError, match=r"packed with LZO: pip install 'memhp\[dumps\]'"):
        read(tmp_path, replace(dump(), method=2).content())
