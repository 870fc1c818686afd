"""Which elements the topology does not tell apart: swaps that leave every rule as it is.

A swap exchanges two elements and whatever hangs on them (a block with its
sections and frames).  If guards, updates and properties cannot see it, then what
can be reached from a state and from its image are images of each other, so one
of the two is enough (C. Ip and D. Dill, "Better verification through symmetry",
1996).  What only the boot state reads may differ: the boot state's images are
then searched instead of it, which shows the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from memhp.reference import Topology
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import SortRef, Symbol

__all__ = ["Swap", "swaps"]

Element = tuple[str, int]


@dataclass(frozen=True)
class Swap:
    """An exchange of elements, its own inverse: for each sort the element in each one's place."""

    images: Mapping[str, tuple[int, ...]]

    def of(self, sort: SortRef, value: int) -> int:
        """The image of a value; members of an enumeration and numbers stay."""
        return self.images[sort.name][value] if sort.name in self.images else value

    def point(self, sorts: Sequence[SortRef], point: Sequence[int]) -> tuple[int, ...]:
        """The image of each of several values."""
        return tuple(self.of(sort, value) for sort, value in zip(sorts, point, strict=True))


def swaps(system: System, topology: Topology, claims: Sequence[Property]) -> tuple[Swap, ...]:
    """A swap for every two elements that can be exchanged, with as little else as possible."""
    facts = _Facts(system, topology, claims)
    distinct: dict[tuple[tuple[int, ...], ...], Swap] = {}
    for sort in system.unbounded_sorts:
        for one, other in combinations(range(topology.size(sort)), 2):
            images = facts.exchange((sort.name, one), (sort.name, other))
            if images is not None:
                swap = Swap(images)
                distinct.setdefault(tuple(swap.images.values()), swap)
    return tuple(distinct.values())


def _read(system: System, claims: Sequence[Property]) -> list[Symbol]:
    """The topology that a step or a property can see."""
    terms = [guard.condition for action in system.actions for guard in action.guards]
    terms += [term for action in system.actions for u in action.updates for term in u.terms]
    terms += [claim.formula for claim in claims]
    names = {name for term in terms for name in system.symbols_in(term)}
    return [symbol for symbol in system.topology if symbol.name in names]


class _Facts:
    """What the tables say, by element: an exchange must leave all of it true."""

    def __init__(self, system: System, topology: Topology, claims: Sequence[Property]) -> None:
        self.sizes = {sort.name: topology.size(sort) for sort in system.unbounded_sorts}
        self.tables: dict[str, dict[tuple[int, ...], int]] = {}
        self.symbols: dict[str, Symbol] = {}
        self.about: dict[Element, list[tuple[str, tuple[int, ...]]]] = {}
        for symbol in _read(system, claims):
            points = topology.points(symbol.domain)
            values = topology.tables[symbol.name]
            self.symbols[symbol.name] = symbol
            self.tables[symbol.name] = dict(zip(points, values, strict=True))
            for point, value in self.tables[symbol.name].items():
                for element in self._elements(symbol, point, value):
                    self.about.setdefault(element, []).append((symbol.name, point))

    def _elements(self, symbol: Symbol, point: tuple[int, ...], value: int) -> Iterator[Element]:
        for sort, number in zip((*symbol.domain, symbol.range), (*point, value), strict=True):
            if sort.name in self.sizes:
                yield sort.name, number

    def exchange(self, one: Element, other: Element) -> dict[str, tuple[int, ...]] | None:
        """The images under a swap of the two, if there is one."""
        images = self._extended({}, one, other)
        if images is None:
            return None
        return {
            sort: tuple(images[sort, number][1] for number in range(size))
            for sort, size in self.sizes.items()
        }

    def _extended(
        self, images: Mapping[Element, Element], one: Element, other: Element
    ) -> dict[Element, Element] | None:
        """A swap of the two that agrees with the images so far; elements stay where they can."""
        grown = self._implied(images, one, other)
        if grown is None:
            return None
        open_ = self._open(grown)
        if open_ is None:
            return grown
        sort, number = open_
        others = (n for n in range(self.sizes[sort]) if n != number)
        for image in (number, *others):
            if (sort, image) not in grown:
                extended = self._extended(grown, open_, (sort, image))
                if extended is not None:
                    return extended
        return None

    def _open(self, images: Mapping[Element, Element]) -> Element | None:
        """An element without an image: first of what hangs on those that move."""
        moving = [element for element, image in images.items() if element != image]
        for element in moving:
            for name, point in self.about.get(element, ()):
                value = self.tables[name][point]
                for near in self._elements(self.symbols[name], point, value):
                    if near not in images:
                        return near
        all_of = ((sort, number) for sort, size in self.sizes.items() for number in range(size))
        return next((element for element in all_of if element not in images), None)

    def _implied(
        self, images: Mapping[Element, Element], one: Element, other: Element
    ) -> dict[Element, Element] | None:
        """The images so far, this swap, and all that the facts then leave no choice about."""
        grown = {**images, one: other, other: one}
        new = [one, other]
        while new:
            for name, point in self.about.get(new.pop(), ()):
                symbol, table = self.symbols[name], self.tables[name]
                moved = self._moved(grown, symbol, point)
                if moved is None:
                    continue
                here = (symbol.range.name, table[point])
                there = (symbol.range.name, table[moved])
                if symbol.range.name not in self.sizes:
                    if here != there:
                        return None
                elif here not in grown and there not in grown:
                    grown |= {here: there, there: here}
                    new += [here, there]
                elif grown.get(here) != there:
                    return None
        return grown

    def _moved(
        self, images: Mapping[Element, Element], symbol: Symbol, point: tuple[int, ...]
    ) -> tuple[int, ...] | None:
        """The image of a table's point, if all of its elements have one yet."""
        moved: list[int] = []
        for sort, number in zip(symbol.domain, point, strict=True):
            if sort.name not in self.sizes:
                moved.append(number)
            elif (sort.name, number) in images:
                moved.append(images[sort.name, number][1])
            else:
                return None
        return tuple(moved)
