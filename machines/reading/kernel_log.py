"""What a kernel's log says of a removal: lines of dmesg, and of two tracepoints.

A page that stops a removal is dumped (mm/debug.c, dump_page), in two to five lines; a removal that
fails says why (mm/memory_hotplug.c, offline_pages; a debug message since 4.20), so does memory that
cannot be added, and a page that does not migrate (do_migrate_range).  Of tracepoints,
``test_pages_isolated`` names the frame at which a range is not free (`fin_pfn`), and
``mm_migrate_pages`` how many pages failed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["KMSG", "Dumped", "LogEvent", "events_in", "lines_of_kmsg"]

KMSG = "/dev/kmsg"
"""This machine's log."""

What = Literal[
    "page",
    "offline failed",
    "migration failed",
    "isolation failed",
    "not isolated",
    "migrated",
    "add unaligned",
    "add failed",
    "still online",
]

_STAMP = re.compile(
    r"^(?:<\d{1,3}>)?(?:\S{1,40} \S{1,80} kernel: )?\[ *\d{1,9}\.\d{1,9}\](?:\[[^\]]*\])? ?"
)
_SYSLOG = re.compile(r"^\w{3} [ \d]\d [\d:]{8} \S{1,80} kernel: (?:\[ *[\d.]{1,20}\] )?")
_MOST_LINE = 4096


@dataclass(frozen=True)
class Dumped:
    """A page as it was dumped: `frame` is None where older kernels do not tell it.

    `flags` has the names of its flags, its type and ``CMA``; `why` what it was dumped for; `pins`
    is told of large folios alone.
    """

    references: int
    mappings: int
    mapping: bool
    frame: int | None
    order: int = 0
    pins: int | None = None
    flags: frozenset[str] = frozenset()
    why: str = ""


@dataclass(frozen=True)
class LogEvent:
    """One thing that a log says; `line` is where it begins, from 1.

    `first` and `last` are the addresses of a range (the last included), `frame` a page frame
    number, `reason` the kernel's words; `number` counts pages that failed (less than 0: it is an
    errno), or bytes of a block.
    """

    what: What
    line: int
    text: str
    first: int | None = None
    last: int | None = None
    frame: int | None = None
    reason: str = ""
    number: int | None = None
    page: Dumped | None = None


def events_in(lines: Iterable[str]) -> Iterator[LogEvent | int]:
    """The events of a log, in order; of each line that is not understood its number.

    Args:
        lines: of the log, with or without time stamps.
    """
    dumped: LogEvent | None = None
    for number, line in enumerate(lines, 1):
        text = _bare(line[:_MOST_LINE])
        if not text:
            continue
        if dumped is not None and dumped.page is not None:
            more = _more(dumped.page, text)
            if more is not None:
                dumped = replace(dumped, page=more)
                continue
            yield dumped
            dumped = None
        event = _event(number, text)
        if event is not None and event.what == "page":
            dumped = event
        else:
            yield number if event is None else event
    if dumped is not None:
        yield dumped


def _bare(line: str) -> str:
    """The line without time stamp and what syslog puts before."""
    return _SYSLOG.sub("", _STAMP.sub("", line.strip(), count=1), count=1).strip()


_PAGE = re.compile(
    r"page: ?(?:[0-9a-f(]\S*)? ?(?:ref)?count:(-?\d{1,10}) mapcount:(-?\d{1,10}) mapping:(\S{1,20})"
    r" index:\S{1,20}(?:.* pfn:0x([0-9a-f]{1,13}))?.*"
)
_FLAGS = re.compile(r"(?:\w+ )?flags: 0x[0-9a-f]+\(([^)]*)\)(.*)")
_TYPE = re.compile(r"page_type: (?:0x)?[0-9a-f]+\(([a-z_]*)\)")
_HEAD = re.compile(r"head: ?\S* ?order:(\d{1,2})(?:.* pincount:(\d{1,10}))?.*")
_WHY = re.compile(r"page dumped because: (.{1,200})")
_PASSED_OVER = re.compile(
    r"(?:raw|head): [0-9a-f ]+|memcg:\S+|page->mem_cgroup:\S+|aops:.*|anon|ksm"
)


