"""A run drawn: the elements that matter as boxes, where they lie in each other, and arrows.

What a machine is made of and what its state says comes from the specification; only how memory
lies in memory (`_INSIDE`) is known here, and a specification that has other sorts is drawn as
boxes side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from memhp.reference import Machine, Step, Value
from memhp.reference.topology import element_name, readable
from memhp.spec.language import System
from memhp.spec.language.terms import BOOL, INT, SortRef, Symbol

__all__ = ["Arrow", "Box", "Drawing", "Line", "Picture"]

_INSIDE = {"Frame": "section_of", "Section": "block_of_section", "Block": "node_of"}
"""The table that says in which element one of the sort lies."""
_WIDE = 760
"""Pixels after which boxes go on in the next row."""
_LETTER, _LINE, _PAD, _GAP, _ROW = 6.7, 15, 8, 10, 34

Element = tuple[str, int]
_Point = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class Line:
    """What is said of an element; ``new`` if the step has changed it."""

    text: str
    new: bool


@dataclass
class Box:
    """An element's box, with the place of its upper left corner, in pixels."""

    element: Element
    name: str
    width: float = 0
    height: float = 0
    x: float = 0
    y: float = 0
    inside: list[Box] = field(default_factory=list)

    def all(self) -> Iterator[Box]:
        """The box and those in it, from the outside."""
        yield self
        for each in self.inside:
            yield from each.all()


@dataclass(frozen=True)
class Arrow:
    """From one box to another, as an SVG path; ``new`` if the step has changed where it leads."""

    path: str
    name: str
    new: bool


@dataclass(frozen=True)
class Picture:
    """One state: each box with its lines, the arrows, and what is said of the machine itself."""

    boxes: Sequence[tuple[Box, Sequence[Line]]]
    arrows: Sequence[Arrow]
    machine: Sequence[Line]


