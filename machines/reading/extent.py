"""Many ranges, asked about many blocks: each question takes a binary search."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from .procfs import Range

__all__ = ["Extent"]


class Extent:
    """What some ranges hold, which may touch and overlap and come in any order.

    >>> there = Extent([Range(0, 4096), Range(4096, 8192), Range(12288, 16384)])
    >>> there.covers(1000, 8192), there.covers(4096, 12289), there.meets(8192, 12289)
    (True, False, True)
    """

    def __init__(self, ranges: Iterable[Range]) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        for found in sorted(ranges, key=lambda each: each.start):
            if self._stops and found.start <= self._stops[-1]:
                self._stops[-1] = max(self._stops[-1], found.stop)
            else:
                self._starts.append(found.start)
                self._stops.append(found.stop)

    def covers(self, start: int, stop: int) -> bool:
        """Whether all from ``start`` up to ``stop`` is in them."""
        at = bisect_right(self._starts, start) - 1
        return at >= 0 and stop <= self._stops[at]

    def meets(self, start: int, stop: int) -> bool:
        """Whether any of what is from ``start`` up to ``stop`` is in them."""
        at = bisect_right(self._stops, start)
        return at < len(self._starts) and self._starts[at] < stop
