"""Variants: the designs that the list complains of, and historic bugs, as small edits.

Each must break the property it names; one that breaks nothing is a finding
about the specification, and the checks fail.  One module a concern.
"""

from . import (
    devices,
    filesystems,
    firmware,
    history,
    huge,
    kernel_memory,
    lifetimes,
    migration,
    platforms,
    scheduling,
)

__all__ = ["VARIANTS"]

VARIANTS = (
    *history.VARIANTS,
    *firmware.VARIANTS,
    *lifetimes.VARIANTS,
    *migration.VARIANTS,
    *scheduling.VARIANTS,
    *huge.VARIANTS,
    *devices.VARIANTS,
    *kernel_memory.VARIANTS,
    *filesystems.VARIANTS,
    *platforms.VARIANTS,
)
