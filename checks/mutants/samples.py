"""Samples: states that the usual machines reach, and what each action does in them.

A system that differs in one declaration is judged here first: a step that it takes
otherwise, from a state in which every invariant holds, and that breaks a property, is
a counterexample to its proof, and found in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from memhp.reference import Topology
from memhp.reference.compile import Program, State
from memhp.spec.language.system import Action, Property, System
from memhp.spec.language.terms import Term

__all__ = ["Machine", "Samples", "Seen", "users"]

Points = dict[tuple[int, ...], State]
WALKS, STEPS = 3, 300
"""How many walks of how many steps each machine takes."""
_ENOUGH = 8
"""In how many states that are kept an action is possible before more are superfluous."""


@dataclass
class Machine:
    """One machine of the system, some of the states that walks on it reach, and its code."""

    program: Program
    states: list[State]
    _taken: dict[str, list[Points]] = field(default_factory=dict)

    @classmethod
    def walked(cls, system: System, topology: Topology, seed: int) -> Machine:
        """A machine with states of random walks from boot; rare actions are taken before others."""
        program = Program(system, topology)
        random, seen, states = Random(seed), set(), []
        names = list(system.action_by_name)
        looks = [program.enabled(name) for name in names]
        times, shown = [0] * len(names), [0] * len(names)
        for _ in range(WALKS):
            state = list(program.initial)
            for _ in range(STEPS):
                able = [(at, points) for at, look in enumerate(looks) if (points := look(state))]
                if program.pack(state) not in seen and (
                    any(shown[at] < _ENOUGH for at, _ in able) or random.random() < 0.05
                ):
                    seen.add(program.pack(state))
                    states.append(state.copy())
                    for at, _ in able:
                        shown[at] += 1
                if not able:
                    break
                if random.random() < 0.6:
                    least = min(times[at] for at, _ in able)
                    able = [each for each in able if times[each[0]] == least]
                at, points = random.choice(able)
                times[at] += 1
                program.action(names[at]).apply(state, *random.choice(points))
        return cls(program, states)

    def taken(self, name: str) -> list[Points]:
        """For each state, in their order, where each possible step of the action leads."""
        if name not in self._taken:
            look, take = self.program.enabled(name), self.program.action(name).apply
            self._taken[name] = [_steps(look, take, state) for state in self.states]
        return self._taken[name]


def _steps(look: Callable[[State], Any], take: Callable[..., None], state: State) -> Points:
    """Each possible step: the point, and the state after it."""
    steps: Points = {}
    for point in look(state):
        steps[point] = state.copy()
        take(steps[point], *point)
    return steps


@dataclass(frozen=True)
class Seen:
    """What the samples show of a changed system.

    ``broken`` names a property that a step breaks; ``idle``, a step that changes nothing
    and is not taken, or not in vain, by the system itself; ``lost``, some step is no longer
    possible, or leads elsewhere; ``gained``, some step is new.
    """

    broken: str = ""
    idle: str = ""
    lost: bool = False
    gained: bool = False


@dataclass
class Samples:
    """The samples of ``system`` on machines of those topologies; each is made when needed."""

    system: System
    topologies: Sequence[Topology]
    _machines: dict[int, Machine] = field(default_factory=dict)
    _order: list[int] = field(default_factory=list)
    _killers: list[str] = field(default_factory=list)

    def look(self, changed: System, actions: Collection[str], claims: Collection[str]) -> Seen:
        """What the samples show of the changed system.

        What shows a broken property is looked at first the next time.

        Args:
            actions: names of those that are not as they were.
            claims: names of the properties that are not.
        """
        seen = Seen()
        self._order = self._order or list(range(len(self.topologies)))
        watch = _Watch(self.system, changed, frozenset(claims), self._symbols, self._killers)
        for at in list(self._order):
            shown = watch.on(self.machine(at), actions)
            lost, gained = seen.lost or shown.lost, seen.gained or shown.gained
            seen = Seen(shown.broken, seen.idle or shown.idle, lost, gained)
            if seen.broken:
                _first(self._order, at)
                _first(self._killers, seen.broken)
                break
        return seen

    @cached_property
    def _symbols(self) -> Mapping[str, frozenset[str]]:
        system = self.system
        return {claim.name: system.symbols_in(claim.formula) for claim in system.properties}

    def machine(self, at: int) -> Machine:
        """The machine of that number, walked when it is first asked for."""
        if at not in self._machines:
            self._machines[at] = Machine.walked(self.system, self.topologies[at], at)
        return self._machines[at]


def _first(items: list[Any], item: object) -> None:
    """Move the item, which may be there, to the front."""
    if item in items:
        items.remove(item)
    items.insert(0, item)


class _Watch:
    """Compares a changed system with the original, machine by machine."""

    def __init__(
        self,
        original: System,
        changed: System,
        claims: frozenset[str],
        symbols: Mapping[str, frozenset[str]],
        killers: Sequence[str],
    ) -> None:
        self._original, self._changed, self._claims = original, changed, claims
        definitions = original.definitions
        self._anew = {
            name for name, each in changed.definitions.items() if each is not definitions.get(name)
        }
        rank = {name: at for at, name in enumerate(killers)}
        judged = changed.of_kind("always", "step")
        self._all = [
            (claim, changed.symbols_in(claim.formula))
            if claim.name in claims
            else (claim, symbols[claim.name])
            for claim in sorted(judged, key=lambda claim: rank.get(claim.name, len(rank)))
        ]

    def on(self, machine: Machine, actions: Collection[str]) -> Seen:
        """What the samples of one machine show."""
        topology = machine.program.topology
        anew = self._anew or self._claims
        program = Program(self._changed, topology) if anew else machine.program
        judge = _Judge(machine.program, program, self._claims)
        idle, lost, gained = "", False, False
        for name in actions:
            action = self._changed.action_by_name[name]
            look, take = self._code(machine, program, action)
            relevant = self._relevant(action)
            for state, old in zip(machine.states, machine.taken(name), strict=True):
                new = _steps(look, take, state)
                if new == old:
                    continue
                lost |= any(new.get(point) != after for point, after in old.items())
                for point, after in new.items():
                    if old.get(point) == after:
                        continue
                    gained |= point not in old
                    if broken := judge.broken(relevant, state, after):
                        return Seen(broken)
                    if after == state:
                        idle = idle or name
        return Seen(self._broken_by_others(machine, judge, actions), idle, lost, gained)

    def _code(
        self, machine: Machine, changed: Program, action: Action
    ) -> tuple[Callable[[State], Any], Callable[..., None]]:
        """When the action is possible, and what it does: made anew where it may be otherwise."""
        old, name = self._original.action_by_name[action.name], action.name
        conditions = [guard.condition for guard in action.guards]
        terms = [term for update in action.updates for term in update.terms]
        same = action.guards == old.guards and not self._says_otherwise(conditions)
        look = machine.program.enabled(name) if same else changed.possible(action)
        if action.updates == old.updates and not self._says_otherwise(terms):
            return look, machine.program.action(name).apply
        return look, changed.applied(action)

    def _says_otherwise(self, terms: Iterable[Term]) -> bool:
        """A definition that changed is used in one of them."""
        return any(self._anew & self._changed.definitions_in(term) for term in terms)

    def _relevant(self, action: Action, *, changed: bool = False) -> list[Property]:
        """The properties that a step of the action can break; only those that are ``changed``."""
        return [
            claim
            for claim, read in self._all
            if read & action.written and (claim.name in self._claims or not changed)
        ]

    def _broken_by_others(self, machine: Machine, judge: _Judge, actions: Collection[str]) -> str:
        """A property that is not as it was, and fails at boot or after a step of another action."""
        if not self._claims:
            return ""
        for claim, _ in self._all:
            is_new = claim.name in self._claims and claim.kind == "always"
            if is_new and judge.cases(claim)(list(machine.program.initial)):
                return claim.name
        for action in self._changed.actions:
            if action.name in actions or not (relevant := self._relevant(action, changed=True)):
                continue
            for state, old in zip(machine.states, machine.taken(action.name), strict=True):
                for after in old.values():
                    if broken := judge.broken(relevant, state, after):
                        return broken
        return ""


@dataclass
class _Judge:
    """The properties on one machine: those that changed are those of ``program``."""

    original: Program
    program: Program
    claims: frozenset[str]

    def cases(self, claim: Property) -> Callable[..., Any]:
        return (self.program if claim.name in self.claims else self.original).cases(claim.name)

    def broken(self, relevant: Sequence[Property], before: State, after: State) -> str:
        """The first property that the step breaks, from a state where all invariants hold."""
        for claim in relevant:
            cases = self.cases(claim)
            bad = cases(before, after) if claim.kind == "step" else cases(after)
            if bad and self._invariants_hold(before):
                return claim.name
        return ""

    def _invariants_hold(self, state: State) -> bool:
        """The properties that are not as they were hold, as the others do."""
        claims = (self.program.system.property_by_name[name] for name in self.claims)
        return not any(self.cases(claim)(state) for claim in claims if claim.kind == "always")


def users(system: System, definition: str) -> tuple[list[str], list[str]]:
    """The names of the actions, and of the properties, that use the definition.

    Directly, or through others.
    """

    def uses(terms: Iterable[Term]) -> bool:
        return any(definition in system.definitions_in(term) for term in terms)

    actions = (a.name for a in system.actions if uses(_terms_of_action(a)))
    claims = (claim.name for claim in system.properties if uses(_terms_of_claim(claim)))
    return list(actions), list(claims)


def _terms_of_action(action: Action) -> Iterator[Term]:
    for guard in action.guards:
        yield guard.condition
    for update in action.updates:
        yield from update.terms


def _terms_of_claim(claim: Property) -> Iterator[Term]:
    yield claim.formula
    if claim.ending:
        yield from (claim.ending.during, claim.ending.left)
        yield from (way.condition for way in claim.ending.ways)
