"""Exhaustive search of one machine: what is reachable, what broke, and how to get there.

>>> from memhp.checks.scopes import USUAL
>>> from memhp.spec.system import SYSTEM
>>> claims = [SYSTEM.property_by_name["a_removable_block_is_full"]]
>>> found = explore(SYSTEM, USUAL[0].build(SYSTEM), claims, depth=3)
>>> found.states, found.transitions, len(found.found["a_removable_block_is_full"].steps)
(723, 1653, 1)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

from memhp.checks.search import Choice, Found
from memhp.checks.verdicts import Verdict
from memhp.reference import Topology
from memhp.spec.language.system import Property, System

from .layout import Layout
from .model import Model, build
from .native import NativeError, Outcome, Progress, compiler, run

__all__ = ["MEMORY", "Exploration", "Progress", "explore"]

MEMORY = 2 << 30
"""How many bytes a search may use unless told otherwise."""
_NUMBERS = (8, 16, 32, 64)

End = Literal["complete", "depth", "memory", "refuted"]


@dataclass
class Exploration:
    """What a search covered and found.

    ``end``: *complete*, every reachable state was seen; otherwise every state
    within ``depth`` steps was, and the search ended for that reason.
    ``layers`` are the numbers of new states by depth, from the boot state on;
    ``deadlocks``, of states without a step (None: not counted), with a shortest
    way to one; ``found``, the properties that were decided by a trace.
    """

    system: System
    topology: Topology
    claims: tuple[Property, ...]
    engine: str
    end: End
    depth: int
    states: int
    transitions: int
    deadlocks: int | None
    layers: tuple[int, ...]
    bits: int
    seconds: float
    found: dict[str, Found] = field(default_factory=dict)
    deadlock: tuple[Choice, ...] | None = None
    never: tuple[str, ...] = ()

    def verdict(self, claim: Property) -> Verdict:
        """What is known about a property that was looked for."""
        if claim.kind == "sometimes":
            return Verdict.holds if claim.name in self.found else Verdict.undetermined
        return Verdict.refuted if claim.name in self.found else Verdict.holds


def explore(
    system: System,
    topology: Topology,
    claims: Sequence[Property],
    *,
    depth: int | None = None,
    memory: int = MEMORY,
    jobs: int | None = None,
    stop: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Exploration:
    """Every state of the machine, layer by layer.

    Parameters: ``claims``, the properties to decide, of any kind but *ends*;
    ``depth``, the steps to go at most; ``memory``, the bytes after which the
    search ends; ``jobs``, threads (all cores unless given); ``stop``, whether it
    ends with the layer in which a property is violated.

    Raises `NativeError` if the machine's C compiler, or what it made, fails.
    """
    started = perf_counter()
    cc = compiler()
    if cc is None:
        raise NativeError("there is no C compiler")
    for numbers in _NUMBERS:
        model = build(system, topology, claims, numbers=numbers)
        layout = Layout(model.domains, model.grounding.sorts)
        outcome = run(
            model,
            layout,
            cc,
            jobs=jobs or os.cpu_count() or 1,
            memory=memory,
            depth=depth,
            stop=stop,
            progress=progress,
        )
        if outcome.end != "overflow":
            return _explored(model, layout, outcome, perf_counter() - started)
    raise NativeError(f"a counter leaves the numbers from -1 to {_NUMBERS[-1] - 2}")


def _explored(model: Model, layout: Layout, outcome: Outcome, seconds: float) -> Exploration:
    result = Exploration(
        model.system,
        model.topology,
        model.claims,
        "native",
        outcome.end,  # type: ignore[arg-type]  # "overflow" was tried again
        outcome.depth,
        outcome.states,
        outcome.transitions,
        outcome.deadlocks,
        (1, *(new for new, _ in outcome.layers if new)),
        layout.bits,
        seconds,
        never=model.never,
    )
    for number, way in outcome.ways.items():
        steps = tuple((model.instances[n].action, model.instances[n].point) for n in way)
        if number == len(model.claims):
            result.deadlock = steps
        else:
            claim = model.claims[number]
            result.found[claim.name] = _shown(model, claim, steps)
    return result


def _shown(model: Model, claim: Property, steps: tuple[Choice, ...]) -> Found:
    """The trace, run on the reference: it must show what the search has seen."""
    found = Found(claim, model.topology, steps, ())
    if not found.is_shown_by(found.replay(model.system)):
        raise AssertionError(f"the reference does not see {claim.name} at the end of {steps}")
    return found
