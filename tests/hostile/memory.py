"""The memory of kernels, and what their logs say of it: cores, dumps, lines of dmesg."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random

from ..machines import cores, dumps
from . import mutate
from .bounded import Case
from .cases import Reader, command

__all__ = ["READERS", "prepare"]

_LOG = """\
[    0.0] cma: Reserved 64 MiB at 0x0000000008000000 on node -1
[  100.0] page: refcount:3 mapcount:1 mapping:0000000000000000 index:0x7f3 pfn:0x13ff00
[  100.0] head: order:9 mapcount:1 entire_mapcount:1 nr_pages_mapped:0 pincount:2
[  100.0] flags: 0x17ffffc0000a08(uptodate|dirty|swapbacked|node=0|zone=2) CMA
[  100.0] page_type: f4(hugetlb)
[  100.0] page dumped because: migration failure
[  100.0] memory offlining [mem 0x138000000-0x13fffffff] failed due to signal backoff
[  100.0] migrating pfn 13ff00 failed ret:1
[  100.0] failed to isolate pfn 13ff01
[  100.0] Block size [0x80000000] unaligned hotplug range: start 0x1040000000, size 0x80000000
[  100.0] removing memory fails, because memory [0x138000000-0x13fffffff] is onlined
 sh-93 [001] 7.1: test_pages_isolated: start_pfn=0x38000 end_pfn=0x40000 fin_pfn=0x3a000 ret=fail
 sh-93 [001] 7.1: mm_migrate_pages: nr_succeeded=1 nr_failed=2 mode=SYNC reason=memory_hotplug
"""


@cache
def _kcore() -> bytes:
    """A core whose segments name virtual addresses, as those of /proc/kcore do."""
    return cores.small().content()


@cache
def _dump() -> bytes:
    return cores.small_dump()


@cache
def _compressed() -> bytes:
    """A dump of makedumpfile."""
    return dumps.DumpFile(*cores.small_memory()).content()


def _of_core(random: Random, folder: Path) -> Case:
    """A crash dump, or a copy of kcore: they are read as the same."""
    return _reading("core", random.choice((_kcore, _dump))(), random, folder)


def _of_compressed_dump(random: Random, folder: Path) -> Case:
    return _reading("compressed dump", _compressed(), random, folder)


def _reading(reader: str, whole: bytes, random: Random, folder: Path) -> Case:
    """A damaged file is inspected, or asked about its blocks."""
    (folder / "vmcore").write_bytes(cores.damaged(whole, random))
    if random.random() < 0.3:
        return command(reader, "why", "0-1", "--machine", "vmcore", *_json(random))
    return command(reader, "inspect", "vmcore", *random.choice(((), ("-v",), ("--json",))))


def _of_log(random: Random, folder: Path) -> Case:
    (folder / "dmesg").write_bytes(mutate.text(_LOG, random))
    return command("log", "why", "--log", "dmesg", *_json(random))


def _json(random: Random) -> tuple[str, ...]:
    return random.choice(((), ("--json",)))


READERS: Mapping[str, Reader] = {
    "core": _of_core,
    "compressed dump": _of_compressed_dump,
    "log": _of_log,
}


def prepare() -> None:
    """Make the sound inputs once."""
    for make in (_kcore, _dump, _compressed):
        make()
