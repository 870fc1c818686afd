"""The keys of first answers to obligations: a digest of all that an answer depends on.

An obligation of a step depends on its claim, on its action and no other, and on what may be
assumed; so an edit of one action leaves what is known about all others.  A proof depends on no more
than the assumptions that it uses, guards among them: those have a digest each (`standing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property

from memhp.spec.language.rewrite import term_text
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
        self._guards: dict[int, tuple[Action, dict[str, str]]] = {}
        self._standing: dict[tuple[int, tuple[str, ...]], tuple[str, ...]] = {}

    def of(self, obligation: Obligation) -> str:
        """The key of the obligation and of all that it may assume: a digest, in hexadecimal."""
        guards = self._of_guards(obligation)
        return digest_of(self.of_proof(obligation), self._rest, repr(guards))

    def of_proof(self, obligation: Obligation) -> str:
        """The key of the obligation alone, without anything that it may assume."""
        claim, action = obligation.claim, obligation.action
        parts = [_rules(), obligation.kind, str(obligation.number)]
        if claim:
            parts.append(self._once(claim))
        if action:
            parts.append(self._once(action))
        if not (action and claim):
            parts.append(term_text(obligation.constants, obligation.goal))
        return digest_of(*parts)

    def signed(self, core: tuple[str, ...], obligation: Obligation) -> tuple[str, ...]:
        """The labels of a proof's core, each with what it says, but for the goal.

        Args:
            core: labels of assumptions.
            obligation: what is proved; guards of its action are among them.
        """
        guards = self._of_guards(obligation)
        digests = (guards.get(label) or self._says.get(label) for label in core)
        return tuple(
            f"{label} {it}" if it else label for label, it in zip(core, digests, strict=True)
        )

    def standing(self, core: tuple[str, ...], obligation: Obligation) -> tuple[str, ...]:
        """The labels of a `signed` core, if all of them say what they said; else none."""
        key = id(obligation.action), core
        if key not in self._standing:
            self._standing[key] = tuple(self._labels(core, self._of_guards(obligation)))
        return self._standing[key]

    def _labels(self, core: tuple[str, ...], guards: Mapping[str, str]) -> Sequence[str]:
        labels = []
        for part in core:
            label, _, digest = part.partition(" ")
            if label != GOAL and (guards.get(label) or self._says.get(label)) != digest:
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

    def _of_guards(self, obligation: Obligation) -> dict[str, str]:
        """A digest of what each guard of the action says, by its label."""
        action = obligation.action
        if action is None:
            return {}
        if id(action) not in self._guards:
            says = {
                part.label: digest_of(term_text(action.params, part.term))
                for part in obligation.guards
            }
            self._guards[id(action)] = action, says
        return self._guards[id(action)][1]

    def _once(self, part: Action | Property) -> str:
        """The digest of an action without its guards, or of a property: many have it in common."""
        if id(part) not in self._digests:
            content = _of_action(part) if isinstance(part, Action) else [repr(_of_property(part))]
            self._digests[id(part)] = part, digest_of(*content)
        return self._digests[id(part)][1]


def _of_action(action: Action) -> list[str]:
    updates = [(each.symbol, each.variables, each.terms) for each in action.updates]
    head = repr((action.name, action.params, action.using))
    return [head, *(term_text(action.params, *update) for update in updates)]


def _of_property(claim: Property) -> tuple[object, ...]:
    return claim.name, claim.params, claim.formula, claim.using


@cache
def _rules() -> str:
    """A digest of all that makes obligations and looks for proofs."""
    return code_digest("checks/proof/*", "checks/support/*", "spec/language/*.py")
