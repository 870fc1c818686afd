"""A crash dump as a reading of a machine: its sections, and what held them when it was written.

A dump has no sysfs: the size of a memory block, its zone and its node are not in it.  So each
section is told for itself, online or not as its entry in `mem_section` says.
"""

from __future__ import annotations

import re
from pathlib import Path

from .compressed_dump import CompressedDump
from .dump_kinds import COMPRESSED, FLATTENED, beginning
from .dump_words import DumpWords
from .errors import MachineError, shown
from .evidence import evidence_of
from .kernel_core import Core
from .page_structs import PageStructs
from .sysfs import BlockReading, MachineReading

__all__ = ["read_dump"]


def read_dump(path: str | Path, *, note_at: tuple[int, int] | None = None) -> MachineReading:
    """The reading of the machine that a crash dump is of.

    Args:
        path: `/proc/vmcore` copied (ELF) or by makedumpfile (kdump-compressed), or what a
            hypervisor dumped of a guest.
        note_at: see `Core`.

    Raises:
        MachineError: it is no dump, is damaged, or its note does not tell where page structures
            are.
    """
    with _opened(path, note_at) as core:
        structs = PageStructs(core)
        frames = structs.frames_of_section
        if frames is None:
            raise MachineError(f"{core.where}: VMCOREINFO tells of no sections")
        states = _states(core, structs, frames)
        online = [section for section, (is_online, _) in states.items() if is_online]
        size = 1 << structs.section_bits
        evidence = evidence_of(online, structs, DumpWords.of(structs), block_size=size)
    return MachineReading(
        source=str(path),
        live=False,
        page_size=core.info.page_size,
        block_size=size,
        block_size_derived=True,
        blocks=tuple(
            BlockReading(section, "online" if is_online else "offline")
            for section, (is_online, _) in sorted(states.items())
        ),
        nodes=(),
        iomem=None,
        zones=None,
        frames={block: each.kinds for block, each in evidence.items()},
        notes=(
            "a crash dump does not tell the size of a memory block, nor zones and nodes: each"
            " section is told for itself",
        ),
        kernel=_version(core.info.release),
        evidence=evidence,
    )


def _states(
    core: Core | CompressedDump, structs: PageStructs, frames: int
) -> dict[int, tuple[bool, bool]]:
    """Of each section whether it is online, and was there at boot."""
    states = {
        section: state
        for section in core.sections(structs.section_bits)
        if (state := structs.section_of(section * frames)) is not None
    }
    if not states:
        raise MachineError(
            f"{core.where}: tells of no section of memory: the way to the kernel's list of them"
            f" is damaged, not in it, or not read for {shown(core.architecture or 'unknown')}"
        )
    return states


def _opened(path: str | Path, note_at: tuple[int, int] | None) -> Core | CompressedDump:
    begin = beginning(path)
    if begin.startswith(FLATTENED):
        raise MachineError(
            f"{path}: a flattened dump, as makedumpfile -F writes it to a pipe; make a file of it:"
            f" makedumpfile -R DUMPFILE < {path}"
        )
    return (CompressedDump if begin.startswith(COMPRESSED) else Core)(path, note_at=note_at)


def _version(release: str | None) -> tuple[int, int] | None:
    match = re.match(r"([0-9]{1,4})\.([0-9]{1,4})", release or "")
    return None if match is None else (int(match[1]), int(match[2]))
