"""Proof by induction, for machines of every size, of all *always* and *step* properties.

A property is *proved* when every obligation of it is, and every invariant that
those proofs use is proved as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from memhp.spec.language.system import System

from .attempts import Case, Limits
from .cache import Cache
from .counterexample import Counterexample, explain
from .obligations import Obligation, Obligations
from .pool import Pool
from .solvers import Query
from .verdicts import Verdict, combine

__all__ = ["Failure", "PropertyResult", "Report", "prove"]

EVERY_SIZE = "machines of every size"


@dataclass(frozen=True)
class Failure:
    """One reason why a property is not proved.

    ``action`` is None at boot; ``counterexample`` is there when the verdict is *refuted*.
    """

    action: str | None
    verdict: Verdict
    reason: str
    counterexample: Counterexample | None = None


@dataclass(frozen=True)
class PropertyResult:
    """What was found about one property, or (kind *action*) about one action's updates.

    ``obligations`` counts all, ``unchanged`` those in which the action writes
    nothing that the property reads; ``rests_on`` names the invariants used.
    """

    name: str
    module: str
    kind: str
    covers: tuple[str, ...]
    method: str
    scope: str
    verdict: Verdict
    seconds: float
    certified: bool
    cached: bool
    obligations: int
    unchanged: int
    rests_on: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Report:
    """All results, in declaration order; the properties first, then the actions."""

    system: str
    results: tuple[PropertyResult, ...] = field(default=())

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        return combine(result.verdict for result in self.results)

    def of(self, name: str) -> PropertyResult:
        """The result of that name; KeyError if there is none."""
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(name)


def prove(
    system: System,
    *,
    only: Collection[str] | None = None,
    jobs: int | None = None,
    cache: Path | None = None,
    certify: bool = False,
    limits: Limits | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Prove the properties, or find out which action breaks which.

    Parameters: ``only``, names of *always* and *step* properties (with what
    their proofs rest on; all properties and actions by default); ``jobs``,
    processes; ``cache``, a folder for answers; ``certify``, cvc5 confirms each
    proof; ``progress``, called with the number of solver answers so far.

    Raises ValueError for a name in ``only`` that is no such property.
    """
    work = _Work(system, limits or Limits())
    names = [claim.name for claim in system.of_kind("always", "step")]
    wanted = names if only is None else [name for name in names if name in only]
    if only is not None and (wrong := set(only) - set(names)):
        raise ValueError(f"no always or step property is called {', '.join(sorted(wrong))}")
    with Pool(Cache(cache), jobs, progress) as pool:
        open_names: Collection[str] = wanted
        while open_names:
            work.decide(open_names, pool, certify)
            open_names = work.needed() - work.cases.keys()
        if only is None:
            work.decide_actions(pool, certify)
        examples = explain(system, work.refuted(), pool)
    return _report(work, wanted, examples, actions=only is None, certify=certify)


