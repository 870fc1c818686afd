"""The order in which blocks can be removed, as their dependencies allow it (N1, N2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING

from .machine import Machine

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["RemovalOrder", "dependencies", "removal_order"]


@dataclass(frozen=True)
class RemovalOrder:
    """In which order a set of blocks can be removed, or why in none.

    ``order`` is one order that works, empty if there is none; then ``cycle``
    names blocks that wait for each other, or ``needed_by`` says which blocks
    outside the set still need one of it.  ``graph`` has an edge a -> b where a
    must be gone before b.
    """

    order: tuple[int, ...]
    cycle: tuple[int, ...]
    needed_by: dict[int, tuple[int, ...]]
    graph: nx.DiGraph[int]

    def __bool__(self) -> bool:
        return not self.cycle and not self.needed_by


def dependencies(machine: Machine) -> nx.DiGraph[int]:
    """The sections that exist, with an edge t -> s where t must be gone before s.

    Section s holds the mem_map of t, or, in a design that has pgdats in sections (Linux has
    none there), the pgdat of t's node.
    """
    import networkx as nx

    exists = [
        section
        for section in range(machine.topology.sizes["Section"])
        if machine.get("present", section) or machine.get("memmap", section) != "absent"
    ]
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(exists)
    for s in exists:
        for t in exists:
            if machine.evaluate("hosts_memmap_of", s, t) or machine.evaluate(
                "holds_pgdat_for", s, t
            ):
                graph.add_edge(t, s)
    return graph


def removal_order(machine: Machine, blocks: Iterable[int]) -> RemovalOrder:
    """An order in which ``blocks`` can be removed from the machine, or why there is none.

    Args:
        machine: the machine, of which nothing is changed.
        blocks: their numbers, each once.

    Raises:
        ValueError: if the machine has no such block, or one is named twice.

    >>> from memhp.reference.shapes import Shape
    >>> from memhp.spec.system import SYSTEM
    >>> machine = Machine(SYSTEM, Shape(blocks=3).build(SYSTEM))
    >>> removal_order(machine, [0, 1, 2]).order  # block 0 holds the pgdat
    (1, 2, 0)
    >>> removal_order(machine, [0]).needed_by
    {0: (1, 2)}

    That is what the list asks for.  On Linux no block waits for another:

    >>> from memhp.spec.profiles import system_of
    >>> linux = system_of("linux-6.12")
    >>> removal_order(Machine(linux, Shape(blocks=3).build(linux)), [0]).order
    (0,)
    """
    import networkx as nx

    chosen = _checked(machine, blocks)
    block_of = machine.topology.tables["block_of_section"]
    sections = dependencies(machine)
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(chosen)
    needed_by: dict[int, set[int]] = {}
    for t, s in sections.edges:
        first, later = block_of[t], block_of[s]
        if later in graph and first not in chosen:
            needed_by.setdefault(later, set()).add(first)
        elif later in graph and first != later:
            graph.add_edge(first, later)
    held = {block: tuple(sorted(others)) for block, others in sorted(needed_by.items())}
    cycle = _cycle(graph) or _inner_cycle(sections, block_of, chosen)
    order = () if cycle or held else tuple(nx.lexicographical_topological_sort(graph))
    return RemovalOrder(order, cycle, held, graph)


def _checked(machine: Machine, blocks: Iterable[int]) -> list[int]:
    """The blocks in order; ValueError as `removal_order` says."""
    size, chosen = machine.topology.sizes["Block"], list(blocks)
    for block in chosen:
        if isinstance(block, bool) or not isinstance(block, Integral):
            raise ValueError(f"{block!r} is no number of a block")
        if not 0 <= block < size:
            raise ValueError(f"there is no block {block}: the machine has 0 to {size - 1}")
    for block, count in Counter(chosen).items():
        if count > 1:
            raise ValueError(f"block {block} is named {count} times")
    return sorted(map(int, chosen))


def _cycle(graph: nx.DiGraph[int]) -> tuple[int, ...]:
    import networkx as nx

    try:
        return tuple(edge[0] for edge in nx.find_cycle(graph))
    except nx.NetworkXNoCycle:
        return ()


def _inner_cycle(
    sections: nx.DiGraph[int], block_of: tuple[int, ...], chosen: list[int]
) -> tuple[int, ...]:
    """The block, if any, whose own sections wait for each other."""
    for block in chosen:
        inside = sections.subgraph(s for s in sections if block_of[s] == block)
        if _cycle(inside):
            return (block,)
    return ()
