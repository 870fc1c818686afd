"""The small machines whose states are looked at: of many topologies, since all are meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

import numpy as np

from memhp.reference import Shape, Topology
from memhp.reference.shapes import is_regular
from memhp.spec.language.rewrite import closed, expand
from memhp.spec.language.system import System
from memhp.spec.language.terms import Term

from ..ground.bulk import Bulk
from ..ground.topologies import topologies
from ..search.scopes import fitting, sizes_of, usual
from .states import Reached, reached

__all__ = ["more_machines", "small_machines"]

VARIED = 40
"""So many machines are drawn besides the usual ones..."""
MORE = 48
"""... and so many more, on which candidates are tried."""
LOOKED_AT = 24
"""Where it is no memory hotplug, the states of so many topologies of a size are looked at..."""
KEPT = 4
"""... and those of so many are kept: where most can happen."""
_FEW, _MANY = (1, 1, 2), (1, 2, 2, 2)
_LARGER = ("Cpu", "HugeFolio", "KernelPage", "Pin", "Increment", "Reader")
"""Sorts of which a drawn machine may have two elements."""

_Axiom = tuple[frozenset[str], Term]
"""The names of the symbols in an axiom, and what it says."""


def small_machines(system: System) -> tuple[Reached, ...]:
    """The states that small machines of the system reach, each machine satisfying its axioms.

    The usual ones and some that are drawn; of a system that is no memory hotplug, those of two or
    three elements of each sort, or one of a single sort, with the topologies on which most happens.
    """
    if not is_regular(system):
        return tuple(each for sizes in sizes_of(system) for each in _busiest(system, sizes))
    drawn = _drawn(system, Random(0), VARIED, _FEW)
    machines = (*fitting(system, usual(system).roomy).values(), *drawn)
    return tuple(reached(system, each, at) for at, each in enumerate(machines))


def more_machines(system: System) -> tuple[Reached, ...]:
    """The states of more machines, most of them larger; none of a system of one's own."""
    if not is_regular(system):
        return ()
    drawn = _drawn(system, Random(1), MORE, _MANY)
    return tuple(reached(system, each, at) for at, each in enumerate(drawn))


def _drawn(system: System, random: Random, number: int, sizes: Sequence[int]) -> Iterator[Topology]:
    """Machines of the usual sorts, with topology drawn as far as the axioms allow.

    Args:
        system: the specification.
        random: the source of what is drawn.
        number: of machines.
        sizes: of further sorts, to draw from.
    """
    axioms = _axioms(system)
    for _ in range(number):
        nodes, blocks = random.choice([(1, 2), (1, 2), (1, 3), (2, 1), (2, 2)])
        few = frozenset(range(nodes * blocks))
        shape = Shape(
            nodes=nodes,
            blocks=blocks,
            frames=random.choice([1, 1, 2]),
            folios=random.choice([1, 2, 2]),
            ptes=random.choice([1, 2]),
            data=random.choice(sizes),
            movable=frozenset(b for b in few if random.random() < 0.3),
            added=frozenset(b for b in few if b and random.random() < 0.3),
            memmaps=random.choice(["own", "pgdat"]),
            more=tuple((name, random.choice(sizes)) for name in _LARGER),
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


def _busiest(system: System, sizes: Mapping[str, int]) -> list[Reached]:
    """The machines of those sizes that reach most states."""
    fit = topologies(system, sizes)[:LOOKED_AT]
    states = (reached(system, topology, at) for at, topology in enumerate(fit))
    return sorted(states, key=lambda each: -len(each.rows))[:KEPT]
