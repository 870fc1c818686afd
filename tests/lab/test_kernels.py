"""Kernels: where they come from, what is kept of them, and what is said if one is missing."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from memhp.lab.kernels import packages
from memhp.lab.kernels.images import architecture_of
from memhp.lab.kernels.kernel import STOCK, Kernel, cache_folder, load, own
from memhp.lab.kernels.packages import _place, fetch, kernel_packages, unpack
from memhp.lab.kernels.sources import machine_sources, parse_deb822, stanzas_for
from memhp.lab.tools.errors import LabError
from memhp.lab.tools.programs import tool

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


def flipped(content: bytes) -> bytes:
    """One bit in the middle of it is another."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 16]) + content[middle + 1 :]


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
def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.deb").write_bytes(b"no package")
    with pytest.raises(LabError, match=r"bad\.deb is no package"):
        unpack([tmp_path / "bad.deb"], tmp_path / "kernel")


@pytest.mark.usefixtures("dpkg")
@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:-8], flipped])
def test_a_damaged_package_is_refused(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    files = {"boot/vmlinuz-6.1.0-1-amd64": random.Random(1).randbytes(100_000)}
    package = deb(tmp_path, files)
    package.write_bytes(damage(package.read_bytes()))
    with pytest.raises(LabError, match=r"k\.deb is (damaged|no package)"):
        unpack([package], tmp_path / "kernel")


def archived(members: dict[str, bytes]) -> bytes:
    """The archive that a package is (deb(5)), with content of one's own."""
    made = b"!<arch>\n"
    for name, data in members.items():
        made += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data
    return made


@pytest.mark.usefixtures("dpkg")
def test_a_length_of_many_digits_in_a_package_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, data = tarfile.XHDTYPE, b"%d path=x\n" % 10**30 + b"20 SCHILY.xattr.a=b\n"
    header.size = len(data)
    tar = header.tobuf(tarfile.USTAR_FORMAT) + data.ljust(512, b"\0") + bytes(1024)
    package = tmp_path / "k.deb"
    parts = {"debian-binary": b"2.0\n", "control.tar": bytes(1024), "data.tar": tar}
    package.write_bytes(archived(parts))
    with pytest.raises(LabError, match=r"k\.deb is no package"):
        unpack([package], tmp_path / "kernel")


@pytest.mark.usefixtures("dpkg")
def test_a_package_that_holds_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_MOST_BYTES", 20_000)
    package = deb(tmp_path, {"boot/vmlinuz-6.1.0-1-amd64": bytes(1 << 20)})
    with pytest.raises(LabError, match=r"k\.deb is no package"):
        unpack([package], tmp_path / "kernel")


@pytest.mark.usefixtures("dpkg")
def test_a_package_without_an_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no vmlinuz"):
        unpack([deb(tmp_path, {"boot/config-6.1": b""})], tmp_path / "kernel")


def keep(name: str, files: dict[str, bytes], /, **about: object) -> Path:
    """A kernel in the cache, with what it is said to be."""
    folder = cache_folder() / "kernels" / name
    folder.mkdir(parents=True)
    for path, content in files.items():
        (folder / path).write_bytes(content)
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    document = {"arch": STOCK[name].arch, "version": "6.1.0-1", "packages": [], "files": digests}
    (folder / "about.json").write_text(json.dumps({**document, **about}))
    return folder


def test_a_kernel_is_found_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path))
    assert load("x86_64-6.1") is None
    folder = keep("x86_64-6.1", {"vmlinuz": b"image"})
    kernel = load("x86_64-6.1")
    assert kernel is not None
    assert (kernel.version, kernel.image) == ("6.1.0-1", folder / "vmlinuz")


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "about",
    [
        {"version": ["6.1"]},
        {"version": "6.1\x1b[31m"},
        {"packages": "none"},
        {"files": []},
        {"files": {}},
        {"files": {"vmlinuz": 5}},
        {"files": {"vmlinuz": "0" * 64}},
        {"files": {"../about.json": "0" * 64}},
    ],
)
def test_a_kernel_that_is_not_as_it_was_brought_is_not_here(
    about: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path))
    keep("x86_64-6.1", {"vmlinuz": b"image"}, **about)
    assert load("x86_64-6.1") is None


