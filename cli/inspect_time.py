"""`memhp inspect --reboot`: how long removing takes, and whether a reboot is faster."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memhp.checks.support.files import json_of, read_whole
from memhp.machines.judging.removal_time import (
    COSTS,
    Cost,
    CostError,
    Reboot,
    Span,
    estimate_reboot,
    overridden,
    total,
)

from .output.streams import UsageError
from .output.terminal import say

if TYPE_CHECKING:
    from rich.console import Console

    from memhp.machines.judging.forecast import BlockForecast, Forecast

__all__ = ["forecast_document", "read_costs", "reboot_of", "show_forecast"]

_MOST_COSTS = 1 << 14
"""Bytes of a file of costs; there are a few lines for each kind of work, and what TOML has in one
key takes Python the square of its length."""


def reboot_of(text: str, memory: int | None) -> Reboot:
    """The seconds of a reboot that a user gives: ``90``, ``90..120`` or ``estimate``.

    Args:
        text: the option's argument.
        memory: bytes of memory to estimate by; None if they are not known.

    Raises:
        UsageError: it is none of these, or nothing is known to estimate by.
    """
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


def read_costs(path: str | None, costs: Mapping[str, Cost] = COSTS) -> Mapping[str, Cost]:
    """The table of costs, with a user's file (TOML, or JSON by its name) over it.

    Args:
        path: the file; None: there is none.
        costs: the table.

    Raises:
        UsageError: the file cannot be read, or has figures that cannot be used.
    """
    if path is None:
        return costs
    try:
        content = read_whole(Path(path), _MOST_COSTS)
    except OSError as error:
        raise UsageError(f"{path[:200]}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: no file of costs: {error}") from None
    try:
        text = content.decode()
        document = json_of(text) if path.endswith(".json") else tomllib.loads(text)
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
        return overridden(document, path, costs)
    except CostError as error:
        raise UsageError(str(error)) from None


def _brief(error: Exception) -> str:
    """What a parser says, on one line; it may quote the whole of a file."""
    message = " ".join(str(error).split())
    return message if len(message) <= 120 else f"{message[:120]}…"


def show_forecast(out: Console, forecast: Forecast, *, verbose: bool) -> None:
    """Print what removing takes; with ``verbose`` every figure and its source."""
    from rich.table import Table

    out.print()
    say(out, f"sticky memory, found before any work: {_sticky_words(forecast)}")
    table = Table("blocks", "to move", "seconds each", "seconds in all", box=None, pad_edge=False)
    for run in _runs(forecast.blocks):
        first, last = run[0], run[-1]
        copies = [part.amount for block in run for part in block.parts if part.kind == "copy"]
        table.add_row(
            str(first.number) if first is last else f"{first.number}-{last.number}",
            f"{_words(total(copies))} GiB",
            _words(_around([block.seconds for block in run])),
            _words(total(block.seconds for block in run)),
        )
    if forecast.blocks:
        out.print("removing what can go, or may, one block after the other:")
        out.print(table)
    for note in forecast.notes:
        say(out, f"note: {note}")
    say(out, _conclusion(forecast))
    for line in _figures(forecast):
        say(out, line)
    if verbose:
        _show_sources(out, forecast)


def _sticky_words(forecast: Forecast) -> str:
    if forecast.sticky is None:
        return "not known, the page flags were not read"
    counts = ", ".join(f"{kind} {count}" for kind, count in forecast.sticky.items())
    return f"{counts} frames; pins do not show, so a long-term pin can still stop a removal"


def _conclusion(forecast: Forecast) -> str:
    reboot = f"a reboot takes {_seconds(forecast.reboot.seconds)} ({forecast.reboot.confidence})"
    if not forecast.blocks:
        return f"no block can go; {reboot}"
    verdict = {
        "faster than a reboot": "removing is faster than a reboot",
        "slower": "removing is slower than a reboot",
        "cannot tell": "whether removing is faster cannot be told",
    }[forecast.verdict]
    return (
        "if nothing refuses and no page is tried twice, removing takes"
        f" {_seconds(forecast.seconds)}, about {_figure(forecast.expected)} s to expect;"
        f" {reboot}: {verdict}"
    )


def _figures(forecast: Forecast) -> Iterator[str]:
    """What the seconds rest on: the figures that nobody measured, and those without a bound."""
    used = {p.kind for b in forecast.blocks for p in b.parts if p.amount.upper != 0}
    assumed = [
        k for k, cost in forecast.costs.items() if k in used and cost.confidence == "assumed"
    ]
    endless = [k for k in assumed if forecast.costs[k].upper is None]
    if assumed:
        yield (f"assumed, not measured: {', '.join(assumed)} (-v: why; --costs FILE: your own)")
    if endless:
        yield (
            f"without a bound: {', '.join(endless)}, for a store may never answer; give one with"
            " --costs FILE"
        )


def _show_sources(out: Console, forecast: Forecast) -> None:
    out.print()
    out.print("seconds for one unit of work, and who says so:")
    for kind, cost in forecast.costs.items():
        upper = "and more, without a bound," if cost.upper is None else f"to {cost.upper:.3g} s"
        figures = f"{cost.lower:.3g} {upper}"
        say(out, f"  {kind}: {figures} for a {cost.unit} ({cost.confidence}): {cost.source}")
    reboot = forecast.reboot
    say(out, f"  reboot: {_words(reboot.seconds)} s ({reboot.confidence}): {reboot.source}")


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
    """The span as `_words` has it, with its unit."""
    if span.upper is None:
        return f"at least {_figure(span.lower)} s (no bound known)"
    return f"{_words(span)} s"


def _figure(number: float) -> str:
    if number >= 100:
        return f"{number:.0f}"
    return f"{number:.3g}" if number >= 0.1 else f"{round(number, 3):g}"


def forecast_document(forecast: Forecast) -> dict[str, Any]:
    """The forecast as `memhp inspect --json` gives it."""
    return {
        "sticky": None if forecast.sticky is None else dict(forecast.sticky),
        "blocks": [
            {
                "number": block.number,
                "certain": block.certain,
                "work": {part.kind: _span(part.amount) for part in block.parts},
                "seconds": _span(block.seconds),
            }
            for block in forecast.blocks
        ],
        "seconds": _span(forecast.seconds),
        "expected": forecast.expected,
        "reboot": {
            **_span(forecast.reboot.seconds),
            "confidence": forecast.reboot.confidence,
            "source": forecast.reboot.source,
        },
        "verdict": forecast.verdict,
        "costs": {
            kind: {**vars(cost), "expected": cost.expected} for kind, cost in forecast.costs.items()
        },
        "notes": list(forecast.notes),
    }


def _span(span: Span) -> dict[str, float | None]:
    return {"lower": span.lower, "upper": span.upper}
