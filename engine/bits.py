"""Sets of small numbers that find their first and last member in a few steps.

>>> some = Bits(100_000, [7, 70_000])
>>> some.first(), some.first(8), some.last(), len(some)
(7, 70000, 70000, 2)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bits"]

_SHIFT = 8
_WORD = 1 << _SHIFT
_MASK = _WORD - 1


class Bits:
    """A set of numbers below ``size``: words of 256 bits, and words that say which are not 0.

    Args:
        size: one more than the largest number.
        members: what is in it.
    """

    __slots__ = ("_count", "_levels")

    def __init__(self, size: int, members: Iterable[int] = ()) -> None:
        chosen = np.fromiter(members, dtype=np.int64)
        self._levels: list[list[int]] = []
        self._count = len(np.unique(chosen))
        while not self._levels or len(self._levels[-1]) > 1:
            words = max(1, -(-size // _WORD))
            self._levels.append(_words(chosen, words))
            chosen, size = np.unique(chosen >> _SHIFT), words

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        return bool(self._levels[0][number >> _SHIFT] >> (number & _MASK) & 1)

    def add(self, number: int) -> None:
        """Add a number, which may be there already."""
        for level in self._levels:
            place, bit = number >> _SHIFT, 1 << (number & _MASK)
            before = level[place]
            if before & bit:
                return
            level[place] = before | bit
            if level is self._levels[0]:
                self._count += 1
            if before:
                return
            number = place

    def discard(self, number: int) -> None:
        """Remove a number, if it is there."""
        for level in self._levels:
            place, bit = number >> _SHIFT, 1 << (number & _MASK)
            before = level[place]
            if not before & bit:
                return
            level[place] = before ^ bit
            if level is self._levels[0]:
                self._count -= 1
            if before ^ bit:
                return
            number = place

    def first(self, start: int = 0) -> int:
        """The lowest member from ``start`` on; -1 if there is none."""
        for height, level in enumerate(self._levels):
            place = start >> _SHIFT
            if place < len(level):
                word = level[place] >> (start & _MASK) << (start & _MASK)
                if word:
                    return self._lowest(height, (place << _SHIFT) + _low(word))
            start = place + 1
        return -1

    def last(self) -> int:
        """The highest member; -1 if there is none."""
        number = 0
        for level in reversed(self._levels):
            word = level[number]
            if not word:
                return -1
            number = (number << _SHIFT) + word.bit_length() - 1
        return number

    def __iter__(self) -> Iterator[int]:
        number = self.first()
        while number >= 0:
            yield number
            number = self.first(number + 1)

    def _lowest(self, height: int, number: int) -> int:
        for level in reversed(self._levels[:height]):
            number = (number << _SHIFT) + _low(level[number])
        return number


def _low(word: int) -> int:
    return (word & -word).bit_length() - 1


def _words(members: NDArray[np.int64], count: int) -> list[int]:
    """So many words, with the bits of these members set."""
    if not len(members):
        return [0] * count
    mask = np.zeros(count * _WORD, dtype=np.uint8)
    mask[members] = 1
    packed, size = np.packbits(mask, bitorder="little").tobytes(), _WORD // 8
    return [int.from_bytes(packed[i * size : (i + 1) * size], "little") for i in range(count)]
