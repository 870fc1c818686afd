"""How the judgements of mutants look: a table for a person, a document for a program."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from .common import coloured, console

if TYPE_CHECKING:
    from memhp.checks.mutants import Judgement


def show_mutants(judgements: list[Judgement], *, quiet: bool) -> None:
    """Print what notices each mutant, and the summary; quiet: only what is not accounted for."""
    from rich.table import Table

    table = Table("mutant", "noticed by", "", box=None, pad_edge=False)
    table.columns[0].overflow = table.columns[2].overflow = "fold"
    shown = [found for found in judgements if not (quiet and found.accounted)]
    for found in shown:
        colour = "green" if found.accounted else "red"
        table.add_row(str(found.mutant), coloured(found.notice, colour), found.by)
    out = console()
    if shown:
        out.print(table)
    out.print(summary(judgements), soft_wrap=True)


def summary(judgements: list[Judgement]) -> str:
    """How many mutants, and what noticed how many of them."""
    counts = Counter(found.notice for found in judgements)
    parts = ", ".join(f"{number} {notice}" for notice, number in counts.most_common())
    return f"{len(judgements)} mutants: {parts}"


def as_json(judgements: list[Judgement]) -> dict[str, Any]:
    """The document of schema ``memhp-mutants/1`` (cli/schema/mutants.json)."""
    return {
        "schema": "memhp-mutants/1",
        "mutants": [
            {
                "action": found.mutant.action,
                "part": found.mutant.part,
                "kind": found.mutant.kind,
                "notice": found.notice,
                "by": found.by,
                "accounted": found.accounted,
            }
            for found in judgements
        ],
    }
