"""What is made once for each machine of a system, and needed again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from memhp.reference import Topology
from memhp.spec.language.system import System

__all__ = ["Latest", "Remembered"]

Made = TypeVar("Made")

_MOST = 64


class Remembered(Generic[Made]):
    """``make(system, topology)``, once for each topology of the system that was asked for last.

    They are told apart as objects, not by what they say: that is never wrong, and costs nothing.
    """

    def __init__(self, make: Callable[[System, Topology], Made]) -> None:
        self._make = make
        self._made: dict[int, tuple[System, Topology, Made]] = {}

    def __call__(self, system: System, topology: Topology) -> Made:
        entry = self._made.get(id(topology))
        if entry is None or entry[0] is not system:
            if entry is not None or len(self._made) == _MOST:
                self._made.clear()
            entry = self._made[id(topology)] = (system, topology, self._make(system, topology))
        return entry[2]

    def forget(self) -> None:
        """Drop all, so that it is made anew."""
        self._made.clear()


class Latest(Generic[Made]):
    """``make(system)``, once for the system that was asked for last, told apart as an object."""

    def __init__(self, make: Callable[[System], Made]) -> None:
        self._make = make
        self._made: tuple[System, Made] | None = None

    def __call__(self, system: System) -> Made:
        if self._made is None or self._made[0] is not system:
            self._made = system, self._make(system)
        return self._made[1]

    def forget(self) -> None:
        """Drop it, so that it is made anew."""
        self._made = None
