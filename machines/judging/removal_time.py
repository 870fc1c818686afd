"""How long a removal takes, as far as one can tell, and whether a reboot is faster (U3).

The work is counted by kind; a table says what each kind costs, with a lower and
an upper figure and where they come from; nothing is known better than its
source.  What has no bound stays without one: then the answer is *cannot tell*.

No one has published the seconds that removing a GiB takes, so the figures here
are wide.  A user who has measured gives their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

__all__ = [
    "COSTS",
    "Cost",
    "CostError",
    "Part",
    "Reboot",
    "Span",
    "TimeVerdict",
    "compare",
    "estimate_reboot",
    "overridden",
    "predict",
    "total",
]

GIB = 1 << 30
TIB = 1 << 40

TimeVerdict = Literal["faster than a reboot", "slower", "cannot tell"]
Confidence = Literal["published", "derived", "assumed", "given", "measured"]


MOST_SECONDS = 1e12
"""More than anybody measured: thirty thousand years."""


class CostError(ValueError):
    """A figure that a user gave cannot be used; the message is one line and says what to do."""


@dataclass(frozen=True)
class Span:
    """An amount, or seconds: at least ``lower``, at most ``upper`` (None: no bound is known)."""

    lower: float
    upper: float | None

    def __add__(self, other: Span) -> Span:
        bounded = self.upper is not None and other.upper is not None
        upper = (self.upper or 0) + (other.upper or 0)
        return Span(self.lower + other.lower, upper if bounded else None)

    def __mul__(self, other: Span) -> Span:
        """The product; nothing times anything is nothing, bounded or not."""
        if 0 in (self.upper, other.upper):
            return Span(0, 0)
        bounded = self.upper is not None and other.upper is not None
        upper = (self.upper or 0) * (other.upper or 0)
        return Span(self.lower * other.lower, upper if bounded else None)


@dataclass(frozen=True)
class Cost:
    """Seconds for one ``unit`` of a kind of work, from ``lower`` to ``upper``; None: no bound.

    ``usual`` is the figure to expect; without one it is the middle, or the least.
    """

    unit: str
    lower: float
    upper: float | None
    confidence: Confidence
    source: str
    usual: float | None = None

    @property
    def span(self) -> Span:
        """The seconds of one unit."""
        return Span(self.lower, self.upper)

    @property
    def expected(self) -> float:
        """The seconds of one unit to expect: between the bounds, and no more than a guess."""
        if self.usual is not None:
            return self.usual
        return self.lower if self.upper is None else (self.lower + self.upper) / 2


_FIRST_GUESS = 10.24
"""Seconds for a GiB on a store of 100 MiB/s, which is what Linux takes one for at first."""

COSTS: Mapping[str, Cost] = {
    "copy": Cost(
        "GiB",
        0.5 / 8,
        2.0,
        "derived",
        "one thread moves 0.5 to 2 GB/s in 4 KiB pages, all steps of a migration included: an"
        " order of magnitude (stock migration leaves up to 95 % of the bandwidth unused:"
        " Nimble, ASPLOS 2019); 32 threads and pages of 2 MiB are up to 8 times as fast"
        " (Z. Yan, slides on multi-threaded copy, 2025)",
    ),
    "unmap": Cost(
        "mapping",
        0.0,
        2.0 / (GIB >> 12),
        "assumed",
        "no figure is published: a PTE is taken to cost at most what moving a page of 4 KiB"
        " costs at the slowest, at least nothing, for `copy` has it already",
    ),
    "flush": Cost(
        "mapped page",
        0.0,
        2.917 * 2.0 / (GIB >> 12),
        "derived",
        "batched flushes (Linux 6.3) moved 291.7 % more pages a second on two Intel sockets"
        " (commit 6f7d760e86fa and its series); a kernel without them pays that for each page",
    ),
    "write_out": Cost(
        "GiB",
        0.0,
        None,
        "assumed",
        "no bound: a store that does not answer takes for ever (one of 100 MiB/s, Linux's own"
        " first guess in mm/backing-dev.c, INIT_BW, takes 10.24 s)",
        usual=_FIRST_GUESS,
    ),
    "wait": Cost(
        "GiB under writeback",
        0.0,
        None,
        "assumed",
        "as `write_out`: what is under way already has to arrive",
        usual=_FIRST_GUESS,
    ),
    "block": Cost(
        "block",
        0.0,
        0.1,
        "assumed",
        "no figure is published for isolating a block, draining every CPU's lists, telling the"
        " notifiers and building the zonelists anew: at most a tenth of a second is assumed",
    ),
}
"""What each kind of work costs.  The kinds are those of a removal's steps."""


@dataclass(frozen=True)
class Part:
    """One kind of work: how much of it, how many seconds, and how many are to be expected."""

    kind: str
    amount: Span
    seconds: Span
    expected: float = 0.0


@dataclass(frozen=True)
class Reboot:
    """How long a reboot takes, and who says so."""

    seconds: Span
    confidence: Confidence
    source: str


