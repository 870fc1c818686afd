"""Mutants: every guard and every update dropped in turn, and what notices it.

A mutant is noticed by a property whose proof fails for the changed action, by
a step that is possible in a reachable state and changes nothing, or (a dropped
update) by a *sometimes* property that is no longer reached in as many steps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from memhp.reference import Topology
from memhp.reference.shapes import Shape
from memhp.spec.language import DropGuard, DropUpdate, Property, System
from memhp.spec.language.system import ENABLED
from memhp.spec.language.terms import Call, negate, subterms

from .attempts import Case, Limits
from .cache import Cache
from .decide import decide
from .localise import Spent, shortest
from .obligations import Obligation, Obligations
from .parallel import each
from .pool import Pool
from .probes import changes_nothing, idle
from .reach import reach
from .scopes import USUAL
from .search import Found

__all__ = ["Judge", "Judgement", "Mutant", "judge_all", "mutants"]

MAX_STATES = 200_000
"""After how many states of a small machine a search for a trace gives up."""
_BATCH = 8


@dataclass(frozen=True)
class Mutant:
    """An action without one of its guards, or without its updates of one variable."""

    action: str
    part: str
    kind: Literal["guard", "update"]

    def __str__(self) -> str:
        return f"{self.action} without {self.kind} {self.part}"

    def of(self, system: System) -> System:
        """The changed system."""
        edit = DropGuard if self.kind == "guard" else DropUpdate
        return edit(self.action, self.part).apply(system)


Notice = Literal["proof", "idle step", "reachability", "reason", "nothing", "stale reason"]


@dataclass(frozen=True)
class Judgement:
    """What notices a mutant: ``by`` names the property, the idle step, or gives the reason."""

    mutant: Mutant
    notice: Notice
    by: str = ""

    @property
    def accounted(self) -> bool:
        """Something notices the mutant, or a reason is written; not both."""
        return self.notice not in ("nothing", "stale reason")


def mutants(system: System, only: Collection[str] | None = None) -> list[Mutant]:
    """All mutants of the system, or of the actions named in ``only``, in declaration order."""
    found: list[Mutant] = []
    for action in system.actions:
        if only is None or action.name in only:
            found += [Mutant(action.name, guard.name, "guard") for guard in action.guards]
            written = dict.fromkeys(update.symbol.name for update in action.updates)
            found += [Mutant(action.name, name, "update") for name in written]
    return found


def judge_all(
    judge: Judge, only: Collection[str] | None = None, jobs: int | None = None
) -> Iterator[Judgement]:
    """The judgements of all mutants, action by action, as they become known."""
    chosen = mutants(judge.system, only)
    by_action: dict[str, list[Mutant]] = {}
    for mutant in chosen:
        by_action.setdefault(mutant.action, []).append(mutant)
    for judgements in each(_judge, judge, list(by_action.values()), jobs):
        yield from judgements


def _judge(judge: Judge, chosen: Sequence[Mutant]) -> list[Judgement]:
    return [judge.judge(mutant) for mutant in chosen]


@dataclass
class Judge:
    """Finds out what notices a mutant of ``system``.

    Parameters: ``reasons``, why a mutant that nothing notices is right, by its
    text; ``may_repeat``, actions whose steps may change nothing;
    ``folder``, where the traces of *sometimes* properties are kept.
    """

    system: System
    reasons: Mapping[str, str] = field(default_factory=dict)
    may_repeat: Collection[str] = ()
    folder: Path | None = None
    shapes: Sequence[Shape] = USUAL

    def judge(self, mutant: Mutant) -> Judgement:
        """What notices the mutant."""
        found = self._noticed(mutant)
        reason = self.reasons.get(str(mutant))
        if found.notice == "nothing" and reason:
            return Judgement(mutant, "reason", reason)
        if found.notice != "nothing" and reason:
            return Judgement(mutant, "stale reason", f"{found.notice}: {found.by}")
        return found

    def _noticed(self, mutant: Mutant) -> Judgement:
        changed = mutant.of(self.system)
        if name := failing(changed, mutant.action, self._first(mutant)):
            return Judgement(mutant, "proof", name)
        if mutant.action not in self.may_repeat and (step := self.idle_step(changed, mutant)):
            return Judgement(mutant, "idle step", step)
        if mutant.kind == "update" and (name := self._out_of_reach(changed, mutant.action)):
            return Judgement(mutant, "reachability", name)
        return Judgement(mutant, "nothing")

    def _first(self, mutant: Mutant) -> frozenset[str]:
        """The symbols that the dropped part is about: properties of these are tried first."""
        if mutant.kind == "update":
            return frozenset([mutant.part])
        guard = self.system.action_by_name[mutant.action].guard(mutant.part)
        return self.system.symbols_in(guard.condition)

    def idle_step(self, changed: System, mutant: Mutant) -> str:
        """A step that the mutant takes, and the system refuses or makes do something, in vain."""
        action = changed.action_by_name[mutant.action]
        if mutant.kind == "guard":
            odd = negate(self.system.action_by_name[mutant.action].guard(mutant.part).condition)
        else:
            odd = negate(changes_nothing(self.system.action_by_name[mutant.action]))
        found = shortest(changed, self._topologies, idle(action, odd), max_states=MAX_STATES)
        return f"{action.name} in vain after {len(found.steps)} steps" if found else ""

    def _out_of_reach(self, changed: System, action: str) -> str:
        """A *sometimes* that the mutant does not reach in as many steps as the system does."""
        for name, found in self.traces.items():
            if action in {step for step, _ in found.steps}:
                claim = changed.property_by_name[name]
                if not self._as_soon(changed, claim, found):
                    return f"{name} is not reached in {len(found.steps)} steps"
        return ""

    def _as_soon(self, changed: System, claim: Property, found: Found) -> bool:
        """The *sometimes* is reached in as many steps there, as far as the budget can tell."""
        depth = len(found.steps)
        try:
            again = shortest(changed, [found.topology], claim, max_states=MAX_STATES, depth=depth)
        except Spent:
            return True
        return again is not None

    @cached_property
    def traces(self) -> dict[str, Found]:
        """A shortest trace for each *sometimes* property."""
        claims = list(self.system.of_kind("sometimes"))
        return reach(self.system, claims, folder=self.folder, shapes=self.shapes)[0]

    @cached_property
    def _topologies(self) -> list[Topology]:
        return [shape.build(self.system) for shape in self.shapes]


def named_by(claim: Property) -> set[str]:
    """The actions that a property speaks of: in an ending, or as being enabled."""
    calls = {part.name for part in subterms(claim.formula) if isinstance(part, Call)}
    enabled = {name.removeprefix(ENABLED) for name in calls if name.startswith(ENABLED)}
    return enabled | (set(claim.ending.by) if claim.ending else set())


def failing(changed: System, action: str, first: Collection[str] = ()) -> str:
    """The first property that the action is not proved to keep; empty if it keeps them all.

    Only obligations of that action are looked at: the others have not changed.
    """
    alone = replace(
        changed,
        actions=(changed.action_by_name[action],),
        properties=tuple(p for p in changed.properties if named_by(p) <= {action}),
    )
    todo = list(_obligations(alone, action, set(first)))
    with Pool(Cache(), 1) as pool:
        for start in range(0, len(todo), _BATCH):
            cases = [Case(alone, each, Limits()) for each in todo[start : start + _BATCH]]
            decide(cases, pool)
            for case in cases:
                if not case.proof:
                    claim = case.obligation.claim
                    return claim.name if claim else "updates_stay_apart"
    return ""


def _obligations(system: System, action: str, first: set[str]) -> Iterable[Obligation]:
    everything = Obligations(system)
    claims = sorted(
        (claim for claim in system.properties if claim.kind != "sometimes"),
        key=lambda claim: -len(first & system.symbols_in(claim.formula)),
    )
    for claim in claims:
        for found in everything.of_property(claim.name):
            if found.kind != "initiation" and not found.unchanged:
                yield found
    yield from everything.of_action(action)
