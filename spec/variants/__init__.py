"""Variants: the designs that the list complains of, and historic bugs, as small edits.

Each must break the property it names; one that breaks nothing is a finding
about the specification, and the checks fail.  One module a concern.
"""

from . import filesystems, firmware, history, huge, lifetimes, migration, platforms, scheduling

__all__ = ["VARIANTS"]

VARIANTS = (
    *history.VARIANTS,
    *firmware.VARIANTS,
    *lifetimes.VARIANTS,
    *migration.VARIANTS,
    *scheduling.VARIANTS,
    *huge.VARIANTS,
    *filesystems.VARIANTS,
    *platforms.VARIANTS,
)
