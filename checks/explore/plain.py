"""The same search without a C compiler: the reference itself, some fifty times slower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """As `memhp.checks.explore.run.explore`."""
    started = perf_counter()
    ours = (_stuck(system), _claim("never", FALSE))
    wanted = [*claims, *ours]
    layers = [1]

    covered = Search(states=1)

    def told(so_far: Search) -> None:
        nonlocal covered
        covered = so_far
        layers.append(so_far.states - sum(layers))
        if progress:
            seconds = perf_counter() - started
            progress(Progress(so_far.depth, so_far.states, so_far.transitions, seconds))
        if stop and any(kind_of[name] in ("always", "step") for name in so_far.found):
            raise _Refuted

    kind_of = {claim.name: claim.kind for claim in wanted}
    whole = replace(system, properties=(*system.properties, *ours))
    most = memory // BYTES_A_STATE
    end: End = "complete"
    try:
        result = search(whole, [topology], wanted, depth=depth, max_states=most, progress=told)
        if not result.complete:
            end = "memory" if result.spent else "depth"
    except _Refuted:
        result, end = covered, "refuted"
    except KeyboardInterrupt:
        result, end = covered, "interrupted"
    deadlock = result.found.pop(ours[0].name, None)
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
        layers=tuple(new for new in layers if new),
        found=result.found,
        deadlock=deadlock.steps if deadlock else None,
    )


class _Refuted(Exception):
    """A property is violated, and the layer is done."""


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
