"""How makedumpfile packs a page, and how it is unpacked: never beyond the size of a page.

zlib is the standard library's; for the others libraries are installed with
``pip install 'memhp[dumps]'``, and asked for when a page is packed so.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from .errors import MachineError

__all__ = ["unpacked"]


def unpacked(method: int, packed: bytes, size: int, where: str) -> bytes:
    """The page.

    Args:
        method: the bit of `struct page_desc` that says how it is packed; 0: it is not.
        packed: its bytes in the file.
        size: the bytes of a page.
        where: the file, for errors.

    Raises:
        MachineError: it is damaged, or packed as nothing that is installed can unpack.

    Source: makedumpfile, diskdump_mod.h, DUMP_DH_COMPRESSED_*.
    """
    if method not in _METHODS:
        raise MachineError(f"{where}: a page is packed in a way that is not known ({method:#x})")
    name, unpack = _METHODS[method]
    try:
        page = unpack(packed, size)
    except ImportError:
        raise MachineError(
            f"{where}: its pages are packed with {name}: pip install 'memhp[dumps]' brings what"
            " unpacks them, or makedumpfile -c packs them with zlib"
        ) from None
    except Exception:  # each library has its own; none says more than this
        page = b""
    if len(page) != size:
        raise MachineError(f"{where}: a page that is packed with {name} is damaged")
    return page


def _zlib(packed: bytes, size: int) -> bytes:
    return zlib.decompressobj().decompress(packed, size)


def _lzo(packed: bytes, size: int) -> bytes:
    from lzallright import LZOCompressor

    # What a page can be packed into is at most a page, which comes to some MiB at worst.
    return bytes(LZOCompressor.decompress(packed, size))


def _snappy(packed: bytes, size: int) -> bytes:
    import cramjam

    page = bytearray(size)
    return bytes(page[: cramjam.snappy.decompress_raw_into(packed, page)])


def _zstd(packed: bytes, size: int) -> bytes:
    import cramjam

    page = bytearray(size)
    return bytes(page[: cramjam.zstd.decompress_into(packed, page)])


_METHODS: Mapping[int, tuple[str, Callable[[bytes, int], bytes]]] = MappingProxyType(
    {
        0: ("nothing", lambda packed, size: packed),
        0x1: ("zlib", _zlib),
        0x2: ("LZO", _lzo),
        0x4: ("snappy", _snappy),
        0x20: ("zstd", _zstd),
    }
)
