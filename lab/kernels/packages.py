"""Debian's packages of a kernel: brought through apt, and unpacked.

apt has lists and sources of its own, in the lab's cache: nothing is installed, and the machine's
apt is not changed.  apt checks the signatures.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from lzma import LZMAError
from pathlib import Path
from typing import IO, cast

from ..tools.errors import LabError
from ..tools.programs import run, tool
from .kernel import (
    STOCK,
    Kernel,
    StockKernel,
    about,
    cache_folder,
    digest,
    load,
    usable,
)
from .sources import machine_sources, stanzas_for

__all__ = ["Apt", "archive_of", "fetch", "kernel_packages", "unpack"]

_MOST_PACKAGES = 20
_MOST_BYTES = 8 << 30
"""What a package may hold; one with debugging symbols holds the most, some 5 GiB."""

_KEPT_MODULES = ("drivers/virtio/", "drivers/dax/", "drivers/nvdimm/", "fs/fuse/")
"""The folders of modules that experiments may load; the rest of a package is not unpacked."""


def fetch(name: str) -> Kernel:
    """The current kernel of a Debian release, brought into the cache unless it is there.

    Raises:
        LabError: the name is not known, apt is missing, or apt fails (its words follow).
    """
    if name not in STOCK:
        raise LabError(f"there is no stock kernel {name!r}; there are: {', '.join(STOCK)}")
    stock = STOCK[name]
    tool("apt-get", "apt")
    tool("dpkg-deb", "dpkg")
    with usable(cache_folder() / "kernels") as place, _alone(place / f".{name}.lock"):
        apt = Apt.prepared(stock)
        packages = _packages(apt, stock)
        if stock.arch != os.uname().machine:
            packages.append("busybox-static")
        cached = about(name)
        if cached is None or list(cached.packages) != packages:
            _bring(apt, stock, packages, place)
    kernel = load(name)
    if kernel is None:
        raise LabError(f"{place / name} is damaged: remove it, and fetch it again")
    return kernel


def _bring(apt: Apt, stock: StockKernel, packages: list[str], place: Path) -> None:
    """Download the packages, and put what they hold where the kernel was before."""
    for remnant in place.glob(f"{stock.name}-*"):  # of a fetch that was killed
        shutil.rmtree(remnant, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{stock.name}-", dir=place) as scratch:
        folder = Path(scratch)
        apt.run("apt-get", "download", *packages, cwd=folder)
        version = unpack(sorted(folder.glob("*.deb")), folder / "kernel")
        kernel = folder / "kernel"
        files = [path for path in sorted(kernel.rglob("*")) if path.is_file()]
        digests = {str(path.relative_to(kernel)): digest(path) for path in files}
        document = {**asdict(stock), "version": version, "packages": packages, "files": digests}
        (kernel / "about.json").write_text(json.dumps(document, indent=1) + "\n")
        if (place / stock.name).exists():
            (place / stock.name).rename(folder / "before")
        kernel.rename(place / stock.name)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time; the others wait."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _packages(apt: Apt, stock: StockKernel) -> list[str]:
    """The packages of the kernel itself, on which the package that is always current depends.

    Up to Debian 13 that is one; later the image and the modules have packages of their own.
    A mirror may lack one list of several, such as that of security; apt refuses a list that
    the release's signature does not vouch for.  What the others name is taken.
    """
    packages: list[str] = []
    refused = ""
    try:
        apt.run("apt-get", "update")
    except LabError as error:
        refused = f" ({error})"
    open_ones = [stock.package]
    while open_ones:
        try:
            shown = apt.run("apt-cache", "show", "--no-all-versions", open_ones.pop())
        except LabError as error:
            raise LabError(f"{error}{refused}") from None
        for name in kernel_packages(shown):
            if name not in packages and len(packages) < _MOST_PACKAGES:
                packages.append(name)
                open_ones.append(name)
    if not packages:
        raise LabError(
            f"{stock.package} of {stock.release} names no kernel that it depends on{refused}"
        )
    return packages


def kernel_packages(shown: str) -> list[str]:
    """The packages with parts of a kernel that a package depends on, as `apt-cache show` says.

    >>> kernel_packages("Depends: linux-base, linux-binary-7.2-amd64 (= 7.2-1)\\n")
    ['linux-binary-7.2-amd64']
    """
    lines = re.findall(r"(?m)^Depends:.*", shown)
    return re.findall(r"\b(linux-(?:image|binary|modules|base)-[0-9][^\s,]*)", " ".join(lines))


@dataclass(frozen=True)
class Apt:
    """apt with folders of its own for one release and architecture."""

    options: tuple[str, ...]

    @classmethod
    def prepared(cls, stock: StockKernel) -> Apt:
        """apt for the release and architecture of a stock kernel, its folders and sources made.

        Raises:
            LabError: this machine's own sources do not tell where Debian's packages are.
        """
        folder = cache_folder() / "apt" / f"{stock.release}-{stock.debian_arch}"
        for part in ("lists/partial", "cache/archives/partial", "state"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        text = stanzas_for(
            stock.release, stock.debian_arch, sources=machine_sources(), codename=_codename()
        )
        (folder / "lab.sources").write_text(text)
        settings = {
            "Dir::Etc::SourceList": folder / "lab.sources",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State": folder / "state",
            "Dir::State::Lists": folder / "lists",
            "Dir::State::Status": "/dev/null",
            "Dir::Cache": folder / "cache",
            "APT::Architecture": stock.debian_arch,
            "APT::Architectures": stock.debian_arch,
            "APT::Sandbox::User": "",
            "APT::Update::Error-Mode": "any",  # else a mirror that is not reached is a warning
            "Acquire::Languages": "none",
            "Acquire::Check-Valid-Until": "false",  # an archived release is signed once
        }
        return cls(tuple(word for k, v in settings.items() for word in ("-o", f"{k}={v}")))

    def run(self, program: str, *words: str, cwd: Path | None = None) -> str:
        """Run a program of apt; returns its output.

        Raises:
            LabError: it fails; the message has its first errors.
        """
        result = run(program, "-q", *self.options, *words, cwd=cwd)
        if result.returncode != 0:
            why = re.findall(r"(?m)^E: (.*)", result.stderr) or result.stderr.splitlines()[-1:]
            raise LabError(f"{program} {' '.join(words)} failed: {'; '.join(why[:2])}")
        return result.stdout


def _codename() -> str:
    """The release of this machine, from os-release(5)."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        text = ""
    match = re.search(r'(?m)^VERSION_CODENAME="?([a-z]+)', text)
    if match is None or not re.search(r'(?m)^ID="?debian"?$', text):
        raise LabError(
            "this machine is no Debian, so the lab does not know where Debian's kernels are:"
            " give a kernel of your own with --kernel PATH"
        )
    return match[1]


