"""Deciding the obligations of properties and actions, in rounds of queries asked together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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

    ``unchanged`` counts the obligations of a property that need no solver.
    """

    system: System
    limits: Limits
    cases: dict[str, list[Case]] = field(default_factory=dict)
    actions: dict[str, list[Case]] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._all = Obligations(self.system)

    def properties(self, names: Iterable[str], pool: Pool) -> None:
        """Decide the obligations of those properties, and of all that the proofs rest on."""
        wanted = set(names)
        while wanted:
            found = [
                self._of_property(claim.name)
                for claim in self.system.properties
                if claim.name in wanted
            ]
            decide([case for cases in found for case in cases], pool)
            wanted = {name for case in self.every() for name in case.rests_on()} - set(self.cases)

    def _of_property(self, name: str) -> list[Case]:
        obligations = list(self._all.of_property(name))
        self.unchanged[name] = sum(each.unchanged for each in obligations)
        self.cases[name] = [self._case(each) for each in obligations if not each.unchanged]
        return self.cases[name]

    def updates(self, pool: Pool) -> None:
        """Decide whether the updates of each action stay apart."""
        for action in self.system.actions:
            if cases := [self._case(each) for each in self._all.of_action(action.name)]:
                self.actions[action.name] = cases
        decide([case for cases in self.actions.values() for case in cases], pool)

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

    def settle(self, pool: Pool) -> None:
        """Look for another proof wherever one rests on a property that is not proved.

        Afterwards no proof does: what cannot be proved without such a property
        has ``lost`` its proof.
        """
        while shaken := [case for case in self.every() if case.rests_on() & self.unproved()]:
            doubtful = self.unproved()
            again = [case.without(doubtful) for case in shaken]
            decide(again, pool)
            for case, other in zip(shaken, again, strict=True):
                case.replace_proof(other)


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


def confirm(cases: Iterable[Case], pool: Pool) -> None:
    """Have the second solver confirm each proof."""
    waiting = [(case, case.confirmations()) for case in cases if case.proof]
    while waiting:
        asked: list[tuple[Case, Iterator[Query], Query]] = []
        for case, queries in waiting:
            if case.is_unconfirmed and (query := next(queries, None)):
                asked.append((case, queries, query))
        answers = pool.ask([query for _, _, query in asked])
        for (case, _, query), answer in zip(asked, answers, strict=True):
            case.take(query, answer)
        waiting = [(case, queries) for case, queries, _ in asked]
