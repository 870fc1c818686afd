"""What a guest starts with: busybox, the agent and some modules, as a cpio archive.

Built on the fly and kept under the hash of what it is made of.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..kernels.kernel import Kernel, cache_folder, usable
from ..tools.errors import LabError
from ..tools.programs import run, tool
from .archive import Entry, cpio, folders_of, kept
from .machine import GuestMachine
from .modules import load_order_in
from .platforms import platform_of
from .python import python_archive

__all__ = ["archive_of", "build"]

_AGENT = Path(__file__).parent / "agent"
_FLAGS = ("-O2", "-static", "-Wall", "-Wextra")
_APPLETS = (
    "sh cat ls find grep sed echo sleep dd mount umount mkdir rmdir rm ln tar head tail sort wc"
    " awk dmesg tr uname ps kill free seq sync od poweroff reboot sysctl true false test usleep"
)


@contextlib.contextmanager
def archive_of(kernel: Kernel, machine: GuestMachine) -> Iterator[Path]:
    """The path of the archive for a guest, for as long as it boots.

    Raises:
        LabError: see `build`; or memhp of this machine cannot run in the guest.
    """
    own = build(kernel, machine.wanted_modules, machine.programs)
    if not machine.memhp:
        yield own
        return
    if kernel.arch != os.uname().machine:
        raise LabError(f"the Python of this machine runs in no guest of {kernel.arch}")
    with usable(cache_folder()) as folder, tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(own.read_bytes())
        file.write(python_archive())
        file.flush()
        yield Path(file.name)


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
    return kept(cache_folder() / "initramfs" / key, lambda path: path.write_bytes(archive))


def _program(name: str, kernel: Kernel) -> dict[str, Entry]:
    """A program of this machine, its libraries, and the folders that they lie in."""
    if kernel.arch != os.uname().machine:
        raise LabError(f"{name} of this machine runs in no guest of {kernel.arch}")
    path = tool(name, name)
    entries: dict[str, Entry] = {}
    for library in re.findall(r"(/\S+) \(0x", run("ldd", path).stdout):
        entries |= folders_of(library[1:])
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

    return kept(cache_folder() / "agent" / f"{arch}-{key}", compile_to)
