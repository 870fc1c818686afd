"""The small machines whose states are looked at: of many topologies, since all are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from math import prod
from random import Random

import numpy as np

from memhp.reference import Shape, Topology
from memhp.spec.language.rewrite import closed, expand
from memhp.spec.language.system import System, Variable
from memhp.spec.language.terms import TRUE, Term

from ..search.scopes import ROOMY, fitting
from .bulk import Array, Bulk
from .states import Reached, reached

__all__ = ["small_machines"]

VARIED = 40
"""So many machines are drawn besides the usual ones."""
DRAWN, CHANGES = 64, 400
"""So many topologies of one size are drawn, of a system that is no memory hotplug, and changed so
often to satisfy the axioms..."""
LOOKED_AT = 24
"""... of so many that do the states are looked at..."""
KEPT = 4
"""... and those of so many are kept: where most can happen."""
LARGEST = 2_000
"""A machine has no more values than so many."""
_LARGER = ("Cpu", "HugeFolio", "KernelPage", "Pin", "Increment", "Reader")
"""Sorts of which a drawn machine may have two elements."""

_Axiom = tuple[frozenset[str], Term]
"""The names of the symbols in an axiom, and what it says."""


def small_machines(system: System) -> tuple[Reached, ...]:
    """The states that small machines of the system reach, each machine satisfying its axioms.

    The usual ones and some that are drawn; of a system that is no memory hotplug, those of two or
    three elements of each sort, or one of a single sort, with the topologies on which most happens.
    """
    try:
        usual = fitting(system, ROOMY)
    except (StopIteration, ValueError):  # no shape of ours fits a system that is no memory hotplug
        return tuple(each for sizes in _sizes(system) for each in _busiest(system, sizes))
    machines = (*usual.values(), *_drawn(system, Random(0)))
    return tuple(reached(system, each, at) for at, each in enumerate(machines))


def _drawn(system: System, random: Random) -> Iterator[Topology]:
    """Machines of the usual sorts, with topology drawn as far as the axioms allow."""
    axioms = _axioms(system)
    for _ in range(VARIED):
        nodes, blocks = random.choice([(1, 2), (1, 2), (1, 3), (2, 1), (2, 2)])
        few = frozenset(range(nodes * blocks))
        shape = Shape(
            nodes=nodes,
            blocks=blocks,
            frames=random.choice([1, 1, 2]),
            folios=random.choice([1, 2, 2]),
            ptes=random.choice([1, 2]),
            data=random.choice([1, 2]),
            movable=frozenset(b for b in few if random.random() < 0.3),
            added=frozenset(b for b in few if b and random.random() < 0.3),
            memmaps=random.choice(["own", "pgdat"]),
            more=tuple((name, random.choice([1, 1, 2])) for name in _LARGER),
        )
        for topology in fitting(system, [shape]).values():
            yield _varied(system, topology, axioms, random)


def _axioms(system: System) -> Sequence[_Axiom]:
    return [
        (system.symbols_in(each.formula), expand(closed(each), system)) for each in system.axioms
    ]


def _hold(system: System, topology: Topology, axioms: Iterable[_Axiom]) -> bool:
    states = Bulk(system, topology, np.zeros((1, 0), dtype=np.int16))
    return all(states.truth(term, ()).all() for _, term in axioms)


def _varied(
    system: System, topology: Topology, axioms: Sequence[_Axiom], random: Random
) -> Topology:
    """The machine with some tables drawn anew, one after another, if the axioms allow it."""
    for symbol in random.sample(system.topology, len(system.topology)):
        if random.random() < 0.5:
            limit = topology.size(symbol.range)
            table = tuple(
                random.randrange(limit) if random.random() < 0.5 else value
                for value in topology.tables[symbol.name]
            )
            other = replace(topology, tables={**topology.tables, symbol.name: table})
            if _hold(system, other, (each for each in axioms if symbol.name in each[0])):
                topology = other
    return topology


def _sizes(system: System) -> Iterator[dict[str, int]]:
    names = [sort.name for sort in system.unbounded_sorts]
    yield dict.fromkeys(names, 2)
    yield dict.fromkeys(names, 3)
    yield from (dict.fromkeys(names, 3) | {name: 1} for name in names)
    yield from (dict.fromkeys(names, 2) | {name: 4} for name in names)


def _busiest(system: System, sizes: Mapping[str, int]) -> list[Reached]:
    """The machines of those sizes that reach most states."""
    symbols = (*system.topology, *(variable.symbol for variable in system.variables))
    spans = Topology(sizes, {})
    if sum(prod(spans.size(sort) for sort in each.domain) for each in symbols) > LARGEST:
        return []
    fit = list(islice(_fit(system, sizes), LOOKED_AT))
    states = (reached(system, topology, at) for at, topology in enumerate(fit))
    return sorted(states, key=lambda each: -len(each.rows))[:KEPT]


def _fit(system: System, sizes: Mapping[str, int]) -> Iterator[Topology]:
    """Machines of those sizes that satisfy the axioms."""
    spans = Topology(sizes, {})
    cells = {
        symbol.name: prod(spans.size(sort) for sort in symbol.domain) for symbol in system.topology
    }
    limits = np.array(
        [spans.size(each.range) for each in system.topology for _ in range(cells[each.name])],
        dtype=np.int16,
    )
    axioms = [(each.params, expand(each.formula, system)) for each in system.axioms]
    of_topology = tuple(Variable(each, "", "", (), TRUE) for each in system.topology)
    as_state = replace(system, variables=of_topology)

    def wrong(tables: Array) -> Array:
        """How often each machine violates an axiom."""
        bulk, total = Bulk(as_state, spans, tables), np.zeros(len(tables), dtype=int)
        for params, formula in axioms:
            total += (~bulk.truth(formula, params)).reshape(len(tables), -1).sum(axis=1)
        return total

    tables = _improved(limits, wrong)
    for row in np.unique(tables[wrong(tables) == 0], axis=0)[::-1].tolist():
        rest = iter(row)
        yield Topology(sizes, {name: tuple(islice(rest, n)) for name, n in cells.items()})


def _improved(limits: Array, wrong: Callable[[Array], Array]) -> Array:
    """Tables with values below the limits, drawn, and changed until they violate no axiom."""
    random = np.random.default_rng(0)
    tables = random.integers(0, limits, (DRAWN, len(limits)), dtype=np.int16)
    if not len(limits):
        return tables[:1]
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
