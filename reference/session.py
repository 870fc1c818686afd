"""A machine that somebody leads step by step, and can lead back."""

from __future__ import annotations

from .machine import Machine
from .outcome import Outcome
from .trace import Step, Trace

__all__ = ["Session"]


class Session:
    """A run from one state: steps that were taken, each of which can be taken back.

    Args:
        machine: where it begins; it stays as it is.
    """

    def __init__(self, machine: Machine) -> None:
        self._machines = [machine.copy()]
        self._steps: list[Step] = []

    @property
    def machine(self) -> Machine:
        """The machine as it is now; a step on it is none of the session."""
        return self._machines[-1]

    @property
    def before(self) -> Machine:
        """The machine before the last step, or where the session begins."""
        return self._machines[-2:][0]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that were taken."""
        return tuple(self._steps)

    def take(self, action: str, /, *args: object, **params: object) -> Outcome:
        """Take a step, as `Machine.step` does; one that is refused is none.

        Raises:
            ValueError: as `Machine.step` does.
        """
        after = self.machine.copy()
        outcome = after.step(action, *args, **params)
        if outcome:
            self._machines.append(after)
            self._steps.append(Step(action, after.parameters(action, *args, **params)))
        return outcome

    def back(self, steps: int = 1) -> int:
        """Take so many steps back, or as many as there are; returns how many."""
        steps = min(steps, len(self._steps))
        del self._machines[len(self._machines) - steps :], self._steps[len(self._steps) - steps :]
        return steps

    def trace(self) -> Trace:
        """The run so far."""
        start = self._machines[0]
        booted = Machine(start.system, start.topology)
        values = None if start == booted else start.values
        return Trace(start.system.name, start.topology, self.steps, values)
