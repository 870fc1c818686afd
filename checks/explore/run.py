"""Exhaustive search of one machine: what is reachable, what broke, and how to get there.

>>> from memhp.checks.scopes import USUAL
>>> from memhp.spec.system import SYSTEM
>>> claims = [SYSTEM.property_by_name["a_removable_block_is_full"]]
>>> found = explore(SYSTEM, USUAL[0].build(SYSTEM), claims, depth=3)
>>> found.depth, len(found.layers), len(found.found["a_removable_block_is_full"].steps)
(3, 4, 1)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from time import perf_counter

from memhp.checks.localise import Spent
from memhp.checks.search import Choice, Found
from memhp.reference import Topology
from memhp.spec.language.system import Property, System

from .layout import Layout
from .model import Model, build
from .native import NativeError, Outcome, compiler, run
from .plain import explore_plainly
from .promela import promela
from .results import Exploration, Progress
from .symmetry import swaps

__all__ = ["ENDLESS_STATES", "MEMORY", "explore", "spin_model"]

MEMORY = 2 << 30
"""How many bytes a search may use unless told otherwise."""
ENDLESS_STATES = 50_000
"""The largest machine on which runs without end are looked for without a C compiler."""
_NUMBERS = (8, 16, 32, 64)


def explore(
    system: System,
    topology: Topology,
    claims: Sequence[Property],
    *,
    depth: int | None = None,
    memory: int = MEMORY,
    jobs: int | None = None,
    stop: bool = False,
    symmetry: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Exploration:
    """Every state of the machine, layer by layer.

    Parameters: ``claims``, the properties to decide (those of kind *ends* as
    `memhp.checks.lasso.endless` does; with ``symmetry``, in a search of their own
    without it, since images of one element are the same work only to begin with);
    ``depth``, the steps to go at most; ``memory``, the bytes after which the
    search ends; ``jobs``, threads (all cores unless given); ``stop``, whether it
    ends with the layer in which a property is violated; ``symmetry``, whether
    one state is kept for all that differ only in elements that nothing tells apart.

    Without a C compiler the reference does it (`Exploration.engine` says so).
    Raises `NativeError` if the compiler, or what it made, fails.
    """
    started = perf_counter()
    now = [claim for claim in claims if claim.kind != "ends"]
    cc = compiler()
    if cc is None:
        result = explore_plainly(
            system, topology, now, depth=depth, memory=memory, stop=stop, progress=progress
        )
        for claim in claims:
            if claim.kind == "ends":
                _follow(result, claim)
    else:

        def natively(wanted: Sequence[Property], symmetry: bool) -> Exploration:
            return _natively(
                system,
                topology,
                wanted,
                cc,
                depth=depth,
                memory=memory,
                jobs=jobs or os.cpu_count() or 1,
                stop=stop,
                symmetry=symmetry,
                progress=progress,
            )

        result = natively(now if symmetry else claims, symmetry)
        endings = [claim for claim in claims if claim.kind == "ends"]
        if symmetry and endings and result.end == "complete":
            apart = natively(endings, False)
            result.followed, result.found = apart.followed, result.found | apart.found
    return replace(result, claims=tuple(claims), seconds=perf_counter() - started)


def _follow(result: Exploration, claim: Property) -> None:
    """Look for a run along which the work of an *ends* property is never done."""
    from memhp.checks.lasso import endless

    if result.end == "complete" and result.states <= ENDLESS_STATES:
        try:
            found = endless(result.system, result.topology, claim, max_states=ENDLESS_STATES)
        except Spent:
            found = None
        else:
            result.followed.add(claim.name)
        if found:
            result.found[claim.name] = found


def _natively(
    system: System,
    topology: Topology,
    claims: Sequence[Property],
    cc: str,
    *,
    depth: int | None,
    memory: int,
    jobs: int,
    stop: bool,
    symmetry: bool,
    progress: Callable[[Progress], None] | None,
) -> Exploration:
    symmetries = swaps(system, topology, claims) if symmetry else ()
    for numbers in _NUMBERS:
        model = build(system, topology, claims, numbers=numbers, symmetries=symmetries)
        layout = Layout(model.domains, model.grounding.sorts)
        outcome = run(
            model,
            layout,
            cc,
            jobs=jobs,
            memory=memory,
            depth=depth,
            stop=stop,
            progress=progress,
        )
        if outcome.end != "overflow":
            return _explored(model, outcome, [c for c in claims if c.kind == "ends"])
    raise NativeError(f"a counter leaves the numbers from -1 to {_NUMBERS[-1] - 2}")


def spin_model(system: System, topology: Topology, *, numbers: int = _NUMBERS[0]) -> str:
    """The machine as a Promela file, with the states and transitions that `explore` counts.

    Spin's "transitions (= stored+matched)" counts the boot state, too: one more.
    Parameters: ``numbers``, how many values a counter is given.
    """
    model = build(system, topology, (), numbers=numbers)
    return promela(model, Layout(model.domains, model.grounding.sorts))


def _explored(model: Model, outcome: Outcome, endings: Sequence[Property]) -> Exploration:
    result = Exploration(
        system=model.system,
        topology=model.topology,
        claims=model.claims,
        engine="native",
        symmetry=bool(model.symmetries),
        end=outcome.end,  # type: ignore[arg-type]  # "overflow" was tried again
        depth=outcome.depth,
        states=outcome.states,
        transitions=outcome.transitions,
        deadlocks=outcome.deadlocks,
        layers=(1, *(new for new, _ in outcome.layers if new)),
    )
    for number, way in outcome.ways.items():
        steps = tuple(_way(model, outcome.boot, way))
        if number == len(model.claims):
            result.deadlock = steps
        else:
            claim = model.claims[number]
            result.found[claim.name] = _shown(model, Found(claim, model.topology, steps, ()))
    _endings(model, outcome, endings, result)
    return result


def _endings(
    model: Model, outcome: Outcome, endings: Sequence[Property], result: Exploration
) -> None:
    """Of the runs without end the shortest for each property, and where all were seen."""
    if outcome.end == "complete":
        unseen = {p.claim.name for n, p in enumerate(model.problems) if n not in outcome.followed}
        result.followed = {claim.name for claim in endings} - unseen
    runs = sorted(outcome.lassos.items(), key=lambda run: len(run[1][0]))
    for number, (way, loop) in runs:
        problem = model.problems[number]
        if problem.claim.name not in result.found:
            steps = tuple(_way(model, (), way))
            run = Found(problem.claim, model.topology, steps, problem.point, loop=loop)
            result.found[problem.claim.name] = _shown(model, run)


def _way(model: Model, boot: Sequence[int], way: Sequence[Sequence[int]]) -> Iterator[Choice]:
    """The steps of a run from boot.  The search took each from an image of the state there."""
    back = [model.symmetries[swap] for swap in reversed(boot)]
    for number, *swaps_after in way:
        found = model.instances[number]
        sorts = [var.sort for var in model.system.action_by_name[found.action].params]
        point = found.point
        for swap in back:
            point = swap.point(sorts, point)
        yield found.action, point
        back = [model.symmetries[swap] for swap in reversed(swaps_after)] + back


def _shown(model: Model, found: Found) -> Found:
    """The trace, run on the reference: it must show what the search has seen."""
    if not found.is_shown_by(found.replay(model.system)):
        raise AssertionError(
            f"the reference does not see {found.claim.name} at the end of {found.steps}"
        )
    return found
