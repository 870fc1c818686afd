"""`memhp inspect --reboot`: how long removing takes, and whether a reboot is faster."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memhp.checks.support.files import json_of, read_whole
from memhp.machines.judging.removal_time import (
    COSTS,
    Cost,
    CostError,
    Part,
    Reboot,
    Span,
    TimeVerdict,
    compare,
    estimate_reboot,
    overridden,
    predict,
    total,
)

from .output.streams import UsageError
from .output.terminal import say

if TYPE_CHECKING:
    from rich.console import Console

    from memhp.machines.judging.offline import BlockJudgement
    from memhp.machines.judging.page_work import PageWork
    from memhp.machines.reading.sysfs import MachineReading

__all__ = ["Forecast", "forecast", "forecast_document", "read_costs", "reboot_of", "show_forecast"]

_MOST_COSTS = 1 << 20
"""Bytes of a file of costs; there are a few lines for each kind of work."""

STICKY = ("reserved", "kernel")
"""The kinds of frames, as the page flags show them, that neither move nor can be written out."""


@dataclass(frozen=True)
class BlockForecast:
    """One block that can go, or may: what removing it takes."""

    number: int
    certain: bool
    parts: tuple[Part, ...]

    @property
    def seconds(self) -> Span:
        return total(part.seconds for part in self.parts)


@dataclass(frozen=True)
class Forecast:
    """What removing takes; ``sticky`` counts frames by kind, None if the flags were not read."""

    blocks: tuple[BlockForecast, ...]
    sticky: Mapping[str, int] | None
    costs: Mapping[str, Cost]
    reboot: Reboot
    notes: tuple[str, ...]

    @property
    def seconds(self) -> Span:
        """All blocks, one after the other: at least those that can go for certain."""
        least = total(block.seconds for block in self.blocks if block.certain)
        return Span(least.lower, total(block.seconds for block in self.blocks).upper)

    @property
    def verdict(self) -> TimeVerdict:
        return compare(self.seconds, self.reboot.seconds) if self.blocks else "cannot tell"


def reboot_of(text: str, memory: int | None) -> Reboot:
    """What a user says of a reboot: ``90``, ``90..120`` or ``estimate``.  Raises `UsageError`."""
    if text == "estimate":
        if memory is None:
            raise UsageError("the memory's size is unknown: give --reboot SECONDS or LOW..HIGH")
        return estimate_reboot(memory)
    low, dots, high = text.partition("..")
    try:
        lower, upper = float(low), float(high if dots else low)
    except ValueError:
        lower, upper = -1, -1
    if not 0 <= lower <= upper < float("inf"):
        raise UsageError(
            f"--reboot {text[:40]!r} is neither seconds (90), nor LOW..HIGH (90..120), nor"
            " estimate; before a path write --reboot=estimate"
        )
    return Reboot(Span(lower, upper), "given", "--reboot")


def read_costs(path: str | None) -> Mapping[str, Cost]:
    """The table of costs, with a user's file (TOML, or JSON by its name) over it."""
    if path is None:
        return COSTS
    try:
        text = read_whole(Path(path), _MOST_COSTS).decode()
        document = json_of(text) if path.endswith(".json") else tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path[:200]}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not text, so neither TOML nor JSON") from None
    except RecursionError:  # of tomllib
        raise UsageError(
            f"{path}: neither TOML nor JSON as its name says (nested too deeply)"
        ) from None
    except ValueError as error:
        raise UsageError(
            f"{path}: neither TOML nor JSON as its name says ({_brief(error)})"
        ) from None
    try:
        return overridden(document, path)
    except CostError as error:
        raise UsageError(str(error)) from None


def _brief(error: Exception) -> str:
    """What a parser says, on one line; it may quote the whole of a file."""
    said = " ".join(str(error).split())
    return said if len(said) <= 120 else f"{said[:120]}…"


