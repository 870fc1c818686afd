"""How an exhaustive search looks: a summary for a person, a document for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from memhp.checks.support.verdicts import Verdict, combine

from .terminal import console
from .traces import print_trace

if TYPE_CHECKING:
    from memhp.checks.explore.results import Exploration
    from memhp.reference.shapes import Shape
    from memhp.spec.language import Property, System

_ENDS = {
    "complete": "every reachable state",
    "depth": "every state within {depth} steps",
    "memory": "memory ran out: every state within {depth} steps, and some beyond",
    "interrupted": "interrupted: every state within {depth} steps, and some beyond",
    "refuted": "stopped at a violation: every state within {depth} steps",
}


def verdict(explorations: Sequence[Exploration], named: bool) -> Verdict:
    """The verdict on all machines.

    What these machines do not reach, or are too large for, counts if it was ``named``.
    A search holds for its machines at best; it proves nothing about others.
    """
    decided = {claim: _over_machines(claim, explorations) for claim in explorations[0].claims}
    counts = [
        found
        for claim, found in decided.items()
        if named or claim.kind in ("always", "step") or found is not Verdict.undetermined
    ]
    return combine([Verdict.holds, *counts])


def _over_machines(claim: Property, explorations: Sequence[Exploration]) -> Verdict:
    found = [each.verdict(claim) for each in explorations]
    if claim.kind == "sometimes":
        return Verdict.holds if Verdict.holds in found else Verdict.undetermined
    return combine(found)


_HOW = {
    "native": "compiled",
    "bits": "compiled, one bit a state",
    "python": "no C compiler: the reference",
}


def show(
    system: System, found: Exploration, shape: Shape, number: int, total: int, *, quiet: bool
) -> None:
    """Print what one machine has."""
    from memhp.checks.search.scopes import scope_text

    out = console()
    which = f" ({number} of {total})" if total > 1 else ""
    out.print(f"machine{which}: {scope_text(shape)}", soft_wrap=True, style="bold")
    how = _HOW[found.engine]
    out.print(
        f"{found.states:,} states{_images(found)}, {found.transitions:,} transitions,"
        f" depth {found.depth};"
        f" {_ENDS[found.end].format(depth=found.depth)}; {found.seconds:.1f} s ({how})",
        soft_wrap=True,
    )
    if not quiet:
        _reached(out, found)
    for kinds in (("always", "step"), ("ends",)):
        counts = Counter(found.verdict(c).value for c in found.claims if c.kind in kinds)
        if counts:
            parts = ", ".join(f"{count} {name}" for name, count in counts.items())
            out.print(f"{' and '.join(kinds)} properties: {parts}", soft_wrap=True)
    if _holds_so_far(found):
        out.print(f"holds to depth {found.depth}")
    if found.deadlock is not None:
        out.print(f"{_deadlocks(found)}; the first after {len(found.deadlock)} steps")
    for claim in found.claims:
        if found.verdict(claim) is Verdict.refuted:
            out.print(f"refuted: {claim.name} ({claim.where})", soft_wrap=True)
            print_trace(system, found.found[claim.name])


def _holds_so_far(found: Exploration) -> bool:
    """Not every state was seen, and none that was violates anything."""
    safe = [claim for claim in found.claims if claim.kind in ("always", "step")]
    return bool(safe) and found.end != "complete" and not any(c.name in found.found for c in safe)


def _images(found: Exploration) -> str:
    return " (one for all its images)" if found.symmetry else ""


def _deadlocks(found: Exploration) -> str:
    if found.deadlocks is None:
        return "there are states without a step"
    return f"{found.deadlocks:,} states without a step"


def _reached(out: Any, found: Exploration) -> None:
    """Which *sometimes* are reached, and after how many steps."""
    from rich.table import Table

    wanted = [claim for claim in found.claims if claim.kind == "sometimes"]
    if not wanted:
        return
    table = Table("sometimes", "first at", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for claim in wanted:
        trace = found.found.get(claim.name)
        table.add_row(claim.name, f"{len(trace.steps)}" if trace else "not reached")
    out.print(table)


def as_json(
    system: System,
    explorations: Sequence[Exploration],
    shapes: Sequence[Shape],
    only: Sequence[str] | None,
) -> dict[str, Any]:
    """The document of schema ``memhp-explore/1`` (cli/schema/explore.json)."""
    return {
        "schema": "memhp-explore/1",
        "system": system.name,
        "actions": [action.name for action in system.actions],
        "verdict": verdict(explorations, bool(only)).value,
        "machines": [
            _machine(found, shape) for found, shape in zip(explorations, shapes, strict=False)
        ],
    }


def _machine(found: Exploration, shape: Shape) -> dict[str, Any]:
    document: dict[str, Any] = {
        "sizes": dict(found.topology.sizes),
        "engine": found.engine,
        "symmetry": found.symmetry,
        "end": found.end,
        "states": found.states,
        "transitions": found.transitions,
        "depth": found.depth,
        "layers": list(found.layers),
        "seconds": round(found.seconds, 3),
        "properties": [_property(found, claim) for claim in found.claims],
    }
    if found.deadlocks is not None:
        document["deadlocks"] = found.deadlocks
    if found.deadlock is not None:
        document["deadlock"] = [[action, list(point)] for action, point in found.deadlock]
    return document


def _property(found: Exploration, claim: Property) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": claim.name,
        "kind": claim.kind,
        "verdict": found.verdict(claim).value,
    }
    if trace := found.found.get(claim.name):
        document["depth"] = len(trace.steps)
        document["trace"] = [[action, list(point)] for action, point in trace.steps]
        if trace.loop is not None:
            document["loop"] = trace.loop
    return document
