"""The engine: memory hotplug at the size of real machines.

It knows the rules on its own, written for speed, and imports nothing of the
specification: that it agrees with the reference, step by step, means something.
"""

from .layout import Layout
from .machine import Machine
from .memory import Memory
from .target import EngineTarget

__all__ = ["EngineTarget", "Layout", "Machine", "Memory"]
