"""A random walk: thousands of operations a second, the same ones for the same seed.

A walk is made of episodes, each from a fresh boot; an episode that diverges is
shrunk and told.
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

__all__ = ["Walk", "Watch", "episode_seed", "walk"]

Watch = Callable[[int, ReferenceTarget], None]
"""What looks on: the number of the episode, and the reference, at boot and after each operation."""


@dataclass
class Walk:
    """What a walk has done.

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


def episode_seed(seed: int, episode: int) -> int:
    """The seed of one episode of a walk."""
    return seed * 1_000_003 + episode


def walk(
    system: System,
    target: Target,
    topology: Topology,
    *,
    steps: int,
    seed: int = 0,
    episode: int = 500,
    rules: Sequence[Rule] = RULES,
    shrink: bool = True,
    refused: float = 0.2,
    watch: Watch | None = None,
) -> Walk:
    """Walk for that many operations, or to the first divergence.

    Parameters: ``episode``, after how many operations both boot again;
    ``shrink``, leave out of a divergence what it does not need; ``refused``, the
    share of operations that are not possible when they are drawn; ``watch``, called
    after each operation with the number of its episode and the reference.
    """
    result = Walk(seed, topology)
    reference = ReferenceTarget(system)
    number = 0
    while result.steps < steps and result.divergence is None:
        random = Random(episode_seed(seed, number))
        length = min(episode, steps - result.steps)
        looks = None if watch is None else partial(watch, number)
        _episode(result, reference, target, random, length, rules, refused, looks)
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
    rules: Sequence[Rule],
    refused: float,
    looks: Callable[[ReferenceTarget], None] | None,
) -> None:
    failed = boot(reference, target, result.topology)
    if not result.steps:
        result.untold = everything(reference)
    if failed is not None:
        result.divergence = failed
        return
    chosen = _swarm(rules, random)
    done: list[Operation] = []
    before = reference.machine.values
    if looks is not None:
        looks(reference)
    for _ in range(steps):
        operation = draw(chosen, reference.machine, random, refused=refused)
        done.append(operation)
        answer, found = step(reference, target, operation, result.untold)
        result.steps += 1
        result.answers[operation[0], answer] += 1
        after = reference.machine.values
        result.changed += after != before
        before = after
        if looks is not None:
            looks(reference)
        if found is not None:
            result.divergence = replace(found, operations=tuple(done))
            return


def _swarm(rules: Sequence[Rule], random: Random) -> list[Rule]:
    """In half of the episodes some rules are left out, so that others go deep."""
    if random.random() < 0.5:
        return list(rules)
    kept = [rule for rule in rules if random.random() < 0.7]
    return kept or list(rules)
