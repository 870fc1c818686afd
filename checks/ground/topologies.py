"""The topologies of a system: all that satisfy its axioms, on a machine of a few elements.

Where they are few, all are tried at once; else some are drawn, and changed until they violate no
axiom.  Those that differ only in the names of elements are one.

>>> from memhp.examples import distributed_lock
>>> from memhp.spec.language import load
>>> system = load("distributed lock", (distributed_lock,))
>>> [each.tables["later"] for each in topologies(system, {"Host": 1, "Epoch": 2})]
[(0, 0, 1, 0), (0, 0, 1, 0), (0, 0, 1, 0), (0, 0, 1, 0)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, permutations, product
from math import factorial, prod

import numpy as np

from memhp.reference import Topology
from memhp.spec.language.rewrite import expand
from memhp.spec.language.system import System, Variable
from memhp.spec.language.terms import TRUE

from .bulk import Array, Bulk

__all__ = ["topologies"]

TRIED = 200_000
"""So many topologies are tried one by one..."""
DRAWN, CHANGES = 64, 400
"""... of more, so many are drawn, and changed so often to satisfy the axioms."""
RENAMED = 1_000
"""Names of elements are exchanged in so many ways at most: of more, none is."""


def topologies(system: System, sizes: Mapping[str, int]) -> tuple[Topology, ...]:
    """The topologies of that size that satisfy the axioms, one of all that differ in names alone.

    Of a system with very many there are some, always the same.

    Args:
        system: the specification.
        sizes: the number of elements of each unbounded sort, by name.

    Raises:
        ValueError: the sizes are not those that the system needs.
    """
    spans = Topology(sizes, {})
    spans.check_bounds(system)
    cells = [prod(spans.size(sort) for sort in each.domain) for each in system.topology]
    limits = np.array(
        [
            spans.size(each.range)
            for each, number in zip(system.topology, cells, strict=True)
            for _ in range(number)
        ],
        dtype=np.int16,
    )
    wrong = _violations(system, spans)
    few = prod(limits.tolist()) <= TRIED
    tables = _all(limits) if few else _improved(limits, wrong)
    fit = np.unique(tables[wrong(tables) == 0], axis=0)
    return tuple(Topology(sizes, _tables(system, cells, row)) for row in _apart(system, spans, fit))


def _tables(system: System, cells: Sequence[int], row: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """The tables of which the row has the values, one after another."""
    rest = iter(row)
    return {
        symbol.name: tuple(islice(rest, number))
        for symbol, number in zip(system.topology, cells, strict=True)
    }


def _violations(system: System, spans: Topology) -> Callable[[Array], Array]:
    """How often each row of tables violates an axiom: topology is looked at as if it were state."""
    axioms = [(each.params, expand(each.formula, system)) for each in system.axioms]
    of_topology = tuple(Variable(each, "", "", (), TRUE) for each in system.topology)
    as_state = replace(system, topology=(), variables=of_topology)

    def wrong(tables: Array) -> Array:
        bulk, total = Bulk(as_state, spans, tables), np.zeros(len(tables), dtype=int)
        for params, formula in axioms:
            total += (~bulk.truth(formula, params)).reshape(len(tables), -1).sum(axis=1)
        return total

    return wrong


def _all(limits: Array) -> Array:
    """Every row of values below the limits."""
    numbers = np.arange(prod(limits.tolist()))
    rows = np.empty((len(numbers), len(limits)), dtype=np.int16)
    for at in range(len(limits))[::-1]:
        rows[:, at] = numbers % limits[at]
        numbers //= limits[at]
    return rows


def _improved(limits: Array, wrong: Callable[[Array], Array]) -> Array:
    """Rows with values below the limits, drawn, and changed until they violate no axiom."""
    random = np.random.default_rng(0)
    tables = random.integers(0, limits, (DRAWN, len(limits)), dtype=np.int16)
    before = wrong(tables)
    for _ in range(CHANGES):
        if not before.any():
            break
        others, at = tables.copy(), random.integers(0, len(limits), DRAWN)
        others[np.arange(DRAWN), at] = random.integers(0, limits[at])
        after = wrong(others)
        better = (after <= before) & (before > 0)
        tables[better], before[better] = others[better], after[better]
    return tables


def _apart(system: System, spans: Topology, rows: Array) -> Iterator[list[int]]:
    """The rows, the first one of those that differ only in the names of elements."""
    names = [_renaming(system, spans, images) for images in _images(system, spans)]
    seen: set[bytes] = set()
    for row in rows:
        if row.tobytes() not in seen:
            seen.update(_renamed(row, *each).tobytes() for each in names)
            yield row.tolist()


def _images(system: System, spans: Topology) -> Iterator[dict[str, tuple[int, ...]]]:
    """Every exchange of names, of elements of one sort each; that of none, if they are many."""
    told = {sort for symbol in system.topology for sort in (*symbol.domain, symbol.range)}
    sizes = {sort.name: spans.size(sort) for sort in system.unbounded_sorts if sort in told}
    if prod(factorial(min(size, 7)) for size in sizes.values()) > RENAMED:
        sizes = {}
    for chosen in product(*(permutations(range(size)) for size in sizes.values())):
        yield dict(zip(sizes, chosen, strict=True))


def _renaming(
    system: System, spans: Topology, images: Mapping[str, tuple[int, ...]]
) -> tuple[Array, list[Array]]:
    """Where each value goes, and what it becomes, when elements get those names."""
    places: list[int] = []
    values: list[Array] = []
    for symbol in system.topology:
        begin = len(places)
        own = images.get(symbol.range.name)
        becomes = np.array(range(spans.size(symbol.range)) if own is None else own, dtype=np.int16)
        for point in spans.points(symbol.domain):
            place = 0
            for sort, number in zip(symbol.domain, point, strict=True):
                image = images[sort.name][number] if sort.name in images else number
                place = place * spans.size(sort) + image
            places.append(begin + place)
            values.append(becomes)
    return np.array(places, dtype=np.intp), values


def _renamed(row: Array, places: Array, values: Sequence[Array]) -> Array:
    other = np.empty_like(row)
    other[places] = [becomes[value] for becomes, value in zip(values, row.tolist(), strict=True)]
    return other
