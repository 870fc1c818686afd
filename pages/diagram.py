"""State diagrams: the values of a variable, and the steps between them that were seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin

from memhp.reference import Machine, Topology
from memhp.reference.formula import spans
from memhp.reference.topology import readable
from memhp.spec.language import System
from memhp.spec.language.terms import BOOL, Symbol

__all__ = ["Diagram", "Taken", "Transitions", "explored", "transitions"]

Taken = tuple[str, Machine, Machine]
"""A step: its action, and the machine before and after it."""
Transitions = Mapping[tuple[str, str], Sequence[str]]
"""For two values the actions that lead from the first to the second."""

_WIDE, _HIGH = 132, 30


@dataclass(frozen=True)
class Diagram:
    """A variable's values and the transitions between them, drawn on an ellipse."""

    variable: str
    values: Sequence[str]
    transitions: Transitions

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels."""
        radius = self._radius
        return round(2 * radius + _WIDE + 20), round(1.2 * radius + _HIGH + 40)

    @property
    def _radius(self) -> float:
        return max(90.0, 34.0 * len(self.values))

    def boxes(self) -> list[tuple[str, int, int]]:
        """Each value, and the place of its middle."""
        width, height = self.size
        count = len(self.values)
        turns = [2 * pi * at / count - pi / 2 for at in range(count)]
        return [
            (
                value,
                round(width / 2 + self._radius * cos(turn)),
                round(height / 2 + 0.6 * self._radius * sin(turn)),
            )
            for value, turn in zip(self.values, turns, strict=True)
        ]

    def arrows(self) -> list[tuple[str, str]]:
        """Each transition as an SVG path, and its actions in words."""
        at = {value: (x, y) for value, x, y in self.boxes()}
        return [
            (_curve(at[before], at[after]), f"{before} to {after}: {', '.join(actions)}")
            for (before, after), actions in self.transitions.items()
        ]


def _curve(source: tuple[int, int], target: tuple[int, int]) -> str:
    """A curve to the right of the way, from edge to edge."""
    (x, y), (to_x, to_y) = source, target
    across, down = to_x - x, to_y - y
    length = hypot(across, down) or 1
    bend_x = (x + to_x) / 2 - 22 * down / length
    bend_y = (y + to_y) / 2 + 22 * across / length
    from_x, from_y = _edge((x, y), (bend_x, bend_y))
    end_x, end_y = _edge((to_x, to_y), (bend_x, bend_y))
    return f"M{from_x:.0f} {from_y:.0f}Q{bend_x:.0f} {bend_y:.0f} {end_x:.0f} {end_y:.0f}"


def _edge(middle: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where the way from the middle of a box leaves it."""
    across, down = towards[0] - middle[0], towards[1] - middle[1]
    scale = min(
        _WIDE / 2 / abs(across) if across else 1e9, _HIGH / 2 / abs(down) if down else 1e9, 1.0
    )
    return middle[0] + across * scale, middle[1] + down * scale


def transitions(
    system: System, steps: Iterable[Taken]
) -> dict[str, dict[tuple[str, str], list[str]]]:
    """For each variable of an enumeration, the changes of its value that some step makes.

    Args:
        system: the specification.
        steps: that were taken, on whatever machines.
    """
    watched = [v.symbol for v in system.variables if _is_enumeration(v.symbol)]
    found: dict[str, dict[tuple[str, str], list[str]]] = {each.name: {} for each in watched}
    for action, before, after in steps:
        for name, first, second in _changes(system, watched, before, after):
            actions = found[name].setdefault((first, second), [])
            if action not in actions:
                actions.append(action)
    return {name: table for name, table in found.items() if table}


def explored(system: System, topologies: Iterable[Topology], most: int) -> Iterator[Taken]:
    """The steps from the states that each machine reaches first.

    Args:
        system: the specification.
        topologies: machines, each explored from boot.
        most: states that are looked at on each.
    """
    for topology in topologies:
        boot = Machine(system, topology)
        seen, todo = {boot.key()}, deque([boot])
        for _ in range(most):
            if not todo:
                break
            machine = todo.popleft()
            for action, params in machine.enabled():
                after = machine.copy()
                after.step(action, **params)
                yield action, machine, after
                if (key := after.key()) not in seen:
                    seen.add(key)
                    todo.append(after)


def _is_enumeration(symbol: Symbol) -> bool:
    return symbol.range.members is not None and symbol.range != BOOL


def _changes(
    system: System, watched: Sequence[Symbol], before: Machine, after: Machine
) -> Iterator[tuple[str, str, str]]:
    """The name of each variable that changes at some point, with the two values."""
    places, old_values, new_values = spans(system, before.topology), before.values, after.values
    for symbol in watched:
        here = slice(*places[symbol.name])
        for first, second in zip(old_values[here], new_values[here], strict=True):
            if first != second:
                old, new = readable(symbol.range, first), readable(symbol.range, second)
                yield symbol.name, str(old), str(new)
