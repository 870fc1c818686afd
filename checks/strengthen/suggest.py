"""Suggestions: invariants that make a proof by induction go through, found and proved.

>>> from memhp.examples import lock_service
>>> from memhp.spec.language import load
>>> system = load("lock service", (lock_service,))
>>> answer = suggest(system, ["one_client_holds_the_lock"])
>>> answer.unproved
()
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from memhp.spec.language.system import Property, System

from ..proof.cache import Cache
from ..proof.pool import Pool
from ..proof.prove import prove
from ..proof.results import PropertyResult
from .clauses import Knowledge
from .machines import more_machines, small_machines
from .reach import Effort
from .search import Search
from .words import source

__all__ = ["Effort", "Knowledge", "Suggestion", "knowledge_of", "suggest"]


@dataclass(frozen=True)
class Suggestion:
    """Invariants that strengthen a system, so that goals are proved that were not.

    Attributes:
        goals: the names of the properties that were asked for.
        open: those that are not proved without help.
        unproved: those that are not proved with it either.
        found: the invariants, all of them proved; none can be left out.
        serves: for each of them, by name, the goals whose proofs rest on it, or on one that does.
        system: the system with them, in which the ordinary prover has proved the goals.
    """

    goals: tuple[str, ...]
    open: tuple[str, ...]
    unproved: tuple[str, ...]
    found: tuple[Property, ...]
    serves: Mapping[str, tuple[str, ...]]
    system: System

    @property
    def imports(self) -> str:
        """What the source code needs besides the names that it speaks of."""
        words = [w for w in ("count", "implies") if any(f"{w}(" in text for text in self.sources)]
        return f"from memhp.spec.language import {', '.join(('Bool', 'always', *words))}"

    @property
    def sources(self) -> tuple[str, ...]:
        """Each invariant as source code."""
        return tuple(source(claim, self.serves[claim.name]) for claim in self.found)


def knowledge_of(system: System) -> Knowledge:
    """What is known of the states that small machines of the system reach.

    It depends on actions, topology and axioms alone: systems that differ in properties share it.
    """
    return Knowledge(system, small_machines(system), more_machines(system))


def suggest(
    system: System,
    goals: Collection[str],
    *,
    unproved: Collection[str] | None = None,
    knowledge: Knowledge | None = None,
    effort: Effort | None = None,
    jobs: int | None = None,
    cache: Path | None = None,
) -> Suggestion:
    """Invariants with which the goals are proved, as many of these as can be.

    Args:
        system: the specification; its other *always* properties are assumed as far as they are
            proved themselves.
        goals: names of properties, not *sometimes*.
        unproved: names of all properties of which it is not known that they are proved; by default
            the prover is asked first.
        knowledge: what is known of its states, if it is; it stays as it is.
        effort: how much is tried.
        jobs: processes; as many as there are cores by default.
        cache: a folder for answers of solvers.

    Raises:
        ValueError: a goal is no such property.
        CounterexampleError: the reference does not confirm a counterexample.
    """
    names = tuple(dict.fromkeys(goals))
    if unproved is None:
        before = prove(system, only=names, jobs=jobs, cache=cache)
        results = (*before.results, *before.premises)
        unproved = {each.name for each in results if not each.verdict.passes}
    asked = [name for name in names if name in unproved]
    doubtful = [claim.name for claim in system.of_kind("always") if claim.name in unproved]
    with Pool(Cache(cache), jobs) as pool:
        search = Search(system, asked, doubtful, pool, effort or Effort())
        if opened := search.begin():
            search.run(opened, knowledge.copy() if knowledge else knowledge_of(system))
            search.minimise()
        found, helped = search.found(), [goal for goal in opened if goal in search.goals]
    return _proved(system, names, tuple(opened), helped, found, jobs, cache)


def _proved(
    system: System,
    goals: tuple[str, ...],
    opened: tuple[str, ...],
    helped: Sequence[str],
    found: tuple[Property, ...],
    jobs: int | None,
    cache: Path | None,
) -> Suggestion:
    """What the ordinary prover says of the goals that are ``helped``, with what was found.

    Args:
        system: without what was found.
        goals: all that was asked for.
        opened: those that need help.
        helped: those that were proved.
        found: with these.
        jobs: processes.
        cache: of answers.
    """
    extended = replace(system, properties=(*system.properties, *found))
    results: dict[str, PropertyResult] = {}
    if helped:
        report = prove(extended, only=helped, jobs=jobs, cache=cache)
        results = {each.name: each for each in (*report.results, *report.premises)}
    passed = {name for name, each in results.items() if each.verdict.passes}
    rests = {goal: _rests_on(goal, results) for goal in opened if goal in passed}
    serves = {
        claim.name: tuple(goal for goal, premises in rests.items() if claim.name in premises)
        for claim in found
    }
    kept = tuple(
        replace(claim, covers=_rows(system, serves[claim.name]))
        for claim in found
        if claim.name in passed and serves[claim.name]
    )
    unproved = tuple(goal for goal in opened if goal not in passed)
    extended = replace(system, properties=(*system.properties, *kept))
    return Suggestion(goals, opened, unproved, kept, serves, extended)


def _rows(system: System, names: Collection[str]) -> tuple[str, ...]:
    """The rows that those properties cover."""
    claims = (system.property_by_name[name] for name in names)
    return tuple(sorted({row for claim in claims for row in claim.covers}))


def _rests_on(goal: str, results: Mapping[str, PropertyResult]) -> set[str]:
    """The names of all that the proof of the goal rests on, directly or not."""
    names, todo = {goal}, [goal]
    while todo:
        new = {*results[todo.pop()].rests_on} - names
        names |= new
        todo += new
    return names - {goal}
