"""Tables of one small number an element: a uniform chunk is one entry, a mixed one an array.

>>> table = Table(1 << 34, 1 << 15)
>>> table.set(5, 3)
>>> table.get(5), table.get(6), table.mixed_chunks
(3, 0, 1)
"""

from __future__ import annotations

from array import array
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Numbers", "Table"]

Numbers: TypeAlias = NDArray[np.int64]


class Table:
    """A number for each of ``size`` elements, in chunks of ``chunk`` elements.

    Parameters: ``identity``, element i begins as i instead of 0; ``initial``,
    what the elements begin as, one by one (for small tables).
    """

    __slots__ = ("_arrays", "_identity", "chunk", "size")

    def __init__(
        self, size: int, chunk: int, *, identity: bool = False, initial: object = None
    ) -> None:
        self.size = size
        self.chunk = chunk
        self._identity = identity
        self._arrays: dict[int, array[int]] = {}
        if initial is not None:
            values = np.asarray(initial, dtype=np.int64)
            for number in range(-(-size // chunk)):
                self._arrays[number] = array("q", [0]) * chunk
                part = values[number * chunk : (number + 1) * chunk]
                self.view(number)[: len(part)] = part

    @property
    def mixed_chunks(self) -> int:
        """How many chunks are kept element by element."""
        return len(self._arrays)

    def get(self, element: int) -> int:
        """The element's number."""
        found = self._arrays.get(element // self.chunk)
        if found is None:
            return element if self._identity else 0
        return found[element % self.chunk]

    def set(self, element: int, value: int) -> None:
        """Change the element's number."""
        number = element // self.chunk
        found = self._arrays.get(number)
        if found is None:
            if value == (element if self._identity else 0):
                return
            found = self._made(number)
        found[element % self.chunk] = value

    def view(self, number: int) -> Numbers:
        """The chunk's numbers, to read or write; it is kept element by element from now on."""
        found = self._arrays.get(number)
        return np.frombuffer(self._made(number) if found is None else found, dtype=np.int64)

    def plain(self, number: int) -> bool:
        """The chunk is as it began: nobody has changed a number in it."""
        return number not in self._arrays

    def gather(self, elements: Numbers) -> Numbers:
        """The numbers of many elements."""
        if not self._arrays:
            return elements.copy() if self._identity else np.zeros_like(elements)
        result = np.empty_like(elements)
        for number, where in self._parts(elements):
            part = elements[where]
            if number in self._arrays:
                result[where] = self.view(number)[part - number * self.chunk]
            else:
                result[where] = part if self._identity else 0
        return result

    def scatter(self, elements: Numbers, values: Numbers) -> None:
        """Change the numbers of many elements."""
        if not self._identity and not self._arrays and not values.any():
            return
        for number, where in self._parts(elements):
            self.view(number)[elements[where] - number * self.chunk] = values[where]

    def numbers(self) -> list[int]:
        """All numbers, in order (for small tables)."""
        result: list[int] = []
        for number in range(-(-self.size // self.chunk)):
            found = self._arrays.get(number)
            if found is not None:
                result += found
            elif self._identity:
                result += range(number * self.chunk, (number + 1) * self.chunk)
            else:
                result += [0] * self.chunk
        return result[: self.size]

    def _made(self, number: int) -> array[int]:
        if self._identity:
            made = array("q")
            first = number * self.chunk
            made.frombytes(np.arange(first, first + self.chunk, dtype=np.int64).tobytes())
        else:
            made = array("q", [0]) * self.chunk
        self._arrays[number] = made
        return made

    def _parts(self, elements: Numbers) -> list[tuple[int, slice | NDArray[np.intp]]]:
        """The chunks that the elements lie in, and where in ``elements`` each one's are."""
        if len(elements) == 0:
            return []
        low, high = int(elements.min()) // self.chunk, int(elements.max()) // self.chunk
        if low == high:
            return [(low, slice(None))]
        chunks = elements // self.chunk
        order = np.argsort(chunks, kind="stable")
        found, starts = np.unique(chunks[order], return_index=True)
        return list(zip(found.tolist(), np.split(order, starts[1:]), strict=True))
