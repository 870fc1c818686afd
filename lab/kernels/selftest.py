"""The kernel's own test of memory hotplug, from the source that Debian packages with it.

Source: tools/testing/selftests/memory-hotplug/mem-on-off-test.sh of each kernel.
"""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

from memhp.checks.support.files import read_whole

from ..tools.errors import LabError
from .kernel import STOCK, cache_folder, load, usable
from .packages import Apt, archive_of

__all__ = ["fetch_selftest", "selftest"]

_SCRIPT = "tools/testing/selftests/memory-hotplug/mem-on-off-test.sh"
_MOST_BYTES = 1 << 20
"""The size of a script at most."""


def _place(name: str) -> Path:
    return cache_folder() / "selftests" / f"{name}.sh"


def selftest(name: str) -> str:
    """The script `mem-on-off-test.sh` of a stock kernel, from the cache.

    Raises:
        LabError: it was not fetched yet.
    """
    try:
        return read_whole(_place(name), _MOST_BYTES, regular=True).decode()
    except (OSError, ValueError):
        raise LabError(
            f"the test of {name} is not here; bring it: memhp lab fetch --selftest {name}"
        ) from None


def fetch_selftest(name: str) -> Path:
    """The path of a stock kernel's script, brought into the cache.

    The package with the sources has more than 130 MB; of it one file is kept.

    Raises:
        LabError: the kernel is not here, or apt fails (its words follow).
    """
    kernel = load(name)
    if kernel is None or kernel.linux is None:
        raise LabError(f"{name} is not here, or not whole; bring it: memhp lab fetch {name}")
    package = "linux-source-" + ".".join(map(str, kernel.linux))
    place = _place(name)
    with (
        usable(place.parent) as folder,
        tempfile.TemporaryDirectory(dir=folder) as scratch,
    ):
        apt = Apt.prepared(STOCK[name])
        apt.run("apt-get", "download", package, cwd=Path(scratch))
        deb = next(Path(scratch).glob("*.deb"), None)
        if deb is None:
            raise LabError(f"apt brought no {package}")
        file = Path(scratch) / place.name
        file.write_bytes(_script(deb, package))
        file.rename(place)
    return place


def _script(deb: Path, package: str) -> bytes:
    """The script in the archive in the package."""
    with archive_of(deb) as outer:
        for member in outer:
            if not member.name.endswith(f"{package}.tar.xz"):
                continue
            with tarfile.open(fileobj=outer.extractfile(member), mode="r|xz") as inner:
                for file in inner:
                    content = inner.extractfile(file) if file.name.endswith(_SCRIPT) else None
                    if content is not None:
                        return content.read(_MOST_BYTES)
    raise LabError(f"{deb.name} holds no {_SCRIPT}")
