"""What an exhaustive search covered and found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from memhp.reference import Topology
from memhp.spec.language.system import Property, System

from ..search.search import Choice, Witness
from ..support.verdicts import Verdict

__all__ = ["End", "Exploration", "Progress"]

End = Literal["complete", "depth", "memory", "interrupted", "refuted"]


@dataclass(frozen=True)
class Progress:
    """How far a search has come, ``seconds`` after its start; ``doing``, what follows it."""

    depth: int
    states: int
    transitions: int
    seconds: float
    doing: str = ""


@dataclass
class Exploration:
    """What a search covered and found.

    ``end``: *complete*, every reachable state was seen; otherwise every state
    within ``depth`` steps was, and the search ended for that reason.  With
    ``symmetry``, images of each other were counted once.

    ``engine``: *native*, states as packed words; *bits*, one bit a state (see `split`);
    *python*, by the reference.  ``layers`` are the numbers of new states by depth, from
    the boot state on (none, and ``depth`` 0, if they were not asked for);
    ``deadlocks``, of states without a step (None: not counted), with a shortest
    way to one; ``followed``, the *ends* properties of which all runs were seen;
    ``witnesses``, the properties that were decided by a trace; ``seen``, those without one:
    memory ran out while the shortest was looked for.
    """

    system: System
    topology: Topology
    claims: tuple[Property, ...]
    engine: str
    symmetry: bool
    end: End
    depth: int
    states: int
    transitions: int
    deadlocks: int | None
    layers: tuple[int, ...]
    seconds: float = 0.0
    followed: set[str] = field(default_factory=set)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    deadlock: tuple[Choice, ...] | None = None

    def verdict(self, claim: Property) -> Verdict:
        """What is known about a property that was looked for.

        A search that was not finished leaves undetermined what it did not find.
        """
        if claim.name in self.witnesses or claim.name in self.seen:
            return Verdict.holds if claim.kind == "sometimes" else Verdict.refuted
        if claim.kind == "ends":
            return Verdict.holds if claim.name in self.followed else Verdict.undetermined
        spent = self.end in ("memory", "interrupted", "refuted")
        return Verdict.undetermined if spent or claim.kind == "sometimes" else Verdict.holds
