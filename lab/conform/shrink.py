"""Fewer operations after which a kernel disagrees all the same."""

from __future__ import annotations

import time
from collections.abc import Callable

from memhp.checks.support.shrinking import minimized
from memhp.spec.language.system import System

from ..tools.errors import LabError
from .report import Disagreement
from .target import KernelTarget, Operation
from .walk import again

__all__ = ["shortened", "shrunk"]

Operations = tuple[Operation, ...]

_FIRST = 4
"""How many of the last operations are tried first."""


def shrunk(
    target: KernelTarget, system: System, found: Disagreement, *, seconds: float
) -> Disagreement:
    """The disagreement after fewer operations, as far as that is found in so many seconds.

    Each attempt boots a guest.  Kernel and reference must answer the last operation as before,
    and differ in the same variables.
    """
    until = time.monotonic() + seconds
    best = found

    def same(operations: Operations) -> bool:
        nonlocal best
        try:
            left = again(target, system, operations).disagreements
        except (LabError, ValueError):  # what is left cannot be done
            return False
        for other in left:
            if other.kind == found.kind and len(other.operations) == len(operations):
                best = other
                return True
        return False

    shortened(found.operations, same, lambda: time.monotonic() > until)
    return best


def shortened(
    operations: Operations, same: Callable[[Operations], bool], expired: Callable[[], bool]
) -> Operations:
    """Fewer of the operations, the last among them, that are the ``same`` (delta debugging).

    First the end alone, as what was done long before seldom matters; then `minimized`.

    >>> steps = tuple((name, (0,)) for name in "abcdef")
    >>> short = shortened(steps, lambda some: ("b", (0,)) in some, lambda: False)
    >>> [name for name, _ in short]
    ['b', 'f']
    """
    end = _shortest_end(operations, same, expired)
    return minimized(end, lambda fewer: fewer if same(fewer) else None, expired)


def _shortest_end(
    operations: Operations, same: Callable[[Operations], bool], expired: Callable[[], bool]
) -> Operations:
    length = _FIRST
    while length < len(operations) and not expired():
        if same(operations[-length:]):
            return operations[-length:]
        length *= 2
    return operations
