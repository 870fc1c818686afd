"""From what is not inductive to what makes it so: candidates, and those that hold together.

A case that is not proved has a counterexample to induction.  Of what excludes it some become
candidates (`find`), all of which may be assumed in the next attempt.  Those that a proof then
rests on are to be proved themselves; one that cannot be is strengthened once, by candidates that
exclude its own counterexample, and dropped if that does not help, with every proof that rested on
it.  What is left in the end is inductive together with the goals.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from memhp.reference import Topology
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import Term

from ..proof.batch import quick_proofs
from ..proof.case import Case, Limits, uniform
from ..proof.counterexample import Counterexample, explain
from ..proof.obligations import Assumption, Obligation, Obligations
from ..proof.pool import Pool
from ..proof.rounds import decide
from ..proof.solvers import Answer, Query
from .clauses import Knowledge
from .find import Candidates, Finder, Shown
from .reach import REACHES, Effort
from .states import reached
from .words import Writer

__all__ = ["Search"]


@dataclass
class _Candidate:
    """A property that may be an invariant: for a goal (depth 0), or for another candidate.

    ``holds``: with others like it, no step of a small machine breaks it.
    """

    claim: Property
    depth: int
    holds: bool = False
    failures: int = 0


_Kept = tuple[Case, Obligation, Answer | None]
"""A case as it was: with its obligation and its proof."""
SMALL = 2
"""So many elements of each sort has the machine on which what failed is asked again."""
FEW = 4
"""So many cases of a property are looked at together; one that fails is enough to go on with."""
_DEEPEST = 12
_MOST_FAILURES = 6
"""So often a candidate is looked at that cannot be proved yet."""


class Search:
    """The properties that are to be proved, and the candidates that might help.

    Args:
        system: the specification.
        goals: names of properties, not *sometimes*.
        doubtful: names of *always* properties that may be assumed only if they are proved, too.
        pool: the solvers.
        effort: how much is tried.
    """

    def __init__(
        self,
        system: System,
        goals: Collection[str],
        doubtful: Collection[str],
        pool: Pool,
        effort: Effort,
    ) -> None:
        self.system = system
        self.goals = list(goals)
        self._doubtful = dict.fromkeys(doubtful)
        self._pool, self._effort = pool, effort
        self._obligations = Obligations(system)
        self._invariants = {each.name: each for each in self._obligations.invariants}
        self._candidates: dict[str, _Candidate] = {}
        self._assumed: dict[str, Assumption] = {}
        self._cases: dict[str, list[Case]] = {}
        self._tried: dict[frozenset[Term], str] = {}
        self._machines: set[Topology] = set()
        self._hard: set[str] = set()
        self._writer = Writer(system)

    @cached_property
    def _finder(self) -> Finder:
        return Finder(self.system, self._obligations, self._doubtful, self._writer)

    def begin(self) -> list[str]:
        """The goals that are not proved without candidates, or rest on what is not."""
        self._settle()
        failing = self._failing().keys()
        asked = {goal: not failing.isdisjoint(self._demanded([goal])) for goal in self.goals}
        self.goals = [goal for goal, opened in asked.items() if not opened]
        return [goal for goal, opened in asked.items() if opened]

    def run(self, goals: Sequence[str], knowledge: Knowledge) -> None:
        """Look for candidates until each of those goals is proved, or given up.

        One at a time: what one needs may help the next.  Those that are proved join ``goals``.
        """
        for goal in goals:
            self.goals.append(goal)
            self._settle()
            self._begin_with_what_stays()
            self._prove(knowledge)
            used = {claim.name for claim in self.used()}
            for name in [name for name in self._candidates if name not in used]:
                self._drop(name)

    def _prove(self, knowledge: Knowledge) -> None:
        """Look for candidates until the goals are proved; ``goals`` loses what is given up."""
        for _ in range(self._effort.rounds):
            if not (failing := self._failing()):
                return
            self._learn(failing, knowledge)
            self._settle()
        while failing := self._failing():
            for name in failing:
                self._drop(name)
            self._settle()

    def used(self) -> tuple[Property, ...]:
        """The candidates on which the proofs of the goals rest, and those of such candidates."""
        names = [name for name in self._demanded() if name in self._candidates]
        return tuple(self._candidates[name].claim for name in names)

    def found(self) -> tuple[Property, ...]:
        """What is `used`, under the names that an author is shown."""
        return self._writer.renamed(self.used())

    def minimise(self) -> None:
        """Drop each candidate without which all can be proved nevertheless."""
        for claim in reversed(self.used()):
            kept = self._candidates[claim.name], self._assumed[claim.name]
            cases = self._cases[claim.name]
            shaken = self._drop(claim.name)
            self._settle()
            if self._failing():
                self._candidates[claim.name], self._assumed[claim.name] = kept
                self._cases[claim.name] = cases
                for case, obligation, proof in shaken:
                    case.obligation, case.proof = obligation, proof

    # --- proving ------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Ask about each case that is open, of candidates too once a proof rests on them."""
        asked: set[int] = set()
        while True:
            names = self._demanded()
            for name in names:
                cases = [case for case in self._cases_of(name) if id(case) not in asked]
                asked |= {id(case) for case in cases}
                self._decide([case for case in cases if not case.proof], name in self._candidates)
            if self._demanded() == names:
                return

    def _cases_of(self, name: str) -> list[Case]:
        if name not in self._cases:
            obligations = self._obligations.of_property(name)
            changed = (each for each in obligations if not each.unchanged)
            self._cases[name] = [Case(self.system, each, self._effort.limits) for each in changed]
        return self._cases[name]

    def _decide(self, cases: Sequence[Case], doubtful: bool) -> None:
        """Ask about cases of one property, with what may be assumed now.

        It is enough to know of a few that they fail on a small machine; of what is ``doubtful``, a
        candidate, that one has no proof.
        """
        failed = [case for case in cases if case.small][:FEW]
        for case in cases:
            case.begin_again(self._assumptions(case.obligation))
        self._look_small(failed)
        if any(case.small for case in failed):
            return
        obligations = [case.obligation for case in cases]
        answers = quick_proofs(self.system, obligations, self._effort.limits)
        for case, answer in zip(cases, answers, strict=True):
            case.take(Query("first", "", self._effort.limits.z3), answer)
        opened = [case for case in cases if case.is_open()]
        for at in range(0, len(opened), FEW):
            self._look_small(opened[at : at + FEW])
            if any(case.small for case in opened):
                return
        for some in [[case] for case in opened] if doubtful else [opened]:
            decide(some, self._pool)
            for case in some:
                if case.is_open():
                    self._try_each(case)
            if not all(case.proof for case in some):
                return

    def _look_small(self, cases: Sequence[Case]) -> None:
        """What failed before may fail again on a small machine: that is soon seen."""
        queries = [case.ground(uniform(self.system, SMALL)) for case in cases]
        for case, query, answer in zip(cases, queries, self._pool.ask(queries), strict=True):
            if answer.status == "sat":
                case.take(query, answer)

    def _try_each(self, case: Case) -> None:
        """Where the solver gave up on what it was given, give it one candidate at a time."""
        whole = case.obligation
        found = {*self._assumed.values()}
        rest = tuple(part for part in whole.assumptions if part not in found)
        near = [part for part in self._assumed.values() if part.symbols <= whole.symbols]
        each = [_using(whole, part, rest) for part in near]
        for answer in quick_proofs(self.system, each, self._effort.limits) if each else ():
            if answer.status == "unsat":
                case.take(Query("first", "", self._effort.limits.z3), answer)
                return

    def _assumptions(self, obligation: Obligation) -> Sequence[Assumption]:
        """What the obligation may assume now."""
        if obligation.kind == "initiation":
            return obligation.assumptions
        found, known = self._assumed.values(), self._invariants.values()
        return (*obligation.guards, *found, *known, *self._obligations.axioms)

    def _demanded(self, goals: Sequence[str] | None = None) -> list[str]:
        """Those goals, or all, and what must be proved because a proof rests on it."""
        names = dict.fromkeys(self.goals if goals is None else goals)
        todo = list(names)
        while todo:
            for case in self._cases.get(todo.pop(), ()):
                for name in sorted(case.rests_on() - names.keys()):
                    if name in self._candidates or name in self._doubtful:
                        names[name] = None
                        todo.append(name)
        return list(names)

    def _failing(self) -> dict[str, list[Case]]:
        """The cases without a proof, by the names of their properties."""
        failing = {
            name: [c for c in self._cases_of(name) if not c.proof] for name in self._demanded()
        }
        return {name: cases for name, cases in failing.items() if cases}

    # --- candidates ---------------------------------------------------------------------------

    def _learn(self, failing: Mapping[str, Sequence[Case]], knowledge: Knowledge) -> None:
        """For each property that fails candidates come in, or it goes."""
        examples = self._examples(failing)
        for example in examples.values():
            self._look(example, knowledge)
        for name, cases in failing.items():
            owner = self._candidates.get(name)
            depth = owner.depth + 1 if owner else 0
            helped = False
            shown = [(case, examples[id(case)]) for case in cases if id(case) in examples]
            if not owner or (owner.failures < _MOST_FAILURES and depth < _DEEPEST):
                helped = self._help(name, shown, depth, knowledge)
            if owner:
                owner.failures += 1
            if not helped and not (owner is None and self._pressed(name, cases)):
                self._drop(name)

    def _pressed(self, name: str, cases: Sequence[Case]) -> bool:
        """Once for each property that was asked for: whether more work gives an answer."""
        if name in self._hard:
            return False
        self._hard.add(name)
        opened = [case for case in cases if case.is_open()]
        for case in opened:
            case.limits = Limits()
            case.begin_again(self._assumptions(case.obligation))
        decide(opened, self._pool)
        return any(case.proof or case.small for case in opened)

    def _examples(self, failing: Mapping[str, Sequence[Case]]) -> dict[int, Counterexample]:
        """The counterexample of each case that has one, by its `id`."""
        claims = tuple(each.claim for each in self._candidates.values())
        kept = (
            c
            for c in self.system.properties
            if c.kind != "always" or c.name in self._invariants or c.name in failing
        )
        extended = replace(self.system, properties=(*kept, *claims))
        return explain(extended, [c for cases in failing.values() for c in cases if c.small])

    def _look(self, example: Counterexample, knowledge: Knowledge) -> None:
        """Learn what the counterexample's own machine reaches."""
        topology = example.after.topology
        if topology not in self._machines:
            self._machines.add(topology)
            knowledge.add(reached(self.system, topology, len(self._machines)))

    def _begin_with_what_stays(self) -> None:
        """Variables that are read, and that no action writes, are as they were at boot."""
        written = {name for action in self.system.actions for name in action.written}
        cases = (case for goal in self.goals for case in self._cases_of(goal))
        read = {name for case in cases for name in case.obligation.symbols}
        for variable in self.system.variables:
            if variable.symbol.name in read - written:
                claim = self._writer.unchanged(variable)
                self._enter(frozenset([claim.formula]), _Candidate(claim, 0))
                self._settle()

    def _help(
        self,
        name: str,
        shown: Sequence[tuple[Case, Counterexample]],
        depth: int,
        knowledge: Knowledge,
    ) -> bool:
        """Whether a candidate not assumed so far excludes a counterexample; new ones come in.

        First those that hold together on a small machine; if none does, the simplest ones, which
        may be true with others that are still to be found.
        """
        others = [it.claim for other, it in self._candidates.items() if other != name]
        if any(self._finder.excluded(example, others) for _, example in shown):
            return True
        near = [(case.obligation, example, self._near(case.obligation)) for case, example in shown]
        read = [(obligation, example, obligation.symbols) for obligation, example, _ in near]
        known = [part for other, part in self._invariants.items() if other in self._doubtful]
        known += (part for other, part in self._assumed.items() if self._candidates[other].holds)
        simplest: list[Candidates] = []
        for reach in REACHES:
            candidates = self._finder.excluding(near, knowledge, reach, self._tried)
            if reach == REACHES[1] and self._enter_counters(read, knowledge):
                return True
            if not candidates.each:
                continue
            self._finder.compare(candidates, [case.obligation for case, _ in shown], known)
            most = self._effort.candidates
            if held := self._finder.holding(candidates, known, knowledge, most):
                for one in held:
                    self._enter(one.key, _Candidate(self._finder.claim(one), depth, holds=True))
                return True
            simplest.append(candidates)
            if reach.fours:
                break
        most = max(4, self._effort.candidates >> depth)
        each = (self._finder.likeliest(one, knowledge, most) for one in simplest[:2])
        chosen = list(chain(*each))
        for one in chosen:
            self._enter(one.key, _Candidate(self._finder.claim(one), depth))
        return bool(chosen) or self._enter_counters(near, knowledge)

    def _enter(self, key: frozenset[Term], new: _Candidate) -> None:
        name = self._tried[key] = new.claim.name
        self._candidates[name] = new
        (self._assumed[name],) = self._obligations.suppose([new.claim])

    def _enter_counters(self, shown: Sequence[Shown], knowledge: Knowledge) -> bool:
        """Whether a counter is a new candidate: it was exact wherever that was seen."""
        new = False
        for key, claim in self._finder.counters(shown, knowledge):
            if key not in self._tried:
                self._enter(key, _Candidate(claim, 0))
                new = True
        return new

    def _near(self, obligation: Obligation) -> frozenset[str]:
        """The names of the symbols that some obligation about the same property reads."""
        names = obligation.symbols
        if obligation.claim:
            for case in self._cases_of(obligation.claim.name):
                names |= case.obligation.symbols
        return names

    def _drop(self, name: str) -> list[_Kept]:
        """Give a property up, and every proof that rests on it; the cases that this opens."""
        self._candidates.pop(name, None)
        self._assumed.pop(name, None)
        if name in self._doubtful or name in self.goals:
            self._invariants.pop(name, None)
            self._doubtful.pop(name, None)
        if name in self.goals:
            self.goals.remove(name)
        shaken = [
            (case, case.obligation, case.proof)
            for cases in self._cases.values()
            for case in cases
            if name in case.rests_on()
        ]
        for case, _, _ in shaken:
            case.proof = None
        return shaken


def _using(whole: Obligation, part: Assumption, rest: Sequence[Assumption]) -> Obligation:
    """The obligation with one candidate, as if its property named it."""
    claim = whole.claim and replace(whole.claim, using=(*whole.claim.using, part.name))
    return replace(whole, claim=claim, assumptions=(part, *rest))
