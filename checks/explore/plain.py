"""The same search without a C compiler: the reference itself, some fifty times slower."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from time import perf_counter

from memhp.reference import Topology
from memhp.spec.language.rewrite import enabled
from memhp.spec.language.system import Property, System, Where
from memhp.spec.language.terms import (
    FALSE,
    Term,
    conj,
    exists,
    negate,
)

from ..search.search import Search, search
from .results import End, Exploration, Progress

__all__ = ["explore_plainly"]

BYTES_A_STATE = 400
"""What a state costs here, about: its bytes, and its place in a dictionary."""


def explore_plainly(
    system: System,
    topology: Topology,
    claims: Sequence[Property],
    *,
    depth: int | None,
    memory: int,
    stop: bool,
    progress: Callable[[Progress], None] | None,
) -> Exploration:
    """What a breadth-first search of one machine by the reference covers and finds.

    Args:
        claims: the properties to decide, none of kind *ends*.
        depth: the steps to go at most.
        memory: bytes after which the search ends.
        stop: end with the layer in which a property is violated.
        progress: called after each layer.
    """
    ours = (_stuck(system), _claim("never", FALSE))
    wanted = [*claims, *ours]
    stops = {claim.name for claim in claims if stop and claim.kind in ("always", "step")}
    layers = _Layers(stops, progress)
    whole = replace(system, properties=(*system.properties, *ours))
    end: End = "complete"
    try:
        most = memory // BYTES_A_STATE
        result = search(whole, [topology], wanted, depth=depth, max_states=most, progress=layers)
        if not result.complete:
            end = "memory" if result.spent else "depth"
    except _Refuted:
        result, end = layers.covered, "refuted"
    except KeyboardInterrupt:
        result, end = layers.covered, "interrupted"
    deadlock = result.witnesses.pop(ours[0].name, None)
    return Exploration(
        system=system,
        topology=topology,
        claims=tuple(claims),
        engine="python",
        symmetry=False,
        end=end,
        depth=result.depth - (end in ("complete", "memory")),
        states=result.states,
        transitions=result.transitions,
        deadlocks=None,
        layers=tuple(new for new in layers.sizes if new),
        witnesses=result.witnesses,
        deadlock=deadlock.steps if deadlock else None,
    )


class _Refuted(Exception):
    """A property is violated, and its layer is searched."""


class _Layers:
    """The layers of a search so far, which ends once a property of ``stops`` is violated."""

    def __init__(self, stops: Collection[str], progress: Callable[[Progress], None] | None) -> None:
        self.sizes = [1]
        self.covered = Search(states=1)
        self._stops, self._progress = stops, progress
        self._started = perf_counter()

    def __call__(self, so_far: Search) -> None:
        self.covered = so_far
        self.sizes.append(so_far.states - sum(self.sizes))
        if self._progress:
            seconds = perf_counter() - self._started
            self._progress(Progress(so_far.depth, so_far.states, so_far.transitions, seconds))
        if not so_far.witnesses.keys().isdisjoint(self._stops):
            raise _Refuted


def _claim(name: str, formula: Term) -> Property:
    return Property(name, "", "sometimes", "", (), formula, (), Where("", 0))


def _stuck(system: System) -> Property:
    """No action is enabled, as a *sometimes* property."""
    parts: list[Term] = []
    for action in system.actions:
        possible = enabled(action)
        for var in reversed(action.params):
            possible = exists(var, possible)
        parts.append(negate(possible))
    return _claim("a state without a step", conj(*parts))
