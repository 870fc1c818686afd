"""The files of a guest, as the readers of machines take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from memhp.machines.reading.cma import CMA_DIR
from memhp.machines.reading.device_tree import DEVICE_TREE
from memhp.machines.reading.places import CONFIG_DIR, PARAMETERS_DIR
from memhp.machines.reading.record import FOLDERS, PROC

from .guest import Guest

__all__ = ["Files", "files_in"]


def files_in(guest: Guest) -> Files:
    """The files of the guest that a record takes, and their neighbours, read when asked for."""
    wanted = (*FOLDERS, CMA_DIR, DEVICE_TREE, CONFIG_DIR, PARAMETERS_DIR)
    folders = " ".join(f"/{folder}" for folder in wanted)

    def paths(kind: str) -> list[str]:
        # Without NUMA there is none of nodes, and so on; a device tree is deep.
        reply = guest.shell(f"find {folders} -maxdepth {_DEPTH} {kind} 2>/dev/null")
        return [path.lstrip("/") for path in reply.out.splitlines()]

    return Files(_Contents(guest, (*PROC, *paths("-type f"))), paths("-type l"))


_DEPTH = 4
"""No file that is taken lies deeper: node0/hugepages/hugepages-2048kB/nr_hugepages."""


class _Contents(Mapping[str, bytes]):
    """What files of a guest hold; one that can only be written, or is gone, is not there."""

    def __init__(self, guest: Guest, paths: Iterable[str]) -> None:
        self._guest, self._paths = guest, dict.fromkeys(paths)

    def __getitem__(self, path: str) -> bytes:
        if path in self._paths:
            answer = self._guest.agent("read", f"/{path}")
            if answer.code == 0:
                return answer.data
        raise KeyError(path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


class Files:
    """A `Tree` of a few files; links are names alone.

    >>> Files({"sys/a/b": b"1"}, ["sys/a/link"]).listdir("sys/a")
    ('b', 'link')
    """

    live = False

    def __init__(self, contents: Mapping[str, bytes], links: Iterable[str] = ()) -> None:
        self.source = "a guest"
        self._contents = contents
        self._links = frozenset(links)
        self._names: dict[str, set[str]] = {}
        for path in (*contents, *self._links):
            while path:
                path, _, name = path.rpartition("/")
                self._names.setdefault(path, set()).add(name)

    def read_bytes(self, path: str) -> bytes | None:
        """See `Tree.read_bytes`."""
        return self._contents.get(path)

    def read_text(self, path: str) -> str | None:
        """See `Tree.read_text`."""
        content = self.read_bytes(path)
        return None if content is None else content.decode(errors="replace")

    def listdir(self, path: str) -> tuple[str, ...]:
        """See `Tree.listdir`."""
        return tuple(sorted(self._names.get(path, ())))

    def exists(self, path: str) -> bool:
        """See `Tree.exists`."""
        folder, _, name = path.rpartition("/")
        return name in self._names.get(folder, ())

    def readlink(self, path: str) -> str | None:
        """See `Tree.readlink`."""
        return "" if path in self._links else None

    def read_at(self, path: str, offset: int, size: int) -> bytes | None:
        """See `Tree.read_at`."""
        content = self.read_bytes(path)
        return None if content is None else content[offset : offset + size]

    def size_of(self, path: str) -> int | None:
        """See `Tree.size_of`; a guest is not asked for a file only to know its size."""
        content = self.read_bytes(path) if self.exists(path) else None
        return None if content is None else len(content)
