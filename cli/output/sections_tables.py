"""The tables of `memhp sections`: what each size costs, and what the caches hold of its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from memhp.machines.reading.units import in_units
from memhp.spec.numbers.section_size import CONSTRAINTS

from .terminal import beside, coloured

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from memhp.checks.numbers.section_choice import Choice, Optimum
    from memhp.machines.reading.memory_map import MemoryMap
    from memhp.spec.numbers.architectures import Architecture

__all__ = ["Findings", "by_size", "caches_table", "sizes_table"]


@dataclass(frozen=True)
class Findings:
    """A memory map, the choices of section size and table, what each costs, and the best."""

    arch: Architecture
    memory_map: MemoryMap
    kernel_frames: int
    weights: dict[str, Fraction]
    choices: Sequence[Choice]
    costs: Sequence[Fraction]
    front: Sequence[Choice]
    best: Optimum | None


def by_size(choices: Sequence[Choice]) -> list[tuple[Choice, Choice]]:
    """The flat and the two-level choice of each size."""
    return list(zip(choices[::2], choices[1::2], strict=True))


def sizes_table(findings: Findings) -> Table:
    """A row for each size; forbidden ones name the constraints that they break by number."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    headings = ("section", "sections", "mem_map\non holes", "remov-\nable")
    for heading in (*headings, "flat\ntable", "cycles", "two-level\ntable", "cycles"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for flat, two_level in by_size(findings.choices):
        it = flat.candidate
        table.add_row(
            in_units(it.section),
            str(it.present),
            in_units(it.memmap_on_holes),
            f"{it.removable:.2%}",
            _table_of(findings, flat),
            f"{float(flat.cycles):.1f}",
            _table_of(findings, two_level),
            f"{float(two_level.cycles):.1f}",
            _remark(findings, flat),
        )
    return table


def _table_of(findings: Findings, it: Choice) -> str:
    return f"{'*' if it in findings.front else ''}{in_units(it.table)}"


def _remark(findings: Findings, choice: Choice) -> Text:
    it = choice.candidate
    remarks = []
    if it.forbidden_by:
        numbers = [str(n) for n, name in enumerate(CONSTRAINTS, 1) if name in it.forbidden_by]
        remarks.append(beside(coloured("no", "red"), ",".join(numbers)))
    elif findings.best is not None and findings.best.choice.candidate is it:
        remarks.append(coloured("best", "bold"))
    else:
        remarks.append(coloured("yes", "green"))
    if it.section == findings.arch.section:
        remarks.append(coloured("own", "bold"))
    return beside(*remarks)


def caches_table(findings: Findings) -> Table:
    """A row for each feasible size: loads, cache lines, bytes looked up, what caches hold."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    headings = ("section", "table", "loads", "lines", "looked up", *findings.choices[0].held)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for it in findings.choices:
        if it.candidate.forbidden_by:
            continue
        table.add_row(
            in_units(it.candidate.section) if it.layout == "flat" else "",
            it.layout,
            str(it.loads),
            str(it.lines),
            in_units(it.looked_up),
            *(f"{float(share):.2%}" for share in it.held.values()),
        )
    return table
