"""A random walk: thousands of operations a second, the same ones for the same seed.

A walk is made of episodes, each from a fresh boot; it ends with the first that diverges, which
is shrunk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from memhp.reference.target import ReferenceTarget, Target
from memhp.reference.topology import Topology
from memhp.spec.language.system import System

from .lockstep import Divergence, boot, shrunk, step
from .rules import RULES, Operation, Rule, draw
from .told import Untold, everything

__all__ = ["Walk", "Watch", "Workload", "derived_seed", "walk"]

Watch = Callable[[int, ReferenceTarget], None]
"""What looks on: the number of the episode, and the reference, at boot and after each operation."""


@dataclass(frozen=True)
class Workload:
    """What a walk draws.

    Attributes:
        rules: the operations.
        refused: the share of them that is not possible when it is drawn.
        episode: after how many operations both boot again.
    """

    rules: Sequence[Rule] = RULES
    refused: float = 0.2
    episode: int = 500


_USUAL = Workload()


@dataclass
class Walk:
    """What a walk has done: how many operations, and how many of them changed something.

    ``answers`` counts each operation by what it answered; ``untold`` is what the
    target never told.
    """

    seed: int
    topology: Topology
    steps: int = 0
    changed: int = 0
    answers: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    untold: Untold = field(default_factory=dict)
    divergence: Divergence | None = None

    @property
    def share_changed(self) -> float:
        """The share of the operations that changed something."""
        return self.changed / self.steps if self.steps else 0.0


def derived_seed(seed: int, number: int) -> int:
    """The seed of a numbered part: a piece of a campaign, or an episode of a walk."""
    return seed * 1_000_003 + number


def walk(
    system: System,
    target: Target,
    topology: Topology,
    *,
    steps: int,
    seed: int = 0,
    workload: Workload = _USUAL,
    shrink: bool = True,
    watch: Watch | None = None,
) -> Walk:
    """What a walk has done after that many operations, or at the first divergence.

    Args:
        system: the design to compare with.
        target: what is compared.
        topology: the machine that both boot.
        steps: how many operations.
        seed: the same one takes the same walk.
        workload: what is drawn.
        shrink: leave out of a divergence what it does not need.
        watch: called at boot and after each operation.

    Raises:
        TargetError: the target cannot be that machine, or does not keep to what a target returns.
    """
    result = Walk(seed, topology)
    reference = ReferenceTarget(system)
    number = 0
    while result.steps < steps and result.divergence is None:
        random = Random(derived_seed(seed, number))
        length = min(workload.episode, steps - result.steps)
        look = partial(watch, number) if watch else lambda _: None
        _episode(result, reference, target, random, length, workload, look)
        number += 1
    if result.divergence is not None and shrink:
        result.divergence = shrunk(system, target, topology, result.divergence)
    return result


def _episode(
    result: Walk,
    reference: ReferenceTarget,
    target: Target,
    random: Random,
    steps: int,
    workload: Workload,
    look: Callable[[ReferenceTarget], None],
) -> None:
    result.divergence = boot(reference, target, result.topology)
    if not result.steps:
        result.untold = everything(reference)
    if result.divergence is not None:
        return
    chosen = _swarm(workload.rules, random)
    operations: list[Operation] = []
    before = reference.machine.values
    look(reference)
    for _ in range(steps):
        operation = draw(chosen, reference.machine, random, refused=workload.refused)
        operations.append(operation)
        answer, divergence = step(reference, target, operation, result.untold)
        result.steps += 1
        result.answers[operation[0], answer] += 1
        after = reference.machine.values
        result.changed += after != before
        before = after
        look(reference)
        if divergence is not None:
            result.divergence = replace(divergence, operations=tuple(operations))
            return


def _swarm(rules: Sequence[Rule], random: Random) -> list[Rule]:
    """In half of the episodes some rules are left out, so that others go deep.

    Source: A. Groce et al., Swarm testing (2012).
    """
    if random.random() < 0.5:
        return list(rules)
    some = [rule for rule in rules if random.random() < 0.7]
    return some or list(rules)
