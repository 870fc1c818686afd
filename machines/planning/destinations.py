"""Where contents of a leaving block may move to, asked of the specification (N4).

The list wants the own node first; Linux takes any other node that has memory, and the own one
only where there is no other.  Which it is, the guards of `reserve_destination` say on small
machines, once for each design.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from memhp.reference import Machine, Shape
from memhp.spec.language.system import System

__all__ = ["Destinations", "asked_once", "destinations_of"]

_T = TypeVar("_T")


class _Same:
    """A design, equal to itself alone: systems have no digest that is cheap."""

    def __init__(self, system: System) -> None:
        self.system = system

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.system is self.system

    def __hash__(self) -> int:
        return id(self.system)


def asked_once(ask: Callable[..., _T]) -> Callable[..., _T]:
    """The function, which takes a design and then what can be hashed, asked once for each."""
    kept = cache(lambda same, *more: ask(same.system, *more))
    return lambda system, *more: kept(_Same(system), *more)


_KINDS = ("kernel", "movable")
_OWN, _LEAVES, _OTHER = range(3)
_FOLIO = 0


@dataclass(frozen=True)
class Destinations:
    """What a design lets contents do when their block leaves.

    ``own_first``: the own node is taken while it has room; ``own_at_last``: it is taken when all
    other nodes are full; ``between`` has the pairs of kinds of zones (from, to) that are allowed.
    """

    own_first: bool
    own_at_last: bool
    between: frozenset[tuple[str, str]]

    def allow(self, kind: str, to: str, *, own: bool, others: bool) -> bool:
        """Whether contents may ever move there while their block leaves.

        Args:
            kind: of the zone that they leave, kernel or movable.
            to: kind of the zone that they go to.
            own: whether that is on the node that they come from.
            others: whether other nodes have memory, full or not.
        """
        at_home = not others or self.own_first or self.own_at_last
        return (kind, to) in self.between and (at_home or not own)


def destinations_of(system: System) -> Destinations:
    """What the design's `reserve_destination` allows; asked once for each design.

    >>> from memhp.spec.profiles import system_of
    >>> linux = destinations_of(system_of("linux-6.12"))
    >>> linux.own_first, linux.own_at_last, ("kernel", "movable") in linux.between
    (False, False, False)
    """
    return _destinations_of(system)


@asked_once
def _destinations_of(system: System) -> Destinations:
    pairs = ((kind, to) for kind in _KINDS for to in _KINDS)
    return Destinations(
        own_first=_takes(system, "kernel", ("kernel", "kernel"), own=True),
        own_at_last=_takes(system, "kernel", ("kernel", None), own=True),
        between=frozenset(
            (kind, to) for kind, to in pairs if _takes(system, kind, (None, to), own=False)
        ),
    )


def _takes(system: System, kind: str, rooms: tuple[str | None, str | None], *, own: bool) -> bool:
    """Whether contents of a leaving block of that kind of zone may move.

    Args:
        system: the design.
        kind: of the leaving block's zone.
        rooms: the kind of zone in which the own and the other node have room; None: they are full.
        own: ask about the own node's room, else about the other's.
    """
    movable = {_LEAVES} if kind == "movable" else set[int]()
    places = dict(zip((_OWN, _OTHER), rooms, strict=True))
    movable |= {block for block, room in places.items() if room == "movable"}
    shape = Shape(
        nodes=2,
        movable=frozenset(movable),
        boot_kernel=frozenset(block for block, room in places.items() if room is None),
        totals=(3, 3, 3),
        tables=(("node_of", (0, 0, 1)),),
    )
    machine = Machine(system, shape.build(system))
    for action, *operands in (
        ("alloc_folio", _FOLIO, _LEAVES, "anonymous"),
        ("begin_offline", _LEAVES),
        ("announce_offline", _LEAVES),
    ):
        outcome = machine.step(action, *operands)
        if not outcome:
            raise AssertionError(f"{action}: {outcome}")
    return machine.why_not("reserve_destination", _FOLIO, _OWN if own else _OTHER) is None
