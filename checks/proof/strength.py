"""How much a proved property says beside what the specification says anyway.

A property that follows, step by step, from the guards of the actions says what a guard says: its
proof is no evidence that the guards are right.  One that follows from the other invariants is
true if they are.  What needs an argument over states is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from memhp.spec.language.rewrite import expand
from memhp.spec.language.system import System

from .batch import shown
from .case import Limits
from .counting import counting
from .obligations import Assumption, Obligation, Obligations

__all__ = ["Strength", "strengths_of_invariants", "strengths_of_steps"]


class Strength(Enum):
    """What a proof rests on; the value is a word for a table."""

    states = "states"
    """An argument over states: induction, or an invariant."""
    guards = "guards"
    """Guards and axioms alone, step by step."""
    form = "form"
    """The form of the updates alone."""
    follows = "follows"
    """Other invariants, in each state by itself."""

    @property
    def counts(self) -> bool:
        """Whether the proof is evidence of its own."""
        return self is Strength.states


_WIDE = Limits(z3=100_000)
"""For each question whether an invariant follows: most that do are soon seen to."""


def strengths_of_steps(system: System) -> dict[str, Strength]:
    """The strength of each *step* and *ends* property that is proved, by its name.

    Args:
        system: the specification.
    """
    every = Obligations(system)
    strengths = {}
    for claim in system.of_kind("step", "ends"):
        changed = [each for each in every.of_property(claim.name) if not each.unchanged]
        strengths[claim.name] = Strength.states
        if all(shown(system, changed, _no_invariant, Limits())):
            strengths[claim.name] = Strength.guards
            if all(shown(system, changed, _nothing, Limits())):
                strengths[claim.name] = Strength.form
    return strengths


def _nothing(_obligation: Obligation) -> Sequence[Assumption]:
    return ()


def _no_invariant(obligation: Obligation) -> Sequence[Assumption]:
    return [part for part in obligation.assumptions if part.role != "always"]


def strengths_of_invariants(system: System) -> dict[str, Strength]:
    """The strength of each *always* property that is proved, by its name.

    Of two that follow from each other the one that is declared first stays; what is called
    *follows* was shown to, from those that stay.

    Args:
        system: the specification.
    """
    every = Obligations(system)
    claims = list(system.of_kind("always"))
    by_name = {claim.name: claim for claim in claims}
    # An exact counter says how many there are, which no other invariant does.
    formulas = {claim.name: expand(claim.formula, system) for claim in claims}
    names = [name for name in reversed(by_name) if not counting(formulas[name])]
    left = {part.name: part for part in every.invariants}

    def alone(name: str) -> Obligation:
        """The obligation to show the property in a state that the others which are left allow."""
        rest = (*(part for other, part in left.items() if other != name), *every.axioms)
        claim = by_name[name]
        goal = formulas[name]
        return Obligation("enabled", claim, None, rest, goal, claim.params)

    for name in _shown(system, map(alone, names)):
        # Together some may only follow from each other.
        if _shown(system, [alone(name)]):
            del left[name]
    return {
        claim.name: Strength.states if claim.name in left else Strength.follows for claim in claims
    }


def _shown(system: System, obligations: Iterable[Obligation]) -> list[str]:
    """The names of the properties of those that are shown, in their order."""
    every = list(obligations)
    found: set[str] = set()
    for assumed in (_beside, _all_beside):
        rest = [each for each in every if _name(each) not in found]
        answers = shown(system, rest, assumed, _WIDE)
        found |= {_name(each) for each, it in zip(rest, answers, strict=True) if it}
    return [name for name in map(_name, every) if name in found]


def _name(obligation: Obligation) -> str:
    assert obligation.claim
    return obligation.claim.name


def _all_beside(obligation: Obligation) -> Sequence[Assumption]:
    """The assumptions that read a symbol of the goal."""
    return [part for part in obligation.assumptions if part.symbols & obligation.symbols]


def _beside(obligation: Obligation) -> Sequence[Assumption]:
    """Those, without invariants whose instances bring new terms without end."""
    return [part for part in _all_beside(obligation) if part.role == "axiom" or not part.may_loop]
