"""Thousands of damaged cores and logs are refused in a line, or read, in little memory."""

from __future__ import annotations

import os
import resource
from random import Random

from memhp.machines.judging.explanations import explained
from memhp.machines.reading.crash_dump import read_dump
from memhp.machines.reading.errors import MachineError
from memhp.machines.reading.kernel_log import LogEvent, events_in

from .. import cores

INPUTS = 2_400
MOST_KIB = 96 << 10


def test_damaged_cores_are_read_or_refused() -> None:
    random, content, file = Random(21), cores.small_dump(), os.memfd_create("core")
    assert outcome(file, content) is None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = [outcome(file, cores.damaged(content, random)) for _ in range(INPUTS)]
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
            data[at : at + random.randrange(4)] = random.choice(cores.ODD_WORDS).encode()
        lines = data.decode("utf-8", "replace").splitlines()
        random.shuffle(lines)
        events = [each for each in events_in(lines) if isinstance(each, LogEvent)]
        told += len(list(explained(events)))
    assert told > INPUTS
