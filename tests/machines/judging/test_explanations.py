"""A removal that failed is explained by the guard that refused, its errno, and what helps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from memhp.machines.judging.explanations import Explanation, explained, why_not_of
from memhp.machines.judging.offline import design_of, judge
from memhp.machines.reading.block_evidence import BlockEvidence
from memhp.machines.reading.kernel_log import LogEvent, events_in
from memhp.machines.reading.pageflags import FrameKind

from .test_offline import READING

OFFLINE = "memory offlining [mem 0x138000000-0x13fffffff] failed due to {}"
PAGE = "page: refcount:{} mapcount:{} mapping:0000000000000000 index:0x7f3 pfn:0x13ff00"


def of_log(*lines: str) -> list[Explanation]:
    return list(explained(each for each in events_in(lines) if isinstance(each, LogEvent)))


@pytest.mark.parametrize(
    ("reason", "guard", "errno"),
    [
        ("failure to isolate range", "begin_offline.no_unmovable", 16),
        ("memory holes", "begin_offline.no_holes", 22),
        ("multizone range", "begin_offline.one_zone", 22),
        ("notifier failure", "finish_offline.notifiers_agree", 1),
        ("signal backoff", "try_again.in_budget", 4),
        ("failure to dissolve huge pages", "dissolve.not_promised", 16),
        ("unmovable page", "vet.nothing_sticky", 16),
        ("the moon", None, None),
    ],
)
def test_the_kernels_words_name_a_guard(reason: str, guard: str | None, errno: int | None) -> None:
    (told,) = of_log(OFFLINE.format(reason))
    assert (told.guard, told.errno, told.line) == (guard, errno, 1)


@pytest.mark.parametrize(
    ("counts", "flags", "why", "kind"),
    [
        ((1, 0), "flags: 0x1(slab|node=0)", "unmovable page", "kernel"),
        ((1, 0), "flags: 0x1(reserved)", "unmovable page", "reserved"),
        ((1, 0), "flags: 0x1()", "unmovable page", "kernel"),
        ((1, 0), "flags: 0x1() CMA", "unmovable page", "cma"),
        ((3, 1), "flags: 0x1(lru|swapbacked)", "migration failure", "held"),
        ((1027, 1), "flags: 0x1(lru|swapbacked)", "migration failure", "pinned"),
        ((3, 1), "flags: 0x1(lru)", "isolation failed", None),
    ],
)
def test_a_dumped_page_is_of_a_kind(
    counts: tuple[int, int], flags: str, why: str, kind: str | None
) -> None:
    (told,) = of_log(PAGE.format(*counts), flags, f"page dumped because: {why}")
    assert (kind in told.kinds) if kind else not told.kinds
    assert bool(told.cures) == bool(kind)


def test_what_was_dumped_goes_with_the_failure_that_follows() -> None:
    lines = (PAGE.format(1, 0), "flags: 0x1(reserved)", "page dumped because: unmovable page")
    failed = OFFLINE.format("failure to isolate range")
    _, told, later = of_log(*lines, failed, failed)
    assert told.kinds == {"reserved"}
    assert [cure.kinds for cure in told.cures] == [("reserved",)]
    assert later.kinds == frozenset()


@pytest.mark.parametrize(
    ("line", "words", "errno"),
    [
        ("migrating pfn 13ff00 failed ret:1", "frame 0x13ff00 did not move", 4),
        (
            "Block size [0x80000000] unaligned hotplug range: start 0x1040000000, size 0x80000000",
            "blocks of 0x80000000 bytes",
            22,
        ),
        ("acpi PNP0C80:00: add_memory failed", "not added", None),
        ("removing memory fails, because memory [0x1-0x2] is onlined", "a block in it", 16),
    ],
)
def test_other_lines_are_explained(line: str, words: str, errno: int | None) -> None:
    (told,) = of_log(line)
    assert words in told.text
    assert told.errno == errno


@pytest.mark.parametrize(
    ("kinds", "guard", "cured"),
    [
        ({FrameKind.held: 1}, "copy.no_running_pin", [("held",)]),
        ({FrameKind.pinned: 1}, "copy.no_running_pin", [("pinned",)]),
        ({FrameKind.kernel: 1}, "begin_offline.no_unmovable", [("kernel",)]),
        ({FrameKind.reserved: 1}, "begin_offline.no_unmovable", [("reserved",)]),
        ({FrameKind.free: 1}, None, []),
    ],
)
def test_a_block_is_explained_by_what_is_in_it(
    kinds: dict[FrameKind, int], guard: str | None, cured: list[tuple[str, ...]]
) -> None:
    evidence = {1: BlockEvidence(Counter(kinds), early=False)}
    reading = replace(READING, frames={1: evidence[1].kinds}, evidence=evidence)
    (judged,) = judge(reading, design_of(reading))
    told = why_not_of(reading, judged)
    assert [each.guard for each in told] == ([guard] if guard else [])
    assert [cure.kinds for each in told for cure in each.cures] == cured
