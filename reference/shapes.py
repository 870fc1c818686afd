"""Topologies to try things on: regular machines, described by a few numbers, or as given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal, Protocol, get_args

from memhp.spec.language.system import System
from memhp.spec.language.terms import App, SortRef, Symbol

from .topology import Topology, unknown

__all__ = ["AnyShape", "Given", "Shape", "arrangements", "is_regular"]


class AnyShape(Protocol):
    """What a machine is to be, of whichever system: its sizes, and how its topology is built."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """The number of elements of each sort that it speaks of, by name."""

    def build(self, system: System) -> Topology:
        """The topology of this machine, for ``system``.

        Raises:
            ValueError: the system knows other sorts, tables or sizes.
        """


@dataclass(frozen=True)
class Given:
    """A machine of any system, its topology as given.

    >>> from memhp.examples import lock_service
    >>> from memhp.spec.language import load
    >>> two = Given(Topology({"Client": 2, "Server": 1}, {}))
    >>> two.build(load("lock service", (lock_service,))).sizes
    {'Client': 2, 'Server': 1}
    """

    topology: Topology

    @property
    def sizes(self) -> Mapping[str, int]:
        """The number of elements of each sort, by name."""
        return self.topology.sizes

    def build(self, system: System) -> Topology:
        """The topology, as it is.

        Raises:
            ValueError: it does not fit the system.
        """
        self.topology.check(system)
        return self.topology


def is_regular(system: System) -> bool:
    """Whether the system has the sorts of which a `Shape` speaks, as memory hotplug has."""
    return Shape().sizes.keys() <= {sort.name for sort in system.unbounded_sorts}


_Memmaps = Literal["own", "pgdat"]


@dataclass(frozen=True)
class Shape:
    """A regular machine: every node alike, every block alike.

    Each block lies in a memory device of its own, unless ``more`` and ``tables`` say otherwise;
    each section is a range for huge folios.  A section that holds mem_maps of other blocks has its
    last frame for them.  Topology that nobody chose is false, an enumeration's first member, or
    the element of the same number as far as there are as many.

    Raises:
        ValueError: where there is none of something, or a word is none that is known.

    >>> from memhp.spec.system import SYSTEM
    >>> Shape(nodes=2, blocks=2).build(SYSTEM).tables["node_of"]
    (0, 0, 1, 1)
    """

    nodes: int = 1
    blocks: int = 2
    """Per node."""
    sections: int = 1
    """Per block."""
    frames: int = 1
    """Per section."""
    folios: int = 1
    """In all, as the next three."""
    ptes: int = 1
    vmas: int = 1
    data: int = 1
    """How many values a frame can hold."""
    added: frozenset[int] = field(default_factory=frozenset)
    """The numbers of the blocks that were not there at boot."""
    movable: frozenset[int] = field(default_factory=frozenset)
    """The blocks that are in the movable zone at boot."""
    multizone: frozenset[int] = field(default_factory=frozenset)
    """The blocks that span several zones."""
    vetoing: frozenset[int] = field(default_factory=frozenset)
    """The blocks whose offline a notifier refuses."""
    vetoing_nodes: frozenset[int] = field(default_factory=frozenset)
    """The nodes whose first and last memory a notifier refuses, in designs that have such."""
    holes: frozenset[int] = field(default_factory=frozenset)
    """The numbers of the frames that are no memory."""
    boot_kernel: frozenset[int] = field(default_factory=frozenset)
    """The frames that the kernel took at boot."""
    memmaps: _Memmaps = "own"
    """Where mem_maps lie: each in its own section, or all of a node in its pgdat's section.

    Linux has that of added memory in its own section with memmap_on_memory, else in other
    memory: see ``memmap_host`` in ``tables``.  The pgdat's section is the node's first one; a
    design that has pgdats elsewhere, as Linux, does not look.
    """
    totals: tuple[int, int, int] | None = None
    """Blocks, sections and frames in all, spread as evenly as they go: for a machine that is not
    quite regular."""
    more: tuple[tuple[str, int], ...] = ()
    """The sizes of further sorts, by name; each other one has 1 element."""
    tables: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Values of topology by its symbol's name, row-major."""

    def __post_init__(self) -> None:
        for name, size in self.sizes.items():
            if type(size) is not int or size < 1:
                raise ValueError(f"a shape with {size!r} of {name}: give at least 1 of each")
        blocks, sections, frames = (self.sizes[name] for name in ("Block", "Section", "Frame"))
        if not self.nodes <= blocks <= sections <= frames:
            raise ValueError("a shape: each node has a block, each block a section, each a frame")
        if self.memmaps not in get_args(_Memmaps):
            raise ValueError(f"a shape with memmaps {self.memmaps!r}: 'own' or 'pgdat' are known")

    @property
    def sizes(self) -> Mapping[str, int]:
        """The number of elements in all of each sort that the fields speak of, by name."""
        blocks = self.nodes * self.blocks
        sections = blocks * self.sections
        blocks, sections, frames = self.totals or (blocks, sections, sections * self.frames)
        return {
            "Node": self.nodes,
            "Block": blocks,
            "Section": sections,
            "Frame": frames,
            "Folio": self.folios,
            "Pte": self.ptes,
            "Vma": self.vmas,
            "Data": self.data,
        }

    def build(self, system: System) -> Topology:
        """The topology of this machine, for ``system``.

        Raises:
            ValueError: if ``system`` knows other sorts, tables or sizes.
        """
        zones = next((s.range for s in system.topology if s.name == "early_zone"), None)
        one = {sort.name: 1 for sort in system.unbounded_sorts}
        each = {"Range": self.sizes["Section"], "MemoryDevice": self.sizes["Block"]}
        sizes = {**one, **each, **self.sizes, **dict(self.more)}
        block_of = [s * sizes["Block"] // sizes["Section"] for s in range(sizes["Section"])]
        first = [block_of.index(self._blocks_of(node)[0]) for node in range(self.nodes)]
        plain = {symbol.name: _plain(symbol, sizes) for symbol in system.topology}
        core: dict[str, Callable[..., int]] = {
            "block_of_section": lambda s: block_of[s],
            "section_of": lambda f: f * sizes["Section"] // sizes["Frame"],
            "node_of": self._node_of,
            "pgdat_section": lambda n: first[n],
            "memmap_host": lambda s: (
                s if self.memmaps == "own" else first[self._node_of(block_of[s])]
            ),
            "early": lambda b: b not in self.added,
            "in_range": lambda m, b: m == b,
            "early_device": lambda m: any(
                tables["in_range"](m, b) and b not in self.added for b in range(sizes["Block"])
            ),
            "early_zone": lambda b: _member(zones, self._zone(b)) if zones else 0,
            "hole": lambda f: f in self.holes,
            "boot_kernel": lambda f: f in self.boot_kernel,
            "vetoes_offline": lambda b: b in self.vetoing,
            **dict.fromkeys(("vetoes_first", "vetoes_last"), lambda n: n in self.vetoing_nodes),
            "nearer": lambda n, a, b: (abs(n - a), a) < (abs(n - b), b),
            "below": lambda a, b: a < b,
            **dict.fromkeys(("birth_frame", "boot_folio", "boot_data"), lambda _: 0),
            "vma_of": lambda p: p % self.vmas,
            "implied_folio": lambda p: p % self.folios,
            "range_of": lambda f: f * sizes["Section"] // sizes["Frame"],
            "head_frame": lambda r: -(-r * sizes["Frame"] // sizes["Section"]),
            "node_of_range": lambda r: self._node_of(block_of[r]),
        }
        instead = _symbols_at_boot(system)
        own = {instead.get(name, name): values for name, values in core.items()}
        tables = plain | {name: values for name, values in own.items() if name in plain}
        for name, values in self.tables:
            at = instead.get(name, name)
            tables[at] = _listed(values, at, system, sizes)
        if "metadata_frame" in tables and "metadata_frame" not in dict(self.tables):
            tables["metadata_frame"] = _taken_for_mem_maps(tables, sizes)
        return Topology.build(system, sizes, tables)

    def _node_of(self, block: int) -> int:
        return block * self.nodes // self.sizes["Block"]

    def _blocks_of(self, node: int) -> list[int]:
        return [b for b in range(self.sizes["Block"]) if self._node_of(b) == node]

    def _zone(self, block: int) -> str:
        if block in self.multizone:
            return "none"
        return "movable" if block in self.movable else "kernel"


def _taken_for_mem_maps(
    tables: Mapping[str, Callable[..., int]], sizes: Mapping[str, int]
) -> Callable[..., int]:
    """Whether mem_maps of other blocks lie in a frame: in the last that there is of its section."""
    block_of, host = tables["block_of_section"], tables["memmap_host"]
    sections = range(sizes["Section"])
    hosts = {host(s) for s in sections if block_of(host(s)) != block_of(s)}
    last = {
        tables["section_of"](f): f
        for f in range(sizes["Frame"])
        if not tables["hole"](f) and not tables["boot_kernel"](f)
    }
    taken = {last[s] for s in hosts if s in last}
    return lambda f: f in taken


def _symbols_at_boot(system: System) -> dict[str, str]:
    """For each variable that begins as topology says: that symbol, by the variable's name.

    A table of what a design has made a variable is that of the symbol where it begins.
    """
    starts = ((v.symbol.name, v.initial, v.params) for v in system.variables)
    return {
        name: start.symbol.name
        for name, start, params in starts
        if isinstance(start, App) and start.args == params
    }


def _plain(symbol: Symbol, sizes: Mapping[str, int]) -> Callable[..., int]:
    """The value of topology that nobody chose: see `Shape`."""
    if symbol.range.members is not None:
        return lambda *point: 0
    limit = sizes[symbol.range.name]
    return lambda *point: point[0] % limit


def _listed(
    values: Sequence[int], name: str, system: System, sizes: Mapping[str, int]
) -> Callable[..., int]:
    """A table as a function; ValueError if the system has no such table."""
    symbol = next((each for each in system.topology if each.name == name), None)
    if symbol is None:
        raise ValueError(unknown("table", name, (each.name for each in system.topology)))

    expected = prod(sizes.get(sort.name, len(sort.members or ())) for sort in symbol.domain)
    if len(values) != expected:
        raise ValueError(f"table {name} has {len(values)} values, not {expected}")

    def value(*point: int) -> int:
        place = 0
        for sort, number in zip(symbol.domain, point, strict=True):
            place = place * sizes.get(sort.name, len(sort.members or ())) + number
        return values[place]

    return value


def _member(sort: SortRef, name: str) -> int:
    assert sort.members is not None
    return sort.members.index(name)


def arrangements(shape: Shape) -> Iterator[tuple[str, Shape]]:
    """The shapes that a bounded search looks at.

    The sizes are those of ``shape``; what was there at boot, which blocks are
    movable and where the mem_maps lie differ.

    Yields:
        A few words on what is special, and the shape.
    """
    blocks = frozenset(range(shape.sizes["Block"]))
    last = frozenset([max(blocks)])
    last_node = frozenset(shape._blocks_of(shape.nodes - 1))
    yield "all memory there at boot, the last block movable", replace(shape, movable=last)
    if len(blocks) > 1:
        yield "the last block added later", replace(shape, added=last)
        yield (
            "the last block added later, mem_maps beside the pgdat",
            replace(shape, added=last, memmaps="pgdat"),
        )
    if shape.nodes > 1 and len(last_node) > 1:
        yield "the last node added later", replace(shape, added=last_node)
