"""Lines of a kernel's log mean what they say; others are said not to be understood."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memhp.machines.reading.kernel_log import LogEvent, events_in, lines_of_kmsg

PAGE = "page: refcount:3 mapcount:1 mapping:0000000000000000 index:0x7f3 pfn:0x13ff00"


def events(*lines: str) -> list[LogEvent | int]:
    return list(events_in(lines))


def event(*lines: str) -> LogEvent:
    (found,) = events(*lines)
    assert isinstance(found, LogEvent)
    return found


@pytest.mark.parametrize(
    "before",
    [
        "",
        "[ 100.000000] ",
        "<4>[  100.000000] ",
        "[  100.000000][  T123] ",
        "Nov 28 15:20:01 host kernel: [100.000000] ",
        "Nov  8 15:20:01 host kernel: ",
    ],
)
def test_what_a_logger_puts_before_a_line_does_not_matter(before: str) -> None:
    text = "memory offlining [mem 0x138000000-0x13fffffff] failed due to signal backoff"
    found = event(before + text)
    assert (found.what, found.reason) == ("offline failed", "signal backoff")
    assert (found.first, found.last) == (0x138000000, 0x13FFFFFFF)


def test_a_page_is_dumped_in_several_lines() -> None:
    found = event(
        PAGE,
        "head: order:9 mapcount:1 entire_mapcount:1 nr_pages_mapped:0 pincount:2",
        "anon flags: 0x17ffffc0000a08(uptodate|dirty|swapbacked|node=0|zone=2|lastcpupid=0x1f) CMA",
        "page_type: f4(hugetlb)",
        "raw: 0017ffffc0000a08 dead000000000100",
        "page dumped because: migration failure",
    )
    page = found.page
    assert page is not None
    assert (page.references, page.mappings, page.mapping, page.frame) == (3, 1, False, 0x13FF00)
    assert (page.order, page.pins, page.why) == (9, 2, "migration failure")
    assert page.flags == {"uptodate", "dirty", "swapbacked", "hugetlb", "CMA"}


@pytest.mark.parametrize(
    "line",
    [
        "page:00000000abcdef01 refcount:1 mapcount:0 mapping:0000000018c4a547 index:0 pfn:0x13ff00",
        "page:ffffea0004ffc000 count:1 mapcount:0 mapping:ffff88001 index:0x0",
        "page:ffffea0004ffc000 count:1 mapcount:0 mapping:ffff88001 index:0x0 compound_mapcount: 0",
        "page: refcount:1 mapcount:0 mapping:ffff88001 index:0x0 device pfn:0x13ff00",
    ],
)
def test_older_and_newer_kernels_dump_a_page_otherwise(line: str) -> None:
    found = event(line)
    assert found.page is not None
    assert (found.page.references, found.page.mapping) == (1, True)
    assert found.frame in (None, 0x13FF00)


def test_a_dump_ends_with_the_first_line_that_is_none_of_it() -> None:
    first, second, strange = events(PAGE, PAGE, "usb 1-1: new device")
    assert isinstance(first, LogEvent)
    assert isinstance(second, LogEvent)
    assert (first.line, second.line, strange) == (1, 2, 3)


@pytest.mark.parametrize(
    ("line", "what", "frame", "number"),
    [
        ("migrating pfn 13ff00 failed ret:1 ", "migration failed", 0x13FF00, 1),
        ("migrating pfn 13ff00 failed ret:-16", "migration failed", 0x13FF00, -16),
        ("failed to isolate pfn 13ff00", "isolation failed", 0x13FF00, None),
        (
            "  sh-93  [001] .....  7.1: test_pages_isolated: start_pfn=0x38000 end_pfn=0x40000"
            " fin_pfn=0x3a000 ret=fail",
            "not isolated",
            0x3A000,
            None,
        ),
        (
            "  sh-93  [001] 7.1: mm_migrate_pages: nr_succeeded=7 nr_failed=3 nr_thp_succeeded=0"
            " nr_thp_failed=0 nr_thp_split=0 nr_split=0 mode=MIGRATE_SYNC reason=memory_hotplug",
            "migrated",
            None,
            3,
        ),
        (
            "Block size [0x80000000] unaligned hotplug range: start 0x1040000000, size 0x80000000",
            "add unaligned",
            None,
            0x80000000,
        ),
        ("acpi PNP0C80:00: add_memory failed", "add failed", None, None),
        (
            "removing memory fails, because memory [0x138000000-0x13fffffff] is onlined",
            "still online",
            None,
            None,
        ),
    ],
)
def test_a_line_is_an_event(line: str, what: str, frame: int | None, number: int | None) -> None:
    found = event(line)
    assert (found.what, found.frame, found.number) == (what, frame, number)


@pytest.mark.parametrize(
    "line",
    [
        "memory offlining [mem 0x1-0x2] failed",
        "migrating pfn xyz failed",
        "mm_migrate_pages: nr_succeeded=7 nr_failed=3 mode=MIGRATE_SYNC reason=compaction",
        "flags: 0x1(lru)",
        "\x00\x1b[31m",
        "page: refcount:" + "9" * 5000,
    ],
)
def test_a_line_that_is_not_understood_is_counted(line: str) -> None:
    assert events("", line) == [2]


def test_the_live_log_is_read_to_its_newest_line(tmp_path: Path) -> None:
    path = tmp_path / "kmsg"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(writer, b"6,1,100,-;usb 1-1: new; device\n SUBSYSTEM=usb\n")
        assert lines_of_kmsg(str(path), 1 << 20) == ["usb 1-1: new; device"]
    finally:
        os.close(writer)
