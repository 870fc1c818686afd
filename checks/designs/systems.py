"""The answer to a system of one's own: each property proved, or refuted by a shortest run.

That a step breaks a property in a state that no run may reach refutes nothing: such a property is
undetermined, unless a run of a small machine violates it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from memhp.spec.language.system import System

from ..decision import Decision
from ..support.verdicts import Verdict
from .answer import violations

__all__ = ["by_runs"]


def by_runs(system: System, decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions; those on what is not proved, by the runs of the usual small machines.

    Args:
        system: of one's own.
        decisions: on its properties, as `checks.run.check` has them.
    """
    names = system.property_by_name
    failed = [
        each.claim
        for each in decisions
        if each.claim.kind != "sometimes" and each.claim.name in names and not _is_over(each)
    ]
    traces = violations(system, failed, {})
    decided = []
    for decision in decisions:
        if trace := traces.get(decision.claim.name):
            scope = f"trace of {len(trace.steps)}"
            decision = replace(
                decision, verdict=Verdict.refuted, method="search", scope=scope, trace=trace
            )
        elif decision.claim in failed and decision.proof:
            failures = tuple(
                replace(each, verdict=Verdict.undetermined) for each in decision.proof.failures
            )
            proof = replace(decision.proof, failures=failures)
            decision = replace(decision, verdict=Verdict.undetermined, proof=proof)
        decided.append(decision)
    return decided


def _is_over(decision: Decision) -> bool:
    return decision.verdict.passes or bool(decision.given_up)
