"""Verdicts, how several of them add up, and the exit code that each one means.

>>> combine([Verdict.proved, Verdict.undetermined]).exit_code
3
>>> combine([]).name
'proved'
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

__all__ = ["USAGE_EXIT_CODE", "Verdict", "combine"]

USAGE_EXIT_CODE = 2
"""What a command exits with when its arguments or its input are malformed."""


class Verdict(Enum):
    """What is known about a claim; from the best to the worst."""

    proved = "proved"
    """True for machines of every size."""
    holds = "holds"
    """True as far as the stated scope or depth reaches."""
    undetermined = "undetermined"
    """Not known: a solver gave up, a budget was spent, a *sometimes* was not reached."""
    refuted = "refuted"
    """False: there is a counterexample."""
    error = "error"
    """The tool itself failed."""

    @property
    def passes(self) -> bool:
        """Whether the claim may be relied on."""
        return self in (Verdict.proved, Verdict.holds)

    @property
    def exit_code(self) -> int:
        """The exit code of a command with this verdict."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Verdict.proved: 0,
    Verdict.holds: 0,
    Verdict.refuted: 1,
    Verdict.undetermined: 3,
    Verdict.error: 4,
}
_ORDER = list(Verdict)


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on all claims together: the worst one; *proved* if there are none."""
    return max(verdicts, key=_ORDER.index, default=Verdict.proved)
