"""`memhp coverage`: which row of the list has what, and by which evidence."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .arguments import processes
from .designs import add_design, design_in
from .files import fail
from .output.streams import UsageError, show_progress
from .output.terminal import coloured, console
from .systems import SystemFile, add_system, system_from

if TYPE_CHECKING:
    from rich.text import Text

    from memhp.checks.coverage import Cell, RowCoverage
    from memhp.checks.evidence import Evidence, Question

_EPILOG = """examples:
  memhp coverage                the table
  memhp coverage --json         every piece of evidence
  memhp coverage --markdown     the table as README carries it
  memhp coverage --sentences    which properties carry each row
  memhp coverage --design FILE  what a design of your own has of it: neither the engine nor a
                                kernel follows it, and wrong designs that it has no place for
                                are left out
  memhp coverage --system FILE  the rows that the properties of a system of your own name

columns: spec, the properties of the row; proof, those proved, reached, or restated (proved, but
  guards, updates or other invariants say it already); defect, wrong designs that are refuted;
  engine, compared in lock step; kernel, seen on that many kernels; use, the command

exit codes: 0 every row has what it claims, 1 something is missing or refuted, 3 undetermined
"""
_DEVIATES, _EARLIER = "which do otherwise", "held against earlier rules"
"""What is to be said of kernels beside their number."""
_COLOURS = {"proved": "green", "holds": "green", "undetermined": "yellow"}


def add_parser(commands: Any) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "coverage",
        help="what every row of the list has: properties, proofs, refuted designs",
        description="Computes for every row of the list what it has: the properties that say it,"
        " their verdicts, the wrong designs that are refuted, and the command that uses it.",
        epilog=_EPILOG,
    )
    add_design(parser)
    add_system(parser)
    parser.add_argument("--no-cache", action="store_true", help="decide everything anew")
    parser.add_argument("--jobs", type=processes, help="processes (default: all cores)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="machine-readable output")
    form.add_argument("--markdown", action="store_true", help="the table for a document")
    form.add_argument(
        "--sentences",
        action="store_true",
        help="for a document: which properties carry each row, and which say again what guards"
        " (guards), the form of updates (form) or other invariants (follows) say",
    )
    parser.set_defaults(run=run)


def _kernels() -> Iterator[Evidence]:
    """The evidence of kernels for each row, by memhp's own record."""
    from memhp.checks.evidence import Evidence
    from memhp.checks.support.verdicts import Verdict
    from memhp.lab.conform.evidence import evidence, recorded

    for each in evidence(recorded()):
        scenario = each.scenario
        verdict = Verdict.holds if each.agrees else Verdict.refuted
        notes = [_DEVIATES] * scenario.deviates + [_EARLIER] * each.earlier
        detail = "; ".join([", ".join(each.kernels), *notes])
        for row in scenario.rows:
            yield Evidence(row, "kernel", scenario.name, verdict, detail)


def run(args: argparse.Namespace) -> int:
    """Print the table; the exit code says whether every claim is met."""
    from memhp.checks.coverage import coverage
    from memhp.checks.designs.rows import coverage_of_design, coverage_of_system
    from memhp.checks.evidence import Question
    from memhp.checks.proof.cache import default_folder
    from memhp.checks.support.verdicts import combine
    from memhp.spec.system import SYSTEM
    from memhp.spec.variants import VARIANTS

    try:
        own, design = system_from(args), design_in(args)
        if own and not own.system.rows:
            raise UsageError(f'{own.path}: no property covers a row: @always(covers="ROW")')
    except UsageError as error:
        return fail("coverage", error)
    question = Question(
        SYSTEM,
        VARIANTS,
        tuple(args.every().choices),
        jobs=args.jobs,
        folder=None if args.no_cache else default_folder(),
        progress=show_progress,
        kernels=tuple(_kernels()),
    )
    if own:
        table = coverage_of_system(_about(question, own))
    elif design:
        its = design.own
        table = coverage_of_design(replace(question, system=its.system, profile=its.profile))
    else:
        table = coverage(question)
    show_progress()
    if args.json:
        print(json.dumps(as_json(table), indent=1))
    elif args.markdown:
        print(markdown(table))
    elif args.sentences:
        print(sentences(table))
    else:
        _show(table)
    return combine(row.verdict for row in table).exit_code


