"""`memhp check --strengthen`: invariants with which more is proved, as code to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from memhp.checks.designs.answer import Suggest
    from memhp.checks.run import Decision
    from memhp.checks.strengthen.suggest import Suggestion
    from memhp.spec.language import Profile, System

__all__ = ["as_document", "for_designs", "found_for", "lines"]


def found_for(
    system: System,
    profile: Profile,
    decisions: Sequence[Decision],
    *,
    jobs: int | None,
    folder: Path | None,
) -> Suggestion | None:
    """What strengthens the proofs of what is not proved; None if all is.

    Args:
        system: the specification.
        profile: what it gives up is not asked for.
        decisions: on its properties.
        jobs: processes.
        folder: where answers are kept.
    """
    from memhp.checks.run import provable_part
    from memhp.checks.strengthen.suggest import suggest

    provable = provable_part(system, profile)
    proofs = (decision.proof for decision in decisions if not decision.given_up)
    goals = [
        proof.name
        for proof in proofs
        if proof and proof.kind != "action" and not proof.verdict.passes
    ]
    return suggest(provable, goals, jobs=jobs, cache=folder) if goals else None


def lines(suggestion: Suggestion | None) -> Iterator[str]:
    """What was found, or that nothing was, in words and as code."""
    if suggestion is None:
        yield "strengthening: nothing is needed, every property is proved"
        return
    if suggestion.found:
        number = len(suggestion.found)
        helped = len(suggestion.open) - len(suggestion.unproved)
        yield (
            f"strengthening: {helped} of {len(suggestion.open)} that need it proved,"
            f" with {number} more invariant{'s' * (number != 1)}, proved too:"
        )
        yield from "\n\n".join(("", suggestion.imports, *suggestion.sources)).splitlines()
        yield ""
    if suggestion.unproved:
        yield f"strengthening: nothing was found for {', '.join(suggestion.unproved)}:"
        yield "  it may be false, or need what short clauses about few elements do not say"


def for_designs(jobs: int | None, folder: Path | None) -> Suggest:
    """What `memhp.checks.designs.answer.answer` asks for suggestions.

    Args:
        jobs: processes.
        folder: where answers are kept.
    """
    from memhp.checks.strengthen.suggest import suggest

    def suggested(system: System, goals: Collection[str]) -> str:
        return "\n".join(lines(suggest(system, goals, jobs=jobs, cache=folder)))

    return suggested


def as_document(suggestion: Suggestion | None) -> dict[str, Any]:
    """What was found, for a program (cli/schema/check.json)."""
    if suggestion is None:
        return {"unproved": [], "found": []}
    return {
        "unproved": list(suggestion.unproved),
        "found": [
            {"name": claim.name, "serves": list(suggestion.serves[claim.name]), "source": source}
            for claim, source in zip(suggestion.found, suggestion.sources, strict=True)
        ],
    }
