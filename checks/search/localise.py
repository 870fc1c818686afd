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

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from memhp.reference import Topology
from memhp.spec.language.system import Property, System

from ..ground.cuts import NOTHING, closed, cut, idle_of, kinds_of, reads
from ..support.compiler import NoMemory, compiler
from .layers import Layers, Leaves, TooLarge, beginning
from .search import Search, Witness, booted, search
from .trivial import decided

__all__ = [
    "Reading",
    "Spent",
    "looked_for",
    "refusal",
    "shortest",
    "still_shortest",
]


_TURNS = (1_000, 30_000, 200_000)
"""Of one machine after the other so many states are looked at, before all take turns."""


class Spent(Exception):
    """A search gave up, for want of budget, before it could decide."""


def shortest(
    system: System,
    topologies: Sequence[Topology],
    claim: Property,
    *,
    max_states: int,
    depth: int | None = None,
) -> Witness | None:
    """A shortest trace that violates the property (or reaches a *sometimes*); None without one.

    Where a *sometimes* is reached does not matter, so its trace is the shortest of its
    machine; any other is the shortest over all the machines.

    Args:
        system: the specification.
        topologies: the machines to look at.
        claim: of any kind but *ends*.
        max_states: of cut machines in all, after which a search gives up.
        depth: steps of the longest trace to look for; any by default.

    Raises:
        Spent: the search for a trace of that depth gave up.
    """
    witness, _ = looked_for(system, topologies, claim, max_states=max_states, depth=depth)
    return witness


@dataclass(frozen=True)
class Reading:
    """The parts of a specification that a search read: no edit of another changes its way.

    ``kept`` are the variables of the last cut machine, of which the others were cut; ``idle``
    says that it had every action; ``taken`` are actions that were taken on the whole machine.
    """

    kept: frozenset[str]
    idle: bool
    taken: frozenset[str]

    def words(self) -> list[Any]:
        """The reading as JSON for a file; see `of_words`."""
        return [sorted(self.kept), self.idle, sorted(self.taken)]

    @classmethod
    def of_words(cls, words: Any) -> Reading | None:
        """The reading that `words` wrote; None for None.

        Raises:
            ValueError: it is anything else.
            TypeError: it is anything else.
        """
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
    first: Reading | None = None,
) -> tuple[Witness | None, Reading]:
    """The trace that `shortest` returns, and what the search for it has read.

    Args:
        system: as `shortest` has it.
        topologies: as `shortest` has it.
        claim: as `shortest` has it.
        max_states: as `shortest` has it.
        depth: as `shortest` has it.
        first: what is read of the specification at least; by default what the property reads.

    Raises:
        Spent: as `shortest` has it.
    """
    first = first or Reading(frozenset(), idle=False, taken=frozenset())
    kept = closed(system, reads(system, claim.formula) | first.kept & system.state)
    whole, taken = first.idle, frozenset[str]()
    left: list[Topology] = list(topologies)
    before: Witness | None = None
    vain: set[tuple[int, int]] = set()
    while True:
        smaller = cut(system, kept, claim, idle_of(system, claim, whole=whole))
        kinds = kinds_of(smaller, left)
        result, over = _in_turn(system, smaller, kinds, claim, before, vain, max_states, depth)
        # What no run of a cut machine shows, none shows of one that is cut less.
        done = [alike for alike in kinds if any(alike[0] is each for each in over)]
        gone = {id(each) for alike in done for each in alike}
        left = [each for each in left if id(each) not in gone]
        witness = result.witnesses.get(claim.name)
        if witness is None:
            if depth is not None and result.spent:
                raise Spent(claim.name)
            return None, Reading(kept, whole, taken)
        if witness.steps and witness.steps[-1][0] == NOTHING.name:
            whole = True
            continue
        taken |= {name for name, _ in witness.steps}
        before = witness
        missing = refusal(system, witness) - kept
        if not missing:
            return witness, Reading(kept, whole, taken)
        kept = closed(system, kept | missing)


