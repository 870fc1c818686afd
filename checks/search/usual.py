"""Traces on the usual small machines: to *sometimes* properties, and to violations.

Machines that violate an axiom of the system are left out: nothing is shown on them.

Each trace is kept by its property, and replayed on the reference before it is
believed, so that a stale or damaged store can cost time but not truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from memhp.reference import Topology
from memhp.reference.shapes import AnyShape
from memhp.spec.language.system import Property, System

from ..proof.counterexample import CounterexampleError
from ..support.parallel import each
from ..support.store import digest_of
from .lasso import lasso
from .localise import Reading, looked_for, still_shortest
from .scopes import fitting, usual
from .search import ReplayError, Witness
from .traces import drop_old_traces, earlier_trace, keep_trace, kept_traces, trace_in

__all__ = ["first_violation", "reach"]

MAX_STATES = 3_000_000
MAX_LASSO_STATES = 50_000
_TOGETHER = 4
"""Claims that follow each other ask for the same of a machine, which a process works out once."""


def reach(
    system: System,
    targets: Sequence[Property],
    *,
    folder: Path | None = None,
    shapes: Sequence[AnyShape] | None = None,
    first: Mapping[str, int] | None = None,
    jobs: int = 1,
    decided: Callable[[Property, Witness | None], None] | None = None,
    take: Callable[[Property], bool] = lambda _: True,
) -> tuple[dict[str, Witness], bool]:
    """A shortest trace for each target that the machines reach or violate, by its name.

    Args:
        system: the specification.
        targets: properties of any kind.
        folder: where traces are kept.
        shapes: the machines; the usual ones by default.
        first: on which to look first, by a property's name; what is found there is the answer, and
            so is what is found anywhere of a *sometimes*.  By default it is known of some.
        jobs: processes.
        decided: called with each target and its trace, None where there is none, as it is decided.
        take: asked before a target is looked for; those that it refuses are left out.

    Returns:
        the traces, and whether all of them came from the folder.
    """
    few, shapes, first = _looked_at(system, shapes, first)
    machines = fitting(system, shapes)
    shared = system, machines, few, first
    about = {claim.name: _about(system, claim, shapes, few, first) for claim in targets}
    witnesses: dict[str, Witness] = {}
    for claim in targets:
        witnesses |= _stored(folder, system, machines, claim, about[claim.name])
        if decided and claim.name in witnesses:
            decided(claim, witnesses[claim.name])
    left = [claim for claim in targets if claim.name not in witnesses]
    for lot in [left] if left and jobs > 1 else [[claim] for claim in left]:
        asked = [(e, earlier_trace(folder, e, own=system.is_own)) for e in lot if take(e)]
        with closing(each(_trace, shared, asked, jobs, together=_TOGETHER)) as traces:
            for (claim, _), (trace, reading) in zip(asked, traces, strict=True):
                if trace:
                    witnesses[claim.name] = trace
                    at = next(n for n, each in machines.items() if each == trace.topology)
                    keep_trace(folder, system, reading, about[claim.name], at, trace)
                if decided:
                    decided(claim, trace)
    if left:
        drop_old_traces(folder)
    return {e.name: witnesses[e.name] for e in targets if e.name in witnesses}, not left


def _looked_at(
    system: System, shapes: Sequence[AnyShape] | None, first: Mapping[str, int] | None
) -> tuple[int, Sequence[AnyShape], Mapping[str, int]]:
    """The machines, how many of them any property is looked for on, and where to look first."""
    if shapes is not None:
        return len(shapes), shapes, first or {}
    ours = usual(system)
    return len(ours.few), ours.roomy, ours.reached_on if first is None else first


def _trace(
    shared: tuple[System, Mapping[int, Topology], int, Mapping[str, int]],
    asked: tuple[Property, tuple[Sequence[Any], Reading] | None],
) -> tuple[Witness | None, Reading | None]:
    """On all machines what needs room to move, on the first ``few`` any other violation.

    Where it is known of one where it is, on that one first, whichever that is.

    An earlier trace stays if it still runs, shows the property and is as short as can be.
    """
    system, machines, few, first = shared
    claim, earlier = asked
    everywhere = _needs_room(system, claim)
    there = {n: each for n, each in machines.items() if everywhere or n < few}
    here = {n: each for n, each in machines.items() if n == first.get(claim.name)}
    before = earlier if claim.kind != "ends" else None
    for some in (here, there) if here else (there,):
        if kept := before and _still_shortest(system, some, claim, *before):
            return kept
        witness, reading = _sought(system, list(some.values()), claim)
        if witness:
            break
    if witness and not witness.is_shown_by(witness.replay(system)):
        raise CounterexampleError(f"the trace that was found does not show {claim.name}")
    return witness, reading


def _sought(
    system: System, topologies: Sequence[Topology], claim: Property
) -> tuple[Witness | None, Reading | None]:
    if claim.kind == "ends":
        return lasso(system, topologies, claim, max_states=MAX_LASSO_STATES), None
    return looked_for(system, topologies, claim, max_states=MAX_STATES)


def _still_shortest(
    system: System,
    machines: Mapping[int, Topology],
    claim: Property,
    entry: Sequence[Any],
    reading: Reading,
) -> tuple[Witness, Reading] | None:
    """The trace of the entry, if it runs, shows the property and there is no shorter one."""
    witness = _shown(system, machines, claim, entry)
    if witness is None:
        return None
    everywhere = list(machines.values())
    read = still_shortest(system, everywhere, witness, reading, max_states=MAX_STATES)
    return (witness, read) if read else None


def _shown(
    system: System, machines: Mapping[int, Topology], claim: Property, entry: Sequence[Any]
) -> Witness | None:
    """The trace of the entry, if it runs and shows the property."""
    with suppress(ValueError, KeyError, TypeError, IndexError, ReplayError):
        witness = trace_in(entry, claim, system, machines)
        if witness.is_shown_by(witness.replay(system)):
            return witness
    return None


def _about(
    system: System,
    claim: Property,
    shapes: Sequence[AnyShape],
    few: int,
    first: Mapping[str, int],
) -> str:
    """A digest of where the property is looked for."""
    where = first.get(claim.name)
    return digest_of(repr((shapes, few, where, MAX_STATES, _needs_room(system, claim))))


def _needs_room(system: System, claim: Property) -> bool:
    """It is looked for on all machines: what must be reached, and what must be refuted."""
    return claim.kind in ("ends", "sometimes") or claim.name in system.given_up


def first_violation(
    system: System, name: str, *, folder: Path | None = None, variant: str = ""
) -> Witness | None:
    """A shortest trace from boot that violates the property, on the usual machines; None without.

    Args:
        system: the specification.
        name: the property's.
        folder: where the trace is kept, and looked for first.
        variant: the name of the variant that the system has: of memhp's own it is known on which
            machine to look first, and the trace is the shortest of that one.

    Raises:
        KeyError: there is no such property.
        CounterexampleError: the reference does not confirm the trace.
    """
    refuted_on = usual(system).refuted_on
    first = {name: refuted_on[variant]} if variant in refuted_on else {}
    claim = system.property_by_name[name]
    witnesses, _ = reach(system, [claim], folder=folder, first=first)
    return witnesses.get(name)


def _stored(
    folder: Path | None,
    system: System,
    machines: Mapping[int, Topology],
    claim: Property,
    about: str,
) -> dict[str, Witness]:
    """The trace that is kept, by the property's name, if it replays and shows the property."""
    for entry in kept_traces(folder, system, machines, claim, about) if folder else ():
        if witness := _shown(system, machines, claim, entry):
            return {claim.name: witness}
    return {}
