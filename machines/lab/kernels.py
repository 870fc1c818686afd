"""The kernels that guests boot: Debian's stock kernels, or an image of the user's own.

A kernel is brought through apt with lists and sources of its own, into a cache folder:
nothing is installed, and the machine's apt is not changed.  apt checks the signatures.
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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from memhp.machines.lab.errors import LabError
from memhp.machines.lab.images import architecture_of
from memhp.machines.lab.sources import machine_sources, stanzas_for

__all__ = [
    "STOCK",
    "Apt",
    "Kernel",
    "StockKernel",
    "cache_folder",
    "fetch",
    "load",
    "own",
    "tool",
    "usable",
]

_APT_SECONDS = 600.0
_KEPT_MODULES = ("drivers/virtio/", "drivers/dax/", "drivers/nvdimm/", "fs/fuse/")
"""The folders of modules that experiments may load; the rest of a package is not unpacked."""


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
        """The first two numbers of the version.

        >>> Kernel("own", "x86_64", Path("vmlinuz"), version="6.12.117+deb13-amd64").linux
        (6, 12)
        """
        found = re.match(r"(\d+)\.(\d+)", self.version or "")
        return (int(found[1]), int(found[2])) if found else None


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
    """Where kernels and built files are kept: MEMHP_LAB_CACHE, or in the user's cache."""
    if own_folder := os.environ.get("MEMHP_LAB_CACHE"):
        return Path(own_folder).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "memhp" / "lab"


@contextlib.contextmanager
def usable(folder: Path) -> Iterator[Path]:
    """The folder of the cache, made if it is not there.

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


def tool(name: str, package: str) -> str:
    """The path of a program.

    Raises:
        LabError: it is not installed; the message names Debian's package.
    """
    found = shutil.which(name)
    if found is None:
        raise LabError(f"{name} is missing; on Debian and Ubuntu: apt install {package}")
    return found


def load(name: str) -> Kernel | None:
    """The stock kernel of that name from the cache; None if it was not fetched yet."""
    folder = cache_folder() / "kernels" / name
    about = _about(folder)
    if about is None:
        return None
    busybox = folder / "busybox"
    return Kernel(
        name,
        str(about["arch"]),
        folder / "vmlinuz",
        folder / "modules",
        str(about["version"]),
        busybox if busybox.is_file() else None,
    )


def _about(folder: Path) -> dict[str, Any] | None:
    """What a kernel in the cache is; None if there is none, or it is damaged."""
    try:
        about = json.loads((folder / "about.json").read_text())
        return about if {"arch", "version"} <= about.keys() else None
    except (OSError, ValueError, AttributeError):
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


def fetch(name: str) -> Kernel:
    """Bring a stock kernel into the cache, the current one of its release, unless it is there.

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
        if (_about(place / name) or {}).get("packages") != packages:
            _bring(apt, stock, packages, place)
    kernel = load(name)
    if kernel is None:
        raise LabError(f"{place / name} is damaged: remove it, and fetch it again")
    return kernel


def _bring(apt: Apt, stock: StockKernel, packages: list[str], place: Path) -> None:
    """Download the packages, and put what they hold where the kernel was before."""
    for left in place.glob(f"{stock.name}-*"):  # of a fetch that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{stock.name}-", dir=place) as scratch:
        folder = Path(scratch)
        apt.run("apt-get", "download", *packages, cwd=folder)
        version = unpack(sorted(folder.glob("*.deb")), folder / "kernel")
        about = {**asdict(stock), "version": version, "packages": packages}
        (folder / "kernel" / "about.json").write_text(json.dumps(about, indent=1) + "\n")
        if (place / stock.name).exists():
            (place / stock.name).rename(folder / "before")
        (folder / "kernel").rename(place / stock.name)


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
    found: list[str] = []
    refused = ""
    try:
        apt.run("apt-get", "update")
    except LabError as error:
        refused = f" ({error})"
    left = [stock.package]
    while left:
        try:
            shown = apt.run("apt-cache", "show", "--no-all-versions", left.pop())
        except LabError as error:
            raise LabError(f"{error}{refused}") from None
        for name in kernel_packages(shown):
            if name not in found:
                found.append(name)
                left.append(name)
    if not found:
        raise LabError(
            f"{stock.package} of {stock.release} names no kernel that it depends on{refused}"
        )
    return found


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
        command = [program, "-q", *self.options, *words]
        try:
            done = subprocess.run(
                command, cwd=cwd, capture_output=True, text=True, timeout=_APT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"{program} {words[0]} took over {_APT_SECONDS:.0f} s") from None
        if done.returncode != 0:
            said = re.findall(r"(?m)^E: (.*)", done.stderr) or done.stderr.splitlines()[-1:]
            raise LabError(f"{program} {' '.join(words)} failed: {'; '.join(said[:2])}")
        return done.stdout


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
        command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as pipe,
            _archive(pipe, deb) as archive,
        ):
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


def _archive(pipe: subprocess.Popen[bytes], deb: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=pipe.stdout, mode="r|")
    except tarfile.TarError:
        raise LabError(f"{deb.name} is no package that can be unpacked") from None


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
    if file == "modules.builtin" or folder.startswith(_KEPT_MODULES):
        return f"modules/{file}"
    return None
