"""A kernel held against the reference: the same operations, answer by answer, state by state.

What the kernel keeps in a block, its page words tell, but not always.  So an operation is
asked in every *world* that they leave open: the reference with kernel memory in its blocks,
or without.  Where all worlds agree, the answer is *determined* and must be the kernel's;
otherwise the kernel's must be that of some world (*allowed*), and the reference follows it.
What only a known deviation of Linux explains is counted under its name.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from errno import EINVAL, errorcode
from itertools import product

from memhp.machines.lab.errors import GuestDied, GuestSilent, LabError
from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.target import Observation
from memhp.reference.topology import Value
from memhp.spec.language.system import System

from .deviations import RefusedZones
from .target import (
    BOOT_BLOCKS,
    DEVICES,
    HELD,
    TEXTS,
    WORDS,
    KernelTarget,
    Operation,
    arrangement,
    device_of_block,
    differences,
    expected,
    observed,
)

__all__ = [
    "Disagreement",
    "Follower",
    "Report",
    "Tally",
    "again",
    "random_operation",
    "started_from",
    "walk",
]

_OTHERS = ("hold", "release", "close", "open")
"""Operations of those who use memory; all others manage it."""
_HOLDERS = 4
"""How many processes hold memory at most."""
_FAILURES = 5
"""How many guests may be lost before a walk ends."""

Outcome = tuple[int | None, Observation]
Contents = Mapping[int, tuple[bool, ...]]
"""For a block, whether it holds kernel memory: both, if nothing tells."""


@dataclass(frozen=True)
class Disagreement:
    """A step on which the kernel and every world of the reference differ.

    ``operations`` are all since the guest was booted, the disagreeing one last; ``kernel`` and
    ``reference`` are the answers, ``differs`` is what is seen otherwise, and ``console`` the
    guest's last words.
    """

    operations: tuple[Operation, ...]
    kernel: int | None
    reference: tuple[int | None, ...]
    differs: tuple[str, ...]
    console: tuple[str, ...]

    def __str__(self) -> str:
        name, params = self.operations[-1]
        answers = " or ".join(map(_said, self.reference)) or "it cannot hold what the pages show"
        lines = [f"step {len(self.operations)}: {name}({', '.join(map(repr, params))})"]
        lines += [f"  the kernel: {_said(self.kernel)}; the reference: {answers}"]
        lines += [f"  {line}" for line in (*self.differs, *self.console)]
        return "\n".join(lines)


def _said(errno: int | None) -> str:
    return "ok" if errno is None else errorcode.get(errno, str(errno))


@dataclass
class Tally:
    """How the steps of one operation went, and how many seconds they took with all looking."""

    determined: int = 0
    allowed: int = 0
    deviating: int = 0
    disagreed: int = 0
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        return self.determined + self.allowed + self.deviating + self.disagreed


@dataclass
class Report:
    """How a walk went, by operation; what disagreed, which deviations were met, and guests lost."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    disagreements: list[Disagreement] = field(default_factory=list)
    deviations: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def total(self) -> Tally:
        """All operations together."""
        all_of = self.tallies.values()
        return Tally(
            *(
                sum(getattr(tally, name) for tally in all_of)
                for name in ("determined", "allowed", "deviating", "disagreed", "seconds")
            )
        )

    @property
    def agrees(self) -> bool:
        """Nothing is left unexplained, and no guest was lost."""
        return not self.disagreements and not self.lost