@pytest.mark.parametrize("text", ["", "{}", "[]", "5", DEEP, "\udc80", '{"version": 1e999}'])
def test_what_is_kept_of_a_kernel_may_be_anything(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path))
    folder = keep("x86_64-6.1", {"vmlinuz": b"image"})
    (folder / "about.json").write_bytes(text.encode(errors="surrogateescape"))
    assert load("x86_64-6.1") is None


@pytest.mark.parametrize("file", ["about.json", "vmlinuz"])
def test_a_pipe_in_the_cache_is_not_waited_for(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path))
    folder = keep("x86_64-6.1", {"vmlinuz": b"image"})
    (folder / file).unlink()
    os.mkfifo(folder / file)
    assert load("x86_64-6.1") is None


@pytest.mark.usefixtures("dpkg")
def test_a_kernel_that_is_damaged_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mirror(packages.Apt):
        def run(self, program: str, *words: str, cwd: Path | None = None) -> str:
            shutil.copy(package, cwd or tmp_path)
            return ""

    package = deb(tmp_path, {"boot/vmlinuz-6.1.0-1-amd64": b"image"})
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(packages.Apt, "prepared", lambda stock: Mirror(()))
    monkeypatch.setattr(packages, "_packages", lambda apt, stock: ["linux-image-6.1.0-1-amd64"])
    monkeypatch.setattr(packages, "tool", lambda name, package: name)
    image = fetch("x86_64-6.1").image
    image.write_bytes(b"imag")
    assert load("x86_64-6.1") is None
    assert fetch("x86_64-6.1").image.read_bytes() == b"image"
    (tmp_path / "k.deb").unlink()
    assert fetch("x86_64-6.1").version == "6.1.0-1-amd64"


def test_without_a_home_folder_it_is_said_what_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMHP_LAB_CACHE", "~no-such-user/lab")
    with pytest.raises(LabError, match="MEMHP_LAB_CACHE names one"):
        load("x86_64-6.1")


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabError, match="there are: x86_64-5"):
        fetch("x86_64-2.4")
    with pytest.raises(LabError, match="is no file: a kernel of your own is an image"):
        own(tmp_path)
    (tmp_path / "image").write_bytes(IMAGES["x86_64"])
    with pytest.raises(LabError, match="is no folder of modules"):
        own(tmp_path / "image", tmp_path / "modules")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="apt install busybox-static"):
        tool("busybox", "busybox-static")


IMAGES = {
    "x86_64": bytes(0x202) + b"HdrS",
    "aarch64": b"MZ" + bytes(0x36) + b"ARMd",
    "s390x": bytes(0x10008) + b"S390EP",
    "ppc64le": b"\x7fELF\x02\x01" + bytes(12) + b"\x15\x00",
}


@pytest.mark.parametrize("arch", IMAGES)
def test_the_architecture_of_an_image_is_told_by_its_first_bytes(
    arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path))
    image = tmp_path / "image"
    image.write_bytes(IMAGES[arch] + bytes(64))
    assert architecture_of(image) == arch
    assert own(image, tmp_path) == Kernel(str(image), arch, image, tmp_path)


@pytest.mark.kernel
def test_the_architecture_of_real_images_is_told(kernel: Kernel) -> None:
    assert architecture_of(kernel.image) == kernel.arch


@pytest.mark.kernel
def test_the_architecture_of_real_foreign_images_is_told(foreign_kernel: Kernel) -> None:
    assert architecture_of(foreign_kernel.image) == foreign_kernel.arch


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b" + bytes(100), b"\x7fELF\x01\x01" + bytes(40)])
def test_what_is_no_image_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(content)
    with pytest.raises(LabError, match="no kernel image that a guest boots: bzImage"):
        own(tmp_path / "image")


def test_a_foreign_image_has_the_busybox_of_a_kernel_that_was_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMHP_LAB_CACHE", str(tmp_path))
    folder = keep("s390x-6.1", {"vmlinuz": b"", "busybox": b""})
    (tmp_path / "image").write_bytes(IMAGES["s390x"])
    assert own(tmp_path / "image").busybox == folder / "busybox"
