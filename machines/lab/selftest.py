"""The kernel's own test of memory hotplug, from the source that Debian packages with it.

Source: tools/testing/selftests/memory-hotplug/mem-on-off-test.sh of each kernel.
"""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from pathlib import Path

from memhp.machines.lab.errors import LabError
from memhp.machines.lab.kernels import STOCK, Apt, cache_folder, load, usable

__all__ = ["fetch_selftest", "selftest"]

_SCRIPT = "tools/testing/selftests/memory-hotplug/mem-on-off-test.sh"


def _place(name: str) -> Path:
    return cache_folder() / "selftests" / f"{name}.sh"


def selftest(name: str) -> str:
    """The script of a stock kernel.

    Raises:
        LabError: it was not fetched yet.
    """
    try:
        return _place(name).read_text()
    except OSError:
        raise LabError(
            f"the test of {name} is not here; bring it: memhp lab fetch --selftest {name}"
        ) from None


def fetch_selftest(name: str) -> Path:
    """Bring the script of a stock kernel that is here into the cache.

    The package with the sources has more than 130 MB; of it one file is kept.

    Raises:
        LabError: the kernel is not here, or apt fails (its words follow).
    """
    kernel = load(name)
    if kernel is None or kernel.linux is None:
        raise LabError(f"{name} is not here; bring it: memhp lab fetch {name}")
    package = "linux-source-" + ".".join(map(str, kernel.linux))
    place = _place(name)
    with (
        usable(place.parent) as folder,
        tempfile.TemporaryDirectory(dir=folder) as scratch,
    ):
        apt = Apt.prepared(STOCK[name])
        apt.run("apt-get", "download", package, cwd=Path(scratch))
        (deb,) = Path(scratch).glob("*.deb")
        made = Path(scratch) / place.name
        made.write_bytes(_script(deb, package))
        made.rename(place)
    return place


def _script(deb: Path, package: str) -> bytes:
    """The script in the archive in the package."""
    command = ["dpkg-deb", "--fsys-tarfile", str(deb)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as pipe,
        tarfile.open(fileobj=pipe.stdout, mode="r|") as outer,
    ):
        for member in outer:
            if not member.name.endswith(f"{package}.tar.xz"):
                continue
            with tarfile.open(fileobj=outer.extractfile(member), mode="r|xz") as inner:
                for file in inner:
                    content = inner.extractfile(file) if file.name.endswith(_SCRIPT) else None
                    if content is not None:
                        found = content.read()
                        pipe.kill()
                        return found
    raise LabError(f"{deb.name} holds no {_SCRIPT}")
