"""Kernels: where they come from, what is kept of them, and what is said if one is missing."""

from __future__ import annotations

import json
import lzma
import subprocess
from pathlib import Path

import pytest

from memhp.machines.lab import LabError, fetch, load, own
from memhp.machines.lab.kernels import _place, kernel_packages, tool, unpack
from memhp.machines.lab.modules import load_order, load_order_in
from memhp.machines.lab.sources import machine_sources, parse_deb822, stanzas_for

DEB822 = """\
# the archive
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /keys/debian.gpg

Enabled: no
Types: deb
URIs: http://off.example/
Suites: bookworm
Components: main

Types: deb
URIs: http://security.example/
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN KEY-----
 .
 abc
"""


def test_only_enabled_binary_sources_are_read() -> None:
    found = list(parse_deb822(DEB822))
    assert [source.uri for source in found] == [
        "http://mirror.example/debian",
        "http://security.example/",
    ]
    assert found[0].suites == ("bookworm", "bookworm-updates")
    assert found[1].signed_by == "\n-----BEGIN KEY-----\n.\nabc"


def test_both_kinds_of_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://a.example x main\n# deb http://b y main\n")
    (tmp_path / "sources.list.d" / "d.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "old.list.save").write_text("deb http://c.example x main\n")
    uris = [source.uri for source in machine_sources(tmp_path)]
    assert uris == ["http://a.example", "http://mirror.example/debian", "http://security.example/"]


def test_another_release_comes_from_the_same_addresses() -> None:
    text = stanzas_for("trixie", "arm64", sources=list(parse_deb822(DEB822)), codename="bookworm")
    made = list(parse_deb822(text))
    assert [(source.uri, source.suites) for source in made] == [
        ("http://mirror.example/debian", ("trixie",)),
        ("http://security.example/", ("trixie-security",)),
    ]
    assert text.count("Architectures: arm64\n") == 2
    assert made[1].signed_by == "\n-----BEGIN KEY-----\n.\nabc"
    only = stanzas_for("sid", "amd64", sources=parse_deb822(DEB822), codename="bookworm")
    assert "security" not in only


def test_a_machine_without_debian_sources_is_told_what_to_do() -> None:
    with pytest.raises(LabError, match="--kernel PATH"):
        stanzas_for("trixie", "amd64", sources=(), codename="jammy")


def test_a_kernel_in_one_package_or_in_several() -> None:
    assert kernel_packages("Depends: linux-image-6.1.0-1-amd64 (= 6.1-1)\n") == [
        "linux-image-6.1.0-1-amd64"
    ]
    assert kernel_packages("Depends: kmod, linux-base-7.2-a (= 1), linux-modules-7.2-a\n") == [
        "linux-base-7.2-a",
        "linux-modules-7.2-a",
    ]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("./boot/vmlinuz-6.1.0-1-amd64", "vmlinuz"),
        ("./boot/vmlinux-6.1.0-1-powerpc64le", "vmlinuz"),
        ("./usr/lib/modules/7.2-amd64/vmlinuz", "vmlinuz"),
        ("./boot/config-6.1.0-1-amd64", "config"),
        ("./lib/modules/6.1/kernel/drivers/virtio/virtio_mem.ko.xz", "modules/virtio_mem.ko.xz"),
        ("./usr/lib/modules/6.1/modules.builtin", "modules/modules.builtin"),
        ("./usr/bin/busybox", "busybox"),
        ("./lib/modules/6.1/kernel/sound/snd.ko", None),
        ("./boot/System.map-6.1", None),
        ("../../boot/../etc/passwd", None),
    ],
)
def test_what_is_kept_of_a_package(name: str, place: str | None) -> None:
    assert _place(name) == place


def deb(folder: Path, files: dict[str, bytes]) -> Path:
    """A package with these files."""
    root = folder / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: k\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example>\nDescription: x\n"
    )
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    made = folder / "k.deb"
    command = ["dpkg-deb", "--root-owner-group", "-b", str(root), str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.fixture
def dpkg() -> None:
    """Skip where packages cannot be made."""
    try:
        tool("dpkg-deb", "dpkg")
    except LabError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("dpkg")
def test_a_package_is_unpacked_into_a_folder(tmp_path: Path) -> None:
    files = {"boot/vmlinuz-6.1.0-1-amd64": b"image", "lib/modules/6.1/kernel/fs/x/x.ko": b"no"}
    assert unpack([deb(tmp_path, files)], tmp_path / "kernel") == "6.1.0-1-amd64"
    assert (tmp_path / "kernel" / "vmlinuz").read_bytes() == b"image"
    assert not list((tmp_path / "kernel" / "modules").iterdir())


@pytest.mark.usefixtures("dpkg")
def test_a_package_without_an_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no vmlinuz"):
        unpack([deb(tmp_path, {"boot/config-6.1": b""})], tmp_path / "kernel")


def test_a_kernel_is_found_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path))
    assert load("x86_64-6.1") is None
    folder = tmp_path / "kernels" / "x86_64-6.1"
    folder.mkdir(parents=True)
    (folder / "about.json").write_text(json.dumps({"arch": "x86_64", "version": "6.1.0-1"}))
    kernel = load("x86_64-6.1")
    assert kernel is not None
    assert (kernel.version, kernel.image) == ("6.1.0-1", folder / "vmlinuz")


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabError, match="there are: x86_64-5"):
        fetch("x86_64-2.4")
    with pytest.raises(LabError, match="kernel image"):
        own(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="apt install busybox-static"):
        tool("busybox", "busybox-static")


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
        load_order_in(None, ("virtio_mem",))
