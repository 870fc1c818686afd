"""Why memory does not go, in the specification's words: the guard, its errno, and what helps.

Of a block it is told from what its pages are (`why_not_of`), of a removal that failed from what
the kernel's log says of it (`explained`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from errno import EBUSY, EINTR, EINVAL

from memhp.spec.cures import Cure, cures_of
from memhp.spec.language.errnos import errorcode
from memhp.spec.system import SYSTEM

from ..reading.kernel_log import Dumped, LogEvent
from ..reading.pageflags import PIN, FrameKind
from ..reading.sysfs import MachineReading
from .offline import BlockJudgement

__all__ = ["Explanation", "explained", "kind_of_page", "why_not_of"]

_ISOLATE = "begin_offline.no_unmovable"
_MIGRATE = "copy.no_running_pin"

_REASONS = {
    "failure to isolate range": _ISOLATE,
    "memory holes": "begin_offline.no_holes",
    "multizone range": "begin_offline.one_zone",
    "notifier failure": "finish_offline.notifiers_agree",
    "signal backoff": "try_again.in_budget",
    "failure to dissolve huge pages": "dissolve.not_promised",
    "unmovable page": "vet.nothing_sticky",
}
"""The guard behind each of the kernel's words for why a removal failed (offline_pages)."""

_TRIED_AGAIN = (
    "reserve_destination",
    "begin_unmap",
    "copy",
    "begin_huge_migration",
    "copy_huge",
)
"""The actions that a removal tries again and again (do_migrate_range)."""
_WAYS = {
    FrameKind.huge: "begin_huge_migration.target_free",
    FrameKind.offline: "vet.nothing_sticky",
}
_BY_FLAG = (
    ("reserved", FrameKind.reserved),
    ("hwpoison", FrameKind.hwpoison),
    ("offline", FrameKind.offline),
    ("hugetlb", FrameKind.huge),
    ("slab", FrameKind.kernel),
    ("table", FrameKind.kernel),
)


@dataclass(frozen=True)
class Explanation:
    """One reason; `line` is that of the log, 0 if there is none.

    `guard` is ACTION.GUARD of the specification and `errno` what its user sees; both are None
    where the specification has no guard for it. `kinds` says of which kinds of frames it is.
    """

    text: str
    guard: str | None = None
    errno: int | None = None
    kinds: frozenset[str] = frozenset()
    line: int = 0

    @property
    def cures(self) -> tuple[Cure, ...]:
        """What helps."""
        return () if self.guard is None else cures_of(self.guard, self.kinds)


def errno_of(guard: str) -> int | None:
    """The errno that a user sees of a guard by ACTION.GUARD.

    What refuses a migration nobody sees: the removal tries again until a signal ends it, EINTR.

    >>> errno_of("begin_offline.no_unmovable"), errno_of("copy.no_running_pin")
    (16, 4)
    """
    action, _, name = guard.partition(".")
    if action in _TRIED_AGAIN:
        return EINTR
    (found,) = (each for each in SYSTEM.action_by_name[action].guards if each.name == name)
    return found.errno


def kind_of_page(page: Dumped) -> FrameKind | None:
    """What a page is that was dumped; None if its flags do not tell.

    A page that could move and did not is held, or pinned if references are over by so much.
    """
    for flag, kind in _BY_FLAG:
        if flag in page.flags:
            return kind
    movable = page.flags & {"lru", "swapbacked", "active", "mlocked", "uptodate"} or page.mapping
    if page.why == "migration failure" and movable:
        large = page.order > 0
        pinned = bool(page.pins) if large else page.references - page.mappings >= PIN
        return FrameKind.pinned if pinned else FrameKind.held
    return FrameKind.kernel if page.why == "unmovable page" and "lru" not in page.flags else None


def why_not_of(reading: MachineReading, judged: BlockJudgement) -> tuple[Explanation, ...]:
    """Why a block does not go: the guard that refuses, or where the removal will not end.

    Args:
        reading: the machine.
        judged: the judgement on one of its blocks.
    """
    kinds: Mapping[FrameKind, int] = (reading.frames or {}).get(judged.number, {})
    there = frozenset(kind.value for kind in FrameKind if kinds.get(kind))
    if judged.guard is not None:
        guard = _guard_named(judged.guard)
        about = there | ({"cma"} if "CMA" in judged.why else frozenset[str]())
        return (Explanation(judged.why, guard, judged.errno, about),)
    if judged.verdict == "yes" or not judged.errnos:
        return (Explanation(judged.why),) if judged.verdict == "cannot tell" else ()
    return (Explanation(judged.why, None, judged.errnos[0], there),)