class Follower:
    """The reference, kept in the state in which the kernel is."""

    def __init__(self, target: KernelTarget, system: System) -> None:
        self.target, self.system = target, system
        self.report = Report()
        self._begin()

    def _begin(self) -> None:
        """Boot a guest, and lead the reference to what it shows."""
        self.target.reset(arrangement(self.system, self.target.board))
        self._fresh = Machine(self.system, self.target.arranged(self.system))
        self._lead(observed(self.target.at_boot, self.target.board))

    def _lead(self, seen: Observation) -> None:
        self.machine = started_from(self._fresh, seen)
        self.done: list[Operation] = []
        self._refused = RefusedZones()

    def begin_anew(self, error: LabError) -> None:
        """Go on with a new guest; the last words of the old one are kept."""
        self.report.lost.append(str(error))
        if len(self.report.lost) == _FAILURES:
            raise error
        self._begin()

    def step(self, operation: Operation) -> None:
        """Do the operation on both, and compare."""
        began = time.monotonic()
        if operation[0] in _OTHERS:
            self._somebody(operation)
        else:
            self._manage(operation)
        self.report.tallies[operation[0]].seconds += time.monotonic() - began

    def _manage(self, operation: Operation) -> None:
        """Blocks and devices: the reference does the same, in every world that may be."""
        name, params = operation
        told = self._contents(operation)
        worlds = [
            (world, getattr(Operations(world), name)(*params).errno)
            for world in _worlds(self.machine, told)
        ]
        outcomes = [(errno, expected(world)) for world, errno in worlds]
        before, tally = self.machine, self.report.tallies.setdefault(name, Tally())
        self.done.append(operation)
        answer, seen = self.target.do(name, *params), self.target.observe()
        for (world, _), outcome in zip(worlds, outcomes, strict=True):
            if _fits(outcome, answer, seen):
                self.machine = world
                if all(other == outcome for other in outcomes):
                    tally.determined += 1
                else:
                    tally.allowed += 1
                break
        else:
            if self._deviates(operation, told, answer, seen):
                tally.deviating += 1
            else:
                tally.disagreed += 1
                self._disagree(outcomes, answer, seen)
                return
        self._refused.note(operation, before, self.machine)

    def _contents(self, operation: Operation) -> Contents:
        """Which of the blocks that the operation may take offline hold the kernel's memory."""
        name, params = operation
        blocks = range(self.machine.topology.sizes["Block"])
        if name in ("add_device", "eject_device"):
            added = self.target.board.added
            asked = [b for b in blocks if b in added and device_of_block(b) == params[0]]
        else:
            asked = [int(params[0])]
        online = [
            block
            for block in asked
            if self.machine.get("block_state", block) == "online"
            if self.machine.get("frame_state", block) != "unavailable"  # a hole
        ]
        return self.target.kernel_memory(online) if online else {}

    def _somebody(self, operation: Operation) -> None:
        """Somebody takes memory of the last node, gives it back, or is shut out of it.

        Sysfs shows nothing of it.  The answer is determined if there is no such memory, or
        much of it.
        """
        name, params = operation
        tally = self.report.tallies.setdefault(name, Tally())
        self.done.append(operation)
        refused = None
        if name == "hold" and not self._may_be_taken():
            refused = EINVAL  # of mbind(2) and set_mempolicy(2): no node is left
        determined = refused is not None or name != "hold" or self.target.has_room()
        if name in ("close", "open"):
            self._close(name == "close")
        answer, seen = self.target.do(name, *params), self.target.observe()
        wanted = expected(self.machine)
        if differences(wanted, seen) or ((determined or answer is None) and answer != refused):
            tally.disagreed += 1
            self._disagree([(refused, wanted)], answer, seen)
        elif determined:
            tally.determined += 1
        else:
            tally.allowed += 1

    def _blocks_of_last_node(self) -> list[int]:
        node_of = self.machine.topology.tables["node_of"]
        return [b for b, node in enumerate(node_of) if node == self.target.board.nodes - 1]

    def _may_be_taken(self) -> bool:
        """Whether the reference would give memory of the last node to a process, if it is free."""
        for block in self._blocks_of_last_node():
            world = self.machine.copy()
            world.step("free_kernel", block)
            if world.why_not("alloc_folio", 0, block, "anonymous") is None:
                return True
        return False

    def _close(self, closed: bool) -> None:
        """Drain the last node, or take that back.  A block that comes later finds it so."""
        for block in self._blocks_of_last_node():
            taken = self.machine.step("drain" if closed else "undrain", block)
            assert taken, taken

    def _deviates(
        self, operation: Operation, told: Contents, answer: int | None, seen: Observation
    ) -> bool:
        name, params = operation
        for world in _worlds(self.machine, told):
            errno = getattr(self._refused.of(world), name)(*params).errno
            if _fits((errno, expected(world)), answer, seen):
                self.machine = world
                counts = self.report.deviations
                counts[self._refused.name] = counts.get(self._refused.name, 0) + 1
                return True
        return False

    def _disagree(self, outcomes: Sequence[Outcome], answer: int | None, seen: Observation) -> None:
        outside = [(None, expected(self.machine))]  # no world at all
        closest = next(
            (wanted for errno, wanted in outcomes if errno == answer), (outcomes or outside)[0][1]
        )
        self.report.disagreements.append(
            Disagreement(
                tuple(self.done),
                answer,
                tuple(dict.fromkeys(errno for errno, _ in outcomes)),
                tuple(differences(closest, seen)),
                self.target.booted.last_lines()[-8:],
            )
        )
        closed = _is_closed(self.machine)
        try:
            self._lead(seen)
        except LabError:
            self._begin()
        else:
            if closed:  # the guest's cpuset is as it was
                self._close(True)


