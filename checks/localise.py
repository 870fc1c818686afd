"""Shortest traces without the detours: a search that looks only at what a property depends on.

The specification is cut down to the variables that the property reads and what
their updates read; guards that ask for anything else are dropped.  Every run of
the whole machine is a run of the cut one, so no shorter trace exists than the
shortest one there.  If that trace runs on the whole machine it is the answer;
if a guard refuses it there, the guard's variables are added, and so on
(localisation reduction: R. Kurshan, Computer-Aided Verification of
Coordinating Processes, 1994).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from memhp.reference import Topology
from memhp.spec.language.system import Action, Property, System, Where
from memhp.spec.language.terms import Term

from .decided import decided
from .explore.layers import Layers, Leaves, TooLarge, beginning
from .explore.native import NoMemory
from .remembered import Latest
from .search import Found, Search, booted, search

__all__ = [
    "Reading",
    "Spent",
    "closed",
    "cut",
    "different",
    "idle_of",
    "looked_for",
    "reads",
    "refusal",
    "shortest",
]


class Spent(Exception):
    """A search gave up before it could tell."""


def shortest(
    system: System,
    topologies: Sequence[Topology],
    claim: Property,
    *,
    max_states: int,
    depth: int | None = None,
) -> Found | None:
    """A shortest trace that violates the property (or reaches a *sometimes*), None without one.

    Where a *sometimes* is reached does not matter, so its trace is the shortest of its
    machine; any other is the shortest over all the machines.

    Parameters: ``claim``, of any kind but *ends*; ``max_states``, after how many
    states of a cut machine the search gives up; ``depth``, the longest trace to
    look for.

    Raises `Spent` if the search for one of that depth gives up.
    """
    found, _ = looked_for(system, topologies, claim, max_states=max_states, depth=depth)
    return found


@dataclass(frozen=True)
class Reading:
    """What a search has looked at, so that an edit of anything else does not change its way.

    ``kept`` are the variables of the last cut machine, of which the others were cut; ``idle``
    says that it had every action; ``taken`` are actions that were taken on the whole machine.
    """

    kept: frozenset[str]
    idle: bool
    taken: frozenset[str]

    def words(self) -> list[Any]:
        """For a file; see `of_words`."""
        return [sorted(self.kept), self.idle, sorted(self.taken)]

    @classmethod
    def of_words(cls, words: Any) -> Reading | None:
        """What `words` made; None of None.  Raises ValueError or TypeError for anything else."""
        if words is None:
            return None
        kept, idle, taken = words
        return cls(frozenset(map(str, kept)), bool(idle), frozenset(map(str, taken)))


def looked_for(
    system: System,
    topologies: Sequence[Topology],
    claim: Property,
    *,
    max_states: int,
    depth: int | None = None,
) -> tuple[Found | None, Reading]:
    """What `shortest` returns, and what was read for it."""
    kept = closed(system, reads(system, claim.formula))
    whole, taken = False, frozenset[str]()
    left: list[Topology] = list(topologies)
    while True:
        smaller = cut(system, kept, claim, idle_of(system, claim, whole=whole))
        kinds = _kinds(smaller, left)
        firsts = [alike[0] for alike in kinds]
        result, over = _search(system, smaller, firsts, claim, max_states, depth)
        # What no run of a cut machine shows, none shows of one that is cut less.
        done = [alike for alike in kinds if any(alike[0] is each for each in over)]
        gone = {id(each) for alike in done for each in alike}
        left = [each for each in left if id(each) not in gone]
        found = result.found.get(claim.name)
        if found is None:
            if depth is not None and result.spent:
                raise Spent(claim.name)
            return None, Reading(kept, whole, taken)
        if found.steps and found.steps[-1][0] == _NOTHING.name:
            whole = True
            continue
        taken |= {name for name, _ in found.steps}
        missing = refusal(system, found) - kept
        if not missing:
            return found, Reading(kept, whole, taken)
        kept = closed(system, kept | missing)


def idle_of(system: System, claim: Property, *, whole: bool) -> Sequence[Action]:
    """The steps that change nothing which a cut machine needs: one for all, or each."""
    if whole:
        return system.actions
    return (_NOTHING,) if claim.kind == "step" else ()


def _search(
    system: System,
    smaller: System,
    topologies: Sequence[Topology],
    claim: Property,
    max_states: int,
    depth: int | None,
) -> tuple[Search, Sequence[Topology]]:
    """With the compiled search, if there is one for these machines; else by the reference.

    Returns the machines, too, of which every state was seen or that can show nothing.
    """
    anywhere = claim.kind == "sometimes"
    look = partial(search, smaller, max_states=max_states, depth=depth, anywhere=anywhere)
    if begin := beginning(system):
        begun: list[Layers] = []

        def beginning_each(*given: Any) -> Layers:
            begun.append(begin(*given))
            return begun[-1]

        with suppress(Leaves, NoMemory, TooLarge):
            result = look(topologies, [claim], begin=beginning_each)
            return result, [each.topology for each in begun if each.is_over]
    left = [each for each in topologies if not decided(smaller, each, claim)]
    return look(left, [claim]), ()


def refusal(system: System, found: Found) -> frozenset[str]:
    """What the guard reads that refuses the trace on the whole machine; nothing if none does."""
    machine = booted(system, found.topology).copy()
    for name, point in found.steps:
        outcome = machine.step(name, *point)
        if not outcome:
            guard = system.action_by_name[name].guard(outcome.guard)
            return reads(system, guard.condition)
    return frozenset()


def reads(system: System, *terms: Term) -> frozenset[str]:
    """The state that the terms read."""
    return system.state & frozenset[str]().union(*map(system.symbols_in, terms))


def closed(system: System, names: Iterable[str]) -> frozenset[str]:
    """The variables, and those that their updates read."""
    found, todo = set(names), list(names)
    while todo:
        name = todo.pop()
        for action in system.actions:
            for update in action.updates:
                if update.symbol.name == name:
                    new = reads(system, *update.terms) - found
                    found |= new
                    todo += new
    return frozenset(found)


_NOTHING = Action("", "", "A step that changes nothing.", (), (), (), Where("", 0))
"""Stands for every action that does: a *step* property seldom asks which one it was."""


def cut(
    system: System, kept: frozenset[str], claim: Property, idle: Sequence[Action] = ()
) -> System:
    """The system with those variables alone, the actions that change them, and the ``idle``."""
    left = partial(_parts(system).left, kept)
    actions = [left(action) for action in system.actions]
    changing = [action for action in actions if action.updates]
    names = {action.name for action in changing}
    others = (left(action) for action in idle if action.name not in names)
    return replace(
        system,
        variables=tuple(v for v in system.variables if v.symbol.name in kept),
        actions=(*changing, *others),
        properties=(claim,),
    )


class _Parts:
    """What is left of the actions of a system: where the same is left, it is one object."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._read: dict[str, list[frozenset[str]]] = {}
        self._left: dict[tuple[str, tuple[bool, ...], frozenset[str]], Action] = {}

    def left(self, kept: frozenset[str], action: Action) -> Action:
        """The action with what reads and writes these variables alone."""
        if action is _NOTHING:
            return action
        if (read := self._read.get(action.name)) is None:
            read = [reads(self._system, guard.condition) for guard in action.guards]
            self._read[action.name] = read
        asked = tuple([names <= kept for names in read])
        key = action.name, asked, action.written & kept
        if (found := self._left.get(key)) is None:
            guards = (g for g, is_asked in zip(action.guards, asked, strict=True) if is_asked)
            updates = (u for u in action.updates if u.symbol.name in kept)
            found = replace(action, guards=tuple(guards), updates=tuple(updates))
            found = self._left[key] = _one(found)
        return found


