"""The proofs that are easily found, of one property or action at a time.

Most obligations follow by propagation (`propagate`) from the guards, and for an invariant from
itself before the step.  The others go to z3 with few assumptions, in one context: their
text is parsed once, and each is asked of a solver of its own.  A batch is cut by what it is
about, never by time or by the number of processes, so an answer depends on nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from memhp.spec.language.terms import Term, negate

from .attempts import Limits, near, own
from .obligations import Assumption, Obligation, Obligations
from .propagate import follows
from .smt import GOAL, unnamed_script
from .solvers import Answer, Session

__all__ = ["Kind", "Subject", "first_proofs", "obligations_of"]


class Kind(Enum):
    """What obligations are about."""

    property = auto()
    action = auto()
    """Its updates must not meet."""


@dataclass(frozen=True)
class Subject:
    """What the obligations of one batch are about: a property or an action, by its name."""

    kind: Kind
    name: str


def obligations_of(known: Obligations, subject: Subject) -> tuple[Obligation, ...]:
    """What must be shown of the property or the action, *unchanged* or not."""
    of = known.of_property if subject.kind is Kind.property else known.of_action
    return tuple(of(subject.name))


def first_proofs(
    known: tuple[Obligations, Limits], asked: tuple[Subject, tuple[int, ...]]
) -> list[Answer]:
    """What is easily found about some obligations of one subject: *unsat* is a proof.

    Args:
        known: all obligations, and how much work an answer may cost.
        asked: the subject, and the places of those obligations among its that are not *unchanged*.
    """
    (all_obligations, limits), (subject, places) = known, asked
    every = [each for each in obligations_of(all_obligations, subject) if not each.unchanged]
    obligations = [every[place] for place in places]
    alone: dict[Term, bool] = {}
    proofs: list[Answer | None] = []
    for each in obligations:
        if each.goal not in alone:
            alone[each.goal] = follows(each.goal, ())
        proofs.append(_propagated(each, alone[each.goal]))
    left = [each for each, proof in zip(obligations, proofs, strict=True) if not proof]
    solved = iter(_solved(all_obligations, left, limits) if left else ())
    return [proof or next(solved) for proof in proofs]


def _propagated(obligation: Obligation, alone: bool) -> Answer | None:
    """The proof from the guards, and the property itself; ``alone``, from nothing."""
    if alone:
        return Answer("unsat", core=(GOAL,), rewritten=True)
    claim = obligation.claim
    used = [part for part in obligation.assumptions if part.role == "guard"]
    facts = [part.term for part in used]
    mine: list[Assumption] = []
    if claim and obligation.kind == "consecution":
        mine = [p for p in obligation.assumptions if (p.role, p.name) == ("always", claim.name)]
    if not follows(obligation.goal, facts, [claim.formula for _ in mine if claim]):
        return None
    core = sorted([GOAL, *(part.label for part in (*used, *mine))])
    return Answer("unsat", core=tuple(core), rewritten=True)


_NOT_FOUND = Answer("unknown", reason="no proof was found easily")


def _solved(
    known: Obligations, obligations: Sequence[Obligation], limits: Limits
) -> Sequence[Answer]:
    try:
        return list(_Solving(known, obligations, limits).answers())
    except Exception:  # a solver's own exceptions share no base class; each is asked anew
        return [_NOT_FOUND] * len(obligations)


class _Solving:
    """z3 with all that the obligations of one batch may assume."""

    def __init__(
        self, known: Obligations, obligations: Sequence[Obligation], limits: Limits
    ) -> None:
        self._limit = limits.z3
        self._attempts = {each: (own(each), near(each)) for each in obligations}
        self._goals = Counter(each.goal for each in obligations)
        self._alone: dict[Term, Answer] = {}
        terms = dict.fromkeys(
            term
            for each, attempts in self._attempts.items()
            for term in (*(part.general for used in attempts for part in used), negate(each.goal))
        )
        self._number = {term: number for number, term in enumerate(terms)}
        constants = dict.fromkeys(var for each in obligations for var in each.constants)
        self._session = Session(unnamed_script(known.system, tuple(terms), tuple(constants)))

    def answers(self) -> Iterator[Answer]:
        """The proof of each obligation, or *unknown*."""
        for each, attempts in self._attempts.items():
            # Nothing is assumed first, if other obligations have the same goal.
            alone = [()] if self._goals[each.goal] > 1 else []
            answers = (self._ask(each, used) for used in (*alone, *attempts))
            yield next((found for found in answers if found.status == "unsat"), _NOT_FOUND)

    def _ask(self, obligation: Obligation, used: Sequence[Assumption]) -> Answer:
        goal = obligation.goal
        if not used and goal in self._alone:
            return replace(self._alone[goal], seconds=0.0)
        chosen = {part.label: self._number[part.general] for part in used}
        found = self._session.ask({**chosen, GOAL: self._number[negate(goal)]}, self._limit)
        if not used:
            self._alone[goal] = found
        return found
