"""The states and steps of a small machine as a text for Graphviz.

>>> from memhp.examples import last_block
>>> from memhp.reference import Machine, Topology, graph
>>> from memhp.spec.language import load
>>> system = load("last_block", (last_block,))
>>> states = graph(Machine(system, Topology({"Block": 2}, {})), 1)
>>> print(dot(states, ()), end="")
digraph "last_block" {
  node [shape=box]
  0 [label="at boot", style=bold]
  1 [label="online[block0]: false"]
  2 [label="online[block1]: false"]
  0 -> 1 [label="take_offline(b=block0)"]
  0 -> 2 [label="take_offline(b=block1)"]
}
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

from memhp.reference import Machine, diff
from memhp.reference.outcome import shown
from memhp.spec.language.system import Property

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["dot"]

_MOST_LINES = 12
"""So much is written in a state."""


def dot(states: nx.MultiDiGraph[Machine], claims: Collection[Property]) -> str:
    """The graph in Graphviz's language: in each state what differs from boot.

    What violates one of the properties is red: a state, or a step.

    Args:
        states: as `memhp.reference.graph` has them; not empty.
        claims: *always* and *step* properties.
    """
    numbers = {state: number for number, state in enumerate(states)}
    boot = next(iter(states))
    names = {claim.name for claim in claims}
    actions = boot.system.action_by_name
    lines = [f"digraph {_quoted(boot.system.name)} {{", "  node [shape=box]"]
    for state, number in numbers.items():
        wrong = names & {each.property for each in state.violations()} if names else ()
        marks = (", style=bold" if state is boot else "") + (", color=red" if wrong else "")
        lines.append(f"  {number} [label={_quoted(_label(boot, state))}{marks}]")
    for before, after, step in states.edges(data=True):
        label = shown(step["action"], actions[step["action"]].params, step["params"])
        wrong = names & {each.property for each in after.step_violations(before)} if names else ()
        mark = ", color=red" if wrong else ""
        lines.append(f"  {numbers[before]} -> {numbers[after]} [label={_quoted(label)}{mark}]")
    return "\n".join((*lines, "}", ""))


def _label(boot: Machine, state: Machine) -> str:
    changes = diff(boot, state)
    if not changes:
        return "at boot"
    lines = [f"{c.variable}[{', '.join(c.args)}]: {c.after}" for c in changes[:_MOST_LINES]]
    more = len(changes) - len(lines)
    return "\n".join((*lines, f"and {more} more") if more else lines)


def _quoted(text: str) -> str:
    """The text as a string of Graphviz; a new line is written as its escape."""
    return json.dumps(text, ensure_ascii=False)
