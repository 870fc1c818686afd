"""The toy system on a small irregular topology: blocks differ in size, one is empty."""

from __future__ import annotations

import random

import pytest

from memhp.reference import Machine, Topology
from memhp.spec.language import System, load

from . import toy

BLOCK_OF = (0, 0, 1, 3, 1, 0, 4)
NODE_OF = (1, 0, 1, 1, 0)


@pytest.fixture(scope="session")
def system() -> System:
    """The toy system."""
    return load("toy", (toy,))


@pytest.fixture(scope="session")
def topology() -> Topology:
    """Two nodes, five blocks (block2 has no frame), seven frames (frame4 is a hole)."""
    return Topology(
        {"Node": 2, "Block": 5, "Frame": 7},
        {
            "block_of": BLOCK_OF,
            "node_of": NODE_OF,
            "hole": (0, 0, 0, 0, 1, 0, 0),
            "nearer": (0, 1, 1, 0),
        },
    )


@pytest.fixture
def machine(system: System, topology: Topology) -> Machine:
    """A machine that has just booted."""
    return Machine(system, topology)


@pytest.fixture
def states(system: System, machine: Machine) -> list[Machine]:
    """Thirty states drawn at random, reachable or not: the same ones in every run."""
    source = random.Random(20040611)
    sizes = [
        machine.topology.size(variable.symbol.range)
        for variable in system.variables
        for _ in machine.topology.points(variable.symbol.domain)
    ]
    return [machine.at([source.randrange(size) for size in sizes]) for _ in range(30)]