def _is_closed(machine: Machine) -> bool:
    """The last node is closed: the first of the blocks that are not at the beginning is on it."""
    return bool(machine.get("draining", BOOT_BLOCKS))


def _fits(outcome: Outcome, answer: int | None, seen: Observation) -> bool:
    errno, wanted = outcome
    return errno == answer and not differences(wanted, seen)


def walk(
    target: KernelTarget,
    system: System,
    steps: int,
    seed: int,
    *,
    seconds: float = math.inf,
    progress: Callable[[Report], None] | None = None,
) -> Report:
    """Random operations, each compared; after a disagreement the reference begins anew.

    A guest that ends or hangs is reported, and the walk goes on with a new one.  It ends
    after so many ``steps``, or so many ``seconds``.

    Raises:
        LabError: guests do not boot, or one after the other is lost.
    """
    choose = random.Random(seed)
    follower = Follower(target, system)
    report, began = follower.report, time.monotonic()
    for _ in range(steps):
        try:
            follower.step(random_operation(follower.machine, choose, target))
        except (GuestDied, GuestSilent) as error:
            follower.begin_anew(error)
        report.seconds = time.monotonic() - began
        if progress:
            progress(report)
        if report.seconds > seconds:
            break
    return report


def again(target: KernelTarget, system: System, operations: Sequence[Operation]) -> Report:
    """The operations once more, from boot.

    Raises:
        GuestDied, GuestSilent: the guest ended or hangs; both carry its console.
    """
    follower, began = Follower(target, system), time.monotonic()
    for operation in operations:
        follower.step(operation)
    follower.report.seconds = time.monotonic() - began
    return follower.report


def random_operation(machine: Machine, choose: random.Random, target: KernelTarget) -> Operation:
    """An operation on something that is there, a DIMM that comes or goes, or of who uses memory."""
    blocks = [b for b in range(machine.topology.sizes["Block"]) if machine.get("block_device", b)]
    kind = choose.random()
    if kind < 0.2 and target.board.dimms:
        device = choose.randrange(1, DEVICES + 1)
        return ("eject_device" if machine.get("inserted", device) else "add_device", (device,))
    if kind < 0.3:
        number = choose.randrange(_HOLDERS)
        held = number in target.holders
        return ("release", (number,)) if held else ("hold", (number, choose.choice(HELD)))
    if kind < 0.33 and target.board.nodes > 1:
        return "open" if _is_closed(machine) else "close", (target.board.nodes - 1,)
    others = [block for block in blocks if block >= BOOT_BLOCKS]
    block = choose.choice(others if others and choose.random() < 0.85 else blocks)
    if kind < 0.8:
        return "write_state", (block, choose.choice(WORDS))
    return "write_online", (block, choose.choice(TEXTS))


def _worlds(machine: Machine, told: Contents) -> Iterator[Machine]:
    """The reference, led to what is told of the blocks: each choice that it can be led to."""
    for choice in product(*told.values()):
        world = machine.copy()
        if all(_led(world, block, has) for block, has in zip(told, choice, strict=True)):
            yield world


def _led(machine: Machine, block: int, has_kernel_memory: bool) -> bool:
    if (machine.get("frame_state", block) == "kernel") == has_kernel_memory:
        return True
    if not has_kernel_memory:
        return bool(machine.step("free_kernel", block))
    # What a cpuset closes, it closes to those inside: the kernel may go on (docs/findings.md).
    closed = bool(machine.step("undrain", block))
    taken = bool(machine.step("alloc_kernel", block))
    return taken and (not closed or bool(machine.step("drain", block)))


def started_from(fresh: Machine, seen: Observation) -> Machine:
    """The reference, led from boot to what the guest shows.

    Raises:
        LabError: no operations lead there: the message names what differs.
    """
    machine = fresh.copy()
    user = Operations(machine)
    for node, online in enumerate(seen["node_online"]):
        if not online:
            machine.step("set_node_offline", node)
            machine.step("free_pgdat", node)
    for block, there in enumerate(seen["block_device"]):
        if there and not machine.get("block_device", block):
            user.add_device(device_of_block(block))
    states: dict[int, Value | None] = dict(enumerate(seen["block_state"]))
    for block, state in states.items():
        if state == "offline" and machine.get("block_state", block) == "online":
            user.write_state(block, "offline")
        if state == "online" and seen["zone"][block] != machine.get("zone", block):
            user.write_state(block, "offline")
            user.write_state(block, f"online_{seen['zone'][block]}")
    left = differences(expected(machine), seen)
    if left:
        raise LabError(f"the reference cannot be led to what the guest shows: {'; '.join(left)}")
    return machine
