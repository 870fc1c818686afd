"""The engine: memory hotplug at the size of real machines.

It knows the rules on its own, written for speed, and imports nothing of the specification: that it
agrees with the reference, step by step, means something.

- `codes`, `layout`: the words as numbers, and what a machine is.
- `bits`, `tables`: sets and tables that stay small.
- `sections`, `blocks`, `frames`: metadata, memory blocks, the allocator.
- `folios`, `mappings`, `stores`, `pins`, `references`: user memory and who holds it; `huge_pools`,
  `huge`, `huge_uses`: huge folios; `memory`: all of it, and how it leaves a block.
- `machine`: devices that come and go, the way in; `target`, `observe`: driven and looked at.

May import: numpy.
"""

from .layout import Layout
from .machine import Machine
from .memory import Memory
from .target import EngineTarget

__all__ = ["EngineTarget", "Layout", "Machine", "Memory"]
