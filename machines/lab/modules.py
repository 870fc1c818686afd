"""Which kernel modules a module needs, told by the modules themselves.

A Debian package has no `modules.dep` (depmod writes it when the package is installed), but
every module names in its section `.modinfo` those that it depends on, one level deep.
"""

from __future__ import annotations

import gzip
import lzma
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from memhp.machines.lab.errors import LabError

__all__ = ["content", "depends", "load_order", "load_order_in"]


_UNPACK: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {".ko": bytes, ".xz": lzma.decompress, ".gz": gzip.decompress}
)


def content(path: Path) -> bytes:
    """A module, unpacked if it is compressed.

    Raises:
        LabError: it is compressed in another way than xz or gzip.
    """
    if path.suffix not in _UNPACK:
        raise LabError(f"{path} is compressed in a way that is not known here: unpack it first")
    return _UNPACK[path.suffix](path.read_bytes())


def depends(module: bytes) -> tuple[str, ...]:
    """The modules that this one names as needed.

    >>> depends(b"license=GPL\\0depends=virtio,virtio_ring\\0retpoline=Y\\0")
    ('virtio', 'virtio_ring')
    """
    match = re.search(rb"(?:^|\0)depends=([^\0]*)\0", module)
    names = match[1].decode() if match else ""
    return tuple(name.replace("-", "_") for name in names.split(",") if name)


def load_order(
    wanted: tuple[str, ...], read: Callable[[str], bytes | None], builtin: frozenset[str]
) -> list[tuple[str, bytes]]:
    """The modules to load, each after those that it needs.

    Args:
        wanted: their names, with underscores.
        read: gives a module's content; None if there is no such module.
        builtin: the names that the kernel has built in.

    Raises:
        LabError: a module is neither there nor built in.
    """
    order: dict[str, bytes] = {}

    def visit(name: str, needed_by: str) -> None:
        if name in order or name in builtin:
            return
        data = read(name)
        if data is None:
            raise LabError(f"the module {name}{needed_by} is not among this kernel's modules")
        for other in depends(data):
            visit(other, f", which {name} needs,")
        order[name] = data

    for name in wanted:
        visit(name, "")
    return list(order.items())


def load_order_in(folder: Path | None, wanted: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """As `load_order`, of a folder such as ``/lib/modules/VERSION``; None: all is built in."""
    if folder is None or not wanted:
        return []
    files: dict[str, Path] = {}
    for path in folder.rglob("*.ko*"):
        name, _, _ = path.name.partition(".ko")
        files[name.replace("-", "_")] = path
    builtin: frozenset[str] = frozenset()
    listed = folder / "modules.builtin"
    if listed.is_file():
        names = (Path(line).stem for line in listed.read_text().splitlines())
        builtin = frozenset(name.replace("-", "_") for name in names)
    return load_order(wanted, lambda name: content(files[name]) if name in files else None, builtin)
