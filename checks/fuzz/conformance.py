"""The comparison as a hypothesis state machine: it shrinks what it finds, and pytest collects it.

One rule an operation, and one number drawn: a place among all the parameters of
the operation.  The rule takes the first choice from there on that the reference
allows, or, now and then, the first that it must refuse; where none is near, its
turn goes to an operation that the run has had before.  Smaller draws are simpler
operations.  Hypothesis leaves rules out of a run by itself.

On a machine of one's own, with frames given back often, and two words only for a block's state::

    TestMyMemory = conformance(
        MyMemory,
        topologies={"small": Shape(blocks=3, frames=2)},
        rules=(
            Rule("free_kernel", ("Frame",), weight=40),
            Rule("write_state", ("Block", ("online", "offline"))),
        ),
    )
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from tempfile import NamedTemporaryFile
from typing import Any, NoReturn
from unittest import TestCase

from hypothesis import HealthCheck, settings
from hypothesis import seed as use_seed
from hypothesis.errors import Flaky
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
from memhp.spec.language.system import System
from memhp.spec.profiles import system_of

from .isolated import Isolated
from .lockstep import Divergence, boot, shrunk, step
from .pieces import Piece
from .plan import Machines, plan
from .protocol import profile_of
from .record import Record
from .rules import EVERY, Operation, Rule
from .told import Untold, everything

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
"""Steps in one run: its boot, and operations."""


class DivergenceFound(AssertionError):
    """A target leaves the specification: on which machine, after which operations."""

    def __init__(self, topology: str, divergence: Divergence, again: str = "") -> None:
        operations = "\n".join(
            f"  {number} {name}({', '.join(map(str, params))})"
            for number, (name, params) in enumerate(divergence.operations, 1)
        )
        self.again = again
        hint = f"\nagain: {again}" if again else ""
        super().__init__(f"on {topology}, after\n{operations}\n{divergence}{hint}")
        self.topology = topology
        self.divergence = divergence


class _Silent(BaseException):
    """Ends hypothesis, which would wait again and again to make what it was told shorter."""

    def __init__(self, error: DivergenceFound) -> None:
        super().__init__(str(error))
        self.error = error


class _Points(dict[str, Sequence[tuple[Value, ...]]]):
    """For each operation all its parameters on one machine, each list made when it is read."""

    def __init__(self, topology: Topology) -> None:
        super().__init__()
        self._topology = topology

    def __missing__(self, name: str) -> Sequence[tuple[Value, ...]]:
        self[name] = list(product(*EVERY[name].choices(self._topology)))
        return self[name]


@cache
def points(topology: Topology) -> dict[str, Sequence[tuple[Value, ...]]]:
    """For each operation, by name, all its parameters on that machine, in row-major order."""
    return _Points(topology)


def pick(
    each: Rule,
    machine: Machine,
    choices: Sequence[tuple[Value, ...]],
    place: int,
    *,
    refused: bool,
) -> tuple[Value, ...] | None:
    """The first parameters from a place on that are enabled (or refused); None if none is near.

    Args:
        each: the operation.
        machine: the reference's, which says what is enabled.
        choices: all parameters of the operation.
        place: where among them to begin; 24 are tried, and after the last comes the first.
        refused: look for some that are refused.
    """
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
    machines: Mapping[str, Topology]
    own: Sequence[Rule] = ()
    """Those that memhp does not draw so: a design's own, or the target's."""
    steps = 0
    changed = 0
    answers: Counter[tuple[str, int | None]]
    untold: dict[str, Untold]
    first: DivergenceFound | None = None
    """The one that was found first, whether or not it is there again."""

    def boot(self, name: str) -> None:
        """Boot both as the machine of that name.

        Raises:
            DivergenceFound: the target fails.
            TargetError: it cannot be that machine.
        """
        self.name, self.operations = name, list[Operation]()
        topology = self.machines[name]
        self.points, self.had = points(topology), dict[Rule, None]()
        for each in self.own:
            self.points[each.name] = list(product(*each.choices(topology)))
        failed = boot(self.reference, self.target, topology)
        self.before = self.reference.machine.values
        self.untold.setdefault(name, everything(self.reference))
        if failed is not None:
            self._raise(failed)

    def turn(self, each: Rule, place: int) -> None:
        """Do the rule's operation, or one that the run has had, or what must be refused.

        Args:
            each: the operation's rule.
            place: drawn; where to look for parameters, and whether what is refused is looked for.

        Raises:
            DivergenceFound: as `act`.
        """
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
        """Do the operation on both.

        Raises:
            DivergenceFound: they differ.
            TargetError: the target does not keep to what a target must return.
        """
        kind = type(self)
        self.operations.append(operation)
        answer, divergence = step(self.reference, self.target, operation, self.untold[self.name])
        kind.steps += 1
        kind.answers[operation[0], answer] += 1
        after = self.reference.machine.values
        kind.changed += self.before != after
        self.before = after
        if divergence is not None:
            self._raise(replace(divergence, operations=tuple(self.operations)))

    def _raise(self, divergence: Divergence) -> NoReturn:
        kind = type(self)
        error = DivergenceFound(self.name, divergence)
        kind.first = kind.first or error
        raise _Silent(error) if divergence.silent else error


def _found(kind: type[LockStep], error: BaseException) -> DivergenceFound:
    """What diverged: the first time, if hypothesis complains that it was not there again."""
    if isinstance(error, _Silent):
        return error.error
    if isinstance(error, DivergenceFound):
        return error
    if kind.first is None:
        raise error
    return kind.first


def state_machine(
    target: Callable[[], Target],
    topologies: Machines | None = None,
    system: System | None = None,
    rules: Collection[Rule] | None = None,
) -> type[LockStep]:
    """A hypothesis state machine with a rule for each operation that the target can do.

    Args:
        target: a class, or what makes a target.
        topologies: names of the machines to boot (`topologies.SHAPES`), or machines of your own
            by name (`Topology` or `Shape`); without them, the target's own ``topologies``, or all
            that go with its operations.
        system: the design to compare with; without it, that of the target's own ``profile``
            (`memhp.reference.Target`).
        rules: how operations are drawn, where not as memhp does it; without them, the target's
            own ``rules``.

    Raises:
        TargetError: it names what is no operation, machine or profile.
    """
    tested = target()
    system = system or system_of(profile_of(tested))
    asked = plan(tested, system, rules=rules, topologies=topologies)
    body: dict[str, Any] = {
        "reference": ReferenceTarget(system),
        "target": tested,
        "own": tuple(rule for rule in asked.rules if rule != EVERY.get(rule.name)),
        "machines": asked.machines,
        "answers": Counter(),
        "untold": {},
        "boot": initialize(name=sampled_from(list(asked.machines)))(_plain(LockStep.boot)),
        **{each.name: _rule(each) for each in asked.rules},
    }
    return type(f"Conformance[{type(tested).__name__}]", (LockStep,), body)


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
    """What a piece did whose operations hypothesis draws, and shrinks where they diverge.

    Args:
        target: what is compared.
        topology: the name of the machine.
        steps: about so many operations.
        seed: hypothesis's, and the record's.
        system: the design to compare with, as in `state_machine`.
    """
    system = system or system_of(profile_of(target))
    own = getattr(target, "topologies", None)
    here = {topology: own[topology]} if isinstance(own, Mapping) else (topology,)
    kind = state_machine(lambda: target, here, system)
    record = None
    length = min(steps + 1, _RUN)
    try:
        run_state_machine_as_test(
            use_seed(seed)(kind), settings=_settings(max(1, steps // _RUN), length, database=None)
        )
    except (DivergenceFound, _Silent, Flaky) as error:
        machine = kind.machines[topology]
        least = shrunk(system, target, machine, _found(kind, error).divergence)
        record = Record.of(system, machine, seed, least)
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
    topologies: Machines | None = None,
    rules: Collection[Rule] | None = None,
    examples: int = 100,
    steps: int = 50,
    isolated: bool = False,
    limit: float | None = None,
) -> type[TestCase]:
    """A test case that pytest collects: the target does what the specification does.

    It is compared with what the list of 2004 asks for, or, if it has a ``profile``, with that.
    A divergence is made shorter, and kept in a temporary file that the failure names.

    Args:
        target: a class, or what makes a target.
        topologies, rules: as in `state_machine`.
        examples: how many runs.
        steps: at most so many operations in a run.
        isolated: run the target in a process of its own, so that its death is a divergence.
            Otherwise a target that ends or kills its process ends pytest, and nobody learns what
            it did last; a debugger and a measurement of coverage see what it does only then.
        limit: how many seconds a target that is ``isolated`` may take for an operation.

    Raises:
        TargetError: the target names what is no operation, or no profile.

    In a test module of your own::

        from memhp.checks.fuzz.conformance import conformance

        TestMyMemory = conformance(MyMemory)
    """
    make = (lambda: Isolated(target, limit=limit)) if isolated else target
    kind = state_machine(make, topologies, rules=rules)
    plain: type[TestCase] = kind.TestCase

    class Conformance(plain):  # type: ignore[misc, valid-type]  # hypothesis makes the class
        settings = _settings(examples, steps)

        def runTest(self) -> None:  # unittest's name
            try:
                super().runTest()
            except (DivergenceFound, _Silent, Flaky) as error:
                raise _shorter(kind, _found(kind, error), target) from None

        runTest.is_hypothesis_test = True  # type: ignore[attr-defined]  # as hypothesis' own

    return Conformance


def _shorter(
    kind: type[LockStep], error: DivergenceFound, target: Callable[[], Target]
) -> DivergenceFound:
    """The divergence without what it does not need, and the command that does it again."""
    topology, system = kind.machines[error.topology], kind.reference.system
    least = shrunk(system, kind.target, topology, error.divergence)
    with NamedTemporaryFile(
        "w", prefix="divergence-", suffix=".json", delete=False, encoding="utf-8"
    ) as file:
        json.dump(Record.of(system, topology, 0, least).to_json(), file, indent=1)
    name = getattr(target, "__qualname__", "")
    where = f"{target.__module__}:{name}" if name.isidentifier() else "module:Class"
    again = shlex.join(["memhp", "replay", file.name, "--target", where])
    return DivergenceFound(error.topology, least, again)