def predict(work: Mapping[str, Span], costs: Mapping[str, Cost] = COSTS) -> tuple[Part, ...]:
    """Seconds for each kind of work, in the table's order.

    Args:
        work: how much there is of each kind, in the table's units; a kind that is not named
            has no work.
        costs: the table.

    Raises:
        KeyError: a kind of work that is not in the table.

    >>> predict({"copy": Span(1, 4)})[0].seconds
    Span(lower=0.0625, upper=8.0)
    """
    unknown = set(work) - set(costs)
    if unknown:
        raise KeyError(f"no cost is known for {', '.join(sorted(unknown))}")
    return tuple(
        Part(kind, work[kind], work[kind] * cost.span, _middle(work[kind]) * cost.expected)
        for kind, cost in costs.items()
        if kind in work
    )


def _middle(amount: Span) -> float:
    """The amount to expect: the middle, or what is certain where there is no bound."""
    return amount.lower if amount.upper is None else (amount.lower + amount.upper) / 2


def total(spans: Iterable[Span]) -> Span:
    """The sum of the spans, without an upper bound as soon as one has none.

    >>> total([Span(1, 2), Span(3, None)])
    Span(lower=4, upper=None)
    """
    return sum(spans, Span(0, 0))


def compare(removal: Span, reboot: Span) -> TimeVerdict:
    """Whether the removal takes less time than the reboot, if that is certain.

    >>> compare(Span(1, 5), Span(6, 9)), compare(Span(1, 6), Span(6, 9))
    ('faster than a reboot', 'cannot tell')
    """
    if removal.upper is not None and removal.upper < reboot.lower:
        return "faster than a reboot"
    if reboot.upper is not None and removal.lower > reboot.upper:
        return "slower"
    return "cannot tell"


def estimate_reboot(memory: int) -> Reboot:
    """How long a reboot takes of a machine with so many bytes of memory, in wide bounds.

    >>> estimate_reboot(16 * TIB).seconds.upper
    3600.0
    """
    lower = 1.32 * min(1.0, memory / (512 * GIB))
    upper = max(30 * 60.0, 3600.0 * memory / (16 * TIB))
    return Reboot(
        Span(lower, upper),
        "derived",
        "at least a kexec boot (1.32 s with 512 GB and deferred initialisation: U. Arif's series),"
        " less memory in proportion; at most 30 minutes (LHMS, 2004: huge machines, sometimes"
        " more) or an hour for each 16 TB (N. Zimmer, lkml 2013)",
    )


def overridden(
    document: object, where: str, costs: Mapping[str, Cost] = COSTS
) -> Mapping[str, Cost]:
    """The table with a user's figures in place of its own.

    Args:
        document: a mapping of kinds to ``lower``, ``upper`` (seconds for one of the table's
            units) and perhaps ``source``.
        where: the file's name.
        costs: the table.

    Raises:
        CostError: the document is anything else.

    >>> overridden({"copy": {"lower": 0.2, "upper": 0.3}}, "mine.json")["copy"].source
    'mine.json'
    """
    if not isinstance(document, Mapping):
        raise CostError(f"{where}: expected kinds of work with their costs; kinds: {_names(costs)}")
    table = dict(costs)
    for kind, figures in document.items():
        if kind not in costs:
            raise CostError(
                f"{where}: there is no kind of work {_cut(kind)}; there are {_names(costs)}"
            )
        table[kind] = _given(figures, f"{where}, {kind}", costs[kind])
    return table


def _given(figures: object, where: str, cost: Cost) -> Cost:
    if not isinstance(figures, Mapping) or not {"lower", "upper"} <= set(figures):
        raise CostError(f"{where}: give lower and upper, in seconds for one {cost.unit}")
    if extra := set(figures) - {"lower", "upper", "source"}:
        raise CostError(f"{where}: {_cut(min(map(str, extra)))} is not one of lower, upper, source")
    lower, upper = (_seconds(figures[name], f"{where}, {name}") for name in ("lower", "upper"))
    if lower > upper:
        raise CostError(f"{where}: lower, {lower:g}, is more than upper, {upper:g}")
    source = figures.get("source", where.rpartition(", ")[0])
    if not isinstance(source, str) or not source.strip():
        raise CostError(f"{where}, source: say in words where the figures come from")
    return replace(cost, lower=lower, upper=upper, confidence="given", source=source, usual=None)


def _seconds(value: Any, where: str) -> float:
    fine = isinstance(value, int | float) and not isinstance(value, bool)
    if not fine or not 0 <= value < float("inf"):
        raise CostError(f"{where}: expected seconds, a number of at least 0, found {_cut(value)}")
    if value > MOST_SECONDS:
        raise CostError(f"{where}: expected at most {MOST_SECONDS:g} seconds, found {_cut(value)}")
    return float(value)


def _cut(value: object) -> str:
    """A value of a user's file as a message shows it."""
    if isinstance(value, int) and value.bit_length() > 128:
        return "a longer number"
    if not isinstance(value, str | int | float):
        return f"a {type(value).__name__}"
    shown = repr(value[:41] if isinstance(value, str) else value)
    return shown if len(shown) <= 43 else f"{shown[:40]}…"


def _names(costs: Mapping[str, Cost]) -> str:
    return ", ".join(costs)
