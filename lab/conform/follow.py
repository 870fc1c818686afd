"""A kernel held against the reference: the same operations, answer by answer, state by state.

What the kernel keeps in a block, its page words tell, but not always.  So an operation is
asked in every *world* that they leave open: the reference with kernel memory in its blocks,
or without.  Where all worlds agree, the answer is *determined* and must be the kernel's;
otherwise the kernel's must be that of some world (*allowed*), and the reference follows it.
The kernel takes memory and gives it back when it likes: a step that only another content of
its blocks explains, seen at a second look or, of an ejection, where nobody can look any more,
is counted as *changed*, with a line that tells both; there may be few of those.  What only a
known deviation of Linux explains is counted under its name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from errno import EINVAL, ENOMEM

from memhp.reference.machine import Machine
from memhp.reference.operations import Operations
from memhp.reference.target import Observation
from memhp.spec.language.system import System
from memhp.spec.profiles import as_of

from ..tools.errors import LabError
from .deviations import RefusedZones
from .report import (
    Disagreement,
    Kind,
    Lost,
    Report,
    Tally,
    answer_word,
)
from .shown import differences, expected, observed
from .target import NOWHERE, Content, KernelTarget, Operation
from .worlds import Contents, holds, started_from, worlds

__all__ = ["Follower"]

_OTHERS = ("hold", "release", "close", "open")
"""Operations of those who use memory; all others manage it."""
_WITHOUT_ROOM = (None, ENOMEM)
"""What who takes memory may be told when there is little."""
_NOWHERE = EINVAL
"""What who takes memory is told when no node is left: of mbind(2) and set_mempolicy(2)."""
_PINNED: tuple[Content, ...] = ("pinned",)

Outcome = tuple[int | None, Observation]
_User = Callable[[Machine], Operations]


class Follower:
    """The reference, kept in the state in which the kernel is."""

    def __init__(self, target: KernelTarget, system: System) -> None:
        self.target, self.system = target, as_of(system, target.kernel.linux)
        self.report = Report()
        self._over = True
        self.begin()

    def begin(self) -> None:
        """Boot a guest, and lead the reference to what it shows; nothing if they are together."""
        if not self._over:
            return
        self.done: list[Operation] = []
        self.target.boot()
        fresh = Machine(self.system, self.target.arranged(self.system))
        self.machine = started_from(fresh, observed(self.target.at_boot, self.target.board))
        self.closed = False
        self._refused = RefusedZones()
        self._over = False

    def lose(self, error: Exception) -> None:
        """Keep what was done and the guest's last words: it is of no more use."""
        self.report.lost.append(Lost(tuple(self.done), str(error)))
        self._over = True

    def step(self, operation: Operation) -> None:
        """Do the operation on both, and compare.

        Raises:
            LabError: they are not together any more, after a disagreement or a loss: `begin`.
        """
        if self._over:
            raise LabError("kernel and reference are not together any more")
        began = time.monotonic()
        self.done.append(operation)
        if operation[0] in _OTHERS:
            self._somebody(operation)
        else:
            self._manage(operation)
        self.report.tallies[operation[0]].seconds += time.monotonic() - began

    def _manage(self, operation: Operation) -> None:
        """Blocks and devices: the reference does the same, in every world that may be."""
        name, params = operation
        before, tally = self.machine, self.report.tallies.setdefault(name, Tally())
        looks = [self.target.contents(self._asked(operation))]
        outcomes = list(self._outcomes(operation, looks[-1]))
        if not outcomes:  # no world holds what the words show: one look more
            looks.append(self.target.contents(looks[-1]))
            outcomes = list(self._outcomes(operation, looks[-1]))
        wanted = [outcome for _, outcome in outcomes]
        answer, seen = self.target.do(name, *params), self.target.observe()
        for kind, held, possible in self._explanations(operation, looks, outcomes, seen):
            if user := self._explains(possible, answer, seen):
                tally.count(kind)
                if kind == "changed":
                    self._tell_change(wanted, looks[0], held, answer)
                elif kind == "deviating":
                    counts = self.report.deviations
                    counts[self._refused.name] = counts.get(self._refused.name, 0) + 1
                self._refused.note(operation, before, user)
                return
        tally.count("disagreed")
        self._disagree(wanted, looks[0], answer, seen)

    def _explanations(
        self,
        operation: Operation,
        looks: Sequence[Contents],
        outcomes: Sequence[tuple[Operations, Outcome]],
        seen: Observation,
    ) -> Iterator[tuple[Kind, Contents, Iterable[tuple[Operations, Outcome]]]]:
        """What may explain a step, the best first: how it counts, and what the blocks held then."""
        same = all(outcome == outcomes[0][1] for _, outcome in outcomes)
        kind: Kind = "changed" if len(looks) > 1 else "determined" if same else "allowed"
        yield kind, looks[-1], outcomes
        yield "deviating", looks[-1], self._outcomes(operation, looks[-1], self._refused.of)
        if outcomes:
            now = self._held_now(operation, looks[-1], seen)
            yield "changed", now, self._outcomes(operation, now)

    def _outcomes(
        self, operation: Operation, contents: Contents, user_of: _User = Operations
    ) -> Iterator[tuple[Operations, Outcome]]:
        """The operation done in each world that may be, and what that world then shows."""
        name, params = operation
        for world in worlds(self.machine, contents):
            user = user_of(world)
            errno = getattr(user, name)(*params).errno
            yield user, (errno, expected(world))

    def _explains(
        self, outcomes: Iterable[tuple[Operations, Outcome]], answer: int | None, seen: Observation
    ) -> Operations | None:
        """The operation in a world that shows what was seen; the reference is there now."""
        for user, (errno, wanted) in outcomes:
            if errno == answer and not differences(wanted, seen):
                self.machine = user.machine
                return user
        return None

    def _held_now(self, operation: Operation, before: Contents, seen: Observation) -> Contents:
        """What the blocks hold after the operation.

        Of a block that is not online any more nobody can see it.  A write tries a block once,
        just after the look, and what that showed stands.  An ejection tries each block twice
        (acpi_scan_try_to_offline): what the kernel had there may be gone at the second time,
        but for what is pinned still, and for what boot has reserved, which is never free.
        """
        gone: dict[int, tuple[Content, ...]] = dict(before)
        if operation[0] == "eject_device":
            gone = {block: its if its == ("boot",) else ("free",) for block, its in before.items()}
            gone |= dict.fromkeys(filter(self.target.holds_pinned, before), _PINNED)
        online = [block for block in before if seen["block_state"][block] == "online"]
        return {**gone, **self.target.contents(online)}

    def _tell_change(
        self, outcomes: Sequence[Outcome], before: Contents, now: Contents, answer: int | None
    ) -> None:
        """A line for a step that is explained by what came or went meanwhile."""
        answers = " or ".join(dict.fromkeys(answer_word(errno) for errno, _ in outcomes))
        held = [
            f"block {block} held {' or '.join(what)}, then {' or '.join(now[block])}"
            for block, what in before.items()
            if now[block] != what
        ]
        name, params = self.done[-1]
        self.report.changes.append(
            f"step {len(self.done)}: {name}{params}: {answer_word(answer)},"
            f" the reference {answers}: {', '.join(held)}"
        )

    def _asked(self, operation: Operation) -> list[int]:
        """The online blocks with memory that the operation may take offline."""
        name, params = operation
        number = int(params[0])
        of_device = name in ("add_device", "eject_device")
        blocks = self.target.board.blocks_of(number) if of_device else [number]
        return [block for block in blocks if self._has_frames(block)]

    def _has_frames(self, block: int) -> bool:
        """The block is online, and is not taken for a hole."""
        online = self.machine.get("block_state", block) == "online"
        return online and self.machine.get("frame_state", block) != "unavailable"

    def _somebody(self, operation: Operation) -> None:
        """Somebody takes memory of the last node, gives it back, or is shut out of it.

        Sysfs shows nothing of it.  The answer is determined if there is no such memory, or
        much of it.  What is pinned may only be where the reference has it, too, and what is
        given back must be as it was, wherever it has been meanwhile (the agent's `release`).
        """
        name, params = operation
        tally = self.report.tallies.setdefault(name, Tally())
        refused = None
        if name == "hold" and not self._may_be_taken():
            refused = _NOWHERE
        determined = refused is not None or name != "hold" or self.target.has_room()
        if name in ("close", "open"):
            self.closed = name == "close"
        answer, seen = self.target.do(name, *params), self.target.observe()
        wanted = expected(self.machine)
        pinned = self.target.pinned.get(int(params[0]), frozenset()) if name == "hold" else ()
        astray: Contents = {
            block: ("pinned",) for block in sorted(pinned) if not self._may_hold_pins(block)
        }
        wrong = answer != refused and (determined or answer not in _WITHOUT_ROOM)
        if differences(wanted, seen) or wrong or astray:
            tally.count("disagreed")
            self._disagree([] if astray else [(refused, wanted)], astray, answer, seen)
        else:
            tally.count("determined" if determined else "allowed")

    def _may_hold_pins(self, block: int) -> bool:
        """Pages of the block may be pinned; where a hole is taken for it, nothing tells."""
        if block == NOWHERE or self.machine.get("block_state", block) != "online":
            return False
        return not self._has_frames(block) or holds(self.machine.copy(), block, "pinned")

    def _blocks_of_last_node(self) -> list[int]:
        node_of = self.machine.topology.tables["node_of"]
        return [b for b, node in enumerate(node_of) if node == self.target.board.nodes - 1]

    def _may_be_taken(self) -> bool:
        """Whether the reference would give memory of the last node to a process, if it is free.

        What a cpuset closes, it closes to those inside, and to nobody else (docs/findings.md):
        for them alone the blocks are drained.
        """
        world = self.machine.copy()
        for block in self._blocks_of_last_node():
            if self._has_frames(block) and holds(world, block, "free"):
                if self.closed:
                    world.step("drain", block)
                if world.why_not("alloc_folio", block, block, "anonymous") is None:
                    return True
        return False

    def _disagree(
        self, outcomes: Sequence[Outcome], contents: Contents, answer: int | None, seen: Observation
    ) -> None:
        outside = [(None, expected(self.machine))]  # no world at all
        closest = next(
            (wanted for errno, wanted in outcomes if errno == answer), (outcomes or outside)[0][1]
        )
        self.report.disagreements.append(
            Disagreement(
                tuple(self.done),
                answer,
                tuple(dict.fromkeys(errno for errno, _ in outcomes)),
                tuple(
                    f"block {block} held: {' or '.join(what)}" for block, what in contents.items()
                ),
                tuple(differences(closest, seen)),
                self.target.booted.last_lines()[-8:],
            )
        )
        self._over = True
