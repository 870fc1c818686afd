"""The comparison as a hypothesis state machine: it shrinks what it finds, and pytest collects it.

One rule an operation.  A rule draws a place among all the parameters of its
operation and takes the first choice from there on that the reference allows, or,
now and then, the first that it must refuse; so few steps are wasted, and smaller
draws are simpler operations.  Hypothesis leaves rules out of a run by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any
from unittest import TestCase

from hypothesis import HealthCheck, settings
from hypothesis import seed as use_seed
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import integers, sampled_from

from memhp.reference.machine import Machine
from memhp.reference.target import ReferenceTarget, Target
from memhp.reference.topology import Topology, Value
from memhp.spec.system import SYSTEM

from .lockstep import Divergence, step
from .pieces import Piece
from .record import Record
from .rules import Operation, Rule, rules_for
from .topologies import SHAPES, built

__all__ = ["DivergenceFound", "LockStep", "conformance", "explored", "pick", "state_machine"]

_PLACES = 1 << 20
_TRIES = 48
_RUN = 50
"""Operations in one run."""


class DivergenceFound(AssertionError):
    """A target leaves the specification: on which machine, after which operations."""

    def __init__(self, topology: str, divergence: Divergence) -> None:
        operations = "\n".join(
            f"  {number} {name}({', '.join(map(str, params))})"
            for number, (name, params) in enumerate(divergence.operations, 1)
        )
        super().__init__(f"on {topology}, after\n{operations}\n{divergence}")
        self.topology = topology
        self.divergence = divergence


def pick(each: Rule, machine: Machine, place: int, *, refused: bool) -> tuple[Value, ...] | None:
    """The first parameters from a place on that are enabled (or refused); None if none is near."""
    choices = [_choices(choice, machine.topology) for choice in each.params]
    total = prod(map(len, choices))
    for number in range(place % total, place % total + min(total, _TRIES)):
        params, rest = [], number % total
        for values in choices:
            rest, at = divmod(rest, len(values))
            params.append(values[at])
        if each.enabled(machine, tuple(params)) != refused:
            return tuple(params)
    return None


def _choices(choice: str | tuple[Value, ...], topology: Topology) -> Sequence[Value]:
    return range(topology.sizes[choice]) if isinstance(choice, str) else choice


class LockStep(RuleBasedStateMachine):
    """Reference and target, operation by operation; `state_machine` adds the rules."""

    reference: ReferenceTarget
    target: Target
    topologies: tuple[str, ...]
    steps = 0
    changed = 0
    answers: Counter[tuple[str, int | None]]

    def boot(self, name: str) -> None:
        """Both begin on the machine of that name."""
        self.name, self.done = name, list[Operation]()
        self.reference.reset(built(name))
        self.target.reset(built(name))

    def act(self, operation: Operation) -> None:
        """Do the operation on both.  Raises DivergenceFound."""
        kind, before = type(self), self.reference.machine.key()
        self.done.append(operation)
        answer, found = step(self.reference, self.target, operation)
        kind.steps += 1
        kind.answers[operation[0], answer] += 1
        kind.changed += before != self.reference.machine.key()
        if found is not None:
            raise DivergenceFound(self.name, replace(found, operations=tuple(self.done)))


def state_machine(
    target: Callable[[], Target], topologies: Sequence[str] = tuple(SHAPES)
) -> type[LockStep]:
    """A state machine with a rule for each operation that the target can do.

    Parameters: ``target``, a class, or what makes a target; ``topologies``, names
    of the machines to boot (`topologies.SHAPES`).
    """
    made = target()
    rules = rules_for(getattr(made, "operations", None))
    body: dict[str, Any] = {
        "reference": ReferenceTarget(SYSTEM),
        "target": made,
        "answers": Counter(),
        "boot": initialize(name=sampled_from(list(topologies)))(_plain(LockStep.boot)),
        **{each.name: _rule(each) for each in rules},
    }
    return type(f"Conformance[{type(made).__name__}]", (LockStep,), body)


def _plain(function: Callable[..., None]) -> Callable[..., None]:
    """A function of its own, for a decorator to mark."""

    def boot(self: LockStep, name: str) -> None:
        function(self, name)

    return boot


def _rule(each: Rule) -> Any:
    def act(self: LockStep, place: int, refused: bool) -> None:
        params = pick(each, self.reference.machine, place, refused=refused)
        if params is not None:
            self.act((each.name, params))

    act.__name__ = each.name
    return rule(place=integers(0, _PLACES), refused=sampled_from([False] * 4 + [True]))(act)


def explored(target: Target, topology: str, steps: int, seed: int) -> Piece:
    """About that many operations on one machine, drawn and shrunk by hypothesis."""
    kind = state_machine(lambda: target, (topology,))
    record = None
    try:
        run_state_machine_as_test(
            use_seed(seed)(kind), settings=_settings(max(1, steps // _RUN), _RUN, database=None)
        )
    except DivergenceFound as error:
        record = Record.of(SYSTEM, built(topology), seed, error.divergence)
    return Piece(kind.steps, kind.changed, kind.answers, record)


def _settings(examples: int, steps: int, **more: Any) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )


def conformance(
    target: Callable[[], Target],
    *,
    topologies: Sequence[str] = tuple(SHAPES),
    examples: int = 100,
    steps: int = 50,
) -> type[TestCase]:
    """A test case that pytest collects: the target does what the specification does.

    Parameters: ``target`` and ``topologies`` as in `state_machine`; ``examples``, how
    many runs, of at most ``steps`` operations each.

    In a test module of your own::

        from memhp.checks.fuzz.conformance import conformance

        TestMyMemory = conformance(MyMemory)
    """
    case: type[TestCase] = state_machine(target, topologies).TestCase
    case.settings = _settings(examples, steps)  # type: ignore[attr-defined]
    return case
