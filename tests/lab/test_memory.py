"""What a guest's memory tells from outside is what its processes hold: who does is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from memhp.lab.guest.guest import Guest, HoldKind
from memhp.lab.guest.machine import MIB, GuestMachine, Node
from memhp.lab.guest.memory import memory_of
from memhp.lab.guest.snapshot import tallied
from memhp.lab.kernels.kernel import Kernel
from memhp.lab.tools.errors import whole_number
from memhp.machines.reading.crash_dump import read_dump
from memhp.machines.reading.pageflags import KPF_SLAB, FrameKind

from ..machines.dumps import whole

pytestmark = pytest.mark.kernel

HELD: tuple[tuple[HoldKind, int], ...] = (("anon", 100), ("spliced", 20), ("pinned", 2))
"""In MiB. Of the spliced pages 16 are in a pipe."""


def test_held_and_pinned_pages_are_told_from_outside(kernel: Kernel) -> None:
    with Guest.boot(kernel, GuestMachine(nodes=(Node(512 * MIB, 1),))) as guest:
        guest.write("/sys/kernel/mm/transparent_hugepage/enabled", "never")
        guest.write("/proc/sys/vm/nr_hugepages", "4")
        for kind, mib in HELD:
            assert guest.hold(kind, mib * MIB)[0] == 0
        guest.write("/proc/sys/vm/compact_memory", "1")  # empties the lists of the CPUs
        slabs = sum(
            count
            for word, count in tallied(guest, "/proc/kpageflags", 0, 512 * MIB >> 12).items()
            if word >> KPF_SLAB & 1
        )
        reading = memory_of(guest)
    kinds: Counter[FrameKind] = Counter()
    for counts in (reading.frames or {}).values():
        kinds.update(counts)
    assert reading.page_size == 4096
    assert kinds.total() == 512 * MIB >> 12
    assert kinds[FrameKind.pinned] == 2 * MIB >> 12
    assert 16 <= kinds[FrameKind.held] < 64
    assert kinds[FrameKind.spare] == 4 * 512
    assert kinds[FrameKind.movable] > 120 * MIB >> 12
    assert kinds[FrameKind.kernel] > slabs * 0.9
    assert reading.kernel is not None
    assert reading.kernel >= (5, 10)


def test_a_dump_that_qemu_compresses_tells_what_its_elf_file_tells(
    kernel: Kernel, tmp_path: Path
) -> None:
    elf, packed = tmp_path / "elf", tmp_path / "packed"
    with Guest.boot(kernel, GuestMachine(nodes=(Node(512 * MIB, 1),))) as guest:
        assert guest.hold("pinned", 2 * MIB)[0] == 0
        place, size = (
            whole_number(word, 16) for word in guest.read("/sys/kernel/vmcoreinfo").split()
        )
        guest.qmp("stop")
        guest.qmp("dump-guest-memory", paging=False, protocol=f"file:{elf}")
        guest.qmp("dump-guest-memory", paging=False, protocol=f"file:{packed}", format="kdump-zlib")
    packed.write_bytes(whole(packed.read_bytes()))
    told = read_dump(packed, note_at=(place, size))
    assert told.frames is not None
    assert sum(kinds[FrameKind.pinned] for kinds in told.frames.values()) == 2 * MIB >> 12
    assert replace(told, source="") == replace(read_dump(elf, note_at=(place, size)), source="")
