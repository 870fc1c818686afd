"""Certificates: cvc5 refutes the negation of each obligation anew, and can give the proof of that.

cvc5 gets the obligation as `obligations` makes it.  Neither z3's answer nor what `propagate`
made of it is used, but for a hint: which assumptions may suffice.  What cvc5 shows from those
it shows from all.

The obligations of one property go to one solver, one after another, each in a scope of its own;
what is not shown there is asked of fresh ones.  A batch is cut by what it is about, so an answer
depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from ..support.parallel import each
from .case import Case
from .cpc import Account, account
from .obligations import Assumption
from .rounds import Work
from .smt import script
from .solvers import Answer, Query, Refuter, refuted

__all__ = ["Certificate", "certify", "digest"]


@dataclass(frozen=True)
class Certificate:
    """The text of an obligation, and cvc5's proof of it in CPC.

    ``action`` is empty where there is none; ``assumes`` are the labels of the text's assumptions.
    """

    name: str
    action: str
    assumes: tuple[str, ...]
    text: str
    proof: str

    @cached_property
    def account(self) -> Account:
        """The number of steps of the proof, and what it takes for granted."""
        return account(self.proof, self.text)


Taker = Callable[[str, Sequence["Certificate"]], None]
"""Receives the certificates of each property that has one for every case, and, as
``disjoint__ACTION``, of the updates of each action, as they come: what they rest on may turn out to
have none."""


def digest(text: str) -> str:
    """The SHA-256 of the text, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def certify(
    work: Work,
    jobs: int | None = None,
    *,
    take: Taker | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Have cvc5 confirm each proof, from nothing but what is proved.

    If certificates are wanted, a case whose certificate has a step without a reason, or takes
    for granted what its text does not say, stays unconfirmed.

    Args:
        work: all of which is decided.
        jobs: the number of processes (all cores by default).
        take: receives the certificates; without it none are made.
        progress: called with the number of answers so far.
    """
    proved = work.cases.keys() - work.unproved()
    certificates: dict[int, Certificate] = {}
    premises: dict[int, frozenset[str]] = {}
    answers, proofs = 0, take is not None
    for everything in (False, True):  # with what the proof used, then with all that holds
        groups = [_Group(name, cases, proved, everything) for name, cases in _unconfirmed(work)]
        batches = [(work.limits.cvc5, proofs, group.texts) for group in groups]
        for group, replies in zip(groups, each(_replies, None, batches, jobs), strict=True):
            for at, (case, (answer, proof)) in enumerate(zip(group.cases, replies, strict=True)):
                case.take(Query("cvc5", "", work.limits.cvc5), answer)
                premises[id(case)] = group.premises(at)
                if proofs and case.confirmed:
                    certificates[id(case)] = certificate = group.certificate(at, proof)
                    case.confirmed = certificate.account.is_whole
            cases = dict(_cases(work))[group.name]
            if take and all(case.confirmed for case in cases):
                take(group.name, [certificates.pop(id(case)) for case in cases])
            answers += len(group.cases)
            if progress:
                progress(answers)
    _lose(work, premises)


def _lose(work: Work, premises: Mapping[int, frozenset[str]]) -> None:
    """What rests on a property that is not confirmed is not confirmed either."""
    doubtful = frozenset[str]()
    while more := _doubtful(work) - doubtful:
        doubtful |= more
        for case in work.every():
            if lost := premises.get(id(case), frozenset()) & doubtful:
                case.confirmed, case.lost = False, case.lost | lost


def _doubtful(work: Work) -> frozenset[str]:
    cases = work.cases.items()
    return frozenset(name for name, own in cases if not all(case.confirmed for case in own))


def _cases(work: Work) -> Iterator[tuple[str, list[Case]]]:
    yield from work.cases.items()
    yield from ((f"disjoint__{action}", cases) for action, cases in work.actions.items())


def _unconfirmed(work: Work) -> Iterator[tuple[str, list[Case]]]:
    for name, cases in _cases(work):
        if waiting := [case for case in cases if case.proof and case.is_unconfirmed()]:
            yield name, waiting


class _Group:
    """Cases that one solver is asked about, and their texts."""

    def __init__(self, name: str, cases: list[Case], proved: Set[str], everything: bool) -> None:
        self.name, self.cases = name, cases
        self._used = [_holding(case, proved) if everything else case.used() for case in cases]
        pairs = zip(cases, self._used, strict=True)
        self.texts = [script(case.system, case.obligation, used) for case, used in pairs]

    def premises(self, at: int) -> frozenset[str]:
        """The other properties that the text of that number assumes."""
        own = self.cases[at].obligation.claim
        names = {part.name for part in self._used[at] if part.role == "always"}
        return frozenset(names - {own.name if own else ""})

    def certificate(self, at: int, proof: str) -> Certificate:
        """The certificate of the case of that number."""
        case, labels = self.cases[at], tuple(part.label for part in self._used[at])
        return Certificate(case.obligation.name, case.action, labels, self.texts[at], proof)


def _holding(case: Case, proved: Set[str]) -> tuple[Assumption, ...]:
    """All that the obligation may assume and that is proved."""
    parts = case.obligation.assumptions
    return tuple(part for part in parts if part.role != "always" or part.name in proved)


def _replies(_: None, batch: tuple[int, bool, list[str]]) -> list[tuple[Answer, str]]:
    """cvc5's answer to each text, and the proof; equal texts are asked once."""
    limit, proofs, texts = batch
    replies: dict[str, tuple[Answer, str]] = {}
    solver: Refuter | None = None
    for text in texts:
        if text in replies:
            continue
        try:
            solver = solver or Refuter(limit, proofs=proofs)
            replies[text] = solver.ask(text)
        except Exception:  # as below: it is asked anew
            solver = None
        if text not in replies or replies[text][0].status != "unsat":
            replies[text] = _alone(text, limit, proofs)
    return [replies[text] for text in texts]


def _alone(text: str, limit: int, proofs: bool) -> tuple[Answer, str]:
    try:
        return refuted(text, limit, proofs=proofs)
    except Exception as error:  # a solver's own exceptions share no base class
        return Answer("error", reason=f"cvc5: {str(error).strip()}"), ""
