"""The comparison as a hypothesis state machine: it shrinks what it finds, and pytest collects it.

One rule an operation, and one number drawn: a place among all the parameters of
the operation.  The rule takes the first choice from there on that the reference
allows, or, now and then, the first that it must refuse; where none is near, its
turn goes to an operation that the run has had before.  Smaller draws are simpler
operations.  Hypothesis leaves rules out of a run by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
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
from memhp.reference.topology import Value
from memhp.spec.language.system import System
from memhp.spec.profiles import system_of

from .lockstep import Divergence, boot, step
from .pieces import Piece
from .protocol import profile_of
from .record import Record
from .rules import RULES, Operation, Rule, rules_for
from .told import Untold, everything
from .topologies import SHAPES, built

__all__ = [
    "DivergenceFound",
    "LockStep",
    "conformance",
    "explored",
    "pick",
    "points",
    "state_machine",
]

_PLACES = 1 << 20
_TRIES = 24
_REFUSED = 5
"""One in so many operations is to be refused."""
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


@cache
def points(name: str) -> Mapping[str, Sequence[tuple[Value, ...]]]:
    """For each operation all its parameters on the machine of that name."""
    return {each.name: list(product(*each.choices(built(name)))) for each in RULES}


def pick(
    each: Rule,
    machine: Machine,
    choices: Sequence[tuple[Value, ...]],
    place: int,
    *,
    refused: bool,
) -> tuple[Value, ...] | None:
    """The first parameters from a place on that are enabled (or refused); None if none is near."""
    total = len(choices)
    for number in range(place, place + min(total, _TRIES)):
        params = choices[number % total]
        if each.enabled(machine, params) != refused:
            return params
    return None


class LockStep(RuleBasedStateMachine):
    """Reference and target, operation by operation; `state_machine` adds the rules."""

    reference: ReferenceTarget
    target: Target
    topologies: tuple[str, ...]
    steps = 0
    changed = 0
    answers: Counter[tuple[str, int | None]]
    untold: dict[str, Untold]

    def boot(self, name: str) -> None:
        """Both begin on the machine of that name."""
        self.name, self.done = name, list[Operation]()
        self.points, self.had = points(name), dict[Rule, None]()
        failed = boot(self.reference, self.target, built(name))
        self.before = self.reference.machine.values
        self.untold.setdefault(name, everything(self.reference))
        if failed is not None:
            raise DivergenceFound(name, failed)

    def turn(self, each: Rule, place: int) -> None:
        """Do the rule's operation, or one that the run has had, or what must be refused."""
        self.had[each] = None
        place, rest = divmod(place, _REFUSED)
        refused = rest == _REFUSED - 1
        for candidate in (each, *self.had):
            choices = self.points[candidate.name]
            params = pick(candidate, self.reference.machine, choices, place, refused=refused)
            if params is not None:
                return self.act((candidate.name, params))
        choices = self.points[each.name]
        self.act((each.name, choices[place % len(choices)]))

    def act(self, operation: Operation) -> None:
        """Do the operation on both.  Raises DivergenceFound."""
        kind = type(self)
        self.done.append(operation)
        answer, found = step(self.reference, self.target, operation, self.untold[self.name])
        kind.steps += 1
        kind.answers[operation[0], answer] += 1
        after = self.reference.machine.values
        kind.changed += self.before != after
        self.before = after
        if found is not None:
            raise DivergenceFound(self.name, replace(found, operations=tuple(self.done)))


def state_machine(
    target: Callable[[], Target],
    topologies: Sequence[str] = tuple(SHAPES),
    system: System | None = None,
) -> type[LockStep]:
    """A state machine with a rule for each operation that the target can do.

    Parameters: ``target``, a class, or what makes a target; ``topologies``, names
    of the machines to boot (`topologies.SHAPES`); ``system``, the design to compare with, that
    of the target's own ``profile`` unless given (`memhp.reference.Target`).
    """
    made = target()
    system = system or system_of(profile_of(made))
    rules = rules_for(getattr(made, "operations", None), system)
    body: dict[str, Any] = {
        "reference": ReferenceTarget(system),
        "target": made,
        "answers": Counter(),
        "untold": {},
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
    def act(self: LockStep, place: int) -> None:
        self.turn(each, place)

    act.__name__ = each.name
    return rule(place=integers(0, _PLACES))(act)


def explored(
    target: Target, topology: str, steps: int, seed: int, system: System | None = None
) -> Piece:
    """About that many operations on one machine, drawn and shrunk by hypothesis.

    Compared with ``system`` as in `state_machine`.
    """
    system = system or system_of(profile_of(target))
    kind = state_machine(lambda: target, (topology,), system)
    record = None
    try:
        run_state_machine_as_test(
            use_seed(seed)(kind), settings=_settings(max(1, steps // _RUN), _RUN, database=None)
        )
    except DivergenceFound as error:
        record = Record.of(system, built(topology), seed, error.divergence)
    untold = kind.untold.get(topology, {})
    return Piece(topology, kind.steps, kind.changed, kind.answers, untold, record)


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

    It is compared with what the list of 2004 asks for, or, if it has a ``profile``, with that.
    """
    case: type[TestCase] = state_machine(target, topologies).TestCase
    case.settings = _settings(examples, steps)  # type: ignore[attr-defined]
    return case
