"""What a proof says: of each property, of each reason why one is not proved, of all together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..support.verdicts import Verdict, combine

if TYPE_CHECKING:
    from .counterexample import Counterexample

__all__ = ["Failure", "ProofListener", "PropertyResult", "Report"]


@dataclass(frozen=True)
class Failure:
    """One reason why a property is not proved.

    ``action`` is None where no step is taken: at boot, or for an *ends*
    property; ``counterexample`` is there when the verdict is *refuted*.
    """

    action: str | None
    verdict: Verdict
    reason: str
    counterexample: Counterexample | None = None


@dataclass(frozen=True)
class PropertyResult:
    """The verdict on one property, or (kind *action*) on one action's updates, and its proofs.

    ``obligations`` counts all, ``unchanged`` those in which the action writes
    nothing that the property reads, ``rewritten`` the others that follow without a solver;
    ``rests_on`` names the other invariants used.
    """

    name: str
    module: str
    kind: str
    covers: tuple[str, ...]
    method: str
    scope: str
    verdict: Verdict
    seconds: float
    certified: bool
    cached: bool
    obligations: int
    unchanged: int
    rewritten: int = 0
    rests_on: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Report:
    """All results, in declaration order; the properties first, then the actions.

    ``premises`` are the results on what nobody asked for, and was decided for the proofs' sake.
    """

    system: str
    results: tuple[PropertyResult, ...] = field(default=())
    premises: tuple[PropertyResult, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the results."""
        return combine(result.verdict for result in self.results)

    def of(self, name: str) -> PropertyResult:
        """The result of that name.

        Raises:
            KeyError: there is none; a *sometimes* is searched for, not proved.
        """
        for result in self.results:
            if result.name == name:
                return result
        proved = ", ".join(result.name for result in self.results[:12])
        raise KeyError(f"nothing was to be proved of {name!r} (a sometimes is searched): {proved}")


class ProofListener(Protocol):
    """The receiver of the progress of proofs."""

    def answers(self, number: int) -> None:
        """Receive the number of solvers' answers so far."""

    def looked(self, name: str) -> None:
        """Receive the name of a property that was looked at; its proof may be lost later."""

    def broken(self, names: Collection[str]) -> Collection[str]:
        """Which of these properties a run is known to break: no proof is looked for any more.

        Args:
            names: of properties without an easy proof.
        """
