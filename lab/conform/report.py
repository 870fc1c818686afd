"""How a walk went: what agreed, and each step that nothing explains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from typing import Literal

from memhp.spec.language.errnos import errorcode

from .target import Operation

__all__ = ["Disagreement", "Kind", "Lost", "Report", "Tally", "answer_word", "together"]


@dataclass(frozen=True)
class Disagreement:
    """A step on which the kernel and every world of the reference differ.

    ``operations`` are all since the guest was booted, the disagreeing one last; ``kernel`` and
    ``reference`` are the answers, ``held`` is what the blocks were seen to hold, ``differs`` what
    is seen otherwise (of `differences`), and ``console`` the guest's last words.
    """

    operations: tuple[Operation, ...]
    kernel: int | None
    reference: tuple[int | None, ...]
    held: tuple[str, ...]
    differs: tuple[str, ...]
    console: tuple[str, ...]

    @property
    def kind(self) -> tuple[object, ...]:
        """The answers and the variables that differ, which are the same in like disagreements."""
        variables = frozenset(line.partition(" of ")[0] for line in self.differs)
        return (self.kernel, self.reference, variables)

    def __str__(self) -> str:
        name, params = self.operations[-1]
        answers = (
            " or ".join(map(answer_word, self.reference)) or "it cannot hold what the pages show"
        )
        lines = [f"step {len(self.operations)}: {name}({', '.join(map(repr, params))})"]
        lines += [f"  the kernel: {answer_word(self.kernel)}; the reference: {answers}"]
        lines += [f"  {line}" for line in (*self.held, *self.differs, *self.console)]
        return "\n".join(lines)


@dataclass(frozen=True)
class Lost:
    """A guest that ended or hung: all that was done since its boot, and its last words."""

    operations: tuple[Operation, ...]
    why: str


def answer_word(errno: int | None) -> str:
    """The word for an answer: ``ok``, or the name of its errno.

    >>> answer_word(None), answer_word(16)
    ('ok', 'EBUSY')
    """
    return "ok" if errno is None else errorcode.get(errno, str(errno))


Kind = Literal["determined", "allowed", "changed", "deviating", "disagreed"]
"""How a step may go (docs/kernels.md)."""

_FEW = 50
"""At most one step in so many, and one more, may be *changed*."""


@dataclass
class Tally:
    """How many steps of one operation went which way, and how many seconds all of them took."""

    determined: int = 0
    allowed: int = 0
    changed: int = 0
    deviating: int = 0
    disagreed: int = 0
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return self.determined + self.allowed + self.changed + self.deviating + self.disagreed

    @property
    def agrees(self) -> bool:
        """Nothing disagreed, and few steps are explained by what was not seen in time."""
        return not self.disagreed and self.changed <= 1 + self.steps // _FEW

    def count(self, kind: Kind) -> None:
        """Count one more step of this kind."""
        setattr(self, kind, getattr(self, kind) + 1)


def together(tallies: Iterable[Tally]) -> Tally:
    """The tallies added up.

    >>> together([Tally(2, seconds=0.5), Tally(1, 1)])
    Tally(determined=3, allowed=1, changed=0, deviating=0, disagreed=0, seconds=0.5)
    """
    return Tally(*map(sum, zip(*map(astuple, tallies), strict=True)))


@dataclass
class Report:
    """How a walk went, by operation; what disagreed, which deviations were met, and guests lost.

    ``changes`` has a line for each step that is explained by what came or went meanwhile.
    """

    tallies: dict[str, Tally] = field(default_factory=dict)
    disagreements: list[Disagreement] = field(default_factory=list)
    deviations: dict[str, int] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def total(self) -> Tally:
        """The tally of all operations together."""
        return together(self.tallies.values())

    @property
    def changed_too_often(self) -> dict[str, Tally]:
        """The operations that do not agree although no step of theirs disagreed."""
        return {
            name: tally
            for name, tally in self.tallies.items()
            if not (tally.agrees or tally.disagreed)
        }

    @property
    def agrees(self) -> bool:
        """Nothing is left unexplained, few steps are *changed*, and no guest was lost."""
        well = all(tally.agrees for tally in self.tallies.values())
        return well and not (self.disagreements or self.lost)
