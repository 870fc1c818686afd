"""Which kernel modules a module needs, told by the modules themselves.

A Debian package has no `modules.dep` (depmod writes it when the package is installed), but
every module names in its section `.modinfo` those that it depends on, one level deep.
"""

from __future__ import annotations

import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from memhp.checks.support.files import read_whole

from ..tools.errors import LabError

__all__ = ["content", "depends", "load_order", "load_order_in"]

_LARGEST = 32 << 20
"""Bytes of a module, packed or not, and of a list of those built in; real ones have a few MiB."""
_MOST_BYTES = 64 << 20
"""Of all modules that a guest starts with."""
_MOST_FILES = 200_000
"""That a folder of modules holds; a distribution's have some thousand."""
_SHOWN = 60
"""Characters of a module's name that a message has."""
_NAMES_BYTES = 1 << 16
"""Of the names of the modules that one needs."""
_XZ_MEMORY = 128 << 20
"""For unpacking; the kernel's own build asks for a dictionary of 2 MiB."""


def _xz(packed: bytes) -> bytes:
    unpacker = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
    return _whole(unpacker.decompress(packed, _LARGEST + 1), unpacker.eof)


def _gzip(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    return _whole(unpacker.decompress(packed, _LARGEST + 1), unpacker.eof)


def _whole(unpacked: bytes, ended: bool) -> bytes:
    if not ended:
        raise ValueError("it is cut off, or larger than a module is")
    return unpacked


_UNPACK: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType(
    {".ko": bytes, ".xz": _xz, ".gz": _gzip}
)


def content(path: Path) -> bytes:
    """The bytes of a module, unpacked if it is compressed.

    Raises:
        LabError: it cannot be read, is damaged, or is compressed in another way than xz or gzip.
    """
    if path.suffix not in _UNPACK:
        raise LabError(f"{path} is compressed in a way that is not known here: unpack it first")
    try:
        return _UNPACK[path.suffix](read_whole(path, _LARGEST, regular=True))
    except OSError as error:
        raise LabError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, lzma.LZMAError, zlib.error) as error:
        raise LabError(f"{path} is no module that can be unpacked: {error}") from None


def depends(module: bytes) -> tuple[str, ...]:
    """The names of the modules that a module needs, one level deep, with underscores.

    Raises:
        LabError: it names more than there can be.

    >>> depends(b"license=GPL\\0depends=virtio,virtio_ring\\0retpoline=Y\\0")
    ('virtio', 'virtio_ring')
    """
    match = re.search(rb"(?:^|\0)depends=([^\0]*)\0", module)
    if match and len(match[1]) > _NAMES_BYTES:
        raise LabError("a module names more that it needs than there are")
    names = match[1].decode("ascii", "backslashreplace") if match else ""
    return tuple(name.replace("-", "_") for name in names.split(",") if name)


def load_order(
    wanted: tuple[str, ...], read: Callable[[str], bytes | None], builtin: frozenset[str]
) -> list[tuple[str, bytes]]:
    """The names and contents of the modules to load, each after those that it needs.

    Args:
        wanted: their names, with underscores.
        read: gives a module's content; None if there is no such module.
        builtin: the names that the kernel has built in.

    Raises:
        LabError: a module is neither there nor built in, needs itself, or all are too large.
    """
    order: dict[str, bytes] = {}
    open_ones: dict[str, tuple[bytes, Iterator[str]]] = {}
    left = _MOST_BYTES

    def begin(name: str) -> None:
        nonlocal left
        if name in order or name in builtin:
            return
        if name in open_ones:
            raise LabError(f"the module {name[:_SHOWN]} needs another that needs it")
        data = read(name)
        if data is None:
            by = f", which {next(reversed(open_ones))} needs," if open_ones else ""
            raise LabError(f"the module {name[:_SHOWN]}{by} is not among this kernel's modules")
        left -= len(data)
        if left < 0:
            raise LabError(f"the modules for {', '.join(wanted)} have over {_MOST_BYTES} bytes")
        open_ones[name] = (data, iter(depends(data)))

    for name in wanted:
        begin(name)
        while open_ones:
            last, (data, needed) = next(reversed(open_ones.items()))
            if (other := next(needed, None)) is not None:
                begin(other)
            else:
                del open_ones[last]
                order[last] = data
    return list(order.items())


def load_order_in(folder: Path | None, wanted: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """The modules of a folder to load, as `load_order` gives them.

    Args:
        folder: such as ``/lib/modules/VERSION``; None: all is built in.
        wanted: the names, with underscores.

    Raises:
        LabError: as `load_order`, or the folder is none of modules.
    """
    if folder is None or not wanted:
        return []
    files = {}
    for path in _files(folder):
        name, dot, _ = path.name.partition(".ko")
        if dot:
            files[name.replace("-", "_")] = path
    return load_order(
        wanted, lambda name: content(files[name]) if name in files else None, _builtin(folder)
    )


def _files(folder: Path) -> Iterator[Path]:
    """All files below the folder.

    Raises:
        LabError: these are too many for modules.
    """
    count = 0
    for parent, _, names in os.walk(folder):
        count += len(names)
        if count > _MOST_FILES:
            raise LabError(f"{folder} is no folder of modules: it has over {_MOST_FILES} files")
        yield from (Path(parent, name) for name in names)


def _builtin(folder: Path) -> frozenset[str]:
    """The modules that the folder says are built in; none, if it has no such list."""
    path = folder / "modules.builtin"
    if not path.is_file():
        return frozenset()
    try:
        text = read_whole(path, _LARGEST, regular=True).decode("ascii", "backslashreplace")
    except OSError as error:
        raise LabError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise LabError(f"{path}: {error}") from None
    return frozenset(Path(line).stem.replace("-", "_") for line in text.splitlines())
