"""The answer to a design: what it changes, what breaks, what is not inductive, vacuous, or holds.

A property that is not proved is looked for on the usual small machines: a trace that violates it
says more than a counterexample to its proof, whose state no run may reach.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from memhp.spec.designs import OwnDesign
from memhp.spec.language.system import Property, System

from ..decision import Decision
from ..run import Listener, check
from ..search.lasso import lasso
from ..search.localise import looked_for
from ..search.scopes import fitting, usual
from ..search.search import Witness
from ..support.verdicts import Verdict, combine
from .differences import MAX_STATES, Difference, differences, machines_differ

__all__ = ["Answer", "Kept", "Suggest", "answer", "violations"]

Suggest = Callable[[System, Collection[str]], str]
"""From a design and the names of properties to source text that would let them be proved; or ""."""

_LASSO_STATES = 20_000
_EARLY = 20_000
"""So many states are looked at for a run, before a machine is looked for on which a step fails."""


@dataclass(frozen=True)
class Kept:
    """How many of the base's properties of some kind the design keeps, and of how many asked."""

    kept: int
    of: int


@dataclass(frozen=True)
class Answer:
    """All that is found out about a design.

    ``differences`` are steps, ``machines`` sentences on machines and how they boot; ``decisions``
    are those on its properties, and on actions whose updates meet; ``traces`` violate those that
    are broken, by name; ``suggestion`` is what would let others be proved, as source text.
    ``asked`` are the names of the properties that were to be decided, if not all.
    """

    own: OwnDesign
    differences: tuple[Difference, ...]
    machines: tuple[str, ...]
    decisions: tuple[Decision, ...]
    traces: Mapping[str, Witness]
    suggestion: str = ""
    asked: frozenset[str] | None = None

    @property
    def nothing_changes(self) -> bool:
        """The design takes the steps of its base, and no other, on the same machines."""
        return not (self.differences or self.machines)

    @cached_property
    def broken(self) -> list[Decision]:
        """The decisions on properties that a real run violates."""
        return [each for each in self._failed if each.claim.name in self.traces]

    @cached_property
    def not_proved(self) -> list[Decision]:
        """The decisions on what is not proved, although no usual machine violates it."""
        return [each for each in self._failed if each.claim.name not in self.traces]

    @property
    def _failed(self) -> list[Decision]:
        """The decisions that are no *sometimes*, and did not pass; what is given up is apart."""
        return [
            each
            for each in self.decisions
            if each.claim.kind != "sometimes" and not each.given_up and not each.verdict.passes
        ]

    @cached_property
    def vacuous(self) -> list[Decision]:
        """The decisions on each *sometimes* that is not reached."""
        return [
            each
            for each in self.decisions
            if each.claim.kind == "sometimes" and not each.given_up and not each.verdict.passes
        ]

    @cached_property
    def needless(self) -> list[Decision]:
        """The decisions on what is given up, and not refuted."""
        return [each for each in self.decisions if each.given_up and not each.counts_as.passes]

    @cached_property
    def given_up(self) -> list[Decision]:
        """The decisions on what is given up, and refuted."""
        return [each for each in self.decisions if each.given_up and each.counts_as.passes]

    @cached_property
    def new(self) -> list[Decision]:
        """The decisions on the design's own properties that pass."""
        return [
            each
            for each in self.decisions
            if each.claim.name not in self.own.base.property_by_name
            and each.claim.name in self.own.system.property_by_name
            and not each.given_up
            and each.verdict.passes
        ]

    def kept(self, *, reached: bool) -> Kept:
        """How many of the properties that its base has, and does not give up, it keeps.

        Args:
            reached: of those that are to be reached; else, of those that are proved.
        """
        base = self.own.base
        names = {
            claim.name
            for claim in base.properties
            if (claim.kind == "sometimes") is reached and claim.name not in base.given_up
        }
        if self.asked is not None:
            names &= self.asked
        passed = {each.claim.name for each in self.decisions if each.verdict.passes}
        return Kept(len(names & passed), len(names))

    @property
    def verdict(self) -> Verdict:
        """*refuted* if a run breaks a property; *undetermined* if anything is open."""
        if self.broken:
            return Verdict.refuted
        if any(each.verdict is Verdict.error for each in self.decisions):
            return Verdict.error
        open_ones = self.not_proved or self.vacuous or self.needless
        return Verdict.undetermined if open_ones else combine(e.counts_as for e in self.decisions)