def _more(page: Dumped, text: str) -> Dumped | None:
    """The page with what a further line of its dump says; None if the line is none of it."""
    if match := _FLAGS.fullmatch(text):
        names = {name for name in match[1].split("|") if "=" not in name}
        cma = {"CMA"} if "CMA" in match[2] else set()
        return replace(page, flags=page.flags | names | cma)
    if match := _TYPE.fullmatch(text):
        return replace(page, flags=page.flags | {match[1]})
    if match := _HEAD.fullmatch(text):
        pins = None if match[2] is None else int(match[2])
        return replace(page, order=int(match[1]), pins=pins)
    if match := _WHY.fullmatch(text):
        return replace(page, why=match[1])
    return page if _PASSED_OVER.fullmatch(text) else None


_OFFLINE = re.compile(
    r"memory offlining \[mem 0x([0-9a-f]{1,16})-0x([0-9a-f]{1,16})\] failed due to (.{1,80})"
)
_MIGRATING = re.compile(r"migrating pfn ([0-9a-f]{1,13}) failed(?: ret:(-?\d{1,6}))?.*")
_ISOLATING = re.compile(r"failed to isolate pfn ([0-9a-f]{1,13})")
_UNALIGNED = re.compile(
    r"Block size \[0x([0-9a-f]{1,16})\] unaligned hotplug range: start 0x([0-9a-f]{1,16}),"
    r" size 0x([0-9a-f]{1,16})"
)
_ADD = re.compile(r".*\badd_memory failed.*|.*acpi_memory_enable_device\(\) error.*")
_ONLINE = re.compile(
    r"removing memory fails, because memory \[0x([0-9a-f]{1,16})-0x([0-9a-f]{1,16})\] is onlined"
)
_ISOLATED = re.compile(
    r".*test_pages_isolated: start_pfn=0x([0-9a-f]{1,13}) end_pfn=0x([0-9a-f]{1,13})"
    r" fin_pfn=0x([0-9a-f]{1,13}) ret=(fail|success)"
)
_MIGRATED = re.compile(
    r".*mm_migrate_pages: nr_succeeded=\d{1,20} nr_failed=(\d{1,15}) .*reason=memory_hotplug.*"
)


def _event(number: int, text: str) -> LogEvent | None:
    """What a line says; None if it is not understood."""
    if match := _PAGE.fullmatch(text):
        frame = None if match[4] is None else int(match[4], 16)
        mapping = match[3].strip("0") not in ("", "x", "(nil)", "(null)")
        page = Dumped(int(match[1]), int(match[2]), mapping, frame)
        return LogEvent("page", number, text, frame=frame, page=page)
    if match := _OFFLINE.fullmatch(text):
        first, last = int(match[1], 16), int(match[2], 16)
        return LogEvent("offline failed", number, text, first, last, reason=match[3])
    if match := _MIGRATING.fullmatch(text):
        code = None if match[2] is None else int(match[2])
        return LogEvent("migration failed", number, text, frame=int(match[1], 16), number=code)
    if match := _ISOLATING.fullmatch(text):
        return LogEvent("isolation failed", number, text, frame=int(match[1], 16))
    if match := _UNALIGNED.fullmatch(text):
        size, start, length = (int(match[at], 16) for at in (1, 2, 3))
        return LogEvent("add unaligned", number, text, start, start + length - 1, number=size)
    if match := _ONLINE.fullmatch(text):
        return LogEvent("still online", number, text, int(match[1], 16), int(match[2], 16))
    if match := _ISOLATED.fullmatch(text):
        if match[4] == "success":
            return LogEvent("migrated", number, text, number=0)
        return LogEvent("not isolated", number, text, frame=int(match[3], 16))
    if match := _MIGRATED.fullmatch(text):
        return LogEvent("migrated", number, text, number=int(match[1]))
    return LogEvent("add failed", number, text) if _ADD.fullmatch(text) else None


def lines_of_kmsg(path: str, most: int) -> list[str]:
    """The lines of the live log, as dmesg shows them, up to the newest.

    Args:
        path: `/dev/kmsg`.
        most: bytes that are read at most.

    Raises:
        OSError: it cannot be read, as by others than root where dmesg_restrict says so.
    """
    lines: list[str] = []
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        while most > 0:
            try:
                record = os.read(handle, 1 << 16)
            except BlockingIOError:
                break
            except BrokenPipeError:  # what would have come next is overwritten
                continue
            if not record:
                break
            most -= len(record)
            text = record.decode("utf-8", "replace").partition("\n")[0]
            lines.append(text.partition(";")[2])
    finally:
        os.close(handle)
    return lines