def unpack(debs: Iterable[Path], target: Path) -> str:
    """Unpack the image, the configuration and some modules of a kernel's packages.

    Returns:
        the version, as `uname -r` will say it.

    Raises:
        LabError: the packages hold no kernel image.
    """
    version = None
    (target / "modules").mkdir(parents=True)
    for deb in debs:
        with archive_of(deb) as archive:
            for member in archive:
                place = _place(member.name)
                content = archive.extractfile(member) if place and member.isfile() else None
                if content is None or place is None:
                    continue
                if place == "vmlinuz":
                    version = _version(member.name)
                with open(target / place, "wb") as out:
                    shutil.copyfileobj(content, out)
    if version is None:
        raise LabError(f"the packages in {target.parent} hold no vmlinuz")
    return version


@contextlib.contextmanager
def archive_of(deb: Path) -> Iterator[tarfile.TarFile]:
    """The archive in a package, whose members are read one after the other.

    Raises:
        LabError: it is damaged, or holds too much; what was read of it is worth nothing.
    """
    command = [tool("dpkg-deb", "dpkg"), "--fsys-tarfile", str(deb)]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as pipe:
            assert pipe.stdout is not None
            stream = _Bounded(pipe.stdout)
            with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as archive:
                yield archive
            while stream.read(1 << 20):  # what is left, so that dpkg-deb says how it went
                pass
    except (tarfile.TarError, LZMAError, EOFError, OverflowError, ValueError):
        raise LabError(f"{deb.name} is no package that can be unpacked") from None
    if pipe.returncode:
        raise LabError(f"{deb.name} is damaged")


class _Bounded:
    """A stream that is an error once `_MOST_BYTES` have come."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._left = stream, _MOST_BYTES

    def read(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ValueError("it holds too much")
        return data


_VERSION = re.compile(r"(?<=modules/)[^/]+|(?<=boot/vmlinu[xz]-)[^/]+")


def _version(name: str) -> str | None:
    match = _VERSION.search(name)
    return match[0] if match else None


def _place(name: str) -> str | None:
    """Where a file of a package goes in the cache; None if it is not kept."""
    path = name.removeprefix("./").removeprefix("usr/")
    if match := re.fullmatch(r"(?:boot|lib/modules)/(?:.*/)?(vmlinu[xz]|config)(-[^/]+)?", path):
        return "config" if match[1] == "config" else "vmlinuz"
    if path == "bin/busybox":
        return "busybox"
    inside = re.fullmatch(r"lib/modules/[^/]+/(?:kernel/(.+/))?([^/]+)", path)
    if inside is None:
        return None
    folder, file = inside[1] or "", inside[2]
    if file in (".", ".."):
        return None
    if file == "modules.builtin" or folder.startswith(_KEPT_MODULES):
        return f"modules/{file}"
    return None
