"""The kernels that guests boot: Debian's stock kernels, or an image of the user's own.

Stock kernels are kept in a cache folder, into which `packages` brings them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from memhp.checks.support.files import json_of, read_whole

from ..tools.errors import LabError
from .images import architecture_of

__all__ = [
    "STOCK",
    "About",
    "Kernel",
    "StockKernel",
    "about",
    "cache_folder",
    "digest",
    "load",
    "own",
    "usable",
]

_ABOUT_BYTES = 1 << 20
_LARGEST = 1 << 30
"""The bytes of a file in the cache at most; a kernel with what debuggers want has half of that."""

_FILE = re.compile(r"vmlinuz|config|busybox|modules/[^/\0]+")
"""The files of a kernel in the cache."""

_WORD = re.compile(r"[\w.+:~-]{1,200}", re.ASCII)
"""A version, a package, a digest."""


@dataclass(frozen=True)
class StockKernel:
    """A kernel that Debian packages: `package` of `release` depends on the current one."""

    name: str
    release: str
    arch: str
    debian_arch: str
    package: str


@dataclass(frozen=True)
class Kernel:
    """A kernel that is here.

    `arch` is as `uname -m` says it; `modules` is the folder with its modules (None: what guests
    need is built in), `version` what `uname -r` says if it is known beforehand, `busybox` the
    one of a foreign architecture, brought with a kernel (None: this machine's own).
    """

    name: str
    arch: str
    image: Path
    modules: Path | None = None
    version: str | None = None
    busybox: Path | None = None

    @property
    def linux(self) -> tuple[int, int] | None:
        """The first two numbers of the version; None if it is not known.

        >>> Kernel("own", "x86_64", Path("vmlinuz"), version="6.12.117+deb13-amd64").linux
        (6, 12)
        """
        match = re.match(r"(\d+)\.(\d+)", self.version or "")
        return (int(match[1]), int(match[2])) if match else None


def _stock(arch: str, debian_arch: str, flavour: str) -> list[StockKernel]:
    releases = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "newest": "sid"}
    return [
        StockKernel(f"{arch}-{version}", release, arch, debian_arch, f"linux-image-{flavour}")
        for version, release in releases.items()
    ]


STOCK: Mapping[str, StockKernel] = MappingProxyType(
    {
        kernel.name: kernel
        for kernel in (
            *_stock("x86_64", "amd64", "amd64"),
            *_stock("ppc64le", "ppc64el", "powerpc64le"),
            *_stock("aarch64", "arm64", "arm64"),
            *_stock("s390x", "s390x", "s390x"),
        )
    }
)
"""By name: each architecture with the kernel of each Debian release."""


def cache_folder() -> Path:
    """The folder of kernels and built files: MEMHP_LAB_CACHE, or in the user's cache.

    Raises:
        LabError: the user has no home folder.
    """
    try:
        if own_folder := os.environ.get("MEMHP_LAB_CACHE"):
            return Path(own_folder).expanduser().absolute()
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(base).absolute() / "memhp" / "lab"
    except RuntimeError:
        raise LabError(
            "you have no home folder: MEMHP_LAB_CACHE names one for kernels and what is built"
        ) from None


@contextlib.contextmanager
def usable(folder: Path) -> Iterator[Path]:
    """A folder of the cache, made if it is not there, for what is done in it.

    Raises:
        LabError: something cannot be written or read there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    except OSError as error:
        raise LabError(
            f"{folder} cannot be used ({error.strerror or error}): MEMHP_LAB_CACHE names another"
            " folder for kernels and what is built"
        ) from None


@dataclass(frozen=True)
class About:
    """The description of a kernel in the cache; `files` has the SHA-256 of each file."""

    version: str
    packages: tuple[str, ...]
    files: Mapping[str, str]


def load(name: str) -> Kernel | None:
    """The stock kernel of that name from the cache; None if it is not there, or not whole."""
    folder = cache_folder() / "kernels" / name
    description = about(name)
    if description is None:
        return None
    busybox = folder / "busybox" if "busybox" in description.files else None
    arch = STOCK[name].arch
    return Kernel(name, arch, folder / "vmlinuz", folder / "modules", description.version, busybox)


def about(name: str) -> About | None:
    """The cache's description of a stock kernel; None if there is none, or a file is damaged."""
    folder = cache_folder() / "kernels" / name
    try:
        document = json_of(read_whole(folder / "about.json", _ABOUT_BYTES, regular=True))
    except (OSError, ValueError):
        return None
    description = _about(document) if isinstance(document, dict) else None
    if description is None or "vmlinuz" not in description.files:
        return None
    whole = all(digest(folder / file) == sha256 for file, sha256 in description.files.items())
    return description if whole else None


def _about(document: dict[str, Any]) -> About | None:
    """What the document tells, if it tells all of it."""
    version, packages, files = map(document.get, ("version", "packages", "files"))
    if not isinstance(packages, list) or not isinstance(files, dict):
        return None
    words = (version, *packages, *files.values())
    if not all(isinstance(word, str) and _WORD.fullmatch(word) for word in words):
        return None
    if not all(map(_FILE.fullmatch, files)):
        return None
    return About(str(version), tuple(packages), files)


def digest(path: Path) -> str | None:
    """The SHA-256 of a file in the cache; None if there is none that can be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            status = os.fstat(handle)
            if stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST:
                return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        pass
    return None


def own(image: Path, modules: Path | None = None) -> Kernel:
    """A kernel image of the user's own; it is named by its path.

    Args:
        image: of any architecture that guests can be of (`images.architecture_of`).
        modules: the folder with its modules, such as ``/lib/modules/6.12.1``; None: what guests
            need is built in.

    Raises:
        LabError: it is no image that a guest boots, or there is no such folder.
    """
    if not image.is_file():
        raise LabError(f"{image} is no file: a kernel of your own is an image such as bzImage")
    if modules is not None and not modules.is_dir():
        raise LabError(f"{modules} is no folder of modules, such as /lib/modules/6.12.1")
    arch = architecture_of(image)
    fetched = (load(stock.name) for stock in STOCK.values() if stock.arch == arch)
    busybox = next((kernel.busybox for kernel in fetched if kernel and kernel.busybox), None)
    return Kernel(str(image), arch, image.resolve(), modules, busybox=busybox)
