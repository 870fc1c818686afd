"""A kernel's memory, however a file has it, and the file itself, read in bounds.

`/proc/kcore` and ELF dumps are `kernel_core`, dumps of makedumpfile are `compressed_dump`.  Page
tables and page structures are read the same of each.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from .errors import MachineError, NotPermitted, shown
from .vmcoreinfo import Vmcoreinfo

__all__ = ["KernelMemory", "MemoryFile"]


class KernelMemory(Protocol):
    """What is asked of a kernel's memory.

    Attributes:
        where: the path of its file.
        architecture: as ``uname -m`` names it; None if it is none that is known.
        order: how its bytes lie: "<" or ">".
        info: its note.
    """

    where: str
    architecture: str | None
    order: str
    info: Vmcoreinfo

    def virtual(self, address: int, size: int) -> bytes | None:
        """So many bytes from a virtual address on; None if the file does not name all of them.

        Raises:
            MachineError: reading fails.
        """

    def patchwork(self, address: int, size: int) -> bytes | None:
        """The same as `virtual`, zeros where the file has none; None if it has none at all.

        Raises:
            MachineError: reading fails.
        """

    def physical(self, address: int, size: int) -> bytes | None:
        """So many bytes from a physical address on; None if the file does not have all of them.

        Raises:
            MachineError: reading fails.
        """

    def sections(self, bits: int) -> list[int]:
        """The numbers of the pieces of physical memory of which the file has any, ascending.

        Args:
            bits: the power of two of bytes that a piece has.

        Raises:
            MachineError: it tells of more than any machine has.
        """


class MemoryFile:
    """An open file, of which parts are read. Used as a context manager.

    Args:
        path: the file.

    Attributes:
        where: its path.
        end: its bytes, if it is on a disk; None of kcore, whose size means nothing.

    Raises:
        NotPermitted: it is root's, or the kernel is locked down.
        MachineError: there is no such file.
    """

    def __init__(self, path: str | Path) -> None:
        self.where = str(path)
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except PermissionError:
            raise NotPermitted(
                f"{shown(self.where, 200)}: permission denied; {_why_not()}"
            ) from None
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or error
            raise MachineError(f"{shown(self.where, 200)}: cannot be opened ({problem})") from None
        status = os.fstat(self._handle)
        self.end = status.st_size if status.st_blocks else None

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def exactly(self, place: int, size: int, what: str) -> bytes:
        """So many bytes from a place on.

        Raises:
            MachineError: they are not all there, or reading fails.
        """
        content = self.read(place, size)
        if content is None:
            raise MachineError(f"{self.where}: ends before {what} does")
        return content

    def read(self, place: int, size: int) -> bytes | None:
        """So many bytes from a place on; None if they are not all there.

        Raises:
            MachineError: reading fails.
        """
        pieces: list[bytes] = []
        try:
            while size and (piece := os.pread(self._handle, size, place)):
                pieces.append(piece)
                place += len(piece)
                size -= len(piece)
        except OSError as error:
            if error.errno in (errno.EFAULT, errno.EIO, errno.ENXIO):
                return None  # kcore: nothing is mapped there
            raise MachineError(f"{self.where}: cannot be read ({error.strerror})") from None
        except OverflowError:  # no file is so large
            return None
        return None if size else pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _why_not() -> str:
    """Why the kernel does not let its memory be read."""
    try:
        lockdown = Path("/sys/kernel/security/lockdown").read_text()
    except OSError:
        lockdown = ""
    if os.geteuid() == 0 and "[none]" not in lockdown and "[" in lockdown:
        return "the kernel is locked down (confidentiality), so nobody may read its memory"
    return "only root may read the kernel's memory (CAP_SYS_RAWIO)"