def still_shortest(
    system: System,
    topologies: Sequence[Topology],
    witness: Witness,
    first: Reading,
    *,
    max_states: int,
) -> Reading | None:
    """What a search for a shorter trace than the witness has read; None if it is not the shortest.

    None, too, if the search gives up.

    Args:
        system: the specification, on which the witness runs.
        topologies: as `shortest` has it; where a *sometimes* is reached does not matter, so its
            trace needs only be the shortest of its machine.
        witness: a trace that was the shortest before the specification was edited.
        first: what the search that found it had read.
        max_states: as `shortest` has it.
    """
    if witness.claim.kind == "sometimes":
        topologies = [witness.topology]
    depth = len(witness.steps) - 1
    if depth < 0:
        return first
    try:
        shorter, read = looked_for(
            system, topologies, witness.claim, max_states=max_states, depth=depth, first=first
        )
    except Spent:
        return None
    return None if shorter else replace(read, taken=frozenset(name for name, _ in witness.steps))


def _in_turn(
    system: System,
    smaller: System,
    kinds: Sequence[Sequence[Topology]],
    claim: Property,
    before: Witness | None,
    vain: set[tuple[int, int]],
    max_states: int,
    depth: int | None,
) -> tuple[Search, Sequence[Topology]]:
    """As `_search`; where any trace will do, one machine after the other, in few states, first.

    Args:
        before: the trace that was found when more was cut off, so that none is shorter; its
            machine comes first.
        vain: machines, and the turns of theirs that found nothing when more of them was cut off;
            these are left out, and those that find nothing now are added.
    """
    anywhere = claim.kind == "sometimes"
    turns: Sequence[int] = _TURNS if system.is_own and anywhere and depth is None else ()
    machines = [alike[0] for alike in kinds]
    mine = [e[0] for e in kinds if before and any(each is before.topology for each in e)]
    if turns or not anywhere:  # else the order of the machines tells which trace is the answer
        machines.sort(key=lambda each: each not in mine)
    least = None if anywhere else len(before.steps) if before else 0
    look = partial(_search, system, smaller, claim=claim, least=least)
    over: list[Topology] = []
    for most in turns:
        for topology in machines:
            turn = id(topology), most
            if turn not in vain and all(topology is not each for each in over):
                hurried = topology not in mine and (most == turns[-1] or bool(compiler()))
                result, done = look([topology], max_states=most, hurried=hurried)
                over += done
                if result.witnesses:
                    return result, over
                vain.add(turn)
    left = [each for each in machines if all(each is not other for other in over)]
    result, done = look(left, max_states=max_states, depth=depth)
    return result, [*over, *done]


def _search(
    system: System,
    smaller: System,
    topologies: Sequence[Topology],
    *,
    claim: Property,
    max_states: int,
    least: int | None,
    depth: int | None = None,
    hurried: bool = False,
) -> tuple[Search, Sequence[Topology]]:
    """With the compiled search, if there is one for these machines; else by the reference.

    The reference takes long: ``hurried``, nothing is found with it.

    Returns the machines, too, of which every state was seen or that can show nothing.
    """
    look = partial(search, smaller, max_states=max_states, depth=depth, least=least)
    with suppress(NoMemory, TooLarge):
        for wide in (False, True):
            with suppress(Leaves):
                if found := _compiled(look, system, topologies, claim, wide=wide):
                    return found
    if hurried:
        return Search(complete=False, spent=True), ()
    left = [each for each in topologies if not decided(smaller, each, claim)]
    return look(left, [claim]), ()


def _compiled(
    look: Callable[..., Search],
    system: System,
    topologies: Sequence[Topology],
    claim: Property,
    *,
    wide: bool,
) -> tuple[Search, Sequence[Topology]] | None:
    """What the compiled search finds; None without a compiler."""
    begin, begun = beginning(system, wide=wide), list[Layers]()
    if begin is None:
        return None

    def beginning_each(*given: Any) -> Layers:
        begun.append(begin(*given))
        return begun[-1]

    result = look(topologies, [claim], begin=beginning_each)
    return result, [each.topology for each in begun if each.is_over]


def refusal(system: System, witness: Witness) -> frozenset[str]:
    """The symbols that the refusing guard reads; empty if the whole machine takes the trace.

    Args:
        system: the specification.
        witness: a trace of a machine cut from it.
    """
    machine = booted(system, witness.topology).copy()
    for name, point in witness.steps:
        outcome = machine.step(name, *point)
        if not outcome:
            guard = system.action_by_name[name].guard(outcome.guard)
            return reads(system, guard.condition)
    return frozenset()
