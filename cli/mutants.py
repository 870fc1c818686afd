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
    """Print what notices each mutant, and the summary; quiet: only what is not accounted for.

    ``idle`` are the reasons that no mutant needs.
    """
    from rich.table import Table

    table = Table("mutant", "noticed by", "", box=None, pad_edge=False)
    table.columns[0].overflow = table.columns[2].overflow = "fold"
    shown = [found for found in judgements if not (quiet and found.accounted)]
    for found in shown:
        colour = "green" if found.accounted else "red"
        table.add_row(str(found.mutant), coloured(found.notice, colour), found.by)
    for reason in idle:
        table.add_row(reason.names, coloured("unused reason", "red"), reason.why)
    out = console()
    if shown or idle:
        out.print(table)
    out.print(summary(judgements), soft_wrap=True)


def summary(judgements: list[Judgement]) -> str:
    """How many mutants, and what noticed how many of them."""
    counts = Counter(found.notice for found in judgements)
    parts = ", ".join(f"{number} {notice}" for notice, number in counts.most_common())
    return f"{len(judgements)} mutants: {parts}"


def as_json(judgements: list[Judgement], idle: Sequence[Reason]) -> dict[str, Any]:
    """The document of schema ``memhp-mutants/2`` (cli/schema/mutants.json)."""
    return {
        "schema": "memhp-mutants/2",
        "mutants": [
            {
                "name": str(found.mutant),
                "owner": found.mutant.owner,
                "part": found.mutant.part,
                "kind": found.mutant.kind,
                "change": found.mutant.change,
                "notice": found.notice,
                "by": found.by,
                "accounted": found.accounted,
            }
            for found in judgements
        ],
        "unused_reasons": [reason.names for reason in idle],
    }
