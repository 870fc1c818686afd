"""By what the first answers to an obligation are kept: a digest of all that they depend on.

An obligation of a step depends on its claim, on its action and no other, and on what may be
assumed; so an edit of one guard leaves what is known about all other actions.
"""

from __future__ import annotations

from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

from memhp.spec.language.system import Action

from .obligations import Assumption, Obligation

__all__ = ["Keys"]


class Keys:
    """The keys of a system's obligations.

    Args:
        assumptions: the axioms and invariants, in their order.
    """

    def __init__(self, assumptions: tuple[Assumption, ...]) -> None:
        self._assumptions = assumptions
        self._of_action: dict[int, tuple[Action, str]] = {}

    def of(self, obligation: Obligation) -> str:
        """The key of the obligation."""
        claim, action = obligation.claim, obligation.action
        parts = [_rules(), self._rest, obligation.kind, str(obligation.number)]
        if claim:
            parts += (claim.name, repr((claim.params, claim.formula, claim.using)))
        if action and claim:
            parts.append(self._of(action))
        else:
            parts.append(repr((action and self._of(action), obligation.goal)))
        return _digest(*parts)

    @cached_property
    def _rest(self) -> str:
        return _digest(*(repr((part.label, part.term)) for part in self._assumptions))

    def _of(self, action: Action) -> str:
        if id(action) not in self._of_action:
            guards = [(guard.name, guard.condition) for guard in action.guards]
            updates = [(each.symbol, each.variables, each.terms) for each in action.updates]
            digest = _digest(repr((action.name, action.params, guards, updates)))
            self._of_action[id(action)] = action, digest
        return self._of_action[id(action)][1]


@cache
def _rules() -> str:
    """The text of all that makes obligations and looks for proofs."""
    checks = Path(__file__).parent
    language = checks.parent / "spec" / "language"
    files = sorted([*checks.glob("*.py"), *language.glob("*.py")])
    return _digest(*(path.read_text() for path in files))


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()
