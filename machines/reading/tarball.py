"""A tree in a tar: read once from beginning to end, never unpacked to disk.

Only what is read later is kept: the folders of memory blocks and of nodes, those of the device
tree and of CMA's areas, the files directly in `proc/` and in the `memhp/` of a record, and what
support tools print (`memhp.machines.reading.support`), with the names around them.  The rest is
passed over, so a whole support archive can be given as it is.

The input is not trusted.  Sizes are bounded before anything is read, so neither a
compression bomb nor a forged header can fill the memory.  Names and links that
point out of the archive are refused, although nothing here would follow them:
they say that the archive is not a plain dump.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

from .archive import Archive, Kind, Member
from .errors import (
    MAX_FILE_BYTES,
    MachineError,
    NotPermitted,
    path_parts,
    shown,
    text_of,
    too_large,
)
from .places import CONFIG_DIR, PARAMETERS_DIR
from .support import LOGS, REPORTS, SOS
from .unpack import Stream

MAX_UNPACKED_BYTES = 4 * 1024**3
"""How far into an archive this reads, counted after decompression."""

MAX_KEPT_BYTES = 512 * 1024**2
"""How much content is kept; the files of a hundred thousand blocks need a tenth."""

MAX_WORDS = 192 * 1024**2
"""The largest copy of `/proc/kpageflags` that is kept: of 96 GiB with pages of 4 KiB."""

MAX_KEPT_NAMES = 2_200_000
"""How many names are kept: those of a million blocks with a file each."""

MAX_DEPTH = 64
"""How many folders a file may lie in; what lies deeper is passed over."""

_WORDS = "proc/kpageflags"

_FOLDERS = (
    ("sys", "devices", "system", "memory"),
    ("sys", "devices", "system", "node"),
    ("sys", "firmware", "devicetree", "base"),
    ("sys", "kernel", "debug", "cma"),
    tuple(CONFIG_DIR.split("/")),
    tuple(PARAMETERS_DIR.split("/")),
)
"""Folders of which everything is kept."""

_FILES_OF = ("proc", "memhp")
"""Folders of which the files are kept that lie directly in them."""

_LOGS = tuple(tuple(path.split("/")) for path in LOGS)
_FIRST = {"sys", *_FILES_OF, SOS, *REPORTS, *(log[0] for log in _LOGS)}


class _Link(NamedTuple):
    target: str


class _Other(NamedTuple):
    """What is there and is not read; ``large``: a file that is too large."""

    large: bool


_T = TypeVar("_T", str, bytes)
_Node: TypeAlias = "dict[str, _Node] | bytes | _Link | _Other"


class TarTree:
    """The memory-related files of a tar.

    Satisfies `memhp.machines.reading.tree.Tree`; open one with `open_tree`.
    """

    live = False

    def __init__(self, path: str | Path) -> None:
        self.source = str(path)
        self._root: dict[str, _Node] = {}
        self._machines: set[tuple[str, ...]] = set()
        self._reports: set[tuple[str, ...]] = set()
        self._texts: dict[str, str] = {}
        self._contents: dict[bytes, bytes] = {}
        self._kept_bytes = 0
        self._kept_names = 0
        try:
            with open(path, "rb") as raw:
                self._load(Archive(Stream(raw, self.source, MAX_UNPACKED_BYTES), self.source))
        except PermissionError:
            raise NotPermitted(f"{self.source}: permission denied") from None
        except OSError as error:
            raise MachineError(f"{self.source}: cannot be read ({error.strerror})") from None
        self._texts.clear()
        self._contents.clear()
        self._enter_machine()

    def read_bytes(self, path: str) -> bytes | None:
        """See `Tree.read_bytes`."""
        node = self._find(path)
        if isinstance(node, _Other) and node.large:
            raise too_large(f"{path} in {self.source}", MAX_WORDS if path == _WORDS else None)
        return node if isinstance(node, bytes) else None

    def read_text(self, path: str) -> str | None:
        """See `Tree.read_text`."""
        content = self.read_bytes(path)
        return None if content is None else text_of(path, content)

    def read_at(self, path: str, offset: int, size: int) -> bytes | None:
        """See `Tree.read_at`."""
        content = self.read_bytes(path)
        return None if content is None else content[offset : offset + size]

    def size_of(self, path: str) -> int | None:
        """See `Tree.size_of`."""
        content = self.read_bytes(path)
        return None if content is None else len(content)

    def listdir(self, path: str) -> tuple[str, ...]:
        """See `Tree.listdir`."""
        node = self._find(path)
        return tuple(sorted(node)) if isinstance(node, dict) else ()

    def exists(self, path: str) -> bool:
        """See `Tree.exists`."""
        return self._find(path) is not None

    def readlink(self, path: str) -> str | None:
        """See `Tree.readlink`."""
        node = self._find(path)
        return node.target if isinstance(node, _Link) else None

    def _find(self, path: str) -> _Node | None:
        node: _Node | None = self._root
        for part in path_parts(path):
            if not isinstance(node, dict):
                return None
            node = node.get(part)
        return node

    def _load(self, archive: Archive) -> None:
        while (member := archive.next()) is not None:
            if member.name.startswith("/"):
                raise self._hostile(member, "has an absolute name")
            parts = path_parts(member.name) if ".." not in member.name else self._parts(member)
            at = _place(parts)
            if at is not None:
                self._add(archive, member, parts, at)

    def _parts(self, member: Member) -> tuple[str, ...]:
        if ".." in member.name.split("/"):
            raise self._hostile(member, "has '..' in its name")
        return path_parts(member.name)

    def _add(self, archive: Archive, member: Member, parts: tuple[str, ...], at: int) -> None:
        most = MAX_WORDS if "/".join(parts[at:]) == _WORDS else MAX_FILE_BYTES
        node = self._node(archive, member, most if _is_read(parts[at:]) else -1)
        folder = self._root
        for part in parts[:-1]:
            below = folder.get(part)
            if not isinstance(below, dict):
                below = {}
                self._name(folder, part, below)
            folder = below
        if not isinstance(node, dict) or not isinstance(folder.get(parts[-1]), dict):
            self._name(folder, parts[-1], node)
        if parts[at : at + 4] in _FOLDERS[:2]:
            self._machines.add(parts[:at])
        elif _is_report(parts[at:]):
            self._reports.add(parts[:at])

    def _name(self, folder: dict[str, _Node], name: str, node: _Node) -> None:
        if name not in folder:
            self._kept_names += 1
            if self._kept_names > MAX_KEPT_NAMES:
                raise MachineError(
                    f"{self.source}: more than {MAX_KEPT_NAMES} names; pack 'sys/devices/system'"
                    " alone"
                )
        folder[self._shared(name, self._texts)] = node

    def _node(self, archive: Archive, member: Member, most: int) -> _Node:
        """What is kept of a member; of a file nothing if it has more bytes than ``most``."""
        if member.kind is Kind.folder:
            return {}
        if member.kind is Kind.link:
            self._keep(len(member.target))
            return _Link(self._shared(member.target, self._texts))
        if most < 0 or member.kind is Kind.other:
            return _Other(False)
        if member.kind is Kind.sparse:
            raise self._hostile(member, "is a sparse file; pack it without --sparse")
        if member.kind is Kind.hard_link:
            return self._hard_linked(member)
        if member.size > most:
            return _Other(True)
        self._keep(member.size)
        return self._shared(archive.content(member), self._contents)

    def _shared(self, value: _T, earlier: dict[_T, _T]) -> _T:
        """The same value, kept once: names and short contents are alike from block to block."""
        return value if len(value) > 64 else earlier.setdefault(value, value)

    def _keep(self, size: int) -> None:
        self._kept_bytes += size
        if self._kept_bytes > MAX_KEPT_BYTES:
            raise MachineError(
                f"{self.source}: more than {MAX_KEPT_BYTES >> 20} MiB in the files of "
                f"sys/devices/system/ and proc/, so it is not a dump of them"
            )

    def _hard_linked(self, member: Member) -> _Node:
        target = member.target
        if target.startswith("/") or ".." in target.split("/"):
            where = shown(target)
            raise self._hostile(member, f"is a hard link that leaves the archive, to {where}")
        node = self._find(target)
        if node is None or isinstance(node, dict | _Link):
            where = shown(target)
            raise self._hostile(member, f"is a hard link to {where}, which is not before it")
        return node

    def _enter_machine(self) -> None:
        """Make the folder of the archive that holds the machine the root."""
        found = self._machines or self._reports
        depth = min(map(len, found), default=0)
        roots = sorted(root for root in found if len(root) == depth)
        if len(roots) > 1:
            one, other = ("/".join(root) for root in roots[:2])
            raise MachineError(
                f"{self.source}: holds several machines, {shown(one)} and {shown(other)} among "
                f"them; pack one at a time"
            )
        root = self._find("/".join(roots[0])) if roots else self._root
        self._root = root if isinstance(root, dict) else {}
        for place, target in _links(self._root.get("sys"), "sys"):
            end = posixpath.normpath(posixpath.join(posixpath.dirname(place), target))
            if end.split("/")[0] in ("", ".."):
                raise MachineError(
                    f"{self.source}: refused, the link {shown(place)} leaves the tree, to "
                    f"{shown(target)}"
                )

    def _hostile(self, member: Member, problem: str) -> MachineError:
        return MachineError(f"{self.source}: refused, the member {shown(member.name)} {problem}")


def _links(node: _Node | None, place: str) -> Iterator[tuple[str, str]]:
    """Every link in and below a node, by its place."""
    if isinstance(node, _Link):
        yield place, node.target
    elif isinstance(node, dict):
        for name, below in node.items():
            yield from _links(below, f"{place}/{name}")


def _place(parts: tuple[str, ...]) -> int | None:
    """Where in a path that is kept the machine's own part begins; None for all others."""
    if len(parts) > MAX_DEPTH or _FIRST.isdisjoint(parts):
        return None
    for at, part in enumerate(parts):
        if part == "sys" and _is_around(parts[at:]):
            return at
        if part in _FILES_OF and at >= len(parts) - 2:
            return at
        if _is_report(parts[at:]) or parts[at:] in _LOGS:
            return at
    return None


def _is_report(below: tuple[str, ...]) -> bool:
    """Whether a path names what a support tool printed, and is read."""
    if below[0] == SOS:
        return len(below) == 3 and below[2].startswith(("lsmem", "uname_-a"))
    return len(below) == 1 and below[0] in REPORTS


def _is_around(below: tuple[str, ...]) -> bool:
    """Whether a path leads to one of the folders, or lies in it."""
    return any(all(map(str.__eq__, below, folder)) for folder in _FOLDERS)


def _is_read(below: tuple[str, ...]) -> bool:
    """Whether a file's content can matter."""
    return below[0] != "sys" or len(below) > len(_FOLDERS[0])
