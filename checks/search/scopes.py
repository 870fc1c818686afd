"""Scopes: the small machines that a bounded search looks at.

Of memory hotplug they are the usual ones of `memhp.reference.usual`, or the regular ones of a
user's own scope, such as ``node=2,block=4,frame=8``.  Of any other system they are those of a few
elements of each sort, with the topologies that its axioms allow, or as many as a scope says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import NamedTuple

from memhp.reference import Topology, violated_axioms
from memhp.reference.reached import GIVEN_UP_ON, REACHED_ON
from memhp.reference.refuted import REFUTED_ON
from memhp.reference.shapes import AnyShape, Given, Shape, arrangements, is_regular
from memhp.reference.usual import ROOMY, USUAL
from memhp.spec.language.system import System

from .alike import Ground, ground

__all__ = [
    "ScopeError",
    "Usual",
    "fitting",
    "machines",
    "scope",
    "scope_of_two",
    "scope_text",
    "sizes_of",
    "unfit",
    "usual",
]

_OF_ONE_SIZE = 8
"""A system that is no memory hotplug is looked at with so many topologies of each size."""
_LARGEST = 2_000
"""A machine of such a system has no more values than so many."""
_MOST_MACHINES = 64
"""A scope has no more machines of such a system."""


class ScopeError(ValueError):
    """A scope that no regular machine has; the message is one line."""


class Usual(NamedTuple):
    """The machines that are looked at where nobody chose.

    ``roomy`` begins with the ``few``; what needs room to move is looked for on the others, too.
    ``reached_on`` says by a property's name on which of them to look first, ``refuted_on``
    by that of a variant.
    """

    few: tuple[AnyShape, ...]
    roomy: tuple[AnyShape, ...]
    reached_on: Mapping[str, int]
    refuted_on: Mapping[str, int]


def usual(system: System) -> Usual:
    """The usual machines of the system: those of memory hotplug, or any of a few elements."""
    if is_regular(system):
        return Usual(USUAL, ROOMY, {**REACHED_ON, **GIVEN_UP_ON}, REFUTED_ON)
    return _small(ground(system))


@lru_cache(maxsize=8)
def _small(common: Ground) -> Usual:
    few = tuple(
        Given(each)
        for sizes in sizes_of(common.system)
        for each in _spread(_topologies(common.system, sizes), _OF_ONE_SIZE)
    )
    return Usual(few, few, {}, {})


def sizes_of(system: System) -> Iterator[dict[str, int]]:
    """The sizes of small machines of a system that is no memory hotplug, as far as they are small.

    Yields:
        How many elements each unbounded sort has, by its name.
    """
    names = [sort.name for sort in system.unbounded_sorts]
    every = [dict.fromkeys(names, number) for number in (1, 2, 3)]
    every += [dict.fromkeys(names, 3) | {name: 1} for name in names]
    every += [dict.fromkeys(names, 2) | {name: 4} for name in names]
    symbols = (*system.topology, *(variable.symbol for variable in system.variables))
    seen: list[dict[str, int]] = []
    for sizes in every:
        spans = Topology(sizes, {})
        values = sum(prod(spans.size(sort) for sort in each.domain) for each in symbols)
        if values <= _LARGEST and sizes not in seen:
            seen.append(sizes)
            yield sizes


def _topologies(system: System, sizes: Mapping[str, int]) -> Sequence[Topology]:
    from ..ground.topologies import topologies  # numpy is not needed for memory hotplug

    return topologies(system, sizes)


def _spread(every: Sequence[Topology], most: int) -> list[Topology]:
    """No more than ``most`` of them, from the first to the last."""
    if len(every) <= most:
        return list(every)
    return [every[at * (len(every) - 1) // (most - 1)] for at in range(most)]


def fitting(system: System, shapes: Sequence[AnyShape]) -> dict[int, Topology]:
    """The machines that satisfy every axiom of the system, by the index of their shape.

    Nothing may be shown on the others: no machine of the specification is like them.
    """
    return dict(_fitting(ground(system), tuple(shapes)))


@lru_cache(maxsize=8)
def _fitting(common: Ground, shapes: tuple[AnyShape, ...]) -> dict[int, Topology]:
    fit = _fit(_axioms_of(common.system), shapes)
    return {number: shapes[number].build(common.system) for number in fit}


@lru_cache(maxsize=8)
def _fit(axioms: Ground, shapes: tuple[AnyShape, ...]) -> list[int]:
    """The indexes of the shapes that satisfy the axioms, which few edits change."""
    system = axioms.system
    return [n for n, each in enumerate(shapes) if not violated_axioms(system, each.build(system))]


def _axioms_of(system: System) -> Ground:
    """The axioms of the system and what they read, nothing else: one object for equal ones."""
    used = frozenset[str]().union(*(system.definitions_in(each.formula) for each in system.axioms))
    definitions = {name: body for name, body in system.definitions.items() if name in used}
    return ground(replace(system, actions=(), definitions=definitions))


def unfit(system: System, shapes: Sequence[AnyShape]) -> dict[str, int]:
    """The number of machines that violate an axiom, by its name; empty if all satisfy all."""
    return dict(
        Counter(name for shape in shapes for name in violated_axioms(system, shape.build(system)))
    )


def machines(system: System, text: str) -> tuple[AnyShape, ...]:
    """The shapes of a scope (see `scope`) whose machines satisfy every axiom of the system.

    Of a system that is no memory hotplug, the scope counts elements of its own sorts, one of each
    that it does not name; there is a shape for each topology, or for 64 of them.

    Raises:
        ScopeError: there is none, or the text is no scope.
    """
    if not is_regular(system):
        return _of_its_sorts(system, text)
    shapes = scope(text)
    if fit := tuple(shapes[number] for number in fitting(system, shapes)):
        return fit
    violated = ", ".join(unfit(system, shapes))
    raise ScopeError(f"scope {text!r}: each of its machines violates an axiom: {violated}")


def _of_its_sorts(system: System, text: str) -> tuple[AnyShape, ...]:
    names = {sort.name.lower(): sort.name for sort in system.unbounded_sorts}
    sizes = _numbers(text, tuple(names)) if text or names else {}
    counts = {sort: sizes.get(name, 1) for name, sort in names.items()}
    try:
        every = _topologies(system, counts)
    except ValueError as error:
        raise ScopeError(f"scope {text!r}: {error}") from None
    if not every:
        raise ScopeError(f"scope {text!r}: no topology of that size satisfies every axiom")
    return tuple(map(Given, _spread(every, _MOST_MACHINES)))


def scope(text: str) -> tuple[Shape, ...]:
    """The shapes of a scope such as ``node=2,block=4,section=4,frame=8,folio=2,pte=1``.

    Numbers count elements in all; a sort that the text does not name has as few as fit.

    Raises:
        ScopeError: the text is no such list, or names too few of something.

    >>> [shape.sizes["Frame"] for shape in scope("node=2,block=3,frame=4")]
    [4, 4, 4]
    """
    sizes = _numbers(text, _REGULAR)
    nodes = sizes.get("node", 1)
    blocks = sizes.get("block", max(2, nodes))
    sections = sizes.get("section", blocks)
    frames = sizes.get("frame", sections)
    if not nodes <= blocks <= sections <= frames:
        raise ScopeError(
            f"scope {text!r}: each node needs a block, each block a section, each section a frame"
        )
    shape = Shape(
        nodes=nodes,
        totals=(blocks, sections, frames),
        folios=sizes.get("folio", 1),
        ptes=sizes.get("pte", 1),
        vmas=sizes.get("vma", 1),
        data=sizes.get("data", 1),
    )
    return tuple(shape for _, shape in arrangements(shape))


def scope_of_two(system: System) -> str:
    """The scope of two blocks, or, of a system that is no memory hotplug, of two of each sort."""
    if is_regular(system):
        return "block=2"
    return ",".join(f"{sort.name.lower()}=2" for sort in system.unbounded_sorts)


_REGULAR = ("node", "block", "section", "frame", "folio", "pte", "vma", "data")


def _numbers(text: str, names: Sequence[str]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        name = name.strip().lower()
        if name not in names or name in sizes:
            raise ScopeError(f"scope {text!r}: {part!r} is not one of {', '.join(names)} = number")
        if not re.fullmatch(r"\s*[0-9]{1,3}\s*", number) or not 0 < int(number) <= 255:
            raise ScopeError(f"scope {text!r}: {part!r}: the number must be from 1 to 255")
        sizes[name] = int(number)
    return sizes


def scope_text(shape: AnyShape) -> str:
    """The sizes of a machine for a reader, such as ``node=1, block=2``; its topology, if given."""
    sizes = ", ".join(f"{name.lower()}={size}" for name, size in shape.sizes.items())
    tables = shape.topology.tables.items() if isinstance(shape, Given) else ()
    return "; ".join((sizes, *(f"{name}={' '.join(map(str, table))}" for name, table in tables)))