@dataclass
class _Work:
    """The cases of each property and action that was looked at."""

    system: System
    limits: Limits
    cases: dict[str, list[Case]] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)
    actions: dict[str, list[Case]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._all = Obligations(self.system)

    def decide(self, names: Iterable[str], pool: Pool, certify: bool) -> None:
        """Decide the obligations of those properties."""
        found: list[Case] = []
        for name in names:
            obligations = list(self._all.of_property(name))
            self.unchanged[name] = sum(each.unchanged for each in obligations)
            self.cases[name] = [self._case(each) for each in obligations if not each.unchanged]
            found += self.cases[name]
        _decide(found, pool, certify)

    def decide_actions(self, pool: Pool, certify: bool) -> None:
        """Decide whether the updates of each action stay apart."""
        for action in self.system.actions:
            cases = [self._case(each) for each in self._all.of_action(action.name)]
            if cases:
                self.actions[action.name] = cases
        _decide([case for cases in self.actions.values() for case in cases], pool, certify)

    def _case(self, obligation: Obligation) -> Case:
        return Case(self.system, obligation, self.limits)

    def every(self) -> Iterator[Case]:
        for cases in (*self.cases.values(), *self.actions.values()):
            yield from cases

    def needed(self) -> set[str]:
        """The properties that some proof uses."""
        return {name for case in self.every() for name in case.rests_on()}

    def refuted(self) -> list[Case]:
        return [case for case in self.every() if case.small]

    def established(self) -> set[str]:
        """The properties whose proofs are complete, down to what they rest on."""
        good = {name for name, cases in self.cases.items() if all(case.proof for case in cases)}
        while fallen := {
            name for name in good if any(case.rests_on() - good for case in self.cases[name])
        }:
            good -= fallen
        return good


def _decide(cases: Sequence[Case], pool: Pool, certify: bool) -> None:
    """Rounds of attempts, each for all cases that are open, asked together."""
    attempts = [(case, case.attempts()) for case in cases]
    while attempts:
        asked: list[tuple[Case, Iterator[Query], Query]] = []
        for case, queries in attempts:
            query = next(queries, None) if case.is_open else None
            if query:
                asked.append((case, queries, query))
        answers = pool.ask([query for _, _, query in asked])
        for (case, _, query), answer in zip(asked, answers, strict=True):
            case.take(query, answer)
        attempts = [(case, queries) for case, queries, _ in asked]
    if certify:
        _confirm([case for case in cases if case.proof], pool)


def _confirm(cases: Sequence[Case], pool: Pool) -> None:
    waiting = [(case, case.confirmations()) for case in cases]
    while waiting:
        asked = [(case, queries, query) for case, queries in waiting if (query := next(queries, None))]
        answers = pool.ask([query for _, _, query in asked])
        for (case, _, _), answer in zip(asked, answers, strict=True):
            case.seconds += answer.seconds
            case.confirmed = answer.status == "unsat"
            if answer.status in ("sat", "error"):
                case.error = answer.reason or "cvc5 finds a counterexample to what z3 has proven"
        waiting = [
            (case, queries) for case, queries, _ in asked if not (case.confirmed or case.error)
        ]


def _report(
    work: _Work,
    wanted: Sequence[str],
    examples: dict[int, Counterexample],
    *,
    actions: bool,
    certify: bool,
) -> Report:
    established = work.established()
    results = []
    for name in wanted:
        claim, cases = work.system.property_by_name[name], work.cases[name]
        used = frozenset[str]().union(*(case.rests_on() for case in cases))
        missing = sorted(used - established - {name})
        results.append(
            _result(
                (name, claim.module, claim.kind, claim.covers),
                "induction" if claim.kind == "always" else "every step",
                cases,
                _failures(cases, missing, examples, certify),
                unchanged=work.unchanged[name],
                rests_on=tuple(sorted(used - {name})),
            )
        )
    if actions:
        for name, cases in work.actions.items():
            action = work.system.action_by_name[name]
            used = frozenset[str]().union(*(case.rests_on() for case in cases))
            failures = _failures(cases, sorted(used - established), examples, certify)
            what = (name, action.module, "action", ())
            results.append(_result(what, "updates stay apart", cases, failures))
    return Report(work.system.name, tuple(results))


def _result(
    what: tuple[str, str, str, tuple[str, ...]],
    method: str,
    cases: Sequence[Case],
    failures: tuple[Failure, ...],
    *,
    unchanged: int = 0,
    rests_on: tuple[str, ...] = (),
) -> PropertyResult:
    name, module, kind, covers = what
    return PropertyResult(
        name=name,
        module=module,
        kind=kind,
        covers=covers,
        method=method if cases else "unchanged",
        scope=EVERY_SIZE,
        verdict=combine(failure.verdict for failure in failures),
        seconds=sum(case.seconds for case in cases),
        certified=bool(cases) and all(case.confirmed for case in cases),
        cached=all(case.cached for case in cases),
        obligations=len(cases) + unchanged,
        unchanged=unchanged,
        rests_on=rests_on,
        failures=failures,
    )


def _failures(
    cases: Sequence[Case],
    missing: Sequence[str],
    examples: dict[int, Counterexample],
    certify: bool,
) -> tuple[Failure, ...]:
    found = []
    for case in cases:
        action = case.obligation.action.name if case.obligation.action else None
        if case.error:
            found.append(Failure(action, Verdict.error, case.error))
        elif example := examples.get(id(case)):
            found.append(Failure(action, Verdict.refuted, example.summary, example))
        elif not case.proof:
            found.append(Failure(action, Verdict.undetermined, "the solver gave up"))
        elif certify and not case.confirmed:
            reason = "the second solver does not confirm the proof"
            found.append(Failure(action, Verdict.undetermined, reason))
    if missing:
        reason = f"the proof rests on {', '.join(missing)}, not proved"
        found.append(Failure(None, Verdict.undetermined, reason))
    return tuple(found)
