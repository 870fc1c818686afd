"""Which rows of the list a design has, as far as it alone can say."""

from __future__ import annotations

from dataclasses import replace

from memhp.spec.language import SpecificationError, System, Variant, apply
from memhp.spec.rows import ROWS

from ..coverage import RowCoverage, coverage
from ..evidence import PROVIDERS, Question, agreed, seen

__all__ = ["coverage_of_design"]

_OF_MEMHP = (agreed, seen)
"""What the engine and real kernels show, which follow memhp's own designs."""


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


def _fits(system: System, variant: Variant) -> bool:
    try:
        apply(system, variant)
    except SpecificationError:
        return False
    return True
