"""Topologies: one machine's sizes and tables, and the names of its elements.

An element of an unbounded sort is an int, shown as ``frame3``.  A member of an
enumeration, or a truth value, is stored as its index and shown by its name.

>>> FRAME = SortRef("Frame")
>>> element_name(FRAME, 3), element_name(BOOL, 1)
('frame3', 'true')
>>> element(FRAME, "frame3", 4)
3
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from math import prod
from operator import index

from memhp.spec.language.system import System
from memhp.spec.language.terms import BOOL, INT, SortRef, Symbol

__all__ = ["Topology", "Value", "cut", "element", "element_name", "readable", "unknown"]

_MOST_NAME = 100
"""No more characters of a name that does not exist are repeated."""
_MOST_KNOWN = 12
"""So many names that exist are told where one does not."""
_MOST_VALUES = 200_000
"""A topology that somebody else chose has no more; those of memhp have some thousands."""

Value = int | str | bool
"""How a caller sees a value: an element's number, a member's name, or a truth value."""


@dataclass(frozen=True)
class Topology:
    """What one machine is; `check` compares it with a system.

    Args:
        sizes: the number of elements (at least 1) of each unbounded sort.
        tables: for each topology symbol its values, row-major, a member of an enumeration or a
            truth value as its index.

    Raises:
        ValueError: for a size or a table that cannot be.

    >>> small = Topology({"Block": 2, "Frame": 4}, {"block_of": (0, 0, 1, 1)})
    >>> small.tables["block_of"][3]
    1
    """

    sizes: Mapping[str, int]
    tables: Mapping[str, tuple[int, ...]]

    def __post_init__(self) -> None:
        for name, size in self.sizes.items():
            if type(size) is not int or size < 1:
                raise ValueError(
                    f"size of {str(name)[:_MOST_NAME]}: {cut(size)} is not a number of at least 1"
                )
        tables = {name: tuple(table) for name, table in self.tables.items()}
        for name, table in tables.items():
            if any(type(value) is not int for value in table):
                raise ValueError(f"table {name}: every value is an int")
        object.__setattr__(self, "sizes", dict(self.sizes))
        object.__setattr__(self, "tables", tables)

    def __hash__(self) -> int:
        return hash((frozenset(self.sizes.items()), frozenset(self.tables.items())))

    @classmethod
    def build(
        cls, system: System, sizes: Mapping[str, int], tables: Mapping[str, Callable[..., Value]]
    ) -> Topology:
        """The topology whose tables hold the values of functions.

        Args:
            system: the system that it is to fit.
            sizes: as for the class.
            tables: for each topology symbol a function of element numbers that returns an
                element's number, a member's index, or the name of either.

        Raises:
            ValueError: for a table that the system does not have, and as `check` does.
        """
        known = {symbol.name: symbol for symbol in system.topology}
        spans = cls(sizes, {})
        spans._check_sizes(system)
        filled = {}
        for name, function in tables.items():
            if name not in known:
                raise ValueError(unknown("table", name, known))
            points = product(*(range(spans.size(sort)) for sort in known[name].domain))
            sort = known[name].range
            size = spans.size(sort)
            filled[name] = tuple(_index(sort, function(*point), size) for point in points)
        topology = cls(sizes, filled)
        topology.check(system)
        return topology

    def values(self, system: System, table: str) -> tuple[Value, ...]:
        """A table as a caller sees it: members of an enumeration by their names.

        Raises:
            ValueError: if ``system`` has no such table.

        >>> from memhp.reference.shapes import Shape
        >>> from memhp.spec.system import SYSTEM
        >>> two_blocks = Shape(blocks=2, movable=frozenset([1])).build(SYSTEM)
        >>> two_blocks.values(SYSTEM, "early_zone")
        ('kernel', 'movable')
        """
        known = {symbol.name: symbol for symbol in system.topology}
        if table not in known:
            raise ValueError(unknown("table", table, known))
        return tuple(readable(known[table].range, value) for value in self.tables[table])

    def value(self, symbol: Symbol, point: Iterable[int]) -> Value:
        """The value of a table at one point, as a caller sees it.

        Args:
            symbol: of the topology.
            point: element numbers, each of which there is.
        """
        row = 0
        for sort, number in zip(symbol.domain, point, strict=True):
            row = row * self.size(sort) + number
        return readable(symbol.range, self.tables[symbol.name][row])

    def size(self, sort: SortRef) -> int:
        """How many elements ``sort`` has here; numbers are no elements."""
        if sort == INT:
            return 0
        return self.sizes[sort.name] if sort.members is None else len(sort.members)

    def points(self, sorts: Iterable[SortRef]) -> list[tuple[int, ...]]:
        """Every choice of one element of each sort, in order."""
        return list(product(*(range(self.size(sort)) for sort in sorts)))

    def check(self, system: System) -> None:
        """Return if sizes and tables are those that ``system`` needs.

        Raises:
            ValueError: if one is missing, unknown, or out of range.
        """
        self._check_sizes(system)
        known = {symbol.name: symbol for symbol in system.topology}
        for name in self.tables:
            if name not in known:
                raise ValueError(unknown("table", name, known))
        for symbol in system.topology:
            self._check_table(symbol)

    def check_bounds(self, system: System) -> None:
        """Return if a machine of these sizes has no more values than can be dealt with.

        Nothing is built to find that out: ask it first of sizes that somebody else chose.

        Raises:
            ValueError: if it has more, or the sizes are not those that ``system`` needs.
        """
        self._check_sizes(system)
        symbols = (*system.topology, *(variable.symbol for variable in system.variables))
        total = sum(prod(self.size(sort) for sort in symbol.domain) for symbol in symbols)
        if total > _MOST_VALUES:
            raise ValueError(
                f"the sizes are too large: tables and state would have more than {_MOST_VALUES:,}"
                " values"
            )

    def _check_sizes(self, system: System) -> None:
        names = [sort.name for sort in system.unbounded_sorts]
        for name in names:
            if name not in self.sizes:
                raise ValueError(f"size of {name} is missing; sizes are needed for: {_list(names)}")
        for name in self.sizes:
            if name not in names:
                raise ValueError(unknown("sort", name, names))

    def _check_table(self, symbol: Symbol) -> None:
        if symbol.name not in self.tables:
            raise ValueError(f"table {symbol.name} ({_signature(symbol)}) is missing")
        table = self.tables[symbol.name]
        expected = prod(self.size(sort) for sort in symbol.domain)
        if len(table) != expected:
            raise ValueError(
                f"table {symbol.name} ({_signature(symbol)}) has {len(table)} values, "
                f"not {expected}"
            )
        limit = self.size(symbol.range)
        if min(table) < 0 or max(table) >= limit:
            place = next(at for at, value in enumerate(table) if not 0 <= value < limit)
            raise ValueError(
                f"table {symbol.name}: value {table[place]} at position {place} is no "
                f"{symbol.range} (0 to {limit - 1})"
            )


def _index(sort: SortRef, value: Value, size: int) -> int:
    """What a table holds for that value; ValueError for a name of nothing."""
    return element(sort, value, size) if isinstance(value, str) else int(value)


def _signature(symbol: Symbol) -> str:
    return f"{' x '.join(sort.name for sort in symbol.domain)} -> {symbol.range}"


def _list(names: Iterable[str]) -> str:
    some = list(names)
    return ", ".join(some[:_MOST_KNOWN]) + (", ..." if len(some) > _MOST_KNOWN else "") or "none"


def cut(value: object, most: int = 60) -> str:
    """The value as Python writes it, cut to ``most`` characters.

    >>> cut("x" * 1000, 8)
    "'xxxxxx…"
    """
    text = repr(value[: most + 1] if isinstance(value, str) else value)
    return text if len(text) <= most else text[: most - 1] + "…"


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that does not exist: it tells the closest one, and some others.

    Args:
        what: the kind of thing that has the name.
    """
    names, name = list(known), str(name)[:_MOST_NAME]
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"unknown {what} {name!r}; {hint}known: {_list(names)}"


