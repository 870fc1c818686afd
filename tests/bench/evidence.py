"""How fast page structures are read: a machine of 24 GiB, made up in the layout of a real one."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from machines import cores
from memhp.machines.reading.evidence import evidence_in
from memhp.machines.reading.kernel_core import Core
from memhp.machines.reading.page_structs import PageStructs
from memhp.machines.reading.pageflags import KPF_ANON, KPF_BUDDY, KPF_LRU

__all__ = ["evidence"]

BLOCKS = 184
"""Of 128 MiB: six million frames."""


def evidence(blocks: int = BLOCKS) -> list[tuple[str, str]]:
    """What it takes to look into so many blocks, half of whose frames are free."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        frames = _written(place, blocks)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, worked = perf_counter(), process_time()
        with Core(place / "core") as core:
            found = evidence_in(
                range(blocks),
                PageStructs(core),
                block_size=1 << cores.SECTION_BITS,
                flags=place / "flags",
                counts=place / "counts",
            )
        seconds, work = perf_counter() - began, process_time() - worked
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if sum(each.kinds.total() for each in found.values()) != frames:
        raise AssertionError("frames were lost")
    return [
        (
            f"evidence of {frames:,} page structures",
            f"{seconds:.2f} s, {work:.2f} s of a processor",
        ),
        ("memory beyond what was used before", f"{more >> 10} MiB"),
    ]


def _written(place: Path, blocks: int) -> int:
    """Write the three files of the machine, a section at a time; returns how many frames it has."""
    made = cores.pages()
    cores.put(made, slice(0, None, 2))
    words = cores.words_of({})
    words[::2] = 1 << KPF_LRU | 1 << KPF_ANON
    words[1::2] = 1 << KPF_BUDDY
    core = cores.CoreFile(made)
    size = made.nbytes
    head = core.segments()[0]
    in_root = cores.PAGE // 32
    roots = np.zeros(cores.ROOTS, np.uint64)
    for root in range(-(-blocks // in_root)):
        roots[root] = cores.DIRECT + roots.nbytes + cores.PAGE * root
    entries = b"".join(cores.entry_of(section) for section in range(blocks))
    head.content = roots.tobytes() + entries.ljust(-(-blocks // in_root) * cores.PAGE, b"\0")
    whole = cores.Segment(cores.VMEMMAP, 1 << 40, b"")
    text = cores.elf([head, whole], core.text(), sizes=[len(head.content), size * blocks])
    with open(place / "core", "wb") as file:
        file.write(text)
        for _ in range(blocks):
            file.write(made.tobytes())
    for name, content in (("flags", words), ("counts", np.zeros(cores.FRAMES, np.uint64))):
        with open(place / name, "wb") as file:
            for _ in range(blocks):
                file.write(content.tobytes())
    os.sync()
    return blocks * cores.FRAMES


if __name__ == "__main__":
    for what, result in evidence():
        print(f"{what:50}{result}")
