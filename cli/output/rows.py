"""What `memhp check` shows while it decides: a line for each row of the list, once all is known."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING

from memhp.spec.rows import ROWS

from .streams import one_line, show_progress
from .terminal import tell

if TYPE_CHECKING:
    from memhp.checks.run import Decision
    from memhp.spec.language import System

_HEAD = "row proved reached  concern"
_MARGIN = _HEAD.index("concern")
"""Where a concern goes on."""


class Rows:
    """The properties of a run as they are decided.

    Args:
        system: of which they are.
        only: the names of those that are decided; all by default.
        shown: print the lines, and progress on a terminal.
    """

    def __init__(self, system: System, only: Collection[str] | None, *, shown: bool) -> None:
        wanted = [p for p in system.properties if only is None or p.name in only]
        self.total = len(wanted)
        self.decisions: dict[str, Decision] = {}
        self._whole = only is None
        self._shown = shown
        self._names = {claim.name for claim in wanted}
        self._asked: dict[str, set[str]] = {row.id: set() for row in ROWS}
        self._all = Counter(row for claim in system.properties for row in claim.covers)
        for claim in wanted:
            for row in claim.covers:
                self._asked.setdefault(row, set()).add(claim.name)
        self._concern = {row.id: row.concern for row in ROWS}
        self._command = {row.id: row.command for row in ROWS}
        self._printed: set[str] = set()
        self._looked: set[str] = set()
        self._answers = 0

    def start(self) -> None:
        """Show that nothing is decided yet, and how much there is."""
        self._progress()

    def answers(self, number: int) -> None:
        """Show that so many answers of solvers are in."""
        self._answers = number
        self._progress()

    def looked(self, name: str) -> None:
        """Show that a property was looked at; whether its proof stands is known when all are."""
        if name in self._names:
            self._looked.add(name)
            self._progress()

    def broken(self, names: Collection[str]) -> Collection[str]:
        """None is known to be: who asks for proofs is shown the steps that they fail at."""
        return ()

    def decided(self, decision: Decision) -> None:
        """Take a decision, and print the rows of which all is decided."""
        if (name := decision.claim.name) in self._names:
            self.decisions[name] = decision
            self._looked.add(name)
            for row in decision.claim.covers:
                if self._asked[row] <= self.decisions.keys():
                    self._print(row)
            self._progress()

    def finish(self) -> None:
        """Print the rows that are left; those without a property, if the user named none."""
        show_progress()
        for row, names in self._asked.items():
            if names or self._whole:
                self._print(row)
        if self._printed:
            print()

    def interrupt(self) -> None:
        """Print the rows of which something is decided, and how much of them is open."""
        show_progress()
        for row, names in self._asked.items():
            if names & self.decisions.keys():
                self._print(row)

    def _progress(self) -> None:
        if self._shown:
            answers = f", {self._answers} answers of solvers" if self._answers else ""
            show_progress(f"looked at {len(self._looked)} of {self.total} properties{answers}")

    def _print(self, row: str) -> None:
        if not self._shown or row in self._printed:
            return
        show_progress()
        if not self._printed:
            print(_HEAD)
        self._printed.add(row)
        tell(one_line(self._line(row)), margin=_MARGIN)
        sys.stdout.flush()

    def _line(self, row: str) -> str:
        names = self._asked[row]
        concern = self._concern.get(row, "")
        if not names:
            return f"{row:3} {'memhp ' + self._command[row]:14}  {concern}"
        counts = Counter(_word(self.decisions.get(name)) for name in names)
        proved, reached = counts.pop("proved", 0), counts.pop("reached", 0)
        notes = [f"{count} {word}" for word, count in sorted(counts.items())]
        if len(names) < self._all[row]:
            notes.append(f"{len(names)} of {self._all[row]} asked")
        note = f": {', '.join(notes)}" if notes else ""
        return f"{row:3} {proved:6} {reached:7}  {concern}{note}"


def _word(decision: Decision | None) -> str:
    """What is said of a property in its row."""
    if decision is None:
        return "open"
    verdict = decision.counts_as
    if decision.given_up and verdict.passes:
        return "given up"
    return "reached" if verdict.value == "holds" else verdict.value
