"""Kernel images: of which architecture one is, told by its first bytes.

Sources: Documentation/arch/x86/boot.rst (the magic ``HdrS``), Documentation/arch/arm64/booting.rst
(``ARM\\x64``), arch/s390/boot/head.S (``S390EP``), elf(5).
"""

from __future__ import annotations

from pathlib import Path

from ..tools.errors import LabError

__all__ = ["architecture_of"]

_MAGIC = ((0x202, b"HdrS", "x86_64"), (0x38, b"ARM\x64", "aarch64"), (0x10008, b"S390EP", "s390x"))
"""Where an image of each architecture has which bytes."""
_ELF64_LITTLE, _EM_PPC64 = b"\x7fELF\x02\x01", b"\x15\x00"


def architecture_of(image: Path) -> str:
    """The architecture that a kernel image is of, as `uname -m` says it.

    Raises:
        LabError: it cannot be read, or is none that QEMU boots; the message says what is.
    """
    try:
        with image.open("rb") as file:
            head = file.read(0x10010)
    except OSError as error:
        raise LabError(f"cannot read {image}: {error.strerror}") from None
    for place, magic, arch in _MAGIC:
        if head[place : place + len(magic)] == magic:
            return arch
    if head.startswith(_ELF64_LITTLE) and head[18:20] == _EM_PPC64:
        return "ppc64le"
    raise LabError(
        f"{image} is no kernel image that a guest boots: bzImage of x86_64 or s390x, Image of"
        " arm64 (not compressed), vmlinux of ppc64le"
    )