def _about(question: Question, own: SystemFile) -> Question:
    """The same, asked of a system of one's own."""
    variants = tuple(own.variants.values())
    return replace(question, system=own.system, profile=own.profile, variants=variants, kernels=())


def cell_text(cell: Cell) -> str:
    """The text of a cell; the same as long as the evidence is."""
    if cell.missing:
        return "missing" if cell.claimed else "-"
    count = len(cell.evidence)
    bad = [each for each in cell.evidence if not each.verdict.passes]
    if bad:
        return f"{len(bad)} of {count} {bad[0].verdict.value}: {bad[0].name}"
    match cell.column:
        case "spec":
            return f"{count} propert{'y' if count == 1 else 'ies'}"
        case "proof":
            scopes = Counter(each.verdict.value for each in cell.evidence if each.counts)
            again = sum(not each.counts for each in cell.evidence)
            parts = (
                (scopes["proved"], "proved"),
                (scopes["holds"], "reached"),
                (again, "restated"),
            )
            return ", ".join(f"{number} {what}" for number, what in parts if number)
        case "defect":
            return f"{count} refuted"
        case "use":
            return ", ".join(each.detail for each in cell.evidence)
        case "kernel":
            details = [each.detail.split("; ") for each in cell.evidence]
            names = {name for kernels, *_ in details for name in kernels.split(", ")}
            notes = dict.fromkeys(note for _, *notes in details for note in notes)
            return ", ".join([f"{len(names)} kernels", *notes])
    return f"{count} checked"


def _show(table: list[RowCoverage]) -> None:
    from rich.table import Table

    from memhp.spec.rows import COLUMNS

    shown = Table("row", "concern", *COLUMNS, box=None, pad_edge=False)
    shown.columns[0].no_wrap = True
    for row in table:
        cells = [_coloured(cell) for cell in row.cells]
        shown.add_row(row.row.id, row.row.concern, *cells)
    out = console()
    out.print(shown)
    short = [row.row.id for row in table if not row.verdict.passes]
    summary = f"{len(table) - len(short)} of {len(table)} rows have what they claim"
    out.print(f"\n{summary}" + (f"; not yet: {', '.join(short)}" if short else ""))


def _coloured(cell: Cell) -> Text:
    text = cell_text(cell)
    if cell.missing and not cell.claimed:
        return coloured(text, "dim")
    colour = _COLOURS.get(cell.verdict.value, "red")
    return coloured(text, colour)


def markdown(table: list[RowCoverage]) -> str:
    """The table for a document; it has no times, and changes only when the evidence does."""
    from memhp.spec.rows import COLUMNS

    heads = ["row", "concern", *COLUMNS]
    lines = [heads, ["---"] * len(heads)]
    for row in table:
        cells = [
            f"`{text}`" if c.column == "use" and not c.missing else text
            for c, text in ((cell, cell_text(cell)) for cell in row.cells)
        ]
        lines.append([row.row.id, row.row.concern, *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_json(table: list[RowCoverage]) -> dict[str, Any]:
    """The document of schema ``memhp-coverage/1`` (cli/schema/coverage.json)."""
    return {
        "schema": "memhp-coverage/1",
        "rows": [
            {
                "id": row.row.id,
                "concern": row.row.concern,
                "verdict": row.verdict.value,
                "columns": {cell.column: _cell_json(cell) for cell in row.cells},
            }
            for row in table
        ],
    }


def _cell_json(cell: Cell) -> dict[str, Any]:
    return {
        "claimed": cell.claimed,
        "verdict": None if cell.missing else cell.verdict.value,
        "evidence": [
            {"name": each.name, "verdict": each.verdict.value, "detail": each.detail}
            | ({"strength": each.strength} if each.strength else {})
            for each in cell.evidence
        ],
    }


def sentences(table: list[RowCoverage]) -> str:
    """Which sentences carry each row, and which say again what guards or others say: Markdown."""
    from memhp.checks.support.verdicts import Verdict

    lines = [["row", "carried by", "restated"], ["---"] * 3]
    for row in table:
        proofs = [e for e in row.by_column["proof"].evidence if e.verdict is Verdict.proved]
        carried = [f"`{each.name}`" for each in proofs if each.counts]
        again = [f"`{each.name}` ({each.strength})" for each in proofs if not each.counts]
        lines.append([row.row.id, ", ".join(carried) or "-", ", ".join(again) or "-"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
