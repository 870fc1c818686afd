"""The first answers, by propagation and z3, to the obligations of one property or action at a time.

Most obligations follow by propagation (`propagate`) from the guards, and for an invariant from
itself before the step.  The others go to z3 with few assumptions, in one context: their
text is parsed once, and each is asked of a solver of its own.  A batch is cut by what it is
about, never by time or by the number of processes, so an answer depends on nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import islice

from memhp.spec.language.system import System
from memhp.spec.language.terms import Term, negate

from .case import Limits, near, own
from .obligations import Assumption, Obligation, Obligations
from .propagate import follows
from .smt import GOAL, unnamed_script
from .solvers import Answer, Session

__all__ = ["Kind", "Subject", "first_proofs", "obligations_of", "quick_proofs", "shown"]


_EASY = 4
"""A first look may cost this part of what an answer may: most proofs need less, and what needs more
is asked again, with other assumptions."""


class Kind(Enum):
    """The kinds of `Subject`."""

    property = auto()
    action = auto()
    """Its updates must not meet."""


@dataclass(frozen=True)
class Subject:
    """The property or the action that the obligations of one batch are about, by its name."""

    kind: Kind
    name: str


def obligations_of(obligations: Obligations, subject: Subject) -> Iterator[Obligation]:
    """The obligations of the property or of the action, those that are *unchanged* included.

    Raises:
        KeyError: the system has none of that name.
    """
    is_property = subject.kind is Kind.property
    of = obligations.of_property if is_property else obligations.of_action
    return of(subject.name)


def first_proofs(
    shared: tuple[Obligations, Limits], batch: tuple[Subject, tuple[int, ...]]
) -> list[Answer]:
    """The first answers to some obligations of one subject: a proof (*unsat*), or *unknown*.

    Args:
        shared: all obligations, and how much work an answer may cost.
        batch: the subject, and places, in their order, among its obligations that are not
            *unchanged*.
    """
    (all_obligations, limits), (subject, places) = shared, batch
    changed = (each for each in obligations_of(all_obligations, subject) if not each.unchanged)
    upto = enumerate(islice(changed, max(places, default=-1) + 1))
    asked = [each for place, each in upto if place in places]
    return quick_proofs(all_obligations.system, asked, limits)


def quick_proofs(system: System, obligations: Sequence[Obligation], limits: Limits) -> list[Answer]:
    """The first answers to obligations of one subject, asked together: as `first_proofs`.

    Args:
        system: its symbols are declared.
        obligations: none of them *unchanged*.
        limits: how much work an answer may cost.
    """
    alone: dict[Term, bool] = {}
    proofs: list[Answer | None] = []
    for each in obligations:
        if each.goal not in alone:
            alone[each.goal] = follows(each.goal, ())
        proofs.append(_propagated(each, alone[each.goal]))
    rest = [each for each, proof in zip(obligations, proofs, strict=True) if not proof]
    solved = iter(_solved(system, rest, limits) if rest else ())
    return [proof or next(solved) for proof in proofs]


def _propagated(obligation: Obligation, alone: bool) -> Answer | None:
    """The proof from the guards, and the property itself; ``alone``, from nothing."""
    if alone:
        return Answer("unsat", core=(GOAL,), rewritten=True)
    claim, guards = obligation.claim, obligation.guards
    mine: list[Assumption] = []
    before: list[Term] = []
    if claim and obligation.kind == "consecution":
        mine = [p for p in obligation.assumptions if (p.role, p.name) == ("always", claim.name)]
        before = [claim.formula for _ in mine]
    for used in ((), guards) if before else (guards,):
        if follows(obligation.goal, [part.term for part in used], before):
            core = sorted([GOAL, *(part.label for part in (*used, *mine))])
            return Answer("unsat", core=tuple(core), rewritten=True)
    return None


def shown(
    system: System, obligations: Sequence[Obligation], assumed: _Assumed, limits: Limits
) -> Iterator[bool]:
    """Whether each obligation is shown from those of its assumptions; False says nothing.

    z3 is asked only for those answers that are taken.

    Args:
        system: the specification.
        obligations: of one system, decided in one context.
        assumed: chooses the assumptions of one.
        limits: how much work an answer may cost.
    """
    facts = ([part.term for part in assumed(each) if part.role == "guard"] for each in obligations)
    easy = [follows(each.goal, known) for each, known in zip(obligations, facts, strict=True)]
    rest = [each for each, it in zip(obligations, easy, strict=True) if not it]
    solved = _shown_by_z3(system, rest, assumed, limits)
    for it in easy:
        yield it or next(solved, False)


def _shown_by_z3(
    system: System, obligations: Sequence[Obligation], assumed: _Assumed, limits: Limits
) -> Iterator[bool]:
    try:
        for answer in _Solving(system, obligations, assumed, limits).answers(frozenset()):
            yield answer.status == "unsat"
    except Exception:  # a solver's own exceptions share no base class
        return


_Assumed = Callable[[Obligation], Sequence[Assumption]]
"""Chooses the assumptions of an obligation."""
_NOT_FOUND = Answer("unknown", reason="no proof was found easily")


def _solved(system: System, obligations: Sequence[Obligation], limits: Limits) -> Sequence[Answer]:
    """z3's answers, from each obligation's own assumptions; where they do not do, from near ones.

    Goals that several obligations have are first asked with nothing assumed.
    """
    times = Counter(each.goal for each in obligations)
    shared = frozenset(goal for goal, count in times.items() if count > 1)
    limits = replace(limits, z3=max(1, limits.z3 // _EASY))
    try:
        first = _Solving(system, obligations, own, limits)
        answers = list(first.answers(shared))
        open_ones = [each for each, a in zip(obligations, answers, strict=True) if a is _NOT_FOUND]
        if not open_ones:
            return answers
        second = _Solving(system, open_ones, near, limits, beside=first)
        more = second.answers(frozenset())
        return [next(more) if answer is _NOT_FOUND else answer for answer in answers]
    except Exception:  # a solver's own exceptions share no base class; each is asked anew
        return [Answer("error", reason="z3 failed in a batch")] * len(obligations)


class _Solving:
    """z3 with all that the obligations of one batch may assume."""

    def __init__(
        self,
        system: System,
        obligations: Sequence[Obligation],
        assumed: _Assumed,
        limits: Limits,
        *,
        beside: _Solving | None = None,
    ) -> None:
        self._limit = limits.z3
        self._assumed = {each: assumed(each) for each in obligations}
        self._proofs: dict[Term, Answer] = {}
        terms = dict.fromkeys(
            term
            for each, used in self._assumed.items()
            for term in (*(part.general for part in used), negate(each.goal))
        )
        self._number = {term: number for number, term in enumerate(terms)}
        constants = dict.fromkeys(var for each in obligations for var in each.constants)
        text = unnamed_script(system, tuple(terms), tuple(constants))
        self._session: Session = Session(text, beside._session if beside else None)

    def answers(self, alone: frozenset[Term]) -> Iterator[Answer]:
        """The proof of each obligation, or *unknown*; the goals ``alone`` are asked alone first."""
        goals = set[Term]()
        for each, used in self._assumed.items():
            attempts = [used]
            if each.goal in alone - goals:
                attempts.insert(0, ())
                goals.add(each.goal)
            answers = (self._ask(each, chosen) for chosen in attempts)
            proof = self._again(each) or next((a for a in answers if a.status == "unsat"), None)
            if proof and not any(label.startswith("guard.") for label in proof.core):
                self._proofs.setdefault(each.goal, proof)
            yield proof or _NOT_FOUND

    def _again(self, obligation: Obligation) -> Answer | None:
        """The proof of another obligation with the same goal, if it used no guard."""
        if not (proof := self._proofs.get(obligation.goal)):
            return None
        assumed = {GOAL, *(part.label for part in obligation.assumptions)}
        return replace(proof, seconds=0.0) if assumed >= {*proof.core} else None

    def _ask(self, obligation: Obligation, used: Sequence[Assumption]) -> Answer:
        chosen = {part.label: self._number[part.general] for part in used}
        goal = self._number[negate(obligation.goal)]
        return self._session.ask({**chosen, GOAL: goal}, self._limit)
