"""Tables of one number an element, in chunks: a chunk is a few runs, or else an array.

>>> table = Table(1 << 34, 1 << 15)
>>> table.set(5, 3)
>>> table.get(5), table.get(6), table.mixed_chunks
(3, 0, 1)
>>> homes = Table(1 << 34, 1 << 15, identity=True)
>>> homes.write_run(100, 50, 7000)
>>> homes.get(99), homes.get(101), homes.mixed_chunks
(99, 7001, 0)
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import pairwise
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Numbers", "Table", "Values"]

Numbers: TypeAlias = NDArray[np.int64]


class Values(Protocol):
    """Numbers in an array, or what becomes an array when somebody asks."""

    def __len__(self) -> int: ...

    def __array__(self) -> Numbers: ...

    def __getitem__(self, part: slice, /) -> Any: ...


_MOST_RUNS = 16
"""A chunk with more runs is kept as an array."""

_PLAIN = ([0], [0])


class Table:
    """A number for each of ``size`` elements, in chunks of ``chunk`` elements.

    Until a number is set by itself a chunk takes no memory: it is all 0, or with
    ``identity`` made of runs in which numbers rise by one from element to element.

    Args:
        size: how many elements there are.
        chunk: how many of them a chunk has.
        identity: element i begins as i instead of 0.
        initial: what the elements begin as, one by one (for small tables).
    """

    __slots__ = ("_arrays", "_identity", "_later", "_runs", "chunk", "size")

    def __init__(
        self, size: int, chunk: int, *, identity: bool = False, initial: object = None
    ) -> None:
        self.size = size
        self.chunk = chunk
        self._identity = identity
        self._arrays: dict[int, array[int]] = {}
        self._runs: dict[int, tuple[list[int], list[int]]] = {}
        self._later: dict[int, list[tuple[Values | slice, Values | int]]] = {}
        if initial is not None:
            values = np.asarray(initial, dtype=np.int64)
            for number in range(-(-size // chunk)):
                self._arrays[number] = array("q", [0]) * chunk
                part = values[number * chunk : (number + 1) * chunk]
                self.view(number)[: len(part)] = part

    @property
    def mixed_chunks(self) -> int:
        """How many chunks are kept element by element."""
        return len(self._arrays) + len(self._later)

    def get(self, element: int) -> int:
        """The element's number."""
        number = element // self.chunk
        values = self._arrays.get(number)
        if values is None:
            if number not in self._later:
                return self._in_run(number, element)
            values = self._spread(number)
        return values[element % self.chunk]

    def set(self, element: int, value: int) -> None:
        """Set the element's number to ``value``."""
        number = element // self.chunk
        values = self._arrays.get(number)
        if values is None:
            if number not in self._later and value == self._in_run(number, element):
                return
            values = self._spread(number)
        values[element % self.chunk] = value

    def _in_run(self, number: int, element: int) -> int:
        """The element's number while its chunk is made of runs."""
        if not self._identity:
            return 0
        runs = self._runs.get(number)
        if runs is None:
            return element
        starts, shifts = runs
        return element + shifts[bisect_right(starts, element % self.chunk) - 1]

    def view(self, number: int) -> Numbers:
        """The chunk's numbers, to read or write; it is kept element by element from now on."""
        values = self._arrays.get(number)
        return np.frombuffer(self._spread(number) if values is None else values, dtype=np.int64)

    def is_array(self, number: int) -> bool:
        """Whether the chunk is kept element by element, or will be."""
        return number in self._arrays or number in self._later

    def untouched(self, first: int, length: int) -> bool:
        """Whether no number of so many elements in a row was ever set by itself."""
        last = (first + length - 1) // self.chunk
        return not any(map(self.is_array, range(first // self.chunk, last + 1)))

    def runs(self, elements: range) -> list[tuple[int, int, int]] | None:
        """Elements of one chunk as runs: first element, length, first number.

        None if the chunk is kept element by element.
        """
        number, at = divmod(elements.start, self.chunk)
        if self.is_array(number) or not self._identity:
            return None
        starts, shifts = self._runs.get(number, _PLAIN)
        base, stop = number * self.chunk, at + len(elements)
        parts = []
        for (low, high), shift in zip(pairwise([*starts, self.chunk]), shifts, strict=True):
            low, high = max(low, at), min(high, stop)
            if low < high:
                parts.append((base + low, high - low, base + low + shift))
        return parts

    def write_run(self, first: int, length: int, value: int) -> None:
        """Give elements from ``first`` on, of one or more chunks, the numbers from ``value`` on."""
        while length > 0:
            part = min(length, self.chunk - first % self.chunk)
            self._write_run(first, part, value)
            first, length, value = first + part, length - part, value + part

    def _write_run(self, first: int, length: int, value: int) -> None:
        number, at = divmod(first, self.chunk)
        if length == self.chunk:
            self._arrays.pop(number, None)
            self._later.pop(number, None)
        elif self.is_array(number):
            self.view(number)[at : at + length] = np.arange(value, value + length)
            return
        stop, (starts, shifts) = at + length, self._runs.get(number, _PLAIN)
        runs = [(low, shift) for low, shift in zip(starts, shifts, strict=True) if low < at]
        runs.append((at, value - first))
        if stop < self.chunk:
            runs.append((stop, shifts[bisect_right(starts, stop) - 1]))
            runs += [(low, s) for low, s in zip(starts, shifts, strict=True) if low > stop]
        self._runs[number] = ([low for low, _ in runs], [shift for _, shift in runs])
        if len(runs) > _MOST_RUNS:
            self._spread(number)

    def write_values(self, first: int, values: Values) -> None:
        """Give elements from ``first`` on, of one or more chunks, these numbers; keep the array."""
        start = 0
        while start < len(values):
            number, at = divmod(first + start, self.chunk)
            part = min(len(values) - start, self.chunk - at)
            self._write(number, slice(at, at + part), values[start : start + part])
            start += part

    def write_rising(self, number: int, elements: Values, value: int) -> None:
        """Give these elements of a chunk the numbers from ``value`` on; the array is kept."""
        self._write(number, elements, value)

    def _write(self, number: int, where: Values | slice, what: Values | int) -> None:
        """Write, or remember to, so that a chunk that nobody asks takes no memory."""
        if number in self._arrays:
            self._write_now(number, where, what)
            return
        waiting = self._later.setdefault(number, [])
        waiting.append((where, what))
        if len(waiting) > _MOST_RUNS:
            self._spread(number)

    def _write_now(self, number: int, where: Values | slice, what: Values | int) -> None:
        view = self.view(number)
        if isinstance(where, slice):
            view[where] = np.asarray(what)
        elif isinstance(what, int):
            places = np.asarray(where) - number * self.chunk
            view[places] = np.arange(what, what + len(places))

    def gather(self, elements: Numbers) -> Numbers:
        """The numbers of many elements, in the order of ``elements``."""
        if not (self._arrays or self._later or self._identity):
            return np.zeros_like(elements)
        result = np.empty_like(elements)
        for number, where in self._parts(elements):
            part = elements[where]
            if self.is_array(number):
                result[where] = self.view(number)[part - number * self.chunk]
            else:
                result[where] = self._run_numbers(number)[part - number * self.chunk]
        return result

    def scatter(self, elements: Numbers, values: Numbers) -> None:
        """Change the numbers of many elements, which are all different."""
        for number, where in self._parts(elements):
            if not (self._identity or self.is_array(number) or values[where].any()):
                continue
            self.view(number)[elements[where] - number * self.chunk] = values[where]

    def numbers(self) -> list[int]:
        """All numbers, in order (for small tables)."""
        values: list[int] = []
        for first in range(0, self.size, self.chunk):
            number, last = first // self.chunk, min(first + self.chunk, self.size)
            if number in self._arrays:
                values += self._arrays[number][: last - first]
            elif number in self._later or number in self._runs:
                values += map(self.get, range(first, last))
            else:
                values += range(first, last) if self._identity else [0] * (last - first)
        return values

    def _spread(self, number: int) -> array[int]:
        """The chunk as an array, in which it is kept from now on."""
        values = array("q", [0]) * self.chunk
        waiting = self._later.pop(number, ())
        if self._identity:
            view, base = np.frombuffer(values, dtype=np.int64), number * self.chunk
            for first, length, value in self.runs(range(base, base + self.chunk)) or ():
                at = first - base
                view[at : at + length] = np.arange(value, value + length)
            self._runs.pop(number, None)
        self._arrays[number] = values
        for where, what in waiting:
            self._write_now(number, where, what)
        return values

    def _run_numbers(self, number: int) -> Numbers:
        """The numbers of a chunk that is made of runs."""
        if not self._identity:
            return np.zeros(self.chunk, dtype=np.int64)
        base = number * self.chunk
        runs = self.runs(range(base, base + self.chunk)) or []
        return np.concatenate(
            [np.arange(value, value + length, dtype=np.int64) for _, length, value in runs]
        )

    def _parts(self, elements: Numbers) -> list[tuple[int, slice | NDArray[np.intp]]]:
        """The chunks that the elements lie in, and where in ``elements`` each one's are."""
        if len(elements) == 0:
            return []
        low, high = int(elements.min()) // self.chunk, int(elements.max()) // self.chunk
        if low == high:
            return [(low, slice(None))]
        chunks = elements // self.chunk - low
        if high - low < 1 << 16:
            chunks = chunks.astype(np.uint16)  # few enough to be sorted by counting
        order = np.argsort(chunks, kind="stable")
        numbers, starts = np.unique(chunks[order], return_index=True)
        return list(
            zip((numbers.astype(np.int64) + low).tolist(), np.split(order, starts[1:]), strict=True)
        )
