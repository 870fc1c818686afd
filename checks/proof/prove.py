"""Proof, for machines of every size, of all properties but the *sometimes* ones.

A property is *proved* when every obligation of it is, and every invariant that
those proofs use is proved as well.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from memhp.spec.language.system import Kind, System

from ..support.scratch import temporary_folder
from ..support.verdicts import Verdict, combine
from .argument import gaps
from .cache import Cache
from .case import Case, Limits
from .certificates import Taker
from .certificates import certify as have_confirmed
from .counterexample import Counterexample, explain
from .pool import Pool
from .results import Failure, ProofListener, PropertyResult, Report
from .rounds import Work

__all__ = ["export", "prove"]

EVERY_SIZE = "every size"
_METHODS: Mapping[Kind, str] = {"always": "induction", "step": "every step", "ends": "ranking"}


def prove(
    system: System,
    *,
    only: Collection[str] | None = None,
    jobs: int | None = None,
    cache: Path | None = None,
    certify: bool = False,
    take: Taker | None = None,
    limits: Limits | None = None,
    listener: ProofListener | None = None,
) -> Report:
    """The results of proving the properties: what is proved, and which action breaks what.

    Args:
        system: the specification.
        only: names of properties other than *sometimes*, all by default. What their proofs rest
            on is decided too, and any action whose updates meet.
        jobs: processes; as many as there are cores by default.
        cache: a folder for answers of solvers.
        certify: cvc5 confirms each proof.
        take: receives the certificates then (`certificates.certify`).
        limits: how much work an answer may cost.
        listener: receives the progress.

    Raises:
        ValueError: a name in ``only`` is no such property.
        CounterexampleError: the reference does not confirm a counterexample.
    """
    names = [claim.name for claim in system.of_kind(*_METHODS)]
    if wrong := set(only or ()) - set(names):
        raise ValueError(f"no property that can be proved is called {', '.join(sorted(wrong))}")
    wanted = [name for name in names if only is None or name in only]
    work = Work(system, limits or Limits())
    if listener:
        work.looked, work.broken = listener.looked, listener.broken
    with Pool(Cache(cache), jobs, listener.answers if listener else None) as pool:
        work.settle(wanted, pool)
    examples = explain(system, [case for case in work.every() if case.small])
    if certify:
        count = partial(_confirmed, listener, pool.answered) if listener else None
        have_confirmed(work, jobs, take=take, progress=count)
    reporter = _Reporter(work, examples, gaps(work), certify)
    actions = [reporter.of_action(name) for name in work.actions]
    shown = [result for result in actions if only is None or not result.verdict.passes]
    others = [name for name in names if name in work.cases and name not in wanted]
    return Report(
        system.name,
        (*map(reporter.of_property, wanted), *shown),
        (*map(reporter.of_property, others), *(each for each in actions if each not in shown)),
    )


def _confirmed(listener: ProofListener, before: int, new: int) -> None:
    listener.answers(before + new)


def export(
    system: System,
    directory: Path,
    *,
    only: Collection[str] | None = None,
    jobs: int | None = None,
    cache: Path | None = None,
    limits: Limits | None = None,
) -> int:
    """Write each obligation as an SMT-LIB 2 file, ``property__action.smt2``; the number of files.

    A file assumes what its proof uses, so that other solvers confirm it quickly; one that has no
    proof assumes everything.  Files appear complete or not at all.

    Args:
        system: the specification.
        directory: is made if it is not there.
        only: names of the properties whose obligations are written; all by default.
        jobs: as `prove` has it.
        cache: as `prove` has it.
        limits: as `prove` has it.

    Raises:
        OSError: the directory cannot be written.
    """
    work = Work(system, limits or Limits())
    directory.mkdir(parents=True, exist_ok=True)
    with Pool(Cache(cache), jobs) as pool:
        names = [claim.name for claim in system.of_kind(*_METHODS)]
        work.settle([name for name in names if only is None or name in only], pool)
    with temporary_folder(directory) as staging:
        names = []
        for case in work.every():
            claim = case.obligation.claim
            if only is None or (claim is not None and claim.name in only):
                name = f"{case.obligation.name}.smt2"
                (staging / name).write_text(case.document())
                names.append(name)
        for name in names:
            os.replace(staging / name, directory / name)
    return len(names)


@dataclass(frozen=True)
class _Reporter:
    """The results on properties and actions, by their cases."""

    work: Work
    examples: Mapping[int, Counterexample]
    gaps: Mapping[str, str]
    certify: bool

    def of_property(self, name: str) -> PropertyResult:
        claim = self.work.system.property_by_name[name]
        cases, unchanged = self.work.cases[name], len(self.work.unchanged[name])
        method = _METHODS[claim.kind]
        what = (name, claim.module, claim.kind, claim.covers)
        others = tuple(self._beside_the_obligations(name))
        return self._result(what, method if cases else "unchanged", cases, unchanged, others)

    def _beside_the_obligations(self, name: str) -> Iterator[Failure]:
        """Why a property whose obligations are all proved may be false nevertheless."""
        if gap := self.gaps.get(name):
            yield Failure(None, Verdict.error, gap)
        for action in self._meeting:
            reason = "two of its updates may write one point: what it does depends on their order"
            yield Failure(action, Verdict.undetermined, reason)

    @cached_property
    def _meeting(self) -> list[str]:
        """The actions whose updates were not shown to stay apart."""
        actions = self.work.actions.items()
        return [name for name, cases in actions if not all(map(self._is_shown, cases))]

    def _is_shown(self, case: Case) -> bool:
        return case.proof is not None and (case.confirmed or not self.certify)

    def of_action(self, name: str) -> PropertyResult:
        what = (name, self.work.system.action_by_name[name].module, "action", ())
        return self._result(what, "updates stay apart", self.work.actions[name], 0)

    def _result(
        self,
        what: tuple[str, str, str, tuple[str, ...]],
        method: str,
        cases: Sequence[Case],
        unchanged: int,
        others: tuple[Failure, ...] = (),
    ) -> PropertyResult:
        name, module, kind, covers = what
        failures = (*(failure for case in cases if (failure := self._failure(case))), *others)
        used = {name for case in cases for name in case.rests_on()}
        return PropertyResult(
            name=name,
            module=module,
            kind=kind,
            covers=covers,
            method=method,
            scope=EVERY_SIZE,
            verdict=combine(failure.verdict for failure in failures),
            seconds=sum(case.seconds for case in cases),
            certified=self.certify and not failures,
            cached=all(case.cached for case in cases),
            obligations=len(cases) + unchanged,
            unchanged=unchanged,
            rewritten=sum(case.proof.rewritten for case in cases if case.proof),
            rests_on=tuple(sorted(used)),
            failures=failures,
        )

    def _failure(self, case: Case) -> Failure | None:
        action = case.obligation.action.name if case.obligation.action else None
        if case.error:
            return Failure(action, Verdict.error, case.error)
        if case.broken:
            return Failure(action, Verdict.refuted, "a run breaks it")
        if example := self.examples.get(id(case)):
            return Failure(action, Verdict.refuted, example.summary, example)
        if case.lost:
            reason = f"its proof rests on {', '.join(sorted(case.lost))}, which is not proved"
            return Failure(action, Verdict.undetermined, reason)
        if not self._is_shown(case):
            unconfirmed = "the second solver does not confirm the proof"
            reason = unconfirmed if case.proof else "the solver gave up"
            return Failure(action, Verdict.undetermined, reason)
        return None
