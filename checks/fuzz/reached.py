"""How deep a walk goes: which *sometimes* properties it reaches, and which actions it takes.

States within an operation count: its steps are taken again one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from memhp.reference.machine import Machine
from memhp.reference.target import ReferenceTarget, Target
from memhp.reference.topology import Topology
from memhp.spec.language.system import Property, System

from ..ground.cuts import reads
from .lockstep import Divergence
from .plan import plan
from .told import Untold, never_told
from .walk import Workload, walk

__all__ = ["Reached", "reached"]


@dataclass
class Reached:
    """What walks have reached.

    ``episodes`` counts for each *sometimes* property the episodes that reach it, of
    ``of``; ``taken`` counts each action; ``untold`` is, for each machine, what the target
    never told; ``divergence`` is the first one, if there is one; ``machines`` are those walked on.
    """

    system: System
    steps: int = 0
    of: int = 0
    episodes: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    untold: dict[str, Untold] = field(default_factory=dict)
    divergence: Divergence | None = None
    machines: Mapping[str, Topology] = field(default_factory=dict)

    @property
    def missed(self) -> dict[str, tuple[str, ...]]:
        """The *sometimes* properties that no episode reaches, each with what it is `lacking`."""
        return {
            claim.name: self.lacking(claim)
            for claim in self.system.of_kind("sometimes")
            if not self.episodes[claim.name]
        }

    @property
    def never_told(self) -> tuple[str, ...]:
        """The names of the variables of which the target told nothing, on no machine."""
        return never_told(self.system, self.untold, self.machines)

    def left_untold(self, claim: Property) -> int:
        """How many entries of the variables that a property reads the target told on no walk."""
        read = reads(self.system, claim.formula)
        return sum(len(of.get(name, ())) for of in self.untold.values() for name in read)

    def lacking(self, claim: Property) -> tuple[str, ...]:
        """The names of the actions that change what a property reads, and were not taken."""
        read = reads(self.system, claim.formula)
        changing = (action.name for action in self.system.actions if action.written & read)
        return tuple(name for name in changing if not self.taken[name])


class _Watch:
    """Looks at every state on the way; what an episode has reached it does not look for again."""

    def __init__(self, result: Reached, claims: Iterable[Property]) -> None:
        self.result = result
        self.episode = -1
        read = {claim: reads(result.system, claim.formula) for claim in claims}
        self.every = [claim.name for claim in read]
        self.decided_by = {
            action.name: [
                claim.name
                for claim, symbols in read.items()
                if claim.of_step or not symbols.isdisjoint(action.written)
            ]
            for action in result.system.actions
        }

    def __call__(self, episode: int, reference: ReferenceTarget) -> None:
        if episode != self.episode:
            self.episode, self.result.of = episode, self.result.of + 1
            self.unreached = set(self.every)
            self.machine = reference.machine.copy()
            self._look(None, self.every)
            return
        for name, params in reference.steps:
            before = self.machine.copy()
            self.machine.step(name, *params)
            self.result.taken[name] += 1
            self._look(before, self.decided_by[name])
        if self.machine != reference.machine:  # a failed operation has given back what it took
            self.machine = reference.machine.copy()
            self._look(None, self.every)

    def _look(self, before: Machine | None, names: Iterable[str]) -> None:
        """Which of those that may be reached only now are."""
        for name in names:
            if name in self.unreached and self.machine.witnesses(name, before):
                self.result.episodes[name] += 1
                self.unreached.remove(name)


def reached(
    system: System,
    target: Target,
    *,
    steps: int,
    seed: int = 0,
    topologies: Sequence[str] = (),
    looked_for: Iterable[Property] | None = None,
) -> Reached:
    """What walks reach, on one machine after the other, until something diverges.

    Args:
        system: the design to compare with.
        target: what is compared.
        steps: how many operations in all.
        seed: that of each walk.
        topologies: names of machines; without them, the target's own, or all that its operations
            go with.
        looked_for: the *sometimes* properties to look for in each state; without them, all.

    Raises:
        TargetError: as `walk`.
    """
    asked = plan(target, system, topologies=topologies or None)
    result = Reached(system, machines=asked.machines)
    claims = tuple(system.of_kind("sometimes") if looked_for is None else looked_for)
    for name, machine in asked.machines.items():
        way = walk(
            system,
            target,
            machine,
            steps=steps // len(asked.machines),
            seed=seed,
            workload=Workload(asked.rules),
            watch=_Watch(result, claims),
        )
        result.steps += way.steps
        result.untold[name] = way.untold
        result.divergence = way.divergence
        if way.divergence:
            break
    return result