def answer(
    own: OwnDesign,
    *,
    only: Collection[str] | None = None,
    folder: Path | None = None,
    jobs: int | None = None,
    listener: Listener | None = None,
    suggest: Suggest | None = None,
) -> Answer:
    """Find out all about a design.

    Args:
        own: the design.
        only: the names of the properties to decide; all by default.
        folder: where answers of solvers and traces are kept.
        jobs: processes; as many as there are cores by default.
        listener: receives each decision as soon as it is made.
        suggest: finds what would let those be proved that no usual machine breaks.

    Raises:
        CounterexampleError: the reference does not confirm a counterexample or a trace.
    """
    system = own.system
    runs = _Runs(system, listener)
    decisions = check(system, own.profile, only=only, jobs=jobs, folder=folder, listener=runs)
    proved = {
        each.claim.name
        for each in decisions
        if each.verdict is Verdict.proved and not each.given_up
    }
    failed = [
        each.claim
        for each in decisions
        if each.claim.kind != "sometimes"
        and each.claim.name in system.property_by_name
        and not each.given_up
        and not each.verdict.passes
    ]
    found = Answer(
        own,
        tuple(differences(own.base, system, proved, folder=folder, jobs=jobs)),
        tuple(machines_differ(own.base, system)),
        tuple(decisions),
        violations(system, failed, runs.traces),
        asked=None if only is None else frozenset(only),
    )
    names = [each.claim.name for each in found.not_proved]
    return replace(found, suggestion=suggest(system, names)) if suggest and names else found


class _Runs:
    """Passes on what a listener is to hear, and finds the runs that break what has no easy proof.

    What a run breaks need not be broken by a step from a state that no run may reach.
    """

    def __init__(self, system: System, listener: Listener | None) -> None:
        self._system, self._listener = system, listener
        self._asked = set[str]()
        self.traces: dict[str, Witness] = {}

    def answers(self, number: int) -> None:
        """Pass it on."""
        if self._listener:
            self._listener.answers(number)

    def looked(self, name: str) -> None:
        """Pass it on."""
        if self._listener:
            self._listener.looked(name)

    def decided(self, decision: Decision) -> None:
        """Pass it on."""
        if self._listener:
            self._listener.decided(decision)

    def broken(self, names: Collection[str]) -> Collection[str]:
        """Those with a run of a small machine that breaks them, where few states show one."""
        claims = [
            claim
            for claim in self._system.of_kind("always", "step")
            if claim.name in names and claim.name not in self._asked | self._system.given_up
        ]
        self._asked |= {claim.name for claim in claims}
        self.traces |= violations(self._system, claims, {}, max_states=_EARLY)
        return self.traces.keys() & set(names)


def violations(
    system: System,
    claims: Sequence[Property],
    known: Mapping[str, Witness],
    *,
    max_states: int = MAX_STATES,
) -> dict[str, Witness]:
    """A shortest run that violates each property, by its name, where a small machine has one.

    Args:
        system: the specification.
        claims: its properties, of any kind but *sometimes*.
        known: runs that were found before, by the names of the properties.
        max_states: after so many states of a machine the search gives up, but for an *ends*.
    """
    few, roomy, *_ = usual(system)
    machines = fitting(system, roomy)
    first = [each for number, each in machines.items() if number < len(few)]
    found = {}
    for claim in claims:
        if claim.kind == "ends":
            trace = lasso(system, list(machines.values()), claim, max_states=_LASSO_STATES)
        elif not (trace := known.get(claim.name)):
            trace, _ = looked_for(system, first, claim, max_states=max_states)
        if trace and trace.is_shown_by(trace.replay(system)):
            found[claim.name] = trace
    return found
