"""The topologies of a system: all that satisfy the axioms, and none twice under other names."""

from __future__ import annotations

from itertools import product

import pytest

from memhp.checks.ground import topologies as module
from memhp.checks.ground.topologies import topologies
from memhp.examples import distributed_lock, sharded_store, two_processes
from memhp.reference import Topology, violated_axioms
from memhp.spec.language import System, load

LOCK = load("distributed lock", (distributed_lock,))
STORE = load("store", (sharded_store,))
PAIRS = load("pairs", (two_processes,))
TWO = {"Host": 2, "Epoch": 2}


def by_trying(system: System, sizes: dict[str, int]) -> list[Topology]:
    """All topologies that satisfy the axioms, each tried by the reference."""
    spans = Topology(sizes, {})
    tables = [
        product(range(spans.size(each.range)), repeat=len(spans.points(each.domain)))
        for each in system.topology
    ]
    names = [each.name for each in system.topology]
    every = (Topology(sizes, dict(zip(names, rows, strict=True))) for rows in product(*tables))
    return [each for each in every if not violated_axioms(system, each)]


def test_each_satisfies_the_axioms_and_all_do_but_for_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    every = by_trying(LOCK, TWO)
    some = topologies(LOCK, TWO)
    assert set(some) < set(every)
    assert len(some) == 4
    monkeypatch.setattr(module, "RENAMED", 0)
    assert set(topologies(LOCK, TWO)) == set(every)


@pytest.mark.parametrize(("nodes", "keys", "kinds"), [(1, 3, 1), (3, 3, 3), (4, 4, 5)])
def test_owners_of_keys_are_told_apart_by_how_many_keys_they_have(
    nodes: int, keys: int, kinds: int
) -> None:
    assert len(topologies(STORE, {"Node": nodes, "Key": keys, "Value": 1})) == kinds


def test_there_may_be_none() -> None:
    assert topologies(PAIRS, {"Process": 3}) == ()
    assert len(topologies(PAIRS, {"Process": 4})) == 1


def test_of_very_many_some_are_drawn_that_satisfy_the_axioms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TRIED", 100)
    drawn = topologies(LOCK, {"Host": 3, "Epoch": 3})
    assert drawn
    assert not any(violated_axioms(LOCK, each) for each in drawn)
    assert drawn == topologies(LOCK, {"Host": 3, "Epoch": 3})


def test_sizes_that_are_too_large_are_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        topologies(STORE, {"Node": 200, "Key": 200, "Value": 200})
