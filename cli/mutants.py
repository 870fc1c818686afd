"""How the judgements of mutants look: a table for a person, a document for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .output.terminal import coloured, console

if TYPE_CHECKING:
    from memhp.checks.mutants.judge import Judgement
    from memhp.spec.mutants import Reason


def show_mutants(judgements: list[Judgement], idle: Sequence[Reason], *, quiet: bool) -> None:
    """Print what notices each mutant, and the summary.

    Args:
        judgements: on each mutant.
        idle: the reasons that no mutant needs.
        quiet: only the mutants that are not accounted for.
    """
    from rich.table import Table

    table = Table("mutant", "noticed by", "", box=None, pad_edge=False)
    table.columns[0].overflow = table.columns[2].overflow = "fold"
    shown = [judgement for judgement in judgements if not (quiet and judgement.accounted)]
    for judgement in shown:
        colour = "green" if judgement.accounted else "red"
        table.add_row(str(judgement.mutant), coloured(judgement.notice, colour), judgement.by)
    for reason in idle:
        table.add_row(reason.names, coloured("unused reason", "red"), reason.why)
    out = console()
    if shown or idle:
        out.print(table)
    out.print(summary(judgements), soft_wrap=True)


def summary(judgements: list[Judgement]) -> str:
    """The line that says how many mutants there are, and what noticed how many of them."""
    if not judgements:
        return "no mutants: there is no such mistake to make"
    counts = Counter(judgement.notice for judgement in judgements)
    parts = ", ".join(f"{number} {notice}" for notice, number in counts.most_common())
    return f"{len(judgements)} {'mutant' if len(judgements) == 1 else 'mutants'}: {parts}"


def as_json(judgements: list[Judgement], idle: Sequence[Reason]) -> dict[str, Any]:
    """The document of schema ``memhp-mutants/2`` (cli/schema/mutants.json)."""
    return {
        "schema": "memhp-mutants/2",
        "mutants": [
            {
                "name": str(judgement.mutant),
                "owner": judgement.mutant.owner,
                "part": judgement.mutant.part,
                "kind": judgement.mutant.kind,
                "change": judgement.mutant.change,
                "notice": judgement.notice,
                "by": judgement.by,
                "accounted": judgement.accounted,
            }
            for judgement in judgements
        ],
        "unused_reasons": [reason.names for reason in idle],
    }
