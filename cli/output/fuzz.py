"""What `memhp fuzz` shows: what was done and compared, what was not, and what diverged."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memhp.spec.language.errnos import errorcode

from .terminal import console, say

if TYPE_CHECKING:
    from rich.table import Table

    from memhp.checks.fuzz.campaign import Campaign
    from memhp.checks.fuzz.reached import Reached
    from memhp.checks.fuzz.record import Record
    from memhp.checks.fuzz.rules import Rule

_LISTED = 8
"""So many names are written before the rest is left out."""


def show_list() -> None:
    """Print every operation with its parameters, and then what only targets that name it do."""
    from memhp.checks.fuzz.rules import EVERY, RULES

    names = {rule.name for rule in RULES}
    print("Asked of every target that does not name its operations:\n")
    _show_rules(rule for name, rule in EVERY.items() if name in names)
    print("\nOnly of targets that name them; most are single steps of the above:\n")
    _show_rules(rule for name, rule in EVERY.items() if name not in names)


def _show_rules(rules: Iterable[Rule]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("operation", no_wrap=True)
    table.add_column("parameters", overflow="fold")
    for rule in rules:
        choices = (c if isinstance(c, str) else " | ".join(map(repr, c)) for c in rule.params)
        table.add_row(rule.name, ", ".join(choices))
    console().print(table)


def show(
    campaign: Campaign, rules: Sequence[str], out: Path, *, seconds: float, full: bool
) -> None:
    """Print a table of what was done and compared, and the verdict.

    Args:
        campaign: the campaign.
        rules: the names of all operations that could be drawn.
        out: the file of a divergence.
        seconds: how long it took.
        full: with the traceback, if the target failed.
    """
    from memhp.spec.profiles import DEFAULT, LINUX

    shown = console()
    shown.print(_answers(campaign))
    shown.print()
    share = campaign.changed / campaign.steps if campaign.steps else 0.0
    say(
        shown,
        f"{campaign.steps:,} operations on {campaign.target} ({campaign.mode}, seed"
        f" {campaign.seed}), compared with {campaign.profile}; {share:.0%} changed something;"
        f" {seconds:.1f} s",
    )
    if campaign.steps:
        say(shown, _compared(campaign))
    if campaign.record is not None:
        _show_record(campaign.record, campaign.target, out, full=full)
        if campaign.profile == DEFAULT and campaign.target != "engine":
            say(shown, f"{DEFAULT} is what the list asks for; Linux's design is --profile {LINUX}")
        return None
    if not campaign.steps:
        return say(shown, "nothing is finished yet: no operation was compared")
    drawn, succeeded = undone(campaign, rules)
    if succeeded:
        say(shown, f"never succeeded ({len(succeeded)}): {_some(succeeded)}")
    if drawn:
        say(shown, f"never drawn ({len(drawn)} of {len(rules)}): {_some(drawn)}")
        say(shown, f"no divergence in the {len(rules) - len(drawn)} operations that were drawn")
    else:
        print("no divergence")


def _answers(campaign: Campaign) -> Table:
    """How often each operation was done, how often it succeeded, and what refused it."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("operation", no_wrap=True)
    table.add_column("done", justify="right")
    table.add_column("succeeded", justify="right")
    table.add_column("refused with", overflow="fold")
    for name, answers in sorted(by_name(campaign).items()):
        errors = sorted((str(errorcode.get(e, e)), n) for e, n in answers.items() if e is not None)
        table.add_row(
            name,
            f"{sum(answers.values()):,}",
            f"{answers[None]:,}",
            ", ".join(f"{word} {count:,}" for word, count in errors),
        )
    return table


def _show_record(record: Record, target: str, out: Path, *, full: bool) -> None:
    shown = console()
    count = len(record.operations)
    say(shown, f"diverged, shrunk to {count} operations:" if count else "diverged:")
    for number, (name, params) in enumerate(record.operations, 1):
        say(shown, f"{number:3} {name}({', '.join(map(str, params))})")
    for line in (*record.report.splitlines(), *(record.trace.splitlines() if full else ())):
        say(shown, line)
    say(shown, f"again: {shlex.join(['memhp', 'replay', str(out), '--target', target])}")


