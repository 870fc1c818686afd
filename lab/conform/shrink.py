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
    target: KernelTarget, system: System, disagreement: Disagreement, *, seconds: float
) -> Disagreement:
    """The disagreement after as few operations as delta debugging finds in that time.

    Each attempt boots a guest.  Kernel and reference must answer the last operation as before,
    and differ in the same variables.

    Args:
        target: the kernel.
        system: the specification.
        disagreement: what to shrink; it is returned if nothing shorter is found.
        seconds: after which no attempt begins.
    """
    until = time.monotonic() + seconds
    best = disagreement

    def same(operations: Operations) -> bool:
        nonlocal best
        try:
            others = again(target, system, operations).disagreements
        except (LabError, ValueError):  # what is left cannot be done
            return False
        for other in others:
            if other.kind == disagreement.kind and len(other.operations) == len(operations):
                best = other
                return True
        return False

    shortened(disagreement.operations, same, lambda: time.monotonic() > until)
    return best


def shortened(
    operations: Operations, same: Callable[[Operations], bool], expired: Callable[[], bool]
) -> Operations:
    """Fewer of the operations, the last among them, by delta debugging.

    First the end alone, as what was done long before seldom matters; then `minimized`.

    Args:
        operations: at least one.
        same: whether fewer operations show the same.
        expired: whether the time is over.

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
