"""A topology that does not fit is refused, in words that say what to change."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import pytest

from memhp.reference import Machine, Shape, Topology
from memhp.spec.language import System
from memhp.spec.system import SYSTEM


def changed(topology: Topology, table: str, values: tuple[int, ...] | None) -> Topology:
    tables: dict[str, tuple[int, ...]] = dict(topology.tables)
    tables.pop(table, None)
    if values is not None:
        tables[table] = values
    return Topology(topology.sizes, tables)


@pytest.mark.parametrize(
    ("table", "values", "message"),
    [
        ("block_of", None, r"table block_of \(Frame -> Block\) is missing"),
        ("nearer", (0, 1), r"table nearer \(Node x Node -> Bool\) has 2 values, not 4"),
        ("node_of", (1, 0, 1, 2, 0), "value 2 at position 3 is no Node .0 to 1."),
        ("hole", (0, 0, 0, 0, -1, 0, 0), "value -1 at position 4 is no Bool .0 to 1."),
        ("nod_of", (0,), "unknown table 'nod_of'; did you mean node_of"),
    ],
)
def test_tables_that_do_not_fit_are_refused(
    system: System, topology: Topology, table: str, values: tuple[int, ...] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Machine(system, changed(topology, table, values))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"Node": 2, "Block": 5}, "size of Frame is missing; .*: Node, Block, Frame"),
        ({"Node": 2, "Block": 5, "Frame": 7, "Frme": 1}, "unknown sort 'Frme'; did you mean Frame"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(
    system: System, topology: Topology, sizes: Mapping[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Topology(sizes, topology.tables).check(system)


@pytest.mark.parametrize("size", [0, -1, True, 1.0, "3"])
def test_a_sort_has_at_least_one_element(size: int) -> None:
    with pytest.raises(ValueError, match="size of Block"):
        Topology({"Block": size}, {})


def test_a_table_holds_ints_only() -> None:
    with pytest.raises(ValueError, match="table hole: every value is an int"):
        Topology({"Frame": 2}, {"hole": (True, False)})


def test_tables_can_be_given_as_functions(system: System, topology: Topology) -> None:
    tables = topology.tables
    built = Topology.build(
        system,
        topology.sizes,
        {
            "block_of": lambda f: tables["block_of"][f],
            "node_of": lambda b: tables["node_of"][b],
            "hole": lambda f: f == 4,
            "nearer": lambda n, m: n != m,
        },
    )
    assert built == topology
    assert hash(built) == hash(topology)


def test_tables_are_given_and_read_by_name(system: System) -> None:
    built = Shape(blocks=2, movable=frozenset([1])).build(SYSTEM)
    assert built.values(SYSTEM, "early_zone") == ("kernel", "movable")
    assert built.values(SYSTEM, "early") == (True, True)
    with pytest.raises(ValueError, match="unknown table 'early_zon'; did you mean early_zone"):
        built.values(SYSTEM, "early_zon")
    tables = {
        "block_of": lambda _: "block0",
        "node_of": lambda _: "node0",
        "hole": lambda _: "false",
        "nearer": lambda *_: False,
    }
    sizes = {"Node": 1, "Block": 1, "Frame": 1}
    assert Topology.build(system, sizes, tables).tables["block_of"] == (0,)
    with pytest.raises(ValueError, match="node1"):
        Topology.build(system, sizes, tables | {"node_of": lambda _: "node1"})


def test_a_function_for_a_table_that_does_not_exist_is_refused(system: System) -> None:
    with pytest.raises(ValueError, match="unknown table 'frame_of'"):
        Topology.build(system, {"Node": 1, "Block": 1, "Frame": 1}, {"frame_of": lambda b: b})


def test_topologies_travel_between_processes(topology: Topology) -> None:
    assert pickle.loads(pickle.dumps(topology)) == topology