def element_name(sort: SortRef, number: int) -> str:
    """The name under which an element is shown: ``frame3``, or a member's name."""
    if sort.members is not None:
        return sort.members[number]
    return str(number) if sort == INT else f"{sort.name.lower()}{number}"


def readable(sort: SortRef, number: int) -> Value:
    """The value that a caller gets: a truth value, a member's name, or the element's number."""
    if sort == BOOL:
        return bool(number)
    return int(number) if sort.members is None else sort.members[number]


def element(sort: SortRef, value: object, size: int) -> int:
    """The number of the element that a caller means by ``value``.

    Args:
        sort: the sort of the element.
        value: a number, or a name as `element_name` gives it.
        size: how many elements there are.

    Raises:
        ValueError: if there is no such element; the message has the values that are possible.
    """
    if sort == INT:
        return _whole(value)
    if isinstance(value, str):
        return _named(sort, value, size)
    if isinstance(value, bool) and sort != BOOL:
        raise ValueError(f"{cut(value)} is no {sort}: {_choices(sort, size)}")
    try:
        number = index(value)  # type: ignore[arg-type]  # whatever is no integer raises TypeError
    except TypeError:
        raise ValueError(f"{cut(value)} is no {sort}: {_choices(sort, size)}") from None
    if not 0 <= number < size:
        raise ValueError(f"{sort} {number} does not exist: {_choices(sort, size)}")
    return number


def _whole(value: object) -> int:
    try:
        return int(value) if isinstance(value, str) else index(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ValueError(f"{cut(value)} is no whole number") from None


def _named(sort: SortRef, name: str, size: int) -> int:
    if sort.members is not None and name in sort.members:
        return sort.members.index(name)
    digits = name.removeprefix(sort.name.lower())
    if sort.members is None and digits != name and digits.isdecimal() and int(digits) < size:
        return int(digits)
    raise ValueError(f"{cut(name)} is no {sort}: {_choices(sort, size)}")


def _choices(sort: SortRef, size: int) -> str:
    if sort.members is not None:
        return f"one of {', '.join(sort.members)}"
    return f"a number from 0 to {size - 1}"
