"""Modules: in which order they are loaded, and what is no module."""

from __future__ import annotations

import gzip
import lzma
import os
import zlib
from pathlib import Path

import pytest

from memhp.lab.guest.modules import load_order, load_order_in
from memhp.lab.tools.errors import LabError

MODULES = {
    "virtio": b"\0depends=\0",
    "virtio_ring": b"\0depends=virtio\0",
    "virtio_mem": b"license=GPL\0depends=virtio-ring,virtio,built_in\0",
}


def test_modules_come_after_those_that_they_need() -> None:
    order = load_order(("virtio_mem", "virtio"), MODULES.get, frozenset({"built_in"}))
    assert [name for name, _ in order] == ["virtio", "virtio_ring", "virtio_mem"]
    with pytest.raises(LabError, match="built_in, which virtio_mem needs, is not among"):
        load_order(("virtio_mem",), MODULES.get, frozenset())


def test_modules_are_read_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "virtio.ko.xz").write_bytes(lzma.compress(MODULES["virtio"]))
    (tmp_path / "virtio-ring.ko").write_bytes(MODULES["virtio_ring"])
    (tmp_path / "modules.builtin").write_text("kernel/drivers/built-in.ko\n")
    assert load_order_in(tmp_path, ("virtio_ring", "built_in")) == [
        ("virtio", MODULES["virtio"]),
        ("virtio_ring", MODULES["virtio_ring"]),
    ]
    with pytest.raises(LabError, match="virtio_mem is not among"):
        load_order_in(tmp_path, ("virtio_mem",))


def test_modules_are_found_wherever_an_own_kernel_has_them(tmp_path: Path) -> None:
    folder = tmp_path / "kernel/drivers/virtio"
    folder.mkdir(parents=True)
    (folder / "virtio.ko.gz").write_bytes(gzip.compress(MODULES["virtio"]))
    (folder / "virtio_ring.ko.zst").write_bytes(b"(")
    assert load_order_in(tmp_path, ("virtio",)) == [("virtio", MODULES["virtio"])]
    with pytest.raises(LabError, match="unpack it first"):
        load_order_in(tmp_path, ("virtio_ring",))
    assert load_order_in(None, ("virtio",)) == []  # built in, it is taken


def test_modules_that_need_each_other_are_refused() -> None:
    around = {"a": b"depends=b\0", "b": b"depends=c\0", "c": b"depends=a\0"}
    with pytest.raises(LabError, match="the module a needs another that needs it"):
        load_order(("a",), around.get, frozenset())
    with pytest.raises(LabError, match="the module a needs another that needs it"):
        load_order(("a",), {"a": b"depends=a\0"}.get, frozenset())


def test_a_chain_of_modules_may_be_long() -> None:
    chain = {f"m{n}": f"depends=m{n + 1}\0".encode() for n in range(2000)} | {"m2000": b""}
    order = load_order(("m0",), chain.get, frozenset())
    assert [name for name, _ in order] == [f"m{n}" for n in range(2000, -1, -1)]


def test_names_of_modules_may_be_anything(tmp_path: Path) -> None:
    (tmp_path / "a.ko").write_bytes(b"depends=\xff\xfe\0")
    (tmp_path / "b.ko").write_bytes(b"depends=%s\0" % (b"x," * 40_000))
    (tmp_path / "modules.builtin").write_bytes(b"kernel/\xff.ko\nkernel/c.ko\n")
    assert load_order_in(tmp_path, ("c",)) == []
    with pytest.raises(LabError, match=r"the module \\xff\\xfe, which a needs, is not among"):
        load_order_in(tmp_path, ("a",))
    with pytest.raises(LabError, match="names more"):
        load_order_in(tmp_path, ("b",))


ZEROS = bytes(40 << 20)


def dictionary_of_4_gib(packed: bytes) -> bytes:
    """The xz file with another size of its dictionary (xz-file-format.txt, 3.1 and 5.3.1)."""
    head = packed[12:16] + bytes([40]) + packed[17:20]
    return packed[:12] + head + zlib.crc32(head).to_bytes(4, "little") + packed[24:]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.ko.xz", lzma.compress(ZEROS, preset=0)),
        ("x.ko.gz", gzip.compress(ZEROS, 1, mtime=0)),
        ("x.ko.xz", dictionary_of_4_gib(lzma.compress(b"depends=\0"))),
        ("x.ko.xz", lzma.compress(b"depends=\0")[:-9]),
        ("x.ko.gz", gzip.compress(b"depends=\0", mtime=0)[:-9]),
        ("x.ko.xz", b"no xz"),
        ("x.ko.gz", b"no gzip"),
    ],
)
def test_what_cannot_be_unpacked_is_no_module(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LabError, match=rf"{name} is no module that can be unpacked: "):
        load_order_in(tmp_path, ("x",))


def test_modules_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memhp.lab.guest.modules._MOST_BYTES", 25)
    modules = {name: bytes(10) for name in "abc"}
    assert len(load_order(("a", "b"), modules.get, frozenset())) == 2
    with pytest.raises(LabError, match="the modules for a, b, c have over 25 bytes"):
        load_order(("a", "b", "c"), modules.get, frozenset())


def test_a_pipe_is_no_module_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.ko")
    with pytest.raises(LabError, match="it is not a regular file"):
        load_order_in(tmp_path, ("x",))


def test_a_folder_of_much_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memhp.lab.guest.modules._MOST_FILES", 5)
    for n in range(6):
        (tmp_path / f"{n}.txt").touch()
    with pytest.raises(LabError, match="is no folder of modules: it has over 5 files"):
        load_order_in(tmp_path, ("x",))
