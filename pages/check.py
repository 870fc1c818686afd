"""The page of a check: the rows of the list, each with its properties, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from memhp.checks.decision import Decision
from memhp.reference.outcome import shown
from memhp.spec.language import System, Variant
from memhp.spec.rows import ROWS

from .document import page

__all__ = ["check_page"]

_WORDS = {
    "proved": "proved for machines of every size",
    "holds": "not violated on the machines that were searched",
    "refuted": "refuted",
    "undetermined": "not decided",
}


@dataclass(frozen=True)
class _Claim:
    """A property, its verdict in a word, and how it came about."""

    decision: Decision
    verdict: str
    how: str
    rests_on: Sequence[str]
    steps: Sequence[str]
    """Of its trace, in order."""
    failures: Sequence[str]
    refuted_in: Sequence[Variant]
    """The wrong designs that break it."""


@dataclass(frozen=True)
class _Group:
    """A row of the list with its properties."""

    id: str
    concern: str
    command: str
    claims: Sequence[_Claim]

    @property
    def passed(self) -> int:
        """How many of the properties are as they should be."""
        return sum(claim.decision.counts_as.passes for claim in self.claims)


def check_page(
    system: System,
    title: str,
    decisions: Sequence[Decision],
    summary: str,
    variants: Sequence[Variant] = (),
) -> str:
    """The page of a check, as an HTML file that loads nothing.

    Args:
        system: the specification.
        title: what was checked.
        decisions: on its properties.
        summary: the line that counts them.
        variants: wrong designs, each of which breaks a property.
    """
    claims = {each.claim.name: _claim(system, each, variants) for each in decisions}
    return page(
        "check",
        title,
        summary=summary,
        groups=list(_groups(claims)),
        open=[each for each in claims.values() if not each.decision.counts_as.passes],
        system=system.name,
    )


def _claim(system: System, decision: Decision, variants: Sequence[Variant]) -> _Claim:
    proof, trace = decision.proof, decision.trace
    steps: list[str] = []
    if trace:
        for step in trace.trace(system).steps:
            steps.append(shown(step.action, system.action_by_name[step.action].params, step.params))
    obligations = f"{proof.obligations:,} obligations, by {proof.method}" if proof else ""
    failures = [f"{each.action or ''}: {each.reason}" for each in proof.failures] if proof else []
    return _Claim(
        decision,
        _word(decision),
        obligations or decision.scope,
        proof.rests_on if proof else (),
        steps,
        failures,
        [each for each in variants if each.breaks == decision.claim.name],
    )


def _word(decision: Decision) -> str:
    if decision.claim.kind == "sometimes" and decision.trace:
        return "reached by a trace"
    return _WORDS.get(decision.verdict.value, decision.verdict.value)


def _groups(claims: dict[str, _Claim]) -> Iterator[_Group]:
    known = {row.id: row for row in ROWS}
    rows = dict.fromkeys((*known, *(r for c in claims.values() for r in c.decision.claim.covers)))
    for id in rows:
        mine = [each for each in claims.values() if id in each.decision.claim.covers]
        if mine:
            row = known.get(id)
            yield _Group(id, row.concern if row else "", row.command if row else "", mine)
    if rest := [each for each in claims.values() if not each.decision.claim.covers]:
        yield _Group("", "properties of no row", "", rest)
