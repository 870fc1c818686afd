"""Deciding the obligations of properties and actions, in rounds of queries asked together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from memhp.spec.language.system import System

from .attempts import Case, Limits
from .obligations import Obligation, Obligations
from .pool import Pool
from .solvers import Query

__all__ = ["Work", "confirm", "decide"]


@dataclass
class Work:
    """The cases of each property and each action that was looked at.

    ``unchanged`` has the obligations of a property that need no solver.
    """

    system: System
    limits: Limits
    cases: dict[str, list[Case]] = field(default_factory=dict)
    actions: dict[str, list[Case]] = field(default_factory=dict)
    unchanged: dict[str, list[Obligation]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._all = Obligations(self.system)

    def settle(self, names: Collection[str], pool: Pool) -> None:
        """Decide those properties, the updates of all actions, and whatever the proofs rest on.

        Wherever a proof rests on a property that turns out not to be proved, another is
        looked for.  It may rest on properties that nobody has asked about yet, so these
        are decided too, until nothing is new.  Afterwards every proof rests on what is
        proved: what cannot be proved without the others has ``lost`` its proof.
        """
        self._decide_updates(pool)
        self._decide_properties(names, pool)
        while shaken := [case for case in self.every() if case.rests_on() & self.unproved()]:
            doubtful = self.unproved()
            again = [case.without(doubtful) for case in shaken]
            decide(again, pool)
            for case, other in zip(shaken, again, strict=True):
                case.replace_proof(other)
            self._decide_properties((), pool)

    def _decide_updates(self, pool: Pool) -> None:
        """Decide whether the updates of each action stay apart."""
        for action in self.system.actions:
            if cases := [self._case(each) for each in self._all.of_action(action.name)]:
                self.actions[action.name] = cases
        decide([case for cases in self.actions.values() for case in cases], pool)

    def _decide_properties(self, names: Collection[str], pool: Pool) -> None:
        """Decide those properties, and all that any proof so far rests on."""
        while wanted := {*names, *self._premises()} - self.cases.keys():
            cases = [
                case
                for claim in self.system.properties
                if claim.name in wanted
                for case in self._of_property(claim.name)
            ]
            decide(cases, pool)

    def _premises(self) -> frozenset[str]:
        return frozenset(name for case in self.every() for name in case.rests_on())

    def _of_property(self, name: str) -> list[Case]:
        obligations = list(self._all.of_property(name))
        self.unchanged[name] = [each for each in obligations if each.unchanged]
        self.cases[name] = [self._case(each) for each in obligations if not each.unchanged]
        return self.cases[name]

    def _case(self, obligation: Obligation) -> Case:
        return Case(self.system, obligation, self.limits)

    def every(self) -> Iterator[Case]:
        """All cases."""
        for cases in (*self.cases.values(), *self.actions.values()):
            yield from cases

    def unproved(self) -> frozenset[str]:
        """The properties that have an obligation without a proof."""
        return frozenset(
            name for name, cases in self.cases.items() if not all(case.proof for case in cases)
        )


def decide(cases: Sequence[Case], pool: Pool) -> None:
    """Rounds of attempts, each for all cases that are open."""
    attempts = [(case, case.attempts()) for case in cases]
    while attempts:
        asked: list[tuple[Case, Iterator[Query], Query]] = []
        for case, queries in attempts:
            if case.is_open and (query := next(queries, None)):
                asked.append((case, queries, query))
        answers = pool.ask([query for _, _, query in asked])
        for (case, _, query), answer in zip(asked, answers, strict=True):
            case.take(query, answer)
        attempts = [(case, queries) for case, queries, _ in asked]


def confirm(work: Work, pool: Pool) -> None:
    """Have the second solver confirm each proof, from nothing but what is proved."""
    proved = work.cases.keys() - work.unproved()
    waiting = [(case, case.confirmations(proved)) for case in work.every() if case.proof]
    while waiting:
        asked: list[tuple[Case, Iterator[Query], Query]] = []
        for case, queries in waiting:
            if case.is_unconfirmed and (query := next(queries, None)):
                asked.append((case, queries, query))
        answers = pool.ask([query for _, _, query in asked])
        for (case, _, query), answer in zip(asked, answers, strict=True):
            case.take(query, answer)
        waiting = [(case, queries) for case, queries, _ in asked]