def undone(campaign: Campaign, rules: Sequence[str]) -> tuple[list[str], list[str]]:
    """The operations that were never drawn, and those that were drawn and never succeeded.

    Args:
        campaign: the campaign.
        rules: the names of all operations that could be drawn.
    """
    names = by_name(campaign)
    drawn = [name for name in rules if name not in names]
    return drawn, [name for name in rules if name in names and not names[name][None]]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")


def _compared(campaign: Campaign) -> str:
    """How much of the state was compared, and what was not: one paragraph."""
    count = len(campaign.system.variables)
    never, parts = _untold(campaign)
    text = f"compared: {count - len(never)} of {count} variables"
    if parts:
        untold: Counter[str] = Counter()
        for _, name, places in parts:
            untold[name] += len(places)
        some = ", ".join(f"{name} ({number} entries never told)" for name, number in untold.items())
        text += f"; in part {some}"
    if never:
        text += f"; never told ({len(never)}): {_some(never)}"
    return text


def _untold(campaign: Campaign) -> tuple[tuple[str, ...], list[tuple[str, str, list[int]]]]:
    """The variables that nothing was told of on any machine, and for others the entries."""
    from memhp.checks.fuzz.told import never_told

    never = never_told(campaign.system, campaign.untold, campaign.machines)
    parts = [
        (machine, name, sorted(places))
        for machine, untold in campaign.untold.items()
        for name, places in untold.items()
        if name not in never
    ]
    return never, parts


def show_depth(depth: Reached) -> None:
    """Print which *sometimes* properties were reached, in how many episodes each."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("sometimes", no_wrap=True)
    table.add_column("episodes", justify="right")
    table.add_column("no operation took", overflow="fold")
    for name, count in depth.episodes.most_common():
        table.add_row(name, str(count), "")
    for name, lacking in depth.missed.items():
        table.add_row(name, "0", ", ".join(lacking))
    console().print(table)
    print(
        f"\n{depth.steps:,} operations in {depth.of} episodes reach {len(depth.episodes)} of"
        f" {len(depth.episodes) + len(depth.missed)} sometimes properties"
    )


def by_name(campaign: Campaign) -> dict[str, Counter[int | None]]:
    """How often each operation that was done was answered what (an errno; None: success)."""
    counts: dict[str, Counter[int | None]] = {}
    for (name, errno), count in campaign.answers.items():
        counts.setdefault(name, Counter())[errno] += count
    return counts


def document(
    campaign: Campaign, rules: Sequence[str], out: Path, depth: Reached | None
) -> dict[str, Any]:
    """The document of schema ``memhp-fuzz/1`` (cli/schema/fuzz.json).

    Args:
        campaign: the campaign.
        rules: the names of all operations that could be drawn.
        out: the file of a divergence.
        depth: which *sometimes* properties were reached; None if nobody asked.
    """
    record, (never, parts) = campaign.record, _untold(campaign)
    drawn, succeeded = undone(campaign, rules)
    return {
        "schema": "memhp-fuzz/1",
        "target": campaign.target,
        "profile": campaign.profile,
        "mode": campaign.mode,
        "seed": campaign.seed,
        "shard": list(campaign.shard),
        "steps": campaign.steps,
        "changed": campaign.changed,
        "untold": {
            "variables": never,
            "entries": [
                {"machine": on, "variable": name, "entries": places} for on, name, places in parts
            ],
        },
        "never_drawn": drawn,
        "never_succeeded": succeeded,
        "operations": [
            {
                "name": name,
                "answers": {
                    "success" if errno is None else errorcode.get(errno, str(errno)): count
                    for errno, count in answers.items()
                },
            }
            for name, answers in sorted(by_name(campaign).items())
        ],
        "deadly": [
            {"piece": number, "why": why} for number, why in sorted(campaign.deadly.items())
        ],
        **({} if depth is None else {"reached": _depth_json(depth)}),
        "divergence": record and _divergence_json(record, out),
    }


def _divergence_json(record: Record, out: Path) -> dict[str, Any]:
    return {
        "file": str(out),
        "operations": [[name, *params] for name, params in record.operations],
        "report": record.report.splitlines(),
    }


def _depth_json(depth: Reached) -> dict[str, Any]:
    return {
        "steps": depth.steps,
        "episodes": depth.of,
        "sometimes": [
            {"name": name, "episodes": count, "lacking": []}
            for name, count in depth.episodes.most_common()
        ]
        + [
            {"name": name, "episodes": 0, "lacking": list(lacking)}
            for name, lacking in depth.missed.items()
        ],
    }
