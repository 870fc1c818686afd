"""`memhp check --strengthen`: invariants with which more is proved, as code to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from memhp.checks.run import Decision
    from memhp.checks.strengthen.suggest import Suggestion
    from memhp.spec.language import Profile, System

__all__ = ["as_document", "found_for", "show_suggestion"]


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


def show_suggestion(suggestion: Suggestion | None) -> None:
    """Print what was found, or that nothing was."""
    from memhp.checks.strengthen.suggest import IMPORTS

    if suggestion is None:
        print("strengthening: nothing is needed, every property is proved")
        return
    helped = len(suggestion.open) - len(suggestion.unproved)
    if suggestion.found:
        number = len(suggestion.found)
        print(
            f"strengthening: with {number} more invariant{'s' * (number != 1)}, all proved, "
            f"{helped} of {len(suggestion.open)} properties {'are' if helped != 1 else 'is'} proved"
        )
        print("\n\n".join(("", IMPORTS, *suggestion.sources)))
    if suggestion.unproved:
        names = ", ".join(suggestion.unproved)
        print(f"strengthening: nothing was found for {names}: it may be false, or need a sentence")
        print("  that short clauses about few elements do not say")


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
