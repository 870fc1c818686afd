"""This machine's evidence: what `/proc/kcore` tells of its blocks, as far as it may be read.

Reading changes nothing.  But pages on the lists on which a CPU gathers what it will put on the LRU
look held, for the list refers to them; the kernel empties these lists before a removal, and it is
asked to do so before the look (migrate_pages(2) from a node to the same moves nothing, and begins
with lru_cache_disable: mm/mempolicy.c).
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from .block_evidence import refined
from .errors import MachineError
from .evidence import evidence_in
from .kernel_core import KCORE, Core
from .page_structs import PageStructs
from .sysfs import MachineReading

__all__ = ["with_evidence"]

_MIGRATE_PAGES: Mapping[str, int] = MappingProxyType(
    {"x86_64": 256, "aarch64": 238, "riscv64": 238, "ppc64le": 258, "ppc64": 258, "s390x": 287}
)
"""The number of the system call (arch/*/include/…/unistd)."""

_MOST_NODES = 1024

_SETTLES = 0.1
"""Seconds between two looks at a frame that may just be in somebody's hands."""


def with_evidence(reading: MachineReading, core: str = KCORE) -> MachineReading:
    """The same reading of this machine, with evidence; with a note that says why, if without.

    Args:
        reading: of this machine, page flags read.
        core: the path of the kernel's memory.
    """
    size, page = reading.block_size, reading.page_size
    if not reading.live or reading.frames is None or size is None or page is None:
        return reading
    try:
        with Core.open(core) as opened:
            structs = PageStructs(opened)
            drain_lists()
            evidence = evidence_in(reading.frames, structs, block_size=size, again=_settle)
    except MachineError as error:
        return replace(reading, notes=(*reading.notes, f"page structures cannot be read: {error}"))
    return replace(reading, frames=refined(reading.frames, evidence), evidence=evidence)


def _settle() -> None:
    """Wait for what is in somebody's hands for a moment, and empty the lists once more."""
    time.sleep(_SETTLES)
    drain_lists()


def drain_lists() -> bool:
    """Have the kernel empty the lists of its CPUs; whether it did."""
    number = _MIGRATE_PAGES.get(os.uname().machine)
    if number is None:
        return False
    mask = (ctypes.c_ulong * (_MOST_NODES // (8 * ctypes.sizeof(ctypes.c_ulong))))(1)
    call = ctypes.CDLL(None, use_errno=True).syscall
    return bool(call(number, 0, ctypes.c_ulong(_MOST_NODES + 1), mask, mask) == 0)
