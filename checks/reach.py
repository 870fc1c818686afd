"""What the usual small machines can reach: *sometimes* properties, and violations.

Machines that violate an axiom of the system are left out: nothing is shown on them.

Each trace is kept by its property, and replayed on the reference before it is
believed, so that a stale or damaged store can cost time but not truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from memhp.reference import Topology
from memhp.reference.shapes import Shape
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import Var

from .counterexample import CounterexampleError
from .lasso import lasso
from .localise import shortest
from .parallel import each
from .scopes import ROOMY, USUAL, fitting
from .search import Found, ReplayError
from .store import keep, kept

__all__ = ["first_violation", "reach"]

MAX_STATES = 2_000_000
MAX_LASSO_STATES = 20_000


def reach(
    system: System,
    targets: Sequence[Property],
    *,
    folder: Path | None = None,
    shapes: Sequence[Shape] = USUAL,
    jobs: int = 1,
) -> tuple[dict[str, Found], bool]:
    """A shortest trace for each target that the machines can reach or violate.

    Returns the traces by property, and whether they came from ``folder``;
    ``jobs`` processes look for them.
    """
    few = len(shapes)
    if shapes == USUAL:
        shapes = ROOMY
    machines = fitting(system, shapes)
    paths = _paths(folder, system, targets, shapes)
    found: dict[str, Found] = {}
    for claim in targets:
        found |= _stored(paths[claim.name], system, machines, claim)
    left = [claim for claim in targets if claim.name not in found]
    traces = each(_trace, (system, machines, few), left, jobs) if left else ()
    for claim, trace in zip(left, traces, strict=True):
        if trace:
            found[claim.name] = trace
            at = next(n for n, topology in machines.items() if topology == trace.topology)
            _store(paths[claim.name], at, trace)
    return {claim.name: found[claim.name] for claim in targets if claim.name in found}, not left


def _trace(given: tuple[System, Mapping[int, Topology], int], claim: Property) -> Found | None:
    """On all machines what needs room to move, on the first ``few`` any other violation."""
    system, machines, few = given
    everywhere = claim.kind in ("ends", "sometimes")
    topologies = [each for number, each in machines.items() if everywhere or number < few]
    if claim.kind == "ends":
        found = lasso(system, topologies, claim, max_states=MAX_LASSO_STATES)
    else:
        found = shortest(system, topologies, claim, max_states=MAX_STATES)
    if found and not found.is_shown_by(found.replay(system)):
        raise CounterexampleError(f"the trace that was found does not show {claim.name}")
    return found


def first_violation(system: System, name: str, *, folder: Path | None = None) -> Found | None:
    """A shortest trace from boot that violates the property, on the usual machines.

    ``folder`` is where it is kept, and looked for first.
    """
    found, _ = reach(system, [system.property_by_name[name]], folder=folder)
    return found.get(name)


def _paths(
    folder: Path | None, system: System, targets: Sequence[Property], shapes: Sequence[Shape]
) -> dict[str, Path | None]:
    """Where the trace of each property is kept, whatever else is asked for."""
    if folder is None:
        return dict.fromkeys(claim.name for claim in targets)
    text = repr((system, shapes, MAX_STATES))
    return {claim.name: folder / f"traces-{_digest(text, claim)}.json" for claim in targets}


def _digest(text: str, claim: Property) -> str:
    return sha256(f"{claim.name} {text}".encode()).hexdigest()[:32]


def _stored(
    path: Path | None, system: System, machines: Mapping[int, Topology], claim: Property
) -> dict[str, Found]:
    """The trace in the file by the property's name, if it replays and shows the property."""
    if path is None:
        return {}
    try:
        return {claim.name: _believed(kept(path)[claim.name], claim, system, machines)}
    except (ValueError, KeyError, TypeError, IndexError, ReplayError):
        return {}


def _believed(
    entry: Any, claim: Property, system: System, machines: Mapping[int, Topology]
) -> Found:
    """The trace that was kept, which the reference has taken anew.  Raises what `_stored` knows."""
    number, steps, params, loop = entry
    topology = machines[_number(number, max(machines, default=-1) + 1)]
    choices = tuple(
        (action, _point(system.action_by_name[action].params, point, topology))
        for action, point in steps
    )
    if loop is not None:
        loop = _number(loop, len(choices) + 1)
    least = -1 if claim.kind == "ends" else 0  # where that says: any
    found = Found(claim, topology, choices, _point(claim.params, params, topology, least), loop)
    if not found.is_shown_by(found.replay(system)):
        raise ValueError("the trace does not show the property")
    return found


def _point(
    params: Sequence[Var], values: Any, topology: Topology, least: int = 0
) -> tuple[int, ...]:
    sizes = [topology.size(var.sort) for var in params]
    return tuple(_number(*each, least) for each in zip(values, sizes, strict=True))


def _number(value: Any, limit: int, least: int = 0) -> int:
    if type(value) is not int or not least <= value < limit:
        raise ValueError(f"{value!r} is no number from {least} up to {limit}")
    return value


def _store(path: Path | None, number: int, found: Found) -> None:
    keep(path, {found.claim.name: (number, found.steps, found.params, found.loop)})
