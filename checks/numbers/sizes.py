"""Proves or refutes the claims on section and block sizes with z3 (R1 to R5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from memhp.spec.numbers.section_size import CLAIMS, Claim

from ..proof.solvers import interruptible
from ..support.verdicts import Verdict

__all__ = ["ClaimResult", "prove_claim", "prove_claims"]

_RESOURCES = 50_000_000


@dataclass(frozen=True)
class ClaimResult:
    """The verdict on a claim; of a refuted one, a case and an x that break it."""

    claim: Claim
    verdict: Verdict
    case: Any = None
    x: int | None = None

    @property
    def as_declared(self) -> bool:
        """Whether a true claim is proved, or a design that is named as a defect refuted."""
        return self.verdict is (Verdict.proved if self.claim.true else Verdict.refuted)


def prove_claim(claim: Claim) -> ClaimResult:
    """The verdict on a claim, for every integer in each case; the first case that fails decides."""
    import z3

    x = z3.Int("x")
    unknown = None
    for case in claim.cases:
        solver = interruptible(z3.Solver())
        solver.set("rlimit", _RESOURCES)
        solver.add(claim.assume(case, x), z3.Not(claim.show(case, x, z3.If)))
        answer = solver.check()
        if answer == z3.sat:
            witness = solver.model().eval(x, model_completion=True).as_long()
            return ClaimResult(claim, Verdict.refuted, case, witness)
        if answer == z3.unknown:
            unknown = case
    if unknown is not None:
        return ClaimResult(claim, Verdict.undetermined, unknown)
    return ClaimResult(claim, Verdict.proved)


def prove_claims() -> list[ClaimResult]:
    """Every claim of `spec/numbers/section_size.py` with its verdict, in their order."""
    return [prove_claim(claim) for claim in CLAIMS]