def memory_of(reading: MachineReading) -> int | None:
    """Bytes of memory: what the nodes say, or all blocks that are not offline."""
    nodes = [node.mem_total_kib for node in reading.nodes]
    known = [kib for kib in nodes if kib is not None]
    if known and len(known) == len(nodes):
        return sum(known) * 1024
    if reading.block_size is None or not reading.blocks:
        return None
    return reading.block_size * sum(block.state != "offline" for block in reading.blocks)


def forecast(
    reading: MachineReading,
    judgements: Sequence[BlockJudgement],
    *,
    reboot: str,
    costs: str | None = None,
) -> Forecast:
    """What removing every block that can go, or may, takes.  Raises `UsageError`."""
    from memhp.machines.judging.page_work import work_of

    table, limit = read_costs(costs), reboot_of(reboot, memory_of(reading))
    if reading.block_size is None:
        raise UsageError("the block size is unknown, so nothing can be said of the time")
    goes = [judged for judged in judgements if judged.verdict != "no"]
    pages, notes = _pages(reading, [judged.number for judged in goes])
    blocks = []
    for judged in goes:
        work = work_of(
            pages.get(judged.number), block_size=reading.block_size, page_size=reading.page_size
        )
        spans = {kind: Span(*bounds) for kind, bounds in work.items()}
        blocks.append(BlockForecast(judged.number, judged.verdict == "yes", predict(spans, table)))
    numbers = {judged.number for judged in judgements}
    return Forecast(tuple(blocks), _sticky(reading, numbers), table, limit, tuple(notes))


def _pages(reading: MachineReading, numbers: list[int]) -> tuple[dict[int, PageWork], list[str]]:
    """What the pages of the blocks need, as far as it can be read, and a note if it cannot."""
    from memhp.machines.judging.page_work import count_work
    from memhp.machines.reading.errors import MachineError

    if not reading.live:
        return {}, ["kpagecount not in a dump: all of a block may have to move"]
    if reading.frames is None or reading.block_size is None or reading.page_size is None:
        return {}, ["kpageflags and kpagecount not read: all of a block may have to move"]
    try:
        found = count_work(numbers, block_size=reading.block_size, page_size=reading.page_size)
    except MachineError as error:
        return {}, [str(error)]
    return found, []


def _sticky(reading: MachineReading, numbers: set[int]) -> Mapping[str, int] | None:
    if reading.frames is None:
        return None
    found: Counter[str] = Counter()
    for number, kinds in reading.frames.items():
        if number in numbers:
            found.update({kind.value: count for kind, count in kinds.items()})
    return {kind: found[kind] for kind in STICKY}


def show_forecast(out: Console, made: Forecast, *, verbose: bool) -> None:
    """Print what removing takes; with ``verbose`` every figure and its source."""
    from rich.table import Table

    out.print()
    say(out, f"sticky memory, found before any work: {_sticky_words(made)}")
    table = Table("blocks", "to move", "seconds each", "seconds in all", box=None, pad_edge=False)
    for run in _runs(made.blocks):
        first, last = run[0], run[-1]
        copies = [part.amount for block in run for part in block.parts if part.kind == "copy"]
        table.add_row(
            str(first.number) if first is last else f"{first.number}-{last.number}",
            f"{_words(total(copies))} GiB",
            _words(_around([block.seconds for block in run])),
            _words(total(block.seconds for block in run)),
        )
    if made.blocks:
        out.print("removing what can go, or may, one block after the other:")
        out.print(table)
    for note in made.notes:
        say(out, f"note: {note}")
    say(out, _conclusion(made))
    for line in _figures(made):
        say(out, line)
    if verbose:
        _show_sources(out, made)


def _sticky_words(made: Forecast) -> str:
    if made.sticky is None:
        return "not known, the page flags were not read"
    counts = ", ".join(f"{kind} {count}" for kind, count in made.sticky.items())
    return f"{counts} frames; pins do not show, so a long-term pin can still stop a removal"


