"""Exhaustive search of one machine: what is reachable, what breaks, and a shortest trace to it.

>>> from memhp.reference.usual import USUAL
>>> from memhp.spec.system import SYSTEM
>>> claims = [SYSTEM.property_by_name["a_removable_block_is_full"]]
>>> result = explore(SYSTEM, USUAL[0].build(SYSTEM), claims, depth=3)
>>> result.depth, len(result.layers), len(result.witnesses["a_removable_block_is_full"].steps)
(3, 4, 1)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Literal

from memhp.reference import Topology
from memhp.spec.language.system import Property, System

from ..ground.grounding import LOWEST, NUMBERS
from ..ground.model import Model, build
from ..ground.symmetry import swaps
from ..search.localise import Spent
from ..search.search import Choice, Witness
from ..support.compiler import Compiler, NativeError, compiler
from .digits import words
from .native import WHEN_SEEN, WHEN_STUCK, Outcome, run, run_bits
from .packing import Packing
from .plain import explore_plainly
from .promela import promela
from .results import Exploration, Progress
from .split import Split, split

__all__ = ["ENDLESS_STATES", "MEMORY", "Means", "Method", "explore", "spin_model"]

MEMORY = 2 << 30
"""How many bytes a search may use unless told otherwise."""
ENDLESS_STATES = 50_000
"""The largest machine on which runs without end are looked for without a C compiler."""
SPARSE = 128
"""One bit a state is less work if at least one in so many combinations of digits is reached."""
_FEW = 1 << 16
Method = Literal["auto", "packed", "bits"]
"""*packed*: states as words; *bits*: one bit a state, where states split so; *auto*: either."""
_NUMBERS = (NUMBERS, 32, 64)


@dataclass(frozen=True)
class Means:
    """What a search may use, and how it keeps states: it finds the same with any.

    Attributes:
        memory: bytes after which the search ends.
        jobs: threads; all cores unless given.
        method: how states are kept, if there is a C compiler.
        layers: look for depths; without, *bits* has none, and is several times as fast.
    """

    memory: int = MEMORY
    jobs: int | None = None
    method: Method = "auto"
    layers: bool = True


_USUAL = Means()


def explore(
    system: System,
    topology: Topology,
    claims: Sequence[Property],
    *,
    depth: int | None = None,
    stop: bool = False,
    symmetry: bool = False,
    means: Means = _USUAL,
    progress: Callable[[Progress], None] | None = None,
) -> Exploration:
    """What a breadth-first search of all states of one machine covers and finds.

    Without a C compiler the reference searches (`Exploration.engine` says so).

    Args:
        claims: the properties to decide; those of kind *ends* as
            `memhp.checks.search.lasso.endless` does, with ``symmetry`` in a search of their own
            without it, since images of one element are the same work only to begin with.
        depth: the steps to go at most.
        stop: end with the layer in which a property is violated.
        symmetry: keep one state of all that differ only in elements that nothing tells apart.
        means: memory, threads, and how states are kept.
        progress: called now and then while the search goes on.

    Raises:
        NativeError: the compiler, or the program that it made, fails.
    """
    started = perf_counter()
    cc = compiler()
    if cc is None:
        result = _by_reference(system, topology, claims, depth, stop, means, progress)
    else:
        native = _Native(cc, means, progress, depth, stop)
        result = _by_compiled_search(system, topology, claims, native, symmetry)
    return replace(result, claims=tuple(claims), seconds=perf_counter() - started)


def _by_reference(
    system: System,
    topology: Topology,
    claims: Sequence[Property],
    depth: int | None,
    stop: bool,
    means: Means,
    progress: Callable[[Progress], None] | None,
) -> Exploration:
    """By the reference; of *ends* properties, if the machine is small, runs without end, too."""
    from ..search.lasso import endless

    now = [claim for claim in claims if claim.kind != "ends"]
    memory = means.memory
    result = explore_plainly(
        system, topology, now, depth=depth, memory=memory, stop=stop, progress=progress
    )
    if result.end != "complete" or result.states > ENDLESS_STATES:
        return result
    for claim in claims:
        if claim.kind == "ends":
            with suppress(Spent):
                run = endless(system, topology, claim, max_states=ENDLESS_STATES)
                result.followed.add(claim.name)
                if run:
                    result.witnesses[claim.name] = run
    return result


def _by_compiled_search(
    system: System,
    topology: Topology,
    claims: Sequence[Property],
    native: _Native,
    symmetry: bool,
) -> Exploration:
    """By the compiled search; with symmetry, *ends* properties in a second one without it."""
    if not symmetry:
        return _natively(system, topology, claims, native)
    endings = [claim for claim in claims if claim.kind == "ends"]
    others = [claim for claim in claims if claim.kind != "ends"]
    result = _natively(system, topology, others, native, symmetry=True)
    if endings and result.end == "complete":
        apart = _natively(system, topology, endings, native)
        result.followed, result.witnesses = apart.followed, result.witnesses | apart.witnesses
    return result


def _natively(
    system: System,
    topology: Topology,
    claims: Sequence[Property],
    native: _Native,
    *,
    symmetry: bool = False,
) -> Exploration:
    """With one bit a state where that is less work, otherwise with states as packed words.

    Whether it is shows when a search of packed states has not seen all of them soon.
    """
    means = native.means
    symmetries = swaps(system, topology, claims) if symmetry else ()
    endings = [claim for claim in claims if claim.kind == "ends"]
    for numbers in _NUMBERS:
        model = build(system, topology, claims, numbers=numbers, symmetries=symmetries)
        if not model.begins_inside:
            continue
        digits = None if symmetry or native.depth or endings else _digits(model, means)
        if digits is not None and means.method == "bits":
            return _with_bits(model, digits, native, None)
        packing = Packing(model.domains, model.grounding.sorts)
        enough = means.memory
        if digits is not None:
            enough = min(enough, (digits.bits // SPARSE + _FEW) * (packing.bytes + 8) * 3 // 2)
        outcome = native.search(model, packing, enough)
        if outcome.end == "memory" and enough < means.memory and digits is not None:
            return _with_bits(model, digits, native, _explored(model, outcome, endings))
        if outcome.end != "overflow":
            return _explored(model, outcome, endings)
    raise NativeError(f"a counter leaves the numbers from {LOWEST} to {LOWEST + _NUMBERS[-1] - 1}")


def _digits(model: Model, means: Means) -> Split | None:
    """The digits of the states, if there is room for a bit for each combination."""
    if means.method == "packed":
        return None
    digits = split(model)
    arrays = 3 if means.layers else 2
    return digits if digits and words(digits) * 8 * arrays <= means.memory else None


def _with_bits(
    model: Model, digits: Split, native: _Native, packed: Exploration | None
) -> Exploration:
    """All states, one bit each; then the shortest traces that are not among those of ``packed``.

    That search had to stop before the end.
    """
    outcome = native.turn(digits, len(model.claims))
    result = _explored(model, outcome, ())
    result.engine = "bits"
    seen = [model.claims[number] for number in sorted(outcome.seen)]
    if packed:
        result.witnesses, result.deadlock = packed.witnesses, packed.deadlock
    untraced = [claim for claim in seen if claim.name not in result.witnesses]
    stuck = bool(result.deadlocks) and result.deadlock is None
    if untraced or stuck:
        fewer = build(model.system, model.topology, untraced)
        packing = Packing(fewer.domains, fewer.grounding.sorts)
        to_traces = replace(native, depth=None, stop=WHEN_STUCK if stuck else WHEN_SEEN)
        again = to_traces.search(fewer, packing, native.means.memory)
        traces = _explored(fewer, again, ())
        result.witnesses |= traces.witnesses
        result.deadlock = result.deadlock or traces.deadlock
        result.seen = {claim.name for claim in untraced} - traces.witnesses.keys()
    return result


@dataclass(frozen=True)
class _Native:
    """How the compiled searches are run; ``depth`` and ``stop`` as `native.run` has them."""

    cc: Compiler
    means: Means
    progress: Callable[[Progress], None] | None
    depth: int | None
    stop: int

    @property
    def jobs(self) -> int:
        return self.means.jobs or os.cpu_count() or 1

    def search(self, model: Model, packing: Packing, memory: int) -> Outcome:
        """With states as packed words, in so many bytes."""
        return run(
            model,
            packing,
            self.cc,
            jobs=self.jobs,
            memory=memory,
            depth=self.depth,
            stop=self.stop,
            progress=self.progress,
        )

    def turn(self, digits: Split, claims: int) -> Outcome:
        """With one bit a state."""
        return run_bits(
            digits,
            claims,
            self.cc,
            jobs=self.jobs,
            layers=self.means.layers,
            progress=self.progress,
        )


def spin_model(system: System, topology: Topology, *, numbers: int = _NUMBERS[0]) -> str:
    """The text of a Promela model with the states and transitions that `explore` counts.

    Spin's "transitions (= stored+matched)" counts the boot state, too: one more.

    Args:
        numbers: how many values a counter is given, from -1 on.
    """
    model = build(system, topology, (), numbers=numbers)
    return promela(model, Packing(model.domains, model.grounding.sorts))


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
            result.witnesses[claim.name] = _shown(model, Witness(claim, model.topology, steps, ()))
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
        if problem.claim.name not in result.witnesses:
            steps = tuple(_way(model, (), way))
            trace = Witness(problem.claim, model.topology, steps, problem.point, loop=loop)
            result.witnesses[problem.claim.name] = _shown(model, trace)


def _way(model: Model, boot: Sequence[int], way: Sequence[Sequence[int]]) -> Iterator[Choice]:
    """The steps of a run from boot.  The search took each from an image of the state there."""
    back = [model.symmetries[swap] for swap in reversed(boot)]
    for number, *swaps_after in way:
        step = model.instances[number]
        sorts = [var.sort for var in model.system.action_by_name[step.action].params]
        point = step.point
        for swap in back:
            point = swap.point(sorts, point)
        yield step.action, point
        back = [model.symmetries[swap] for swap in reversed(swaps_after)] + back


def _shown(model: Model, trace: Witness) -> Witness:
    """The trace, run on the reference: it must show what the search has seen."""
    if not trace.is_shown_by(trace.replay(model.system)):
        raise AssertionError(
            f"the reference does not see {trace.claim.name} at the end of {trace.steps}"
        )
    return trace
