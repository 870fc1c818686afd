"""The states that a machine reaches, as a graph for networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .machine import Machine

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["graph"]


def graph(machine: Machine, depth: int, *, most: int = 10_000) -> nx.MultiDiGraph[Machine]:
    """The states that the machine reaches in so many steps, and the steps between them.

    Each node is a `Machine` in one state; its attribute ``depth`` is the least number of steps
    that lead there.  Each edge is a step, with attributes ``action`` and ``params`` as
    `Machine.step` takes them.  States at the greatest depth have no edges out of them.

    Args:
        machine: where to begin.
        depth: how many steps to go.
        most: how many states there may be.

    Raises:
        ValueError: there are more; the message says at which depth.

    >>> from memhp.examples import last_block
    >>> from memhp.reference import Topology
    >>> from memhp.spec.language import load
    >>> system = load("last_block", [last_block])
    >>> states = graph(Machine(system, Topology({"Block": 2}, {})), 2)
    >>> [(state.get("online", 0), state.get("online", 1)) for state in states]
    [(True, True), (False, True), (True, False)]
    """
    import networkx as nx

    states: nx.MultiDiGraph[Machine] = nx.MultiDiGraph()
    states.add_node(machine.copy(), depth=0)
    layer = list(states)
    for number in range(1, depth + 1):
        following: list[Machine] = []
        for state in layer:
            for action, params in state.enabled():
                after = state.copy()
                after.step(action, **params)
                if after not in states:
                    if len(states) == most:
                        raise ValueError(
                            f"there are more than {most:,} states at depth {number}: go less"
                            " deep, or take a smaller machine"
                        )
                    states.add_node(after, depth=number)
                    following.append(after)
                states.add_edge(state, after, action=action, params=params)
        layer = following
    return states
