"""What the reference, the engine and a user's own implementation have in common.

A target boots a machine, does what it is asked, and says what it can see.  The
specification decides what is right: `ReferenceTarget` is the one to compare with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from errno import EAGAIN
from typing import Protocol

from memhp.spec.language.system import System

from .formula import spans
from .machine import Machine
from .operations import Operations, Result
from .outcome import Refusal
from .topology import Topology, Value

__all__ = ["Observation", "ReferenceTarget", "Target"]

Observation = Mapping[str, Sequence[Value | None]]
"""For each variable that can be seen its values, row-major: numbers, or names of members.

None stands for a value that the target does not tell.
"""


class Target(Protocol):
    """Anything that does what a user, the firmware and the allocator ask of a machine.

    Five more parts are looked for, and need not be there:

    - ``profile``, the name of the design that the target follows (`memhp.spec.profiles`):
      ``linux-6.12`` for one of Linux; without it what the list of 2004 asks for.
    - ``operations``, a set of names: what the target can do, operations or single steps (without
      it, every operation that ``memhp fuzz --list`` does not mark as a step).
    - ``topologies``, machines of its own by name (`Topology` or `Shape`), or names of memhp's.
    - ``rules``, how operations are drawn where not as memhp does it: which parameters, and how
      often (`memhp.checks.fuzz.rules.Rule`).
    - ``allowed(before, operation, *params)``, where a target may do more than one thing: what else
      may come of an operation, as pairs of an answer and a `Machine` after it.  It judges by
      ``before`` alone, a machine as the operation finds it, not by what the target has done; the
      reference goes on from the pair that the target's answer and state agree with.  After a
      reset a target makes the same choices again, or a divergence cannot be shrunk.
    """

    def reset(self, topology: Topology) -> None:
        """Boot a machine of that topology: what was done before is forgotten.

        `Topology.values` has a table's members by their names, as `observe` may tell them.

        Raises:
            ValueError: for a machine that the target cannot be; nothing is compared then.
        """

    def do(self, operation: str, *params: Value) -> int | None:
        """Do an operation.

        Returns:
            None for success, otherwise the errno that a user sees.
        """

    def observe(self) -> Observation:
        """The values that can be seen of the state; not every variable needs to be there."""
        ...


class ReferenceTarget:
    """The specification, executed: an operation of `Operations`, or a single step.

    ``steps`` are those that the last operation took; ``refusal`` is why it was refused, if
    a guard did; ``spans`` says of each variable where its values are in `Machine.values`.

    >>> from memhp.reference.shapes import Shape
    >>> from memhp.spec.system import SYSTEM
    >>> target = ReferenceTarget(SYSTEM)
    >>> target.reset(Shape(blocks=2).build(SYSTEM))
    >>> target.do("write_state", 1, "offline"), target.observe()["block_device"]
    (None, (1, 1))
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self._booted: Machine | None = None
        self.refusal: Refusal | None = None

    def reset(self, topology: Topology) -> None:
        """Boot a machine of that topology; its code is made once, as long as it stays the same."""
        if self._booted is None or self._booted.topology is not topology:
            self._booted = Machine(self.system, topology)
            self.spans = spans(self.system, topology)
        self.follow(self._booted.copy())

    def follow(self, machine: Machine) -> None:
        """Go on from that machine, of the same topology; what steps led to it is not known."""
        self.machine = machine
        self._user = Operations(machine)
        self.steps = self._user.steps

    def do(self, operation: str, *params: Value) -> int | None:
        """Do an operation, or take a single step; of the same name (``eject_device``), the first.

        Returns:
            None for success, otherwise the errno that a user sees.

        Raises:
            ValueError: for an operation or parameter that does not exist.
        """
        self._user.steps.clear()
        method = getattr(self._user, operation, None)
        if callable(method) and not operation.startswith("_"):
            result: Result = method(*params)
            self.refusal = result.refusal
            return result.errno
        if operation not in self.system.action_by_name:
            raise ValueError(f"there is no operation {operation!r}")
        outcome = self.machine.step(operation, *params)
        self.refusal = None
        if isinstance(outcome, Refusal):
            self.refusal = outcome
            return outcome.errno or EAGAIN
        self.steps.append((operation, params))
        return None

    def observe(self) -> Mapping[str, Sequence[int]]:
        """The values of every variable, by its name, row-major."""
        values = self.machine.values
        return {name: values[start:end] for name, (start, end) in self.spans.items()}
