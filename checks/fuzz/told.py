"""What a target has not told: where nothing was compared, no divergence means nothing.

An observation may leave variables out, and may have None for an entry.  So what is
reported, beside the steps that were done, is which entries no observation has told.
"""

from __future__ import annotations

from collections.abc import Mapping

from memhp.reference.target import Observation, ReferenceTarget
from memhp.reference.topology import Topology
from memhp.spec.language.system import System

from .topologies import built_for

__all__ = ["Untold", "everything", "in_both", "never_told", "tell"]

Untold = dict[str, set[int]]
"""For each variable with such entries, those that have not been told: places, row-major."""


def everything(reference: ReferenceTarget) -> Untold:
    """Every entry of every variable, on the machine that the reference has booted."""
    return {name: set(range(len(values))) for name, values in reference.observe().items()}


def tell(untold: Untold, seen: Observation) -> None:
    """Take out of ``untold`` the entries that an observation tells.

    >>> untold = {"zone": {0, 1, 2}, "event": {0}}
    >>> tell(untold, {"zone": (None, "kernel", 2), "event": (False,)})
    >>> untold
    {'zone': {0}}
    """
    for name in untold.keys() & seen.keys():
        untold[name] -= {place for place, value in enumerate(seen[name]) if value is not None}
        if not untold[name]:
            del untold[name]


def in_both(one: Mapping[str, set[int]], other: Mapping[str, set[int]]) -> Untold:
    """The entries that neither of two walks on one machine has told.

    >>> in_both({"zone": {0, 1}, "event": {0}}, {"zone": {1, 2}})
    {'zone': {1}}
    """
    both = {name: places & other.get(name, set()) for name, places in one.items()}
    return {name: places for name, places in both.items() if places}


def never_told(
    system: System, untold: Mapping[str, Untold], machines: Mapping[str, Topology] | None = None
) -> tuple[str, ...]:
    """The names of the variables of which nothing was told, on none of these machines.

    Args:
        system: the design that was compared with.
        untold: for each machine, by name, what was not told.
        machines: those of the target's own, by name; the others are `topologies.SHAPES`.
    """
    never = {variable.symbol.name: variable.symbol.domain for variable in system.variables}
    for machine, places in untold.items():
        topology = (machines or {}).get(machine) or built_for(machine, system)
        for name, domain in tuple(never.items()):
            if len(places.get(name, ())) < len(topology.points(domain)):
                del never[name]
    return tuple(never)
