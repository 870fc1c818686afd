"""Breadth-first search from the boot state: real counterexamples, and what is reachable.

Every state is computed by the reference; a trace that is found is minimal for
its topology, and runs there step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from memhp.reference import (
    Machine,
    Step,
    Topology,
    Trace,
    Violation,
)
from memhp.reference.compile import Program
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import conj

from ..support.remembered import Remembered

__all__ = [
    "Choice",
    "Edge",
    "Frontier",
    "ReplayError",
    "Search",
    "Witness",
    "booted",
    "search",
    "settle",
    "unfinished",
    "way",
]


booted: Remembered[Machine] = Remembered(Machine)
"""The machine as it boots, to be copied: what was compiled for it stays."""


class ReplayError(Exception):
    """The reference refuses a step of a trace: a search is wrong, or a kept trace is damaged."""


Choice = tuple[str, tuple[int, ...]]
Edge = tuple[Choice, bytes]


@dataclass(frozen=True)
class Witness:
    """A trace from boot that violates a property, or reaches a *sometimes*.

    ``params`` are the elements for which it does; for an *ends* property -1 is any.
    ``loop`` is set for an *ends* property: after that many steps the rest of
    the trace is a cycle that may be taken for ever.
    """

    claim: Property
    topology: Topology
    steps: tuple[Choice, ...]
    params: tuple[int, ...]
    loop: int | None = None

    def trace(self, system: System) -> Trace:
        """The witness as a trace of the reference, which can be stored."""
        machine = booted(system, self.topology)
        steps = (Step(action, machine.parameters(action, *point)) for action, point in self.steps)
        return Trace(system.name, self.topology, tuple(steps), loop=self.loop)

    def replay(self, system: System) -> list[Machine]:
        """The machine after each step, the boot state first.

        Raises:
            ReplayError: a step is refused.
        """
        machines = [booted(system, self.topology).copy()]
        for action, point in self.steps:
            machine = machines[-1].copy()
            outcome = machine.step(action, *point)
            if not outcome:
                raise ReplayError(f"{action} is refused: {outcome}")
            machines.append(machine)
        return machines

    def violations(self, machines: Sequence[Machine]) -> list[Violation]:
        """The violations of the property at the end of the replayed trace.

        There are none of a *sometimes* or an *ends* property.
        """
        if self.claim.kind not in ("always", "step"):
            return []
        return machines[-1].violations_of(self.claim.name, *machines[-2:-1])

    def is_shown_by(self, machines: Sequence[Machine]) -> bool:
        """Whether the replayed trace reaches the *sometimes*, or violates its property."""
        if self.claim.kind == "sometimes":
            return bool(machines[-1].witnesses(self.claim.name, *machines[-2:-1]))
        if self.claim.kind == "ends":
            return self._never_ends(machines)
        return bool(self.violations(machines))

    def _never_ends(self, machines: Sequence[Machine]) -> bool:
        """The cycle comes back to where it began, and all along it there is work left.

        On it a step that helps is taken, or there is a state where none is possible.
        """
        ending = self.claim.ending
        assert ending
        if self.loop is None or machines[self.loop].key() != machines[-1].key():
            return False
        cycle, steps = machines[self.loop :], self.steps[self.loop :]
        if any(name in ending.unless for name, _ in steps):
            return False
        watch = unfinished(self.claim)
        program = Program(replace(machines[0].system, properties=(watch,)), self.topology)
        work = [self._work(program, machine.values) for machine in cycle]
        if not all(work):
            return False
        helped = any(
            name in ending.by and work[at] - work[at + 1] for at, (name, _) in enumerate(steps)
        )
        return helped or any(
            not self._helps(program, machine, elements)
            for machine, elements in zip(cycle, work, strict=True)
        )

    def _work(self, program: Program, state: Sequence[int]) -> set[tuple[int, ...]]:
        """The elements of the work that is not done."""
        points = map(tuple, program.cases(self.claim.name)(list(state)))
        return {point for point in points if self._matches(point)}

    def _helps(self, program: Program, machine: Machine, work: set[tuple[int, ...]]) -> bool:
        """A step of the actions that should help takes an element out."""
        assert self.claim.ending
        for name in program.system.action_by_name.keys() & set(self.claim.ending.by):
            for point in program.enabled(name)(list(machine.values)):
                after = list(machine.values)
                program.action(name).apply(after, *point)
                if work - self._work(program, after):
                    return True
        return False

    def _matches(self, point: Sequence[int]) -> bool:
        return all(mine in (-1, other) for mine, other in zip(self.params, point, strict=True))


def unfinished(claim: Property) -> Property:
    """The *sometimes* property that the work of an *ends* property is not done."""
    assert claim.ending
    work = conj(claim.ending.during, claim.ending.left)
    return replace(claim, kind="sometimes", formula=work, ending=None)


def way(links: Mapping[bytes, tuple[bytes, Choice] | None], key: bytes) -> list[Edge]:
    """The steps to a state, each with the state that it leads to.

    Args:
        links: of each state the one before it, with the step between; None where a way begins.
        key: the state.
    """
    edges: list[Edge] = []
    while link := links[key]:
        edges.append((link[1], key))
        key = link[0]
    return edges[::-1]


@dataclass
class Search:
    """The outcome of a search: how much of the machines it covered, and the witnesses by property.

    ``depth`` counts steps from boot; ``complete`` if every reachable state was seen, or every
    target decided; ``spent`` if it gave up for want of budget.
    """

    states: int = 0
    transitions: int = 0
    depth: int = 0
    complete: bool = True
    spent: bool = False
    witnesses: dict[str, Witness] = field(default_factory=dict)


class Frontier(Protocol):
    """The search of one topology: the layer to expand, and where each state came from."""

    depth: int

    @property
    def layer(self) -> object:
        """The states to expand next; false if there is none."""

    @property
    def states(self) -> int:
        """The number of states so far."""

    def look(self, targets: dict[str, Property], result: Search) -> None:
        """Settle the targets that the boot state shows."""

    def expand(self, targets: dict[str, Property], result: Search, max_states: int) -> bool:
        """Replace the layer by the next one; false when the budget is spent."""


@dataclass
class _Frontier:
    """The search of one topology, by the reference."""

    program: Program
    layer: list[bytes]
    parents: dict[bytes, tuple[bytes, Choice] | None]
    depth: int = 0

    @classmethod
    def at_boot(cls, system: System, topology: Topology, _targets: Sequence[Property]) -> _Frontier:
        program = Program(system, topology)
        boot = program.pack(list(program.initial))
        return cls(program, [boot], {boot: None})

    @property
    def states(self) -> int:
        return len(self.parents)

    def trace(self, key: bytes) -> list[Choice]:
        """The steps from boot to the state."""
        return [choice for choice, _ in way(self.parents, key)]

    def look(self, targets: dict[str, Property], result: Search) -> None:
        for key in self.layer:
            _judge(self, key, self.program.unpack(key), targets, result)

    def expand(self, targets: dict[str, Property], result: Search, max_states: int) -> bool:
        return _expand(self, targets, result, max_states)


def search(
    system: System,
    topologies: Iterable[Topology],
    targets: Sequence[Property],
    *,
    depth: int | None = None,
    max_states: int = 1_000_000,
    least: int | None = 0,
    progress: Callable[[Search], None] | None = None,
    begin: Callable[[System, Topology, Sequence[Property]], Frontier] = _Frontier.at_boot,
) -> Search:
    """The outcome of a breadth-first search of all topologies, until every target is decided.

    The trace for a target is the shortest over all the topologies; or, where it does not matter on
    which it is shown, of its own: the one with the fewest states goes on, and holds up no other.

    Args:
        system: the specification.
        topologies: machines, each searched from its boot state.
        targets: properties of any kind but *ends*: *always* and *step* are shown when they are
            violated, a *sometimes* when it is reached.
        depth: steps to go, at most; any number by default.
        max_states: in all, after which the search gives up (`Search.spent`).
        least: no trace has fewer steps, on any of the topologies: until the first one has been
            searched so far, no other is begun; None where any of them will do.
        progress: called with the search so far, after each layer.
        begin: makes the frontier of one topology, at boot.
    """
    result = Search()
    frontiers: list[Frontier] = []
    open_targets = {claim.name: claim for claim in targets}
    waiting = list(topologies)
    while open_targets or not frontiers:
        if waiting and all(f.depth >= (least or 0) for f in frontiers if f.layer):
            now = 1 if least and not frontiers else len(waiting)
            more = [begin(system, topology, targets) for topology in waiting[:now]]
            waiting = waiting[now:]
            frontiers += more
            _look_at_boot(more, open_targets, result)
        elif (frontier := _next(frontiers, depth, least, result)) is None:
            break
        elif not frontier.expand(open_targets, result, max_states):
            result.complete, result.spent = False, True
            break
        else:
            frontier.depth += 1
            _reach(frontiers, result, progress)
    return result


def _look_at_boot(
    frontiers: Sequence[Frontier], targets: dict[str, Property], result: Search
) -> None:
    """Settle the targets that one of the boot states shows."""
    for frontier in frontiers:
        if targets:
            frontier.look(targets, result)
    result.states += len(frontiers)


def _next(
    frontiers: Sequence[Frontier], depth: int | None, least: int | None, result: Search
) -> Frontier | None:
    """The frontier that goes on; None if each is over, or as deep as it may be."""
    open_ended = [f for f in frontiers if f.layer]
    going_on = [f for f in open_ended if f.depth != depth]
    if open_ended and not going_on:
        result.complete = False
    return min(going_on, key=lambda f: f.states if least is None else f.depth, default=None)


def _reach(
    frontiers: Sequence[Frontier], result: Search, progress: Callable[[Search], None] | None
) -> None:
    """Note how deep all of them are by now, and say so if that is new."""
    depth = min([f.depth for f in frontiers if f.layer] or [f.depth for f in frontiers])
    if depth > result.depth and progress:
        progress(replace(result, depth=depth))
    result.depth = depth


def _expand(
    frontier: _Frontier, targets: dict[str, Property], result: Search, max_states: int
) -> bool:
    """Replace the layer by the next one; false when the budget is spent."""
    program, parents = frontier.program, frontier.parents
    actions = [
        (name, program.enabled(name), program.action(name).apply)
        for name in program.system.action_by_name
    ]
    steps = [claim for claim in targets.values() if claim.of_step]
    following: list[bytes] = []
    for key in frontier.layer:
        state = program.unpack(key)
        for name, enabled, take in actions:
            for point in enabled(state):
                after = state.copy()
                take(after, *point)
                result.transitions += 1
                if steps:
                    _judge_step(frontier, key, state, (name, tuple(point)), after, targets, result)
                new = program.pack(after)
                if new not in parents:
                    parents[new] = (key, (name, tuple(point)))
                    following.append(new)
                    _judge(frontier, new, after, targets, result)
        if not targets:
            break
        if result.states + len(following) > max_states:
            return False
    result.states += len(following)
    frontier.layer = following
    return True


def _judge(
    frontier: _Frontier,
    key: bytes,
    state: list[int],
    targets: dict[str, Property],
    result: Search,
) -> None:
    for claim in list(targets.values()):
        if claim.of_step:
            continue
        cases = frontier.program.cases(claim.name)(state)
        for point in cases:
            steps = tuple(frontier.trace(key))
            settle(Witness(claim, frontier.program.topology, steps, tuple(point)), targets, result)
            break


def _judge_step(
    frontier: _Frontier,
    key: bytes,
    before: list[int],
    choice: Choice,
    after: list[int],
    targets: dict[str, Property],
    result: Search,
) -> None:
    for claim in list(targets.values()):
        if not claim.of_step:
            continue
        for point in frontier.program.cases(claim.name)(before, after):
            steps = (*frontier.trace(key), choice)
            settle(Witness(claim, frontier.program.topology, steps, tuple(point)), targets, result)
            break


def settle(witness: Witness, targets: dict[str, Property], result: Search) -> None:
    """Move the property of the witness from the targets to the result."""
    result.witnesses[witness.claim.name] = witness
    del targets[witness.claim.name]
