"""Topologies to try things on: regular machines, described by a few numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from memhp.spec.language.system import System
from memhp.spec.language.terms import SortRef

from .topology import Topology

__all__ = ["Shape", "arrangements"]


@dataclass(frozen=True)
class Shape:
    """A regular machine: every node alike, every block alike.

    Parameters: ``nodes``; ``blocks`` per node, ``sections`` per block,
    ``frames`` per section; ``folios``, ``ptes``, ``vmas`` and ``data`` values in
    all; ``added``, ``movable``, ``multizone`` and ``vetoing``, the numbers of
    blocks that were not there at boot, are in the movable zone at boot, span
    several zones, or whose offline a notifier refuses; ``holes`` and
    ``boot_kernel``, numbers of frames; ``memmaps``, where mem_maps lie: each in
    its own section, or all of a node in the section that holds its pgdat.

    >>> from memhp.spec.system import SYSTEM
    >>> Shape(nodes=2, blocks=2).build(SYSTEM).tables["node_of"]
    (0, 0, 1, 1)
    """

    nodes: int = 1
    blocks: int = 2
    sections: int = 1
    frames: int = 1
    folios: int = 1
    ptes: int = 1
    vmas: int = 1
    data: int = 1
    added: frozenset[int] = field(default_factory=frozenset)
    movable: frozenset[int] = field(default_factory=frozenset)
    multizone: frozenset[int] = field(default_factory=frozenset)
    vetoing: frozenset[int] = field(default_factory=frozenset)
    holes: frozenset[int] = field(default_factory=frozenset)
    boot_kernel: frozenset[int] = field(default_factory=frozenset)
    memmaps: Literal["own", "pgdat"] = "own"

    @property
    def sizes(self) -> Mapping[str, int]:
        """The number of elements of each sort."""
        blocks = self.nodes * self.blocks
        sections = blocks * self.sections
        return {
            "Node": self.nodes,
            "Block": blocks,
            "Section": sections,
            "Frame": sections * self.frames,
            "Folio": self.folios,
            "Pte": self.ptes,
            "Vma": self.vmas,
            "Data": self.data,
        }

    def build(self, system: System) -> Topology:
        """The topology.  Raises ValueError if ``system`` knows other sorts or tables."""
        zones = next(s.range for s in system.topology if s.name == "early_zone")
        per_node = self.blocks * self.sections
        return Topology.build(
            system,
            self.sizes,
            {
                "block_of_section": lambda s: s // self.sections,
                "section_of": lambda f: f // self.frames,
                "node_of": lambda b: b // self.blocks,
                "pgdat_section": lambda n: n * per_node,
                "memmap_host": lambda s: s if self.memmaps == "own" else s - s % per_node,
                "early": lambda b: b not in self.added,
                "early_zone": lambda b: _member(zones, self._zone(b)),
                "hole": lambda f: f in self.holes,
                "boot_kernel": lambda f: f in self.boot_kernel,
                "vetoes_online": lambda b: False,
                "vetoes_offline": lambda b: b in self.vetoing,
                "nearer": lambda n, a, b: (abs(n - a), a) < (abs(n - b), b),
                "below": lambda a, b: a < b,
                "birth_frame": lambda o: 0,
                "boot_folio": lambda f: 0,
                "boot_data": lambda f: 0,
                "vma_of": lambda p: p % self.vmas,
                "implied_folio": lambda p: p % self.folios,
            },
        )

    def _zone(self, block: int) -> str:
        if block in self.multizone:
            return "none"
        return "movable" if block in self.movable else "kernel"


def _member(sort: SortRef, name: str) -> int:
    assert sort.members is not None
    return sort.members.index(name)


def arrangements(shape: Shape) -> Iterator[tuple[str, Shape]]:
    """The shapes that a bounded search looks at, each with a word on what is special.

    The sizes are those of ``shape``; what was there at boot, which blocks are
    movable and where the mem_maps lie differ.
    """
    blocks = frozenset(range(shape.nodes * shape.blocks))
    last = frozenset([max(blocks)])
    last_node = frozenset(b for b in blocks if b >= (shape.nodes - 1) * shape.blocks)
    yield "all memory there at boot, the last block movable", replace(shape, movable=last)
    if len(blocks) > 1:
        yield "the last block added later", replace(shape, added=last)
        yield (
            "the last block added later, mem_maps beside the pgdat",
            replace(shape, added=last, memmaps="pgdat"),
        )
    if shape.nodes > 1 and shape.blocks > 1:
        yield "the last node added later", replace(shape, added=last_node)
