"""Thousands of damaged cores and logs are refused in a line, or read, in little memory."""

from __future__ import annotations

import os
import resource
import struct
from random import Random

import numpy as np

from memhp.machines.judging.explanations import explained
from memhp.machines.reading.crash_dump import read_dump
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.kernel_log import LogEvent, events_in

from .. import cores

FRAMES = 256
INPUTS = 2_400
MOST_KIB = 96 << 10
ODD = [
    0,
    1,
    2,
    7,
    255,
    1 << 16,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 40,
    (1 << 63),
    (1 << 64) - 1,
]
WORDS = ["", "0", "-1", "0x", "x", "9" * 25, "-" + "9" * 19, "ffffffffffffffff", "1" * 400, "\x00"]


def sound() -> bytes:
    """A core of two small sections, as a crash dump."""
    made = np.zeros(2 * FRAMES, cores.LAYOUT)
    made["mapcount"] = cores.BUDDY
    cores.put(made, 3, refcount=4)
    cores.large(made, 64, 32)
    core = cores.CoreFile(made, frames=FRAMES)
    core.note["NUMBER(SECTION_SIZE_BITS)"] = 20
    core.note["NUMBER(phys_base)"] = 0
    core.note["LENGTH(mem_section)"] = cores.ROOTS
    memory = [cores.Segment(0, at << 20, bytes(16)) for at in (0, 1)]
    return cores.elf([*core.segments(), *memory], core.text())


def damaged(content: bytes, random: Random) -> bytes:
    """The core with its headers, its note, its memory or its end made wrong."""
    data = bytearray(content)
    how = random.randrange(6)
    headers = 64 + 56 * 5
    if how == 0:
        for _ in range(random.choice((1, 2, 8))):
            data[random.randrange(headers)] = random.randrange(256)
    elif how == 1:
        at = 8 * random.randrange(headers // 8)
        struct.pack_into("<Q", data, at, random.choice(ODD))
    elif how == 2:
        note = data.index(b"OSRELEASE")
        end = data.index(b"\n\0", note) if b"\n\0" in data[note:] else note + 1500
        lines = data[note:end].decode("ascii", "replace").split("\n")
        at = random.randrange(len(lines))
        key = lines[at].partition("=")[0]
        lines[at] = random.choice((f"{key}={random.choice(WORDS)}", key, "", f"{lines[at]}\n" * 9))
        text = "\n".join(lines).encode()[: end - note].ljust(end - note, b"\n")
        data[note:end] = text
    elif how == 3:
        del data[random.randrange(len(data)) :]
    elif how == 4:
        at = random.randrange(headers, len(data) - 8) & ~7
        struct.pack_into("<Q", data, at, random.choice(ODD))
    else:
        at = random.randrange(headers, len(data) - 4096)
        data[at : at + random.choice((1, 64, 4096))] = random.randbytes(64)
    return bytes(data)


def test_damaged_cores_are_read_or_refused() -> None:
    random, content, file = Random(21), sound(), os.memfd_create("core")
    assert outcome(file, content) is None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = [outcome(file, damaged(content, random)) for _ in range(INPUTS)]
    os.close(file)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < MOST_KIB
    refusals = [each for each in told if each is not None]
    assert INPUTS // 10 < len(refusals) < INPUTS - INPUTS // 10
    assert not [each for each in refusals if "\n" in each]


def outcome(file: int, content: bytes) -> str | None:
    """What a core is refused with; None if it is read."""
    os.ftruncate(file, 0)
    os.pwrite(file, content, 0)
    try:
        read_dump(f"/proc/self/fd/{file}")
    except MachineError as error:
        return str(error)
    return None


LOG = """[ 100.0] page: refcount:3 mapcount:1 mapping:0000000000000000 index:0x7f3 pfn:0x13ff00
[ 100.0] head: order:9 mapcount:1 entire_mapcount:1 nr_pages_mapped:0 pincount:2
[ 100.0] flags: 0x17ffffc0000a08(uptodate|dirty|swapbacked|node=0|zone=2) CMA
[ 100.0] page_type: f4(hugetlb)
[ 100.0] page dumped because: migration failure
[ 100.0] memory offlining [mem 0x138000000-0x13fffffff] failed due to signal backoff
[ 100.0] migrating pfn 13ff00 failed ret:1
[ 100.0] Block size [0x80000000] unaligned hotplug range: start 0x1040000000, size 0x80000000
 sh-93 [001] 7.1: test_pages_isolated: start_pfn=0x38000 end_pfn=0x40000 fin_pfn=0x3a000 ret=fail
"""


def test_damaged_logs_are_explained_as_far_as_they_go() -> None:
    random = Random(22)
    told = 0
    for _ in range(INPUTS):
        data = bytearray(LOG.encode())
        for _ in range(random.choice((1, 3, 20))):
            at = random.randrange(len(data))
            data[at : at + random.randrange(4)] = random.choice(WORDS).encode()
        lines = data.decode("utf-8", "replace").splitlines()
        random.shuffle(lines)
        events = [each for each in events_in(lines) if isinstance(each, LogEvent)]
        told += len(list(explained(events)))
    assert told > INPUTS