def _conclusion(made: Forecast) -> str:
    reboot = f"a reboot takes {_seconds(made.reboot.seconds)} ({made.reboot.confidence})"
    if not made.blocks:
        return f"no block can go; {reboot}"
    verdict = {
        "faster than a reboot": "removing is faster than a reboot",
        "slower": "removing is slower than a reboot",
        "cannot tell": "whether removing is faster cannot be told",
    }[made.verdict]
    return (
        "if nothing refuses and no page is tried twice, removing takes"
        f" {_seconds(made.seconds)}; {reboot}: {verdict}"
    )


def _figures(made: Forecast) -> Iterator[str]:
    """What the seconds rest on: the figures that nobody measured, and those without a bound."""
    used = {p.kind for b in made.blocks for p in b.parts if p.amount.upper != 0}
    assumed = [k for k, cost in made.costs.items() if k in used and cost.confidence == "assumed"]
    endless = [k for k in assumed if made.costs[k].upper is None]
    if assumed:
        yield (f"assumed, not measured: {', '.join(assumed)} (-v: why; --costs FILE: your own)")
    if endless:
        yield (
            f"without a bound: {', '.join(endless)}, for a store may never answer; give one with"
            " --costs FILE"
        )


def _show_sources(out: Console, made: Forecast) -> None:
    out.print()
    out.print("seconds for one unit of work, and who says so:")
    for kind, cost in made.costs.items():
        upper = "and more, without a bound," if cost.upper is None else f"to {cost.upper:.3g} s"
        figures = f"{cost.lower:.3g} {upper}"
        said = f"  {kind}: {figures} for a {cost.unit} ({cost.confidence}): {cost.source}"
        say(out, said)
    reboot = made.reboot
    said = f"  reboot: {_words(reboot.seconds)} s ({reboot.confidence}): {reboot.source}"
    say(out, said)


def _runs(blocks: Sequence[BlockForecast]) -> Iterator[list[BlockForecast]]:
    """Consecutive blocks of which the same is known."""
    current: list[BlockForecast] = []
    for block in blocks:
        if current and not (
            block.number == current[-1].number + 1 and block.certain == current[-1].certain
        ):
            yield current
            current = []
        current.append(block)
    if current:
        yield current


def _around(spans: Sequence[Span]) -> Span:
    """From the least to the most of all."""
    uppers = [span.upper for span in spans if span.upper is not None]
    return Span(
        min(span.lower for span in spans), max(uppers) if len(uppers) == len(spans) else None
    )


def _words(span: Span) -> str:
    """The span as a reader writes it: rounded, and plain about a bound that is missing."""
    if span.upper is None:
        return f"at least {_figure(span.lower)} (no bound known)"
    low, high = _figure(span.lower), _figure(span.upper)
    return low if low == high else f"{low} to {high}"


def _seconds(span: Span) -> str:
    if span.upper is None:
        return f"at least {_figure(span.lower)} s (no bound known)"
    return f"{_words(span)} s"


def _figure(number: float) -> str:
    if number >= 100:
        return f"{number:.0f}"
    return f"{number:.3g}" if number >= 0.1 else f"{round(number, 3):g}"


def forecast_document(made: Forecast) -> dict[str, Any]:
    """The forecast as `memhp inspect --json` gives it."""
    return {
        "sticky": None if made.sticky is None else dict(made.sticky),
        "blocks": [
            {
                "number": block.number,
                "certain": block.certain,
                "work": {part.kind: _span(part.amount) for part in block.parts},
                "seconds": _span(block.seconds),
            }
            for block in made.blocks
        ],
        "seconds": _span(made.seconds),
        "reboot": {
            **_span(made.reboot.seconds),
            "confidence": made.reboot.confidence,
            "source": made.reboot.source,
        },
        "verdict": made.verdict,
        "costs": {kind: vars(cost) for kind, cost in made.costs.items()},
        "notes": list(made.notes),
    }


def _span(span: Span) -> dict[str, float | None]:
    return {"lower": span.lower, "upper": span.upper}
