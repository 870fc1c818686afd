"""A plan, step by step: on, or back to where it was.

Before each write its journal says so, after it what came of it.  Then the block is read again: it
must be as the plan says, or the difference is told and the step has failed.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .checks import Limits, changes, why_stop, why_wait
from .journal import History, Journal
from .planned import PlanError, Planned, Step
from .states import Machine
from .writer import DONE, STUCK, Written, write_within, write_word

__all__ = ["Applier", "Ending", "OnFailure", "Result"]

OnFailure = Literal["stop", "skip", "replan", "undo"]
Ending = Literal["done", "stopped", "undone", "stuck", "interrupted"]

_UNDO_LIMIT = 120.0
"""Seconds that bringing a block online may take."""
_PAUSE = 0.2
"""Seconds between two looks at the pressure on memory."""
_ALIKE = 1.25
"""So much more than planned may move before that is told: others allocate meanwhile."""


@dataclass(frozen=True)
class Result:
    """How it ended, and why if it is not done; ``offline`` are the blocks that are, of the plan."""

    ending: Ending
    why: str
    offline: tuple[int, ...]


class Applier:
    """Does what a journal's plan says on a machine.

    Args:
        journal: has the plan, and takes down what is done.
        machine: where it is done.
        tell: is given a line for each thing that happens.
        on_failure: what a step that fails leads to.
        limits: when to stop for want of memory.
        replan: makes another plan for what is left, without the blocks that failed; None: it
            cannot be done otherwise.
        write: does a write (`write_word`).
        progress: is given, while a write goes on, what to show of it.
    """

    def __init__(
        self,
        journal: Journal,
        machine: Machine,
        tell: Callable[[str], object],
        *,
        on_failure: OnFailure = "stop",
        limits: Limits | None = None,
        replan: Callable[[History], Planned | None] | None = None,
        write: Callable[[Path, str], None] = write_word,
        progress: Callable[[str], object] = str,
    ) -> None:
        self.journal = journal
        self.machine = machine
        self.tell = tell
        self.on_failure = on_failure
        self.limits = limits or Limits()
        self.replan = replan
        self.write = write
        self.progress = progress
        self.stopping = False

    # --- what can be asked for ---------------------------------------------------------------

    def go_on(self) -> Result:
        """Do all steps that are not done.

        Raises:
            PlanError: the machine is not as it was; nothing was written.
        """
        self._settle()
        self._forget_what_a_boot_undid()
        history, todo = self.journal.history, self._todo()
        if found := changes(history.plan, todo, self.machine, begun=bool(history.boots)):
            raise PlanError(f"the machine is not as it was planned for: {'; '.join(found)}")
        self.journal.booted(self.machine.boot)
        while todo := self._todo():
            step = todo[0]
            if why := self._why_not_now():
                return self._end("interrupted" if self.stopping else "stopped", why)
            result = self._take(step)
            if result.result == STUCK:
                return self._end("stuck", result.why)
            if result.result != DONE:
                ending = self._after_failure(step, result)
                if ending is not None:
                    return ending
        left = self.journal.history.skipped
        return self._end("stopped" if left else "done", _passed_over(left) if left else "")

    def undo(self) -> Result:
        """Bring every block online that the journal took offline, in the zone that it had.

        Raises:
            PlanError: a write is under way that did not end.
        """
        self._settle()
        problems = []
        for step in reversed([*self.journal.history.offline.values()]):
            if why := self._bring_back(step):
                problems.append(why)
        return self._end("stopped" if problems else "undone", "; ".join(problems))

    # --- one step ----------------------------------------------------------------------------

    def _todo(self) -> list[Step]:
        history = self.journal.history
        done = history.skipped.union(history.offline)
        return [step for step in history.plan.steps if step.block not in done]

    def _why_not_now(self) -> str:
        """Why not to begin the next step; pressure may be of what moved before, and is let fall."""
        until = time.monotonic() + self.limits.patience
        while (
            not self.stopping
            and (why := why_wait(self.machine, self.limits))
            and time.monotonic() < until
        ):
            self.progress(f"waits, as {why}")
            time.sleep(_PAUSE)
        if self.stopping:
            return "it was asked to stop"
        return why_stop(self.machine, self.limits)

    def _take(self, step: Step) -> Written:
        """Take a block offline, and hold what came of it against the plan."""
        before = self.machine.migrated
        self.journal.begin(step.block, "offline")
        written = write_within(
            self.machine.state_file(step.block),
            "offline",
            step.limit,
            write=self.write,
            watch=lambda: self._watch(step, before),
        )
        now = self.machine.now(step.block)
        if written.result == DONE and now.state != "offline":
            why = f"the write ended well, and the block says {now.state}"
            written = Written(errno.errorcode[errno.EIO], written.seconds, why)
        elif written.result not in (DONE, STUCK) and now.state == "offline":
            written = Written(
                DONE, written.seconds, f"it went, and the write says {written.result}"
            )
        after = self.machine.migrated
        moved = None if before is None or after is None else (after - before) * self._page
        text = "; ".join(filter(None, (written.why, self._moved(step, moved))))
        self.journal.end(step.block, "offline", written.result, text)
        verdict = "offline" if written.result == DONE else f"not offline, {written.result}"
        told = f": {text}" if text else ""
        count = len(self.journal.history.offline)
        which = f"[{count}/{count + len(self._todo())}] block {step.block}"
        self.tell(f"{which}: {verdict}, after {written.seconds:.2f} s{told}")
        return written

    def _watch(self, step: Step, before: int | None) -> str:
        """Show how far a write is; why to end it, if there is a reason."""
        now = self.machine.migrated
        moved = None if before is None or now is None else (now - before) * self._page >> 20
        told = "" if moved is None else f", {moved} MiB moved of {step.low >> 20} to"
        self.progress(f"block {step.block} goes offline{told and f'{told} {step.high >> 20}'}")
        return why_stop(self.machine, self.limits)

    @property
    def _page(self) -> int:
        return self.journal.history.plan.page_size

    def _moved(self, step: Step, moved: int | None) -> str:
        """How much moved, and that it is not what was planned, if it is not."""
        if moved is None:
            return ""
        text = f"{moved >> 20} MiB moved"
        if moved > step.high * _ALIKE + (4 << 20):
            return f"{text}, at most {step.high >> 20} were expected"
        return f"{text}, at least {step.low >> 20} were expected" if moved < step.low else text

    def _after_failure(self, step: Step, result: Written) -> Result | None:
        """What a failure leads to; None: go on."""
        why = f"block {step.block} did not go: {result.result}"
        why = f"{why}; {result.why}" if result.why else why
        if self.on_failure == "skip":
            self.journal.skip(step.block)
            return None
        if self.on_failure == "replan" and self.replan is not None:
            self.journal.skip(step.block)
            plan = self.replan(self.journal.history)
            if plan is not None and not changes(plan, plan.steps, self.machine):
                self.journal.use(plan)
                self.tell(f"{why}; planned anew: {len(plan.steps)} steps")
                return None
            return self._end("stopped", f"{why}; there is no other plan")
        if self.on_failure == "undo":
            undone = self.undo()
            return Result(undone.ending, f"{why}; {undone.why}".rstrip("; "), undone.offline)
        return self._end("stopped", why)

    def _bring_back(self, step: Step) -> str:
        """Bring one block online; why that did not work, or empty."""
        now = self.machine.now(step.block)
        if now.state == "online":
            self.journal.end(step.block, step.back, DONE, "it was online already")
            return self._wrong_zone(step)
        self.journal.begin(step.block, step.back)
        written = write_within(
            self.machine.state_file(step.block), step.back, _UNDO_LIMIT, write=self.write
        )
        state = self.machine.now(step.block).state
        done = written.result == DONE and state == "online"
        self.journal.end(step.block, step.back, written.result if not done else DONE, written.why)
        if not done:
            why = f"block {step.block} is {state} still: {written.result}"
            self.tell(why)
            return why
        self.tell(f"block {step.block}: online again")
        return self._wrong_zone(step)

    def _wrong_zone(self, step: Step) -> str:
        zone = self.machine.now(step.block).zone
        if zone in (None, step.zone) or step.zone == "?":
            return ""
        return f"block {step.block} is online in zone {zone}, not {step.zone}"

    # --- what an earlier run left --------------------------------------------------------------

    def _settle(self) -> None:
        """Find out what became of a write that was begun and of which no end is told."""
        doubt = self.journal.history.doubt
        if doubt is None or doubt.block is None:
            return
        state = self.machine.now(doubt.block).state
        if state not in ("online", "offline"):
            raise PlanError(f"block {doubt.block} is {state}: somebody is at work on it; try again")
        wanted = "offline" if doubt.word == "offline" else "online"
        result = DONE if state == wanted else errno.errorcode[errno.EINTR]
        self.journal.end(doubt.block, doubt.word, result, f"found {state}")
        self.tell(f"block {doubt.block}: the write that was begun left it {state}")

    def _forget_what_a_boot_undid(self) -> None:
        """After a boot, blocks are online again, whatever was done before it."""
        history, boot = self.journal.history, self.machine.boot
        others = {step.block for step in history.offline.values()}
        back = [n for n in others if self.machine.now(n).state == "online"]
        if not back:
            return
        if boot is None or not history.boots or history.boots[-1] == boot:
            blocks = ", ".join(map(str, sorted(back)[:20]))
            raise PlanError(
                f"blocks {blocks} are online again, and it was not memhp that brought them back:"
                " plan anew"
            )
        for number in sorted(back):
            step = history.offline[number]
            self.journal.end(number, step.back, DONE, "the machine was booted since")

    def _end(self, ending: Ending, why: str) -> Result:
        self.journal.note(f"{ending}: {why}" if why else ending)
        return Result(ending, why, tuple(self.journal.history.offline))


def _passed_over(blocks: set[int]) -> str:
    return f"passed over: blocks {', '.join(map(str, sorted(blocks)[:50]))}"
