"""The states that a machine reaches are a graph whose edges are steps."""

from __future__ import annotations

import networkx as nx
import pytest

from memhp.reference import Machine, graph


def test_every_edge_is_a_step_and_every_step_an_edge(machine: Machine) -> None:
    states = graph(machine, 2)
    for state, after, step in states.edges(data=True):
        copy = state.copy()
        assert copy.step(step["action"], **step["params"])
        assert copy == after
    for state, depth in states.nodes(data="depth"):
        steps = len(list(state.enabled()))
        assert states.out_degree(state) == (steps if depth < 2 else 0)


def test_depths_are_least_numbers_of_steps_from_where_it_begins(machine: Machine) -> None:
    states = graph(machine, 2)
    lengths = nx.single_source_shortest_path_length(states, machine)
    assert lengths == dict(states.nodes(data="depth"))
    assert set(lengths.values()) == {0, 1, 2}


def test_the_machine_itself_stays_as_it_is(machine: Machine) -> None:
    before = machine.copy()
    states = graph(machine, 1)
    assert machine == before
    machine.step("online", b=0)
    assert before in states


def test_more_states_than_are_allowed_are_an_error(machine: Machine) -> None:
    most = len(graph(machine, 1))
    with pytest.raises(ValueError, match=f"more than {most} states at depth 2: go less deep"):
        graph(machine, 2, most=most)