def _guard_named(name: str) -> str | None:
    """ACTION.GUARD of a guard that a removal asks; the first action that has it."""
    order = ("begin_offline", "finish_offline", "reserve_destination", "begin_unmap", "copy")
    for action in order:
        if any(guard.name == name for guard in SYSTEM.action_by_name[action].guards):
            return f"{action}.{name}"
    return None


def explained(events: Iterable[LogEvent]) -> Iterator[Explanation]:
    """What each event of a log means; a page that was dumped goes with what follows it."""
    page: Dumped | None = None
    for event in events:
        if event.what == "page":
            page = event.page
            yield _page(event)
        else:
            told = _event(event, page)
            if event.what == "offline failed":
                page = None
            if told is not None:
                yield told


def _page(event: LogEvent) -> Explanation:
    page = event.page
    assert page is not None
    kind = kind_of_page(page)
    flags = ", ".join(sorted(page.flags)) or "none"
    where = "a page" if page.frame is None else f"frame {page.frame:#x}"
    size = f" of order {page.order}" if page.order else ""
    pins = f", {page.pins} pins" if page.pins else ""
    text = (
        f"{where}{size} was in the way ({page.why or 'no reason is told'}): {page.references}"
        f" references, mapped {page.mappings} times{pins}, flags {flags}"
    )
    if kind is None:
        return Explanation(f"{text}: what it is does not follow", line=event.line)
    kinds = frozenset({kind.value, *({"cma"} if "CMA" in page.flags else ())})
    guard = _ISOLATE if page.why == "unmovable page" else _WAYS.get(kind, _MIGRATE)
    return Explanation(f"{text}: {kind.value}", guard, errno_of(guard), kinds, event.line)


def _event(event: LogEvent, page: Dumped | None) -> Explanation | None:
    kind = None if page is None else kind_of_page(page)
    kinds: frozenset[str] = frozenset(() if kind is None else (kind.value,))
    if event.what == "offline failed":
        guard = _REASONS.get(event.reason)
        told = f"{_range(event)} did not go offline: {event.reason}"
        if guard is None:
            return Explanation(f"{told}: the kernel's words are not known", line=event.line)
        return Explanation(told, guard, errno_of(guard), kinds, event.line)
    if event.what in ("migration failed", "isolation failed"):
        text = f"frame {event.frame:#x} did not move{_failed(event.number)}"
        text += "; the removal tries again, without end"
        return Explanation(text, _MIGRATE, errno_of(_MIGRATE), kinds | {"held"}, event.line)
    if event.what == "not isolated":
        text = f"frame {event.frame:#x} is where the range is not free yet"
        return Explanation(text, line=event.line)
    if event.what == "migrated" and event.number:
        text = f"{event.number} pages did not move in one attempt of the removal"
        return Explanation(text, _MIGRATE, errno_of(_MIGRATE), kinds, event.line)
    return _added(event)


def _failed(number: int | None) -> str:
    """What migrate_pages returned: how many pages did not move, or an errno."""
    if number is None or number == 0:
        return ""
    return f", of {number} that did not" if number > 0 else f" ({errorcode.get(-number, number)})"


def _added(event: LogEvent) -> Explanation | None:
    """What an event of adding memory, or of taking a device, means."""
    if event.what == "add unaligned":
        text = (
            f"{_range(event)} cannot be added: it does not begin and end at blocks of"
            f" {event.number:#x} bytes (memhp sections tells the sizes)"
        )
        return Explanation(text, None, EINVAL, line=event.line)
    if event.what == "add failed":
        text = "memory was not added; the line before says why, or it overlaps what there is"
        return Explanation(text, line=event.line)
    if event.what == "still online":
        guard = "delete_block_device.block_offline"
        text = f"{_range(event)} is not removed: a block in it is online"
        return Explanation(text, guard, EBUSY, line=event.line)
    return None


def _range(event: LogEvent) -> str:
    return f"memory {event.first:#x}-{event.last:#x}"
