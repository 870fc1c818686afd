"""The axioms hold together on real machines, and each of them says something."""

from __future__ import annotations

import pytest

from memhp.reference import Topology
from memhp.reference.compile import violated_axioms
from memhp.reference.shapes import Shape
from memhp.reference.usual import USUAL
from memhp.spec.system import SYSTEM

LARGER = (
    Shape(),
    Shape(nodes=2, blocks=2, sections=2, frames=2, added=frozenset([2, 3]), movable=frozenset([1])),
    Shape(blocks=4, holes=frozenset([1]), boot_kernel=frozenset([0]), multizone=frozenset([2])),
    Shape(nodes=3, blocks=1, vetoing=frozenset([1]), memmaps="pgdat"),
)


@pytest.mark.parametrize("shape", [*USUAL, *LARGER], ids=str)
def test_every_shape_satisfies_all_axioms(shape: Shape) -> None:
    assert violated_axioms(SYSTEM, shape.build(SYSTEM)) == []


MOVABLE = next(s.range for s in SYSTEM.topology if s.name == "early_zone").members or ()
TWO = Shape(nodes=2, blocks=1, boot_kernel=frozenset([0]))
BROKEN: dict[str, tuple[Shape, dict[str, dict[int, int]]]] = {
    "pgdat_is_on_its_own_node": (TWO, {"pgdat_section": {0: 1}}),
    "early_nodes_have_an_early_pgdat": (
        Shape(blocks=2, added=frozenset([1])),
        {"pgdat_section": {0: 1}},
    ),
    "early_memory_lies_in_early_devices": (TWO, {"early_device": {1: 0}}),
    "early_sections_have_an_early_memmap": (
        Shape(blocks=2, added=frozenset([1])),
        {"memmap_host": {0: 1}},
    ),
    "boot_memory_of_the_kernel_is_early": (TWO, {"early_zone": {0: MOVABLE.index("movable")}}),
    "metadata_lies_in_sections_that_hold_it": (Shape(blocks=2), {"metadata_frame": {1: 1}}),
    "mem_maps_of_other_blocks_take_frames": (Shape(blocks=2), {"memmap_host": {1: 0}}),
    "metadata_lies_in_memory_outside_the_movable_zone": (
        TWO,
        {"metadata_frame": {0: 1}},
    ),
    "holes_are_early": (Shape(blocks=2, added=frozenset([1])), {"hole": {1: 1}}),
    "distance_is_irreflexive": (TWO, {"nearer": {3: 1}}),
    "distance_is_transitive": (Shape(nodes=3, blocks=1), {"nearer": {2: 0, 6: 1}}),
    "distance_is_total": (Shape(nodes=3, blocks=1), {"nearer": {5: 0, 7: 0}}),
    "a_node_is_nearest_to_itself": (TWO, {"nearer": {1: 0, 2: 1}}),
    "addresses_are_ordered": (Shape(blocks=2), {"below": {0: 1}}),
    "head_frames_are_in_their_range": (Shape(blocks=2), {"head_frame": {0: 1}}),
    "ranges_of_the_buddy_allocator_lie_in_one_block": (
        Shape(blocks=2),
        {"range_of": {1: 0}, "head_frame": {1: 0}},
    ),
    "ranges_lie_on_one_node": (TWO, {"node_of_range": {0: 1}}),
    "addresses_differ": (Shape(blocks=2), {"below": {1: 0}}),
    "subblocks_lie_in_one_block": (Shape(blocks=2), {"is_virtio": {1: 1}}),
    "virtio_memory_is_added_by_its_driver": (Shape(blocks=2), {"is_virtio": {1: 1}}),
    "virtio_memory_holds_no_memmap": (Shape(blocks=2), {"is_virtio": {1: 1}}),
    "dax_memory_shares_no_block": (
        Shape(blocks=2, added=frozenset([1])),
        {"is_dax": {1: 1}, "in_range": {1: 1}},
    ),
    "dax_memory_is_added_by_its_driver": (Shape(blocks=2), {"is_dax": {1: 1}}),
    "pgdats_in_storage_are_kept": (Shape(blocks=2), {"in_storage": {0: 1}}),
    "virtio_memory_holds_no_pgdat": (Shape(blocks=2), {"is_virtio": {0: 1}}),
}


def broken(shape: Shape, changes: dict[str, dict[int, int]]) -> Topology:
    topology = shape.build(SYSTEM)
    tables = {name: list(table) for name, table in topology.tables.items()}
    for name, values in changes.items():
        for place, value in values.items():
            tables[name][place] = value
    return Topology(topology.sizes, {name: tuple(table) for name, table in tables.items()})


@pytest.mark.parametrize("axiom", [axiom.name for axiom in SYSTEM.axioms])
def test_a_broken_table_violates_the_axiom_by_name(axiom: str) -> None:
    assert axiom in violated_axioms(SYSTEM, broken(*BROKEN[axiom]))
