"""The decision on one property: a verdict, and its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import TRUE

from .proof.results import PropertyResult
from .search.search import Witness
from .support.verdicts import Verdict, combine

__all__ = ["Decision", "claim_of", "overall"]


@dataclass(frozen=True)
class Decision:
    """The verdict on one property, by which method, and the evidence.

    ``given_up`` is the profile's reason for doing without the property; it is
    then expected to be refuted.  ``proof`` has the obligations; ``trace`` is a
    real run from boot that reaches or violates the property.
    """

    claim: Property
    verdict: Verdict
    method: str
    scope: str
    seconds: float
    certified: bool = False
    cached: bool = False
    given_up: str = ""
    proof: PropertyResult | None = None
    trace: Witness | None = None

    @property
    def counts_as(self) -> Verdict:
        """The verdict on the design: a property that is given up must be refuted."""
        if not self.given_up:
            return self.verdict
        return Verdict.holds if self.verdict is Verdict.refuted else Verdict.error


def overall(decisions: Sequence[Decision]) -> Verdict:
    """The verdict on all decisions together."""
    return combine(decision.counts_as for decision in decisions)


def claim_of(system: System, name: str) -> Property:
    """The property of that name; of an action's name, the claim that no two of its updates meet.

    Raises:
        KeyError: there is neither.
    """
    if name in system.property_by_name:
        return system.property_by_name[name]
    action = system.action_by_name[name]
    doc = "No two updates of the action write one point."
    return Property(name, action.module, "step", doc, action.params, TRUE, (), action.where)