_parts = Latest(_Parts)


@lru_cache(maxsize=1 << 13)
def _one(action: Action) -> Action:
    """The same object for actions that are equal, be they of several systems."""
    return action


def different(system: System, topologies: Sequence[Topology]) -> list[Topology]:
    """One of each kind of topology that the system can tell apart."""
    return [alike[0] for alike in _kinds(system, topologies)]


def _kinds(system: System, topologies: Sequence[Topology]) -> list[list[Topology]]:
    """The topologies, in lists of those that the system cannot tell apart."""
    terms = [claim.formula for claim in system.properties]
    sorts = {var.sort for claim in system.properties for var in claim.params}
    for variable in system.variables:
        terms.append(variable.initial)
        sorts |= set(variable.symbol.domain) | {variable.symbol.range}
    for action in system.actions:
        terms += [guard.condition for guard in action.guards]
        sorts |= {var.sort for var in action.params}
        for update in action.updates:
            terms += update.terms
    names = {name for term in terms for name in system.symbols_in(term)}
    tables = [symbol for symbol in system.topology if symbol.name in names]
    for symbol in tables:
        sorts |= {*symbol.domain, symbol.range}
    sizes = sorted(sort.name for sort in sorts if sort in system.unbounded_sorts)
    kinds: dict[object, list[Topology]] = {}
    for topology in topologies:
        kind = (
            tuple(topology.sizes[name] for name in sizes),
            tuple(topology.tables[symbol.name] for symbol in tables),
        )
        kinds.setdefault(kind, []).append(topology)
    return list(kinds.values())
