"""What a step reads and writes, and whether hotplug costs the normal path anything (U2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from memhp.spec.language import System
from memhp.spec.language.edits import edited
from memhp.spec.language.rewrite import expand, rebuild
from memhp.spec.language.system import Action
from memhp.spec.language.terms import FALSE, App, Quantified, Term, subterms
from memhp.spec.numbers.normal_path import LOOK_UPS, NORMAL_PATH, NOT_OF, WITHOUT_HOTPLUG

from ..support.verdicts import Verdict

__all__ = ["CostResult", "StepCost", "cost", "normal_path"]


@dataclass(frozen=True)
class StepCost:
    """The cost of a step: the entries of state that it reads, and the variables that it writes.

    ``unbounded`` names the guards and variables that look at every element of a sort: there
    the number of entries says nothing.
    """

    reads: tuple[App, ...]
    writes: tuple[str, ...]
    unbounded: tuple[str, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names of the variables that are read, sorted."""
        return tuple(sorted({entry.symbol.name for entry in self.reads}))

    @property
    def amount(self) -> str:
        """The number of entries that are read, in words; "unbounded" where there is no bound."""
        return "unbounded" if self.unbounded else f"{len(self.reads)} entries"


@dataclass(frozen=True)
class CostResult:
    """The verdict on one action or definition of the normal path."""

    name: str
    verdict: Verdict
    detail: str


def cost(action: Action, system: System, not_of: Collection[str] = ()) -> StepCost:
    """The cost of a step of the action: of its guards and updates, with definitions expanded.

    Args:
        action: of the system.
        system: whose definitions are expanded.
        not_of: topology that is false of what the step is about.
    """
    entries: dict[App, None] = {}
    unbounded: dict[str, None] = {}
    for name, term in _parts(action):
        for part in subterms(_without(expand(term, system), not_of)):
            if isinstance(part, App) and part.symbol.is_state:
                entries[part] = None
            elif isinstance(part, Quantified):
                unbounded[name] = None
    for update in action.updates:
        if update.point is None:
            unbounded[update.symbol.name] = None
    return StepCost(tuple(entries), tuple(sorted(action.written)), tuple(unbounded))


def _without(term: Term, not_of: Collection[str]) -> Term:
    """The term where these symbols are false."""
    if isinstance(term, App) and term.symbol.name in not_of:
        return FALSE
    return rebuild(term, lambda part: _without(part, not_of)) if not_of else term


def _parts(action: Action) -> Iterator[tuple[str, Term]]:
    for guard in action.guards:
        yield guard.name, guard.condition
    for update in action.updates:
        for term in update.terms:
            yield update.symbol.name, term


def normal_path(system: System) -> list[CostResult]:
    """The verdict on each action of the normal path, and on each look-up.

    An action passes if hotplug makes it read no more entries than `NORMAL_PATH` allows, and
    look at all elements nowhere where it would not; a look-up, if it reads no state and has no
    quantifier.
    """
    bare = edited(system, WITHOUT_HOTPLUG)
    return [
        *(_action(system, bare, name, more) for name, more in NORMAL_PATH.items()),
        *_look_ups(system, LOOK_UPS),
    ]


def _action(system: System, bare: System, name: str, more: int) -> CostResult:
    full = cost(system.action_by_name[name], system, NOT_OF)
    least = cost(bare.action_by_name[name], bare, NOT_OF)
    if more_unbounded := set(full.unbounded) - set(least.unbounded):
        parts = ", ".join(sorted(more_unbounded))
        return CostResult(name, Verdict.refuted, f"{parts}: a quantifier")
    extra = len(full.reads) - len(least.reads)
    verdict = Verdict.proved if extra <= more else Verdict.refuted
    said = f"entries beyond those without hotplug: {extra}, allowed: {more}"
    partly = full != cost(system.action_by_name[name], system)
    return CostResult(name, verdict, f"{said}, not of {' '.join(NOT_OF)}" if partly else said)


def _look_ups(system: System, names: Iterable[str]) -> Iterator[CostResult]:
    for name in names:
        parts = list(subterms(expand(system.definitions[name].body, system)))
        state = [part for part in parts if isinstance(part, App) and part.symbol.is_state]
        many = any(isinstance(part, Quantified) for part in parts)
        verdict = Verdict.refuted if state or many else Verdict.proved
        yield CostResult(name, verdict, f"reads {len(state)} entries of state")
