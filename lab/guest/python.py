"""This Python, what memhp imports, and memhp itself, to run in a guest.

Nothing is installed there: the files of this machine's own installation are in an archive that the
guest starts with, at the same paths below `/python`, with the libraries that they are linked with
where those are here.  So what runs in the guest is what runs here, to the version.
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import platform
import re
import stat
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePath

from ..kernels.kernel import cache_folder
from ..tools.errors import LabError
from ..tools.programs import run, tool
from .archive import Entry, cpio, folders_of, kept

__all__ = ["PYTHON", "python_archive"]

_HOME, _SITE = "python", "python/site"

PYTHON = f"PYTHONHOME=/{_HOME} PYTHONPATH=/{_SITE} /{_HOME}/bin/python3 -B"
"""What runs this Python in the shell of the guest; its arguments follow."""

_IMPORTED = ("networkx", "numpy", "rich", "z3-solver")
"""What memhp imports to read, judge and plan; what these need comes with them."""

_LEFT_OUT = re.compile(
    r"(^|/)(tests?|idlelib|lib2to3|tkinter|turtledemo|ensurepip|site-packages|dist-packages|docs"
    r"|config-[^/]+|f2py|include|build|\.[^/]*|__pycache__)(/|$)"
)
"""Folders of the standard library, of packages and of memhp that nothing there needs."""

_SUFFIXES = (".py", ".so", ".json", ".c", ".h", ".typed", "METADATA", "RECORD")
_MOST_COMMAND = 200
"""Libraries that ldd is asked about at once."""


def python_archive() -> bytes:
    """The archive: what is installed here, kept from the first time, and memhp as it is now.

    Raises:
        LabError: a package that memhp needs is not here, or a program is missing.
    """
    packages = _with_needs(_IMPORTED)
    named = [f"{each.name} {each.version} {each.locate_file('')}" for each in packages]
    text = "\n".join([sys.version, platform.machine(), os.path.realpath(sys.executable), *named])
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    place = kept(
        cache_folder() / "python" / key, lambda path: path.write_bytes(cpio(_installed(packages)))
    )
    return place.read_bytes() + cpio(_with_folders(_memhp()))


def _with_needs(names: Iterable[str]) -> list[Distribution]:
    """The packages of these names, and all that they need, in the order of their names.

    What is needed on a condition (PEP 508), such as a version of Python, is needed if it is here.
    """
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        need, _, condition = waiting.pop().partition(";")
        name = re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", need.strip())[0]).lower()
        if name in found or "extra ==" in condition:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            if condition:
                continue
            raise LabError(f"{name} is not installed here, so no guest can have it") from None
        waiting += found[name].requires or ()
    return [found[name] for name in sorted(found)]


def _installed(packages: Iterable[Distribution]) -> dict[str, Entry]:
    """The interpreter, the standard library, and these packages, with their libraries."""
    program = Path(os.path.realpath(sys.executable))
    library = Path(sysconfig.get_path("stdlib"))
    below = f"{_HOME}/{sys.platlibdir}/{library.name}"
    files = {f"{below}/{path.relative_to(library)}": path for path in _files_in(library)}
    for package in packages:
        for file in package.files or ():
            if _is_wanted(file):
                files[f"{_SITE}/{file}"] = Path(str(package.locate_file(file)))
    entries = _read(files)
    entries[f"{_HOME}/bin/python3"] = Entry(stat.S_IFREG | 0o755, program.read_bytes())
    here = {os.path.realpath(path) for path in files.values()}
    for path in _libraries([program, *(path for path in files.values() if path.suffix == ".so")]):
        if os.path.realpath(path) not in here:
            entries[path[1:]] = Entry(stat.S_IFREG | 0o755, Path(path).read_bytes())
    return _with_folders(entries)


def _memhp() -> dict[str, Entry]:
    """memhp itself, with what tells its version."""
    root, own = Path(__file__).parents[2], distribution("memhp")
    about = (own.read_text("METADATA") or "").encode()
    told = {f"{_SITE}/memhp-{own.version}.dist-info/METADATA": Entry(stat.S_IFREG | 0o644, about)}
    return told | _read(
        {f"{_SITE}/memhp/{path.relative_to(root)}": path for path in _files_in(root)}
    )


def _files_in(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        within = Path(parent).relative_to(folder)
        folders[:] = [name for name in folders if _is_wanted(within / name / "a.py")]
        yield from (Path(parent, name) for name in names if _is_wanted(within / name))


def _is_wanted(path: PurePath) -> bool:
    name = path.as_posix()
    wanted = name.endswith(_SUFFIXES) or ".so." in name
    return wanted and not name.startswith("..") and not _LEFT_OUT.search(name)


def _read(files: Mapping[str, Path]) -> dict[str, Entry]:
    """The files; modules are compiled here, for a guest takes ten times as long."""
    entries = {}
    for name, path in files.items():
        content = path.read_bytes()
        entries[name] = Entry(stat.S_IFREG | 0o755, content)
        if name.endswith(".py"):
            compiled = importlib.util.cache_from_source(f"/{name}", optimization="")[1:]
            entries[compiled] = Entry(stat.S_IFREG | 0o644, _compiled(content, f"/{name}"))
    return entries


def _compiled(source: bytes, name: str) -> bytes:
    """A compiled module that is taken unchecked (PEP 552)."""
    code = marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=0))
    flags = (0b01).to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + code


def _libraries(files: list[Path]) -> list[str]:
    """The paths of the libraries that these are linked with."""
    ldd = tool("ldd", "libc-bin")
    found: dict[str, None] = {}
    for at in range(0, len(files), _MOST_COMMAND):
        told = run(ldd, *map(str, files[at : at + _MOST_COMMAND])).stdout
        found.update(dict.fromkeys(re.findall(r"(/\S+) \(0x", told)))
    return list(found)


def _with_folders(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries after the folders that they are in."""
    folders: dict[str, Entry] = {}
    for name in entries:
        folders |= folders_of(name)
    return folders | dict(entries)
