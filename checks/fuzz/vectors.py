"""Vectors: what is right after each operation, written down for implementations elsewhere.

A vector is an operation in a state, with the answer and the state after it; a walk is many of
them.  They are drawn so that as much as possible is shown at least once: each action taken, and
each guard that refuses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from random import Random

from memhp.reference.outcome import Refusal
from memhp.reference.target import ReferenceTarget
from memhp.reference.topology import Topology, readable
from memhp.spec.language.system import Action, Property, System
from memhp.spec.language.terms import Term, conj, negate

from .rules import EVERY, RULES, Operation, draw
from .walk import derived_seed

__all__ = ["Vector", "Vectors", "walks"]


@dataclass(frozen=True)
class Vector:
    """An operation in a state, and what is right.

    Attributes:
        machine: its name.
        topology: the machine.
        path: the operations that lead from boot to the state before.
        operation: what is asked.
        answer: the errno; None for success.
        refusal: the guard that refuses, if one does.
        before: the values of the state, as `Machine.values`.
        after: those after it.
    """

    machine: str
    topology: Topology
    path: tuple[Operation, ...]
    operation: Operation
    answer: int | None
    refusal: Refusal | None
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass
class Vectors:
    """Vectors, so many of each kind; a kind is an operation with what came of it.

    Attributes:
        system: the specification.
        each: how many vectors of a kind are kept.
        kept: the vectors.
        machines: by name those on which they are.
        taken: the actions that a vector takes.
        refusing: the guards that refuse in one, each with its action.
    """

    system: System
    each: int = 2
    kept: list[Vector] = field(default_factory=list)
    machines: dict[str, Topology] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    refusing: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._kinds: Counter[object] = Counter()

    @property
    def never_taken(self) -> list[str]:
        """The actions that no vector takes."""
        return [each.name for each in self.system.actions if each.name not in self.taken]

    @property
    def never_refusing(self) -> list[tuple[str, str]]:
        """The guards that refuse in no vector, each with its action."""
        guards = ((a.name, guard.name) for a in self.system.actions for guard in a.guards)
        return [each for each in guards if each not in self.refusing]

    def draw(
        self, machines: Mapping[str, Topology], *, seed: int, episodes: int, length: int
    ) -> None:
        """Add what walks on the machines meet, of whole operations and of single steps in turn.

        Args:
            machines: by name.
            seed: the same one draws the same.
            episodes: from boot, on each machine.
            length: operations in each.
        """
        for (name, topology), number in product(machines.items(), range(episodes)):
            random = Random(derived_seed(seed, number))
            reference = ReferenceTarget(self.system)
            reference.reset(topology)
            path: list[Operation] = []
            rules = list(EVERY.values()) if number % 2 else RULES
            for _ in range(length):
                operation = draw(rules, reference.machine, random, refused=0.3)
                self._do(name, topology, reference, path, operation)

    def wanting(self) -> list[Property]:
        """For each action never taken, and each guard that never refuses, that it is reached.

        As *sometimes* properties, whose traces `show` takes; each is named as its step.
        """
        claims = []
        for action in self.system.actions:
            guards = action.guards
            if action.name in self.never_taken:
                claims.append(_reached(action, conj(*(each.condition for each in guards))))
            for at, guard in enumerate(guards):
                if (action.name, guard.name) not in self.refusing:
                    before = (each.condition for each in guards[:at])
                    claims.append(
                        _reached(action, conj(*before, negate(guard.condition)), guard.name)
                    )
        return claims

    def show(
        self, name: str, topology: Topology, path: Sequence[Operation], step: Operation
    ) -> None:
        """Add a single step in the state that a path leads to.

        Args:
            name: of the machine.
            topology: the machine.
            path: single steps from boot.
            step: the one that is asked there.
        """
        reference = ReferenceTarget(self.system)
        reference.reset(topology)
        done: list[Operation] = []
        for each in map(self._named, path):
            reference.do(each[0], *each[1])
            done.append(each)
        self._do(name, topology, reference, done, self._named(step))

    def _named(self, step: Operation) -> Operation:
        """The step with members of enumerations by their names, as an operation has them."""
        params = self.system.action_by_name[step[0]].params
        values = zip(params, step[1], strict=True)
        return step[0], tuple(
            readable(var.sort, value) if var.sort.members and type(value) is int else value
            for var, value in values
        )

    def _do(
        self,
        name: str,
        topology: Topology,
        reference: ReferenceTarget,
        path: list[Operation],
        operation: Operation,
    ) -> None:
        """Do the operation, keep it if there are not enough of its kind, and go on."""
        vector = _asked(name, topology, reference, operation)
        refusal = vector.refusal
        kind = (operation[0], vector.answer if refusal is None else refusal.guard)
        if self._kinds[kind] < self.each:
            self._kinds[kind] += 1
            self.machines[name] = topology
            self.taken |= {action for action, _ in reference.steps}
            if refusal is not None:
                self.refusing.add((refusal.action, refusal.guard))
            self.kept.append(replace(vector, path=tuple(path)))
        path.append(operation)


def _asked(
    name: str, topology: Topology, reference: ReferenceTarget, operation: Operation
) -> Vector:
    """What comes of the operation on the reference, which goes on from there."""
    before = reference.machine.values
    answer = reference.do(operation[0], *operation[1])
    after = reference.machine.values
    return Vector(name, topology, (), operation, answer, reference.refusal, before, after)


def _reached(action: Action, formula: Term, guard: str = "") -> Property:
    name = f"{action.name}.{guard}" if guard else action.name
    doc = "The step is taken." if not guard else "The guard is the first that refuses."
    return Property(name, action.module, "sometimes", doc, action.params, formula, (), action.where)


def walks(
    system: System, machines: Mapping[str, Topology], *, seed: int, episodes: int, length: int
) -> Iterator[list[Vector]]:
    """Walks of whole operations from boot, each a list of all that was asked in it.

    Args:
        system: the specification.
        machines: by name; each has so many walks.
        seed: the same one takes the same walks.
        episodes: walks on each machine.
        length: operations in each.
    """
    for (name, topology), number in product(machines.items(), range(episodes)):
        random = Random(derived_seed(seed + 1, number))
        reference = ReferenceTarget(system)
        reference.reset(topology)
        walk: list[Vector] = []
        for _ in range(length):
            operation = draw(RULES, reference.machine, random, refused=0.2)
            walk.append(_asked(name, topology, reference, operation))
        yield walk
