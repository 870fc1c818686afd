"""Candidates: of all that exclude a counterexample, those that are likeliest to be invariants.

What is looked for excludes every counterexample to a step, not only one.  So from each candidate
that might do, another counterexample is asked for, which others must exclude, too; those that
exclude most come first, and of them come in what holds together on a small machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice, product

import numpy as np

from memhp.spec.language.rewrite import expand
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import INT, Term, Var

from ..ground.bulk import Array, Bulk
from ..proof.counterexample import Counterexample
from ..proof.obligations import Assumption, Obligation, Obligations
from .clauses import Cube, Knowledge
from .reach import Reach, about, rank
from .together import Together
from .words import Writer

__all__ = ["Candidates", "Finder", "Found", "Shown"]

MOST_LOOKED_AT = 50_000_000
"""So many values of literals are looked at for one reach, and then no more elements."""
MOST_TOGETHER = 150
"""So many candidates, the likeliest first, are judged together."""
EXAMPLES = 12
"""So many counterexamples to a step are asked for."""


LITERALS = 4
"""So many literals a candidate has at most."""


class Found:
    """A candidate that excludes a counterexample; ``key`` are its literals, ``rank`` as `rank`."""

    def __init__(self, cube: Cube, variables: tuple[Var, ...]) -> None:
        self.cube, self.variables = cube, variables
        self.key = frozenset(each.expanded for each in cube.literals)
        self.rank = rank(cube, variables)


class Candidates:
    """Candidates, by the variables that they are about, and how many counterexamples each excludes.

    Args:
        each: of one system.
    """

    def __init__(self, each: Sequence[Found]) -> None:
        self.each = sorted(each, key=lambda one: one.rank)
        self._met: list[Array] = []
        groups: dict[tuple[Var, ...], list[int]] = {}
        for at, one in enumerate(self.each):
            groups.setdefault(one.variables, []).append(at)
        self._groups = [(v, *self._numbered(ats), np.array(ats)) for v, ats in groups.items()]

    def _numbered(self, ats: Sequence[int]) -> tuple[list[Term], Array]:
        """The literals of those candidates, and four places among them for each."""
        places: dict[Term, int] = {}
        rows = []
        for at in ats:
            literals = self.each[at].cube.literals
            row = [places.setdefault(one.expanded, len(places)) for one in literals]
            rows.append((row * LITERALS)[:LITERALS])
        return list(places), np.array(rows)

    def meet(self, state: Bulk) -> None:
        """Count which candidates exclude the state."""
        excluded = np.zeros(len(self.each), dtype=bool)
        for variables, terms, rows, ats in self._groups:
            truth = np.array([state.truth(term, variables).ravel() for term in terms])
            excluded[ats] = np.any(np.all(truth[rows], axis=1), axis=1)
        self._met.append(excluded)

    def likeliest(self) -> list[Found]:
        """The candidates, those first that exclude most counterexamples, then the simplest."""
        times = sum(self._met, np.zeros(len(self.each), dtype=int))
        return [self.each[at] for at in np.argsort(-times, kind="stable")]

    def few(self, without: Collection[frozenset[Term]]) -> list[Found]:
        """The likeliest candidate; if it does not exclude all, others with it, until all are.

        Args:
            without: the keys of those that are not asked for.
        """
        free = np.array([one.key not in without for one in self.each], dtype=bool)
        left = list(self._met)
        chosen: list[Found] = []
        while free.any():
            times = np.where(free, sum(left, np.zeros(len(self.each), dtype=int)), -1)
            best = int(np.argmax(times))
            if chosen and times[best] <= 0:
                break
            chosen.append(self.each[best])
            free[best] = False
            left = [excluded for excluded in left if not excluded[best]]
            if not left:
                break
        return chosen


Shown = tuple[Obligation, Counterexample, frozenset[str]]
"""An obligation that fails, a counterexample to it, and the names of the symbols that are near."""


class Finder:
    """Looks for candidates.

    Args:
        system: the specification.
        obligations: its.
        doubtful: as `Together` has them.
        writer: names candidates.
    """

    def __init__(
        self, system: System, obligations: Obligations, doubtful: Collection[str], writer: Writer
    ) -> None:
        self._system, self._writer = system, writer
        self._together = Together(system, obligations, doubtful)
        self._obligations = obligations
        self._refuted: set[frozenset[Term]] = set()
        self._claims: dict[frozenset[Term], Property] = {}
        self._assumptions: dict[frozenset[Term], Assumption] = {}

    def claim(self, found: Found) -> Property:
        """The property that the candidate states; the same each time."""
        if found.key not in self._claims:
            self._claims[found.key] = self._writer.claim(found.cube, found.variables)
        return self._claims[found.key]

    def excluding(
        self,
        shown: Sequence[Shown],
        knowledge: Knowledge,
        reach: Reach,
        tried: Collection[frozenset[Term]],
    ) -> Candidates:
        """Candidates that exclude one of the counterexamples.

        Args:
            shown: what fails.
            knowledge: of states that are reached.
            reach: how much a candidate may speak of.
            tried: the keys of those that are left out.
        """
        found: dict[frozenset[Term], Found] = {}
        until = knowledge.looked_at + MOST_LOOKED_AT
        for obligation, example, near in shown:
            for one in self._of(obligation, example, near, knowledge, reach, until):
                if one.key not in tried and one.key not in self._refuted:
                    found.setdefault(one.key, one)
        return Candidates(list(found.values()))

    def _of(
        self,
        obligation: Obligation,
        example: Counterexample,
        near: frozenset[str],
        knowledge: Knowledge,
        reach: Reach,
        until: int,
    ) -> Iterator[Found]:
        if not example.before:
            return
        names = near if reach.wide else obligation.symbols
        for variables in about(self._system, self._writer, obligation, names, reach):
            if knowledge.looked_at > until:
                break
            for cube in knowledge.excluding(example.before, names, variables, fours=reach.fours):
                yield Found(cube, variables)

    def excluded(self, example: Counterexample, claims: Iterable[Property]) -> bool:
        """Whether one of those properties says already that there is no such state."""
        if not (machine := example.before):
            return False
        state = Bulk(self._system, machine.topology, np.array([machine.values]))
        return any(
            not state.truth(expand(claim.formula, self._system), claim.params).all()
            for claim in claims
        )

    def compare(
        self, candidates: Candidates, obligations: Sequence[Obligation], known: Sequence[Assumption]
    ) -> None:
        """Let the candidates meet more counterexamples to the obligations.

        Args:
            candidates: are counted.
            obligations: that fail.
            known: what may be assumed; see `Together.inductive`.
        """
        enough: set[frozenset[Term]] = set()
        for obligation in obligations:
            for _ in range(EXAMPLES):
                if not (few := candidates.few(enough)):
                    break
                assumed = (*known, *map(self._assumption, few))
                state = self._together.counterexample(obligation, assumed)
                if state is None:
                    enough |= {one.key for one in few}
                    continue
                topology, values = state
                candidates.meet(Bulk(self._system, topology, np.array([values])))

    def _assumption(self, found: Found) -> Assumption:
        if found.key not in self._assumptions:
            (self._assumptions[found.key],) = self._obligations.suppose([self.claim(found)])
        return self._assumptions[found.key]

    def holding(
        self, candidates: Candidates, known: Sequence[Assumption], knowledge: Knowledge, most: int
    ) -> list[Found]:
        """The likeliest candidates that hold together, and in each state that was seen.

        Args:
            candidates: to choose from.
            known: what may be assumed; see `Together.inductive`.
            knowledge: of states that are reached.
            most: so many.
        """
        likely = candidates.likeliest()[:MOST_TOGETHER]
        by_name = {self.claim(one).name: one for one in likely}
        held = self._together.inductive([self.claim(one) for one in likely], known)
        return list(islice(self._not_refuted((by_name[it.name] for it in held), knowledge), most))

    def likeliest(self, candidates: Candidates, knowledge: Knowledge, most: int) -> list[Found]:
        """So many of the candidates, those that exclude most first, that hold wherever was seen."""
        return list(islice(self._not_refuted(candidates.likeliest(), knowledge), most))

    def _not_refuted(self, candidates: Iterable[Found], knowledge: Knowledge) -> Iterator[Found]:
        for one in candidates:
            if knowledge.refutes(one.cube, one.variables):
                self._refuted.add(one.key)
            else:
                yield one

    def counters(
        self, shown: Sequence[Shown], knowledge: Knowledge
    ) -> Iterator[tuple[frozenset[Term], Property]]:
        """Properties that a counter is exact, which exclude a counterexample; and their keys."""
        for _, example, names in shown:
            variables = (v.symbol for v in self._system.variables if v.symbol.name in names)
            symbols = list(variables) if example.before else []
            own = [s.domain[0] for s in symbols if s.range == INT and len(s.domain) == 1]
            sorts = dict.fromkeys(sort for symbol in symbols for sort in symbol.domain)
            for owner, sort in product(dict.fromkeys(own), sorts):
                if example.before and sort.members is None and sort != owner:
                    who, counted = self._writer.variables(owner, sort)
                    for equation, whole in knowledge.counting(
                        example.before, names, (who, counted)
                    ):
                        yield frozenset([whole]), self._writer.counter(equation, [who])
