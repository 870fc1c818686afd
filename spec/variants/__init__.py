"""Variants: the designs that the list complains of, and historic bugs, as small edits.

Each names what it breaks; `memhp check --variant NAME` shows the shortest trace to that.

- `lifetimes`, `firmware`, `platforms`: blocks, sections and the devices that bring them.
- `migration`, `filesystems`, `devices`, `scheduling`: folios, what holds them, and their removal.
- `huge`, `kernel_memory`: folios with rules of their own.
- `page_errors`: memory that has errors.
- `normal_path`: designs that make every machine pay for hotplug.
- `versions`: what Linux has in some versions, and not in others.
- `history`: bugs that Linux had; `sources`: what several of them name.

May import: spec.language, spec.machine, spec.blocks, spec.devices, spec.folios, spec.special,
spec.numbers.
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
    page_errors,
    platforms,
    scheduling,
    versions,
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
    *page_errors.VARIANTS,
    *platforms.VARIANTS,
    *versions.VARIANTS,
)
