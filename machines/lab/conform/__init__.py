"""Real kernels held against the reference.

- `target`: a kernel in a guest as a `Target`, and the same machine for the reference.
- `follow`: random operations on both, with what is determined and what is only allowed;
  `deviations`: what Linux is known to do otherwise.
- `scenarios`: what rows of the list say, done on a kernel; `results`: what was seen, kept.
"""

from memhp.machines.lab.conform.follow import Disagreement, Report, Tally, again, walk
from memhp.machines.lab.conform.target import BOARDS, KernelTarget

__all__ = ["BOARDS", "Disagreement", "KernelTarget", "Report", "Tally", "again", "walk"]
