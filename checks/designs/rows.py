"""Which rows a design or a system of one's own has, as far as it alone can say."""

from __future__ import annotations

from dataclasses import replace

from memhp.spec.language import SpecificationError, System, Variant, apply
from memhp.spec.rows import COLUMNS, ROWS, Row

from ..coverage import RowCoverage, coverage
from ..evidence import (
    PROVIDERS,
    Question,
    agreed,
    declared,
    of_invariants,
    of_steps,
    proved,
    refuted,
    seen,
)

__all__ = ["coverage_of_design", "coverage_of_system"]

_OF_MEMHP = (agreed, seen)
"""What the engine and real kernels show, which follow memhp's own designs."""
_OF_ANY = (declared, proved, of_steps, of_invariants, refuted)
"""What can be shown of any system."""


def coverage_of_design(question: Question) -> list[RowCoverage]:
    """The table of a design of one's own.

    Neither the engine nor a kernel follows it, so that no row claims these columns; wrong designs
    whose edits have no place in it are left out.

    Args:
        question: with the design as the system.
    """
    fitting = tuple(each for each in question.variants if _fits(question.system, each))
    providers = [each for each in PROVIDERS if each not in _OF_MEMHP]
    rows = [replace(row, lacks=(*row.lacks, "engine", "kernel")) for row in ROWS]
    return coverage(replace(question, variants=fitting), rows=rows, providers=providers)


def coverage_of_system(question: Question) -> list[RowCoverage]:
    """The table of a system that is no memory hotplug: a row for each that its properties cover.

    A row claims *defect* if one of its wrong designs covers it.

    Args:
        question: with the system, and its own variants.
    """
    wrong = {row for variant in question.variants for row in variant.covers}
    none = [name for name in COLUMNS if name not in ("spec", "proof", "defect")]
    rows = [
        Row(name, "", "", (*none, *(() if name in wrong else ("defect",))))
        for name in question.system.rows
    ]
    return coverage(question, rows=rows, providers=_OF_ANY)


def _fits(system: System, variant: Variant) -> bool:
    try:
        apply(system, variant)
    except SpecificationError:
        return False
    return True
