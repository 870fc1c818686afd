"""Where a search need not look: what no step of a machine can change decides the property.

A property of virtio-mem says nothing of a machine that has none, and no device
writes where no device is.  Which values each place can ever have is found
without searching (`ground.model`): every step that is possible for some of them
adds what it writes, until nothing is new.
"""

from __future__ import annotations

from memhp.reference import Topology
from memhp.spec.language.system import Property, System

from ..ground.formulas import FALSE
from ..ground.model import build

__all__ = ["decided"]


def decided(system: System, topology: Topology, claim: Property) -> bool:
    """Whether no state of the machine can violate the property, or reach a *sometimes*.

    False if that cannot be told without a search.
    """
    model = build(system, topology, [claim])
    counted = all(instance.overflow is FALSE for instance in model.instances)
    return model.begins_inside and counted and not model.watches
