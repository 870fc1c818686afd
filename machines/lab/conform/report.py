"""How a walk went: what agreed, and each step that nothing explains."""

from __future__ import annotations

from dataclasses import dataclass, field
from errno import errorcode

from .target import Operation

__all__ = ["Disagreement", "Report", "Tally"]


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