class Drawing:
    """The drawing of a run: every state has its boxes in the same places.

    Args:
        system: the specification.
        machines: the state at each step, the first one before any.
        steps: between them.
        about: names of variables that are shown although nothing changes them.
        elements: that are shown although no step names them.
    """

    def __init__(
        self,
        system: System,
        machines: Sequence[Machine],
        steps: Sequence[Step],
        about: Iterable[str] = (),
        elements: Iterable[Element] = (),
    ) -> None:
        self._system = system
        self._topology = machines[0].topology
        self._tables = [_table(machine) for machine in machines]
        changed = [
            {at for at, value in now.items() if before[at] != value}
            for before, now in zip(self._tables, self._tables[1:], strict=False)
        ]
        self._changed = [set[_Point](), *changed]
        names = {name for points in changed for name, _ in points} | set(about)
        self._shown = [v.symbol for v in system.variables if v.symbol.name in names]
        self._elements = self._mattering(steps, elements)
        self._roots, self._cards = self._arranged()
        self.width, self.height = self._placed()

    def _mattering(self, steps: Sequence[Step], more: Iterable[Element]) -> set[Element]:
        """What steps name, what changes, where that leads, and in what all that lies."""
        elements = set(more)
        for step in steps:
            for var in self._system.action_by_name[step.action].params:
                elements |= self._element(var.sort, step.params[var.name])
        symbols = {symbol.name: symbol for symbol in self._shown}
        for table, points in zip(self._tables, self._changed, strict=True):
            for name, point in points:
                symbol = symbols[name]
                for sort, number in zip(symbol.domain, point, strict=True):
                    elements |= self._element(sort, number)
                elements |= self._element(symbol.range, table[name, point])
        if not elements:
            elements = {(s.name, n) for s in self._sorts for n in range(self._topology.size(s))}
        for element in list(elements):
            while holder := self._holder(element):
                elements.add(holder)
                element = holder
        return elements

    @property
    def _sorts(self) -> Sequence[SortRef]:
        return [sort for sort in self._system.sorts if sort in self._system.unbounded_sorts]

    def _element(self, sort: SortRef, value: Value) -> set[Element]:
        if sort not in self._system.unbounded_sorts or isinstance(value, str):
            return set()
        return {(sort.name, int(value))}

    def _holder(self, element: Element) -> Element | None:
        sort, number = element
        symbol = self._tables_of_place.get(_INSIDE.get(sort, ""))
        if symbol is None or [each.name for each in symbol.domain] != [sort]:
            return None
        return symbol.range.name, self._topology.tables[symbol.name][number]

    @cached_property
    def _tables_of_place(self) -> Mapping[str, Symbol]:
        return {symbol.name: symbol for symbol in self._system.topology}

    # --- where everything stands ----------------------------------------------------------------

    def _arranged(self) -> tuple[list[Box], list[Box]]:
        """The boxes that lie in no other: those that hold or could hold others, and the rest."""
        order = {sort.name: at for at, sort in enumerate(self._sorts)}
        sorts = {sort.name: sort for sort in self._sorts}
        elements = sorted(self._elements, key=lambda each: (order[each[0]], each[1]))
        boxes = {each: Box(each, element_name(sorts[each[0]], each[1])) for each in elements}
        roots: list[Box] = []
        cards: list[Box] = []
        for element, box in boxes.items():
            if holder := self._holder(element):
                boxes[holder].inside.append(box)
            else:
                (roots if box.element[0] in self._holding else cards).append(box)
        return roots, cards

    @cached_property
    def _holding(self) -> set[str]:
        """The names of the sorts in which others lie."""
        tables = (self._tables_of_place.get(name) for name in _INSIDE.values())
        return {symbol.range.name for symbol in tables if symbol}

    def _placed(self) -> tuple[float, float]:
        """Give each box its size and place; the size of the whole."""
        wide, y = 0.0, 4.0
        for boxes in (self._roots, self._cards):
            x, deep = 4.0, 0.0
            for box in boxes:
                self._measure(box)
                if x > 4 and x + box.width > _WIDE:
                    x, y, deep = 4.0, y + deep + _ROW, 0.0
                _move(box, x, y)
                x, deep = x + box.width + _GAP, max(deep, box.height)
                wide = max(wide, x)
            y += deep + _ROW if boxes else 0
        return wide, y - _ROW + 8

    def _measure(self, box: Box) -> None:
        lines = [self._lines(box.element, at) for at in range(len(self._tables))]
        letters = max(len(box.name), *(len(line.text) for each in lines for line in each), 9)
        for each in box.inside:
            self._measure(each)
        within = sum(each.width + _GAP for each in box.inside) - _GAP
        box.width = max(letters * _LETTER, within) + 2 * _PAD
        deep = max((each.height + _PAD for each in box.inside), default=0)
        box.height = (1 + max(map(len, lines))) * _LINE + _PAD + deep

    # --- what is said of it ----------------------------------------------------------------------

    def at(self, number: int) -> Picture:
        """The state after that many steps."""
        boxes = [box for root in (*self._roots, *self._cards) for box in root.all()]
        lines = [(box, self._lines(box.element, number)) for box in boxes]
        there = {box.element: box for box in boxes}
        machine = [self._line(symbol, (), number) for symbol in self._shown if not symbol.domain]
        return Picture(lines, list(self._arrows(there, number)), machine)

    def _lines(self, element: Element, number: int) -> list[Line]:
        sort, at = element
        lines = []
        for symbol in self._shown:
            if not symbol.domain or symbol.domain[0].name != sort:
                continue
            for rest in self._topology.points(symbol.domain[1:]):
                point = (at, *rest)
                value = self._tables[number][symbol.name, point]
                is_new = (symbol.name, point) in self._changed[number]
                if symbol.range == BOOL and not value and not is_new:
                    continue
                lines.append(self._line(symbol, point, number))
        return lines

    def _line(self, symbol: Symbol, point: tuple[int, ...], number: int) -> Line:
        value = self._tables[number][symbol.name, point]
        others = ", ".join(map(element_name, symbol.domain[1:], point[1:]))
        name = f"{symbol.name}[{others}]" if others else symbol.name
        if symbol.range == BOOL:
            text = name if value else f"not {name}"
        elif symbol.range == INT or symbol.range not in self._system.unbounded_sorts:
            text = f"{name} {value}"
        else:
            text = f"{name} {element_name(symbol.range, int(value))}"
        return Line(text, (symbol.name, point) in self._changed[number])

    def _arrows(self, boxes: Mapping[Element, Box], number: int) -> Iterator[Arrow]:
        for symbol in self._shown:
            if symbol.range not in self._system.unbounded_sorts or len(symbol.domain) != 1:
                continue
            for (at,) in self._topology.points(symbol.domain):
                value = int(self._tables[number][symbol.name, (at,)])
                source = boxes.get((symbol.domain[0].name, at))
                target = boxes.get((symbol.range.name, value))
                if source and target and source is not target:
                    is_new = (symbol.name, (at,)) in self._changed[number]
                    yield Arrow(_path(source, target), symbol.name, is_new)


def _table(machine: Machine) -> dict[_Point, Value]:
    """Every variable's value at each point."""
    values = iter(machine.values)
    symbols = [variable.symbol for variable in machine.system.variables]
    return {
        (symbol.name, point): readable(symbol.range, next(values))
        for symbol in symbols
        for point in machine.topology.points(symbol.domain)
    }


def _move(box: Box, x: float, y: float) -> None:
    """Put the box there, and those in it at its lower edge."""
    box.x, box.y = x, y
    across = x + _PAD
    for each in box.inside:
        _move(each, across, y + box.height - _PAD - each.height)
        across += each.width + _GAP


def _path(source: Box, target: Box) -> str:
    """Between the edges that face each other; over the top of boxes that stand side by side."""
    x, to_x = source.x + source.width / 2, target.x + target.width / 2
    y, to_y = source.y, target.y
    if target.y + target.height < source.y:
        to_y = target.y + target.height
        bend = (y + to_y) / 2
    elif source.y + source.height < target.y:
        y = source.y + source.height
        bend = (y + to_y) / 2
    else:
        bend = min(y, to_y) - _ROW / 2
    ends = f"{to_x:.0f} {bend:.0f} {to_x:.0f} {to_y:.0f}"
    return f"M{x:.0f} {y:.0f}C{x:.0f} {bend:.0f} {ends}"
