"""Deciding the obligations of properties and actions, in rounds of queries asked together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from memhp.spec.language.system import System

from .batch import Kind, Subject, first_proofs, obligations_of
from .case import Case, Limits
from .keys import Keys
from .obligations import Obligation, Obligations
from .pool import Pool
from .solvers import Query
from .standing import FirstAnswers

__all__ = ["Work", "decide"]

_FIRST = Query("first", "", 0)
_Broken: TypeAlias = Callable[[Collection[str]], Collection[str]]
"""From the names of properties to those that a run is known to break."""
_Turn: TypeAlias = tuple[Case, Iterator[Query], Query]


@dataclass
class Work:
    """The cases of each property and each action that was looked at, by its name.

    ``unchanged`` has the obligations of a property that need no solver; ``looked`` is called with
    the name of each property that was looked at; ``broken`` says which a run breaks.
    """

    system: System
    limits: Limits
    cases: dict[str, list[Case]] = field(default_factory=dict)
    actions: dict[str, list[Case]] = field(default_factory=dict)
    unchanged: dict[str, list[Obligation]] = field(default_factory=dict)
    looked: Callable[[str], None] | None = None
    broken: _Broken | None = None

    def __post_init__(self) -> None:
        self._all = Obligations(self.system)
        self._shared = (self._all, self.limits)
        self._keys = Keys((*self._all.axioms, *self._all.invariants))

    def settle(self, names: Collection[str], pool: Pool) -> None:
        """Decide those properties, the updates of all actions, and whatever the proofs rest on.

        Wherever a proof rests on a property that turns out not to be proved, another is
        looked for.  It may rest on properties that nobody has asked about yet, so these
        are decided too, until nothing is new.  Afterwards every proof rests on what is
        proved: what cannot be proved without the others has ``lost`` its proof.
        """
        self._decide_updates(pool)
        self._decide_properties(names, pool)
        while shaken := self._shaken(doubtful := self.unproved()):
            again = [case.without(doubtful) for case in shaken]
            decide(again, pool, self.broken)
            for case, other in zip(shaken, again, strict=True):
                case.replace_proof(other)
            self._decide_properties((), pool)

    def _shaken(self, doubtful: frozenset[str]) -> list[Case]:
        """The cases whose proofs rest on one of those properties."""
        return [case for case in self.every() if case.rests_on() & doubtful]

    def _decide_updates(self, pool: Pool) -> None:
        """Decide whether the updates of each action stay apart."""
        for name, _, cases in self._decided(Kind.action, self.system.action_by_name, pool):
            if cases:
                self.actions[name] = cases

    def _decide_properties(self, names: Collection[str], pool: Pool) -> None:
        """Decide those properties, and all that any proof so far rests on."""
        while wanted := {*names, *self._premises()} - self.cases.keys():
            ordered = [claim.name for claim in self.system.properties if claim.name in wanted]
            for name, unchanged, cases in self._decided(Kind.property, ordered, pool):
                self.unchanged[name], self.cases[name] = unchanged, cases

    def _decided(
        self, kind: Kind, names: Collection[str], pool: Pool
    ) -> list[tuple[str, list[Obligation], list[Case]]]:
        """The unchanged obligations, and the cases, decided, of each property or action."""
        unchanged: dict[str, list[Obligation]] = {}
        cases: dict[str, list[Case]] = {}

        def batches() -> Iterator[tuple[Subject, list[Obligation]]]:
            for name in names:
                obligations = [*obligations_of(self._all, subject := Subject(kind, name))]
                changed = [each for each in obligations if not each.unchanged]
                unchanged[name] = [each for each in obligations if each.unchanged]
                cases[name] = [Case(self.system, each, self.limits) for each in changed]
                yield subject, changed

        before = FirstAnswers(pool.cache, self._keys, self.limits.z3)
        for subject, answers in pool.batches(first_proofs, self._shared, batches(), before):
            for case, answer in zip(cases[subject.name], answers, strict=True):
                case.take(_FIRST, answer)
            if self.looked and kind is Kind.property:
                self.looked(subject.name)
        decide([case for each in cases.values() for case in each], pool, self.broken)
        return [(name, unchanged[name], cases[name]) for name in names]

    def _premises(self) -> frozenset[str]:
        return frozenset(name for case in self.every() for name in case.rests_on())

    def every(self) -> Iterator[Case]:
        """The cases of all properties and actions."""
        for cases in (*self.cases.values(), *self.actions.values()):
            yield from cases

    def unproved(self) -> frozenset[str]:
        """The names of the properties that have an obligation without a proof."""
        return frozenset(
            name for name, cases in self.cases.items() if not all(case.proof for case in cases)
        )


def decide(cases: Sequence[Case], pool: Pool, broken: _Broken | None = None) -> None:
    """Decide the cases: make all attempts for the first one of each action, then for the others.

    What the proof of one obligation of an action rests on is often what those of the others need.

    Args:
        cases: of any properties.
        pool: asks the solvers.
        broken: says which properties a run breaks; it is asked before a machine is looked for.
    """
    waiting = [case for case in cases if case.is_open()]
    leaders = list({case.action: case for case in reversed(waiting)}.values())
    _ask(((case, case.attempts()) for case in leaders), pool, broken)
    lemmas = {case.action: case.used() for case in leaders if case.proof}
    others = ((case, case.attempts(lemmas.get(case.action, ()))) for case in waiting)
    _ask(others, pool, broken)


def _ask(
    questions: Iterable[tuple[Case, Iterator[Query]]], pool: Pool, broken: _Broken | None
) -> None:
    """Rounds of queries, each for all cases that wait for an answer."""
    waiting = list(questions)
    while waiting:
        turns: list[_Turn] = []
        for case, queries in waiting:
            if case.is_open() and (query := next(queries, None)):
                turns.append((case, queries, query))
        if broken:
            turns = _unbroken(turns, broken)
        answers = pool.ask([query for _, _, query in turns])
        for (case, _, query), answer in zip(turns, answers, strict=True):
            case.take(query, answer)
        waiting = [(case, queries) for case, queries, _ in turns]


def _unbroken(turns: Sequence[_Turn], broken: _Broken) -> list[_Turn]:
    """The turns without those that look for a machine on which a step breaks what a run breaks."""
    looking = {
        id(case): case.obligation.claim.name
        for case, _, query in turns
        if query.solver == "z3-ground" and case.obligation.claim
    }
    names = broken(frozenset(looking.values())) if looking else ()
    for case, _, _ in turns:
        case.broken = looking.get(id(case)) in names
    return [turn for turn in turns if not turn[0].broken]
