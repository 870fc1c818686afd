"""What Linux does otherwise than the list asks, each choice with the versions that have it.

A profile of a version (`spec/profiles.py`) is all choices that the version has.

- `choice`: a choice, and whether a version has it.
- `nodes`: what there is of a node, and when; `node_notifiers`: who hears of it.
- `memory_notifiers`: who hears of a block that stays as it was.
- `blocks`: blocks go without a budget.
- `devices`: firmware, and s390; `storage`: s390's since 6.19.
- `folios`: where contents go, and pins. `huge`: folios of a pool.

May import: spec.language, spec.machine, spec.blocks, spec.folios, spec.special, spec.variants.
"""

from . import blocks, devices, folios, huge, nodes

__all__ = ["CHOICES"]

CHOICES = (
    *nodes.CHOICES,
    *folios.CHOICES,
    *huge.CHOICES,
    *blocks.CHOICES,
    *devices.CHOICES,
)
