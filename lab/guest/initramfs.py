"""What a guest starts with: busybox, the agent and some modules, as a cpio archive.

Format: Documentation/driver-api/early-userspace/buffer-format.rst ("newc").  Built on the
fly and kept under the hash of what it is made of.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from memhp.checks.support.files import read_whole

from ..kernels.kernel import Kernel, cache_folder, digest, usable
from ..tools.errors import LabError
from ..tools.programs import run, tool
from .modules import load_order_in
from .platforms import platform_of

__all__ = ["Entry", "build", "cpio"]

_AGENT = Path(__file__).parent / "agent"
_FLAGS = ("-O2", "-static", "-Wall", "-Wextra")
_APPLETS = (
    "sh cat ls find grep sed echo sleep dd mount umount mkdir rmdir rm ln tar head tail sort wc"
    " awk dmesg tr uname ps kill free seq sync od poweroff reboot sysctl true false test"
)


@dataclass(frozen=True)
class Entry:
    """One member of the archive; the content of a link is where it leads, a device is one too."""

    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def cpio(entries: Mapping[str, Entry]) -> bytes:
    """The cpio archive of these files, in their order (folders first).

    >>> cpio({})[:6]
    b'070701'
    """
    out = bytearray()
    for number, (name, entry) in enumerate([*entries.items(), ("TRAILER!!!", Entry(0))], 1):
        path = name.encode() + b"\0"
        size, device = len(entry.content), entry.device
        fields = (number, entry.mode, 0, 0, 1, 0, size, 0, 0, *device, len(path), 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + path
        out += b"\0" * (-len(out) % 4)
        out += entry.content
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def build(kernel: Kernel, modules: tuple[str, ...] = (), programs: tuple[str, ...] = ()) -> Path:
    """The path of the archive for a kernel, in the cache.

    Args:
        kernel: which is booted with it.
        modules: are loaded at boot.
        programs: this machine's own, by name; they come with their libraries.

    Raises:
        LabError: busybox, a compiler, a module or a program is missing.
    """
    entries = {name: Entry(stat.S_IFDIR | 0o755) for name in ("bin", "dev", "modules")}
    entries["dev/console"] = Entry(stat.S_IFCHR | 0o600, device=(5, 1))
    entries["init"] = Entry(stat.S_IFREG | 0o755, _agent(kernel.arch).read_bytes())
    entries["bin/busybox"] = Entry(stat.S_IFREG | 0o755, _busybox(kernel).read_bytes())
    for applet in _APPLETS.split():
        entries[f"bin/{applet}"] = Entry(stat.S_IFLNK | 0o777, b"busybox")
    for number, (name, data) in enumerate(load_order_in(kernel.modules, modules)):
        entries[f"modules/{number:06}-{name}.ko"] = Entry(stat.S_IFREG | 0o644, data)
    for name in programs:
        entries |= _program(name, kernel)
    archive = cpio(entries)
    key = hashlib.sha256(archive).hexdigest()[:16]
    return _cached(cache_folder() / "initramfs" / key, lambda path: path.write_bytes(archive))


def _program(name: str, kernel: Kernel) -> dict[str, Entry]:
    """A program of this machine, its libraries, and the folders that they lie in."""
    if kernel.arch != os.uname().machine:
        raise LabError(f"{name} of this machine runs in no guest of {kernel.arch}")
    path = tool(name, name)
    entries: dict[str, Entry] = {}
    for library in re.findall(r"(/\S+) \(0x", run("ldd", path).stdout):
        folders = [str(folder)[1:] for folder in Path(library).parents][-2::-1]
        entries |= {folder: Entry(stat.S_IFDIR | 0o755) for folder in folders}
        entries[library[1:]] = Entry(stat.S_IFREG | 0o755, Path(library).read_bytes())
    entries[f"bin/{name}"] = Entry(stat.S_IFREG | 0o755, Path(path).read_bytes())
    return entries


def _busybox(kernel: Kernel) -> Path:
    """busybox for the guest: the kernel's, or this machine's own, if it is linked statically."""
    if kernel.busybox is not None:
        return kernel.busybox
    if kernel.arch != os.uname().machine:
        raise LabError(
            f"guests of {kernel.arch} need a busybox of theirs: memhp lab fetch brings it"
        )
    path = Path(tool("busybox", "busybox-static"))
    if b"/ld-linux" in path.read_bytes()[:4096]:
        raise LabError(f"{path} is not linked statically: apt install busybox-static")
    return path


def _agent(arch: str) -> Path:
    """The agent, compiled once for each text of its sources."""
    compiler = tool("cc", "gcc libc6-dev")
    if arch != os.uname().machine:
        cross = platform_of(arch).compiler
        compiler = tool(f"{cross}-gcc", f"gcc-{cross.replace('_', '-')}")
    sources = sorted(_AGENT.glob("*.c"))
    content = [file.read_bytes() for file in (*sources, *sorted(_AGENT.glob("*.h")))]
    content += [word.encode() for word in (compiler, *_FLAGS)]
    key = hashlib.sha256(b"\0".join(content)).hexdigest()[:16]

    def compile_to(path: Path) -> None:
        result = run(compiler, *_FLAGS, "-o", str(path), *map(str, sources))
        if result.returncode != 0:
            tail = "; ".join(result.stderr.strip().splitlines()[-2:])
            raise LabError(f"the agent cannot be compiled (apt install gcc libc6-dev): {tail}")

    return _cached(cache_folder() / "agent" / f"{arch}-{key}", compile_to)


def _cached(place: Path, make: Callable[[Path], object]) -> Path:
    """The file in the cache, made if it is not there, or not as it was made."""
    note = place.with_name(f"{place.name}.sha256")
    with usable(place.parent) as folder:
        if (current := digest(place)) is None or current != _noted(note):
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                file = Path(scratch) / place.name
                make(file)
                noted = Path(scratch) / note.name
                noted.write_text(str(digest(file)))
                os.replace(noted, note)
                os.replace(file, place)
    return place


def _noted(note: Path) -> str | None:
    try:
        return read_whole(note, 64, regular=True).decode()
    except (OSError, ValueError):
        return None
