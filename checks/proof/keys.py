"""The keys of first answers to obligations: a digest of all that an answer depends on.

An obligation of a step depends on its claim, on its action and no other, and on what may be
assumed; so an edit of one guard leaves what is known about all other actions.  A proof depends on
no more than the assumptions that it uses: those have a digest each (`standing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property

from memhp.spec.language.system import Action, Property

from ..support.store import code_digest, digest_of
from .obligations import Assumption, Obligation
from .smt import GOAL

__all__ = ["Keys"]


class Keys:
    """The keys under which the first answers to a system's obligations are kept.

    Args:
        assumptions: the axioms and invariants, in their order.
    """

    def __init__(self, assumptions: tuple[Assumption, ...]) -> None:
        self._assumptions = assumptions
        self._digests: dict[int, tuple[Action | Property, str]] = {}
        self._standing: dict[tuple[str, ...], tuple[str, ...]] = {}

    def of(self, obligation: Obligation) -> str:
        """The key of the obligation and of all that it may assume: a digest, in hexadecimal."""
        return digest_of(self.of_proof(obligation), self._rest)

    def of_proof(self, obligation: Obligation) -> str:
        """The key of the obligation alone, without what it may assume beside its guards."""
        claim, action = obligation.claim, obligation.action
        parts = [_rules(), obligation.kind, str(obligation.number)]
        if claim:
            parts.append(self._once(claim))
        if action:
            parts.append(self._once(action))
        if not (action and claim):
            parts.append(repr(obligation.goal))
        return digest_of(*parts)

    def signed(self, core: tuple[str, ...]) -> tuple[str, ...]:
        """The labels of a proof's core; those of axioms and invariants with what these say."""
        return tuple(
            f"{label} {self._says[label]}" if label in self._says else label for label in core
        )

    def standing(self, core: tuple[str, ...]) -> tuple[str, ...]:
        """The labels of a `signed` core, if all of them say what they said; else none."""
        if core not in self._standing:
            self._standing[core] = tuple(self._labels(core))
        return self._standing[core]

    def _labels(self, core: tuple[str, ...]) -> Sequence[str]:
        labels = []
        for part in core:
            label, _, digest = part.partition(" ")
            of_action = label == GOAL or label.startswith("guard.")
            if not of_action and self._says.get(label) != digest:
                return ()
            labels.append(label)
        return labels

    @cached_property
    def _says(self) -> dict[str, str]:
        """A digest of what each axiom and invariant says, by its label."""
        return {part.label: digest_of(repr(part.term)) for part in self._assumptions}

    @cached_property
    def _rest(self) -> str:
        return digest_of(repr(self._says))

    def _once(self, part: Action | Property) -> str:
        """The digest of an action or a property, which many obligations have in common."""
        if id(part) not in self._digests:
            content = _of_action(part) if isinstance(part, Action) else _of_property(part)
            self._digests[id(part)] = part, digest_of(repr(content))
        return self._digests[id(part)][1]


def _of_action(action: Action) -> tuple[object, ...]:
    guards = [(guard.name, guard.condition) for guard in action.guards]
    updates = [(each.symbol, each.variables, each.terms) for each in action.updates]
    return action.name, action.params, guards, updates, action.using


def _of_property(claim: Property) -> tuple[object, ...]:
    return claim.name, claim.params, claim.formula, claim.using


@cache
def _rules() -> str:
    """A digest of all that makes obligations and looks for proofs."""
    return code_digest("checks/proof/*", "checks/support/*", "spec/language/*.py")
