"""Exhaustive search of one machine: what is reachable, what broke, and how to get there.

>>> from memhp.checks.search.scopes import USUAL
>>> from memhp.spec.system import SYSTEM
>>> claims = [SYSTEM.property_by_name["a_removable_block_is_full"]]
>>> found = explore(SYSTEM, USUAL[0].build(SYSTEM), claims, depth=3)
>>> found.depth, len(found.layers), len(found.found["a_removable_block_is_full"].steps)
(3, 4, 1)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Literal

from memhp.reference import Topology
from memhp.spec.language.system import Property, System

from ..ground.model import Model, build
from ..ground.symmetry import swaps
from ..search.localise import Spent
from ..search.search import Choice, Found
from ..support.compiler import Compiler, NativeError, compiler
from .digits import words
from .native import WHEN_SEEN, WHEN_STUCK, Outcome, run, run_bits
from .packing import Packing
from .plain import explore_plainly
from .promela import promela
from .results import Exploration, Progress
from .split import Split, split

__all__ = ["ENDLESS_STATES", "MEMORY", "Method", "explore", "spin_model"]

MEMORY = 2 << 30
"""How many bytes a search may use unless told otherwise."""
ENDLESS_STATES = 50_000
"""The largest machine on which runs without end are looked for without a C compiler."""
SPARSE = 128
"""One bit a state is less work if at least one in so many combinations of digits is reached."""
_FEW = 1 << 16
Method = Literal["auto", "packed", "bits"]
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
    method: Method = "auto",
    layers: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> Exploration:
    """Every state of the machine, layer by layer.

    Parameters: ``claims``, the properties to decide (those of kind *ends* as
    `memhp.checks.search.lasso.endless` does; with ``symmetry``, in a search of their own
    without it, since images of one element are the same work only to begin with);
    ``depth``, the steps to go at most; ``memory``, the bytes after which the
    search ends; ``jobs``, threads (all cores unless given); ``stop``, whether it
    ends with the layer in which a property is violated; ``symmetry``, whether
    one state is kept for all that differ only in elements that nothing tells apart;
    ``method``, *packed* for states as words, *bits* for one bit a state where states
    split so; without ``layers`` the latter finds no depths, and is several times as fast.

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
        native = _Native(cc, jobs or os.cpu_count() or 1, memory, method, layers, progress)

        def natively(wanted: Sequence[Property], symmetry: bool) -> Exploration:
            return _natively(
                system, topology, wanted, native, depth=depth, stop=stop, symmetry=symmetry
            )

        result = natively(now if symmetry else claims, symmetry)
        endings = [claim for claim in claims if claim.kind == "ends"]
        if symmetry and endings and result.end == "complete":
            apart = natively(endings, False)
            result.followed, result.found = apart.followed, result.found | apart.found
    return replace(result, claims=tuple(claims), seconds=perf_counter() - started)


def _follow(result: Exploration, claim: Property) -> None:
    """Look for a run along which the work of an *ends* property is never done."""
    from ..search.lasso import endless

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
    native: _Native,
    *,
    depth: int | None,
    stop: bool,
    symmetry: bool,
) -> Exploration:
    """With one bit a state where that is less work, otherwise with states as packed words.

    Whether it is shows when a search of packed states has not seen all of them soon.
    """
    symmetries = swaps(system, topology, claims) if symmetry else ()
    endings = [claim for claim in claims if claim.kind == "ends"]
    for numbers in _NUMBERS:
        model = build(system, topology, claims, numbers=numbers, symmetries=symmetries)
        digits = None if symmetry or depth or endings else _digits(model, native)
        if digits is not None and native.method == "bits":
            return _with_bits(model, digits, native, None)
        packing = Packing(model.domains, model.grounding.sorts)
        enough = native.memory
        if digits is not None:
            enough = min(enough, (digits.bits // SPARSE + _FEW) * (packing.bytes + 8) * 3 // 2)
        outcome = native.search(model, packing, memory=enough, depth=depth, stop=int(stop))
        if outcome.end == "memory" and enough < native.memory and digits is not None:
            return _with_bits(model, digits, native, _explored(model, outcome, endings))
        if outcome.end != "overflow":
            return _explored(model, outcome, endings)
    raise NativeError(f"a counter leaves the numbers from -1 to {_NUMBERS[-1] - 2}")


def _digits(model: Model, native: _Native) -> Split | None:
    """The digits of the states, if there is room for a bit for each combination."""
    if native.method == "packed":
        return None
    digits = split(model)
    arrays = 3 if native.layers else 2
    return digits if digits and words(digits) * 8 * arrays <= native.memory else None


def _with_bits(
    model: Model, digits: Split, native: _Native, begun: Exploration | None
) -> Exploration:
    """All states, one bit each; then the shortest traces that are not known yet."""
    outcome = native.turn(digits, len(model.claims))
    result = _explored(model, outcome, ())
    result.engine = "bits"
    seen = [model.claims[number] for number in sorted(outcome.seen)]
    if begun:
        result.found, result.deadlock = begun.found, begun.deadlock
    left = [claim for claim in seen if claim.name not in result.found]
    stuck = bool(result.deadlocks) and result.deadlock is None
    if left or stuck:
        fewer = build(model.system, model.topology, left)
        packing = Packing(fewer.domains, fewer.grounding.sorts)
        when = WHEN_STUCK if stuck else WHEN_SEEN
        again = native.search(fewer, packing, memory=native.memory, depth=None, stop=when)
        traces = _explored(fewer, again, ())
        result.found |= traces.found
        result.deadlock = result.deadlock or traces.deadlock
        result.seen = {claim.name for claim in left} - traces.found.keys()
    return result


@dataclass(frozen=True)
class _Native:
    """How the compiled searches are run."""

    cc: Compiler
    jobs: int
    memory: int
    method: Method
    layers: bool
    progress: Callable[[Progress], None] | None

    def search(
        self, model: Model, packing: Packing, *, memory: int, depth: int | None, stop: int
    ) -> Outcome:
        """With states as packed words."""
        return run(
            model,
            packing,
            self.cc,
            jobs=self.jobs,
            memory=memory,
            depth=depth,
            stop=stop,
            progress=self.progress,
        )

    def turn(self, digits: Split, claims: int) -> Outcome:
        """With one bit a state."""
        return run_bits(
            digits,
            claims,
            self.cc,
            jobs=self.jobs,
            layers=self.layers,
            progress=self.progress,
        )


def spin_model(system: System, topology: Topology, *, numbers: int = _NUMBERS[0]) -> str:
    """The machine as a Promela file, with the states and transitions that `explore` counts.

    Spin's "transitions (= stored+matched)" counts the boot state, too: one more.
    Parameters: ``numbers``, how many values a counter is given.
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
