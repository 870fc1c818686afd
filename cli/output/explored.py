"""How an exhaustive search looks: a summary for a person, a document for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from memhp.checks.support.verdicts import Verdict, combine

from .terminal import console, tell
from .traces import print_trace

if TYPE_CHECKING:
    from memhp.checks.explore.results import Exploration
    from memhp.reference.shapes import AnyShape
    from memhp.spec.language import Property, System

_ENDS = {
    "complete": "every reachable state",
    "depth": "every state within {depth} steps",
    "memory": "memory ran out: every state within {depth} steps, and some beyond",
    "interrupted": "interrupted: every state within {depth} steps, and some beyond",
    "refuted": "stopped at a violation: every state within {depth} steps",
}


def verdict(explorations: Sequence[Exploration], named: bool) -> Verdict:
    """The verdict on all machines: *holds* at best, for a search proves nothing about others.

    Args:
        explorations: one for each machine, at least one.
        named: the user named the properties; then what no machine reaches counts.
    """
    decided = {claim: _over_machines(claim, explorations) for claim in explorations[0].claims}
    counts = [
        answer
        for claim, answer in decided.items()
        if named or claim.kind in ("always", "step") or answer is not Verdict.undetermined
    ]
    return combine([Verdict.holds, *counts])


def _over_machines(claim: Property, explorations: Sequence[Exploration]) -> Verdict:
    verdicts = [each.verdict(claim) for each in explorations]
    if claim.kind == "sometimes":
        return Verdict.holds if Verdict.holds in verdicts else Verdict.undetermined
    return combine(verdicts)


_HOW = {
    "native": "compiled",
    "bits": "compiled, one bit a state",
    "python": "no C compiler: the reference",
}


def show(
    system: System,
    result: Exploration,
    shape: AnyShape,
    number: int,
    total: int,
    *,
    quiet: bool,
    every: bool,
) -> None:
    """Print how the search of one machine went.

    Args:
        system: the specification.
        result: how it went.
        shape: the machine.
        number: which machine it is, from 1.
        total: of how many.
        quiet: without the table of *sometimes* properties.
        every: that table names those that are not reached, too.
    """
    from memhp.checks.search.scopes import scope_text

    out = console()
    which = f" ({number} of {total})" if total > 1 else ""
    out.print(f"machine{which}: {scope_text(shape)}", soft_wrap=not out.is_terminal, style="bold")
    how = _HOW[result.engine]
    tell(
        f"{result.states:,} states{_images(result)}, {result.transitions:,} transitions,"
        f" depth {result.depth};"
        f" {_ENDS[result.end].format(depth=result.depth)}; {result.seconds:.1f} s ({how})"
    )
    if not quiet:
        _reached(out, result, every=every)
    for kinds in (("always", "step"), ("ends",)):
        counts = Counter(result.verdict(c).value for c in result.claims if c.kind in kinds)
        if counts:
            parts = ", ".join(f"{count} {name}" for name, count in counts.items())
            tell(f"{' and '.join(kinds)} properties: {parts}")
    if _holds_so_far(result):
        out.print(f"holds to depth {result.depth}")
    if result.deadlock is not None:
        out.print(f"{_deadlocks(result)}; the first after {len(result.deadlock)} steps")
    for claim in result.claims:
        if result.verdict(claim) is Verdict.refuted:
            tell(f"refuted: {claim.name} ({claim.where})")
            print_trace(system, result.witnesses[claim.name])


def _holds_so_far(result: Exploration) -> bool:
    """Not every state was seen, and none that was violates anything."""
    safe = [claim for claim in result.claims if claim.kind in ("always", "step")]
    if not safe or result.end == "complete":
        return False
    return not any(claim.name in result.witnesses for claim in safe)


def _images(result: Exploration) -> str:
    return " (one for all its images)" if result.symmetry else ""


def _deadlocks(result: Exploration) -> str:
    if result.deadlocks is None:
        return "there are states without a step"
    return f"{result.deadlocks:,} states without a step"


def _reached(out: Any, result: Exploration, *, every: bool) -> None:
    """Which *sometimes* are reached, the nearest first, and how many are not."""
    from rich.table import Table

    wanted = [claim for claim in result.claims if claim.kind == "sometimes"]
    steps = {
        claim.name: len(trace.steps)
        for claim in wanted
        if (trace := result.witnesses.get(claim.name)) is not None
    }
    table = Table("first at", "sometimes", box=None, pad_edge=False)
    table.columns[0].justify = "right"
    table.columns[1].overflow = "fold"
    for name in sorted(steps, key=lambda name: steps[name]):
        table.add_row(f"{steps[name]}", name)
    if steps:
        out.print(table)
    others = [claim.name for claim in wanted if claim.name not in steps]
    if others:
        hint = "" if every else " (--all names them)"
        tell(f"not reached: {len(others)} of {len(wanted)}{hint}")
    for name in others if every else ():
        tell(f"  {name}")


def as_json(
    system: System,
    explorations: Sequence[Exploration],
    shapes: Sequence[AnyShape],
    only: Sequence[str] | None,
) -> dict[str, Any]:
    """The document of schema ``memhp-explore/1`` (cli/schema/explore.json).

    Args:
        system: the specification, as it was searched.
        explorations: one for each machine that was searched.
        shapes: the machines.
        only: the names that the user gave; None if there were none.
    """
    return {
        "schema": "memhp-explore/1",
        "system": system.name,
        "actions": [action.name for action in system.actions],
        "verdict": verdict(explorations, bool(only)).value,
        "machines": [
            _machine(result, shape) for result, shape in zip(explorations, shapes, strict=True)
        ],
    }


def _machine(result: Exploration, shape: AnyShape) -> dict[str, Any]:
    document: dict[str, Any] = {
        "sizes": dict(result.topology.sizes),
        "engine": result.engine,
        "symmetry": result.symmetry,
        "end": result.end,
        "states": result.states,
        "transitions": result.transitions,
        "depth": result.depth,
        "layers": list(result.layers),
        "seconds": round(result.seconds, 3),
        "properties": [_property(result, claim) for claim in result.claims],
    }
    if result.deadlocks is not None:
        document["deadlocks"] = result.deadlocks
    if result.deadlock is not None:
        document["deadlock"] = [[action, list(point)] for action, point in result.deadlock]
    return document


def _property(result: Exploration, claim: Property) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": claim.name,
        "kind": claim.kind,
        "verdict": result.verdict(claim).value,
    }
    if trace := result.witnesses.get(claim.name):
        document["depth"] = len(trace.steps)
        document["trace"] = [[action, list(point)] for action, point in trace.steps]
        if trace.loop is not None:
            document["loop"] = trace.loop
    return document
