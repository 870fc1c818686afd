"""Taking the specification's steps, one after another, for somebody: what refused, and why."""

from __future__ import annotations

from dataclasses import dataclass
from errno import EAGAIN

from memhp.spec.language.errnos import errorcode

from .machine import Machine
from .outcome import Refusal
from .topology import Value

__all__ = ["SUCCESS", "Result", "Steps"]


@dataclass(frozen=True)
class Result:
    """What the user's call returned: an errno, or None for success, and the refusal behind it."""

    errno: int | None = None
    refusal: Refusal | None = None

    def __bool__(self) -> bool:
        return self.errno is None

    @property
    def guard(self) -> str:
        """The name of the guard that refused; empty for success."""
        return "" if self.refusal is None else self.refusal.guard

    def __str__(self) -> str:
        if self.errno is None:
            return "ok"
        return errorcode[self.errno] if self.refusal is None else str(self.refusal)


SUCCESS = Result()


class Steps:
    """Steps of ``machine``, which they change; ``steps`` records those that were taken."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.steps: list[tuple[str, tuple[Value, ...]]] = []

    def _try(self, action: str, *params: Value) -> Result:
        outcome = self.machine.step(action, *params)
        if isinstance(outcome, Refusal):
            return Result(outcome.errno or EAGAIN, outcome)
        self.steps.append((action, params))
        return SUCCESS

    def _can(self, action: str) -> bool:
        """The design has such a step: a profile may do without it."""
        return action in self.machine.system.action_by_name

    def _tell(self, action: str, element: int) -> None:
        """Take a step that only some designs have; nothing depends on how it ends."""
        if self._can(action):
            self._try(action, element)

    def _each_section(self, block: int, *actions: str) -> Result:
        """Take the actions on every section of the block, in an order that the guards allow."""
        waiting = self._sections_of(block)
        while waiting:
            results = {section: self._take_all(actions, section) for section in waiting}
            stuck = [section for section in waiting if not results[section]]
            if stuck == waiting:
                return results[waiting[0]]
            waiting = stuck
        return SUCCESS

    def _take_all(self, actions: tuple[str, ...], section: int) -> Result:
        before, done = self.machine.key(), len(self.steps)
        result = SUCCESS
        for action in actions:
            result = result and self._try(action, section)
        return self._all_or_nothing(result, before, done)

    def _all_or_nothing(self, result: Result, before: bytes, done: int) -> Result:
        if not result:
            self.machine.restore(before)
            del self.steps[done:]
        return result

    def _table(self, name: str, element: int) -> int:
        return self.machine.topology.tables[name][element]

    def _sections_of(self, block: int) -> list[int]:
        owner = self.machine.topology.tables["block_of_section"]
        return [section for section, its in enumerate(owner) if its == block]

    def _increments_of(self, block: int) -> list[int]:
        owner = self.machine.topology.tables["increment_block"]
        return [increment for increment, its in enumerate(owner) if its == block]

    def _devices_of(self, block: int) -> list[int]:
        devices = range(self.machine.topology.sizes["MemoryDevice"])
        return [device for device in devices if self._in_range(device, block)]

    def _blocks_of(self, device: int) -> list[int]:
        blocks = range(self.machine.topology.sizes["Block"])
        return [block for block in blocks if self._in_range(device, block)]

    def _missing_blocks(self, device: int) -> list[int]:
        """The device's blocks that are there and that sysfs does not show."""
        return [
            block
            for block in self._blocks_of(device)
            if self.machine.evaluate("plugged", block)
            and not self.machine.get("block_device", block)
        ]

    def _in_range(self, device: int, block: int) -> bool:
        table, blocks = "in_range", self.machine.topology.sizes["Block"]
        return bool(self._table(table, device * blocks + block))

    def _block_of(self, frame: int) -> int:
        return int(self.machine.evaluate("block_of", frame))
