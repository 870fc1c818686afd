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

from .block_evidence import BlockEvidence, refined
from .errors import MachineError
from .evidence import evidence_in
from .kernel_core import KCORE, Core
from .page_structs import PageStructs
from .pageflags import FrameKind
from .sysfs import MachineReading
from .tree import NODE_DIR

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
        with Core(core) as opened:
            structs = PageStructs(opened)
            drained = drain_lists()
            evidence = evidence_in(reading.frames, structs, block_size=size, again=_settle)
    except MachineError as error:
        return replace(reading, notes=(*reading.notes, f"page structures cannot be read: {error}"))
    notes = reading.notes
    if not drained:
        evidence = {block: _unsure(each) for block, each in evidence.items()}
        notes = (*notes, "whether pages are held is not told: the CPUs' lists cannot be emptied")
    frames = refined(reading.frames, evidence)
    return replace(reading, frames=frames, evidence=evidence, notes=notes)


def _unsure(evidence: BlockEvidence) -> BlockEvidence:
    """The same if what is held may just be on the list of a CPU."""
    kinds = evidence.kinds.copy()
    held = kinds.pop(FrameKind.held, 0)
    kinds[FrameKind.movable] += held
    stuck = tuple(page for page in evidence.stuck if page.kind is not FrameKind.held)
    return replace(evidence, kinds=+kinds, untold=evidence.untold + held, stuck=stuck)


def _settle() -> None:
    """Wait for what is in somebody's hands for a moment, and empty the lists once more."""
    time.sleep(_SETTLES)
    drain_lists()


def drain_lists() -> bool:
    """Have the kernel empty the lists of its CPUs; whether it did."""
    number = _MIGRATE_PAGES.get(os.uname().machine)
    if number is None:
        return False
    bits = 8 * ctypes.sizeof(ctypes.c_ulong)
    mask = (ctypes.c_ulong * (_MOST_NODES // bits))()
    for node in _nodes():
        mask[node // bits] |= 1 << node % bits
    call = ctypes.CDLL(None, use_errno=True).syscall
    return bool(call(number, 0, ctypes.c_ulong(_MOST_NODES + 1), mask, mask) == 0)


def _nodes() -> list[int]:
    """The numbers of this machine's nodes."""
    try:
        names = os.listdir(f"/{NODE_DIR}")
    except OSError:
        return [0]
    numbers = (name.removeprefix("node") for name in names if name.startswith("node"))
    return [int(each) for each in numbers if each.isdecimal() and int(each) < _MOST_NODES]
