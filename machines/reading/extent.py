"""The union of many ranges of addresses, asked about many blocks by binary search."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from .procfs import Range

__all__ = ["Extent"]


class Extent:
    """The union of ranges, which may touch and overlap and come in any order.

    >>> there = Extent([Range(0, 4096), Range(4096, 8192), Range(12288, 16384)])
    >>> there.covers(1000, 8192), there.covers(4096, 12289), there.meets(8192, 12289)
    (True, False, True)
    """

    def __init__(self, ranges: Iterable[Range]) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        for each in sorted(ranges, key=lambda range_: range_.start):
            if self._stops and each.start <= self._stops[-1]:
                self._stops[-1] = max(self._stops[-1], each.stop)
            else:
                self._starts.append(each.start)
                self._stops.append(each.stop)

    def covers(self, start: int, stop: int) -> bool:
        """Whether everything from ``start`` up to, not including, ``stop`` is in the union."""
        at = bisect_right(self._starts, start) - 1
        return at >= 0 and stop <= self._stops[at]

    def meets(self, start: int, stop: int) -> bool:
        """Whether anything from ``start`` up to, not including, ``stop`` is in the union."""
        at = bisect_right(self._stops, start)
        return at < len(self._starts) and self._starts[at] < stop
