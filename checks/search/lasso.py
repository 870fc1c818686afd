"""Lassos: runs that come back to where they were, with the work still to do.

What helps is a step of the actions that an *ends* property names, if it takes out
an element of the work.  The search looks for a cycle on which there is work all
along and such steps are taken again and again, or for a state from which there is
none: what is taken out then comes back, or cannot be taken out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from memhp.reference import Topology, diff
from memhp.reference.compile import Program
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import App, subterms

from ..ground.cuts import closed, cut, different, reads
from ..support.compiler import NoMemory
from .layers import Leaves, TooLarge, beginning
from .localise import Spent, refusal, shortest
from .search import (
    Choice,
    Edge,
    Witness,
    search,
    unfinished,
    way,
)

__all__ = ["endless", "lasso"]

_MAX_TO_BEGIN = 200_000
"""After how many states the search for a way to unfinished work gives up."""
_LITTLE = 10
"""What part of the states is enough for most: all sets of actions are tried with so many first."""
_FEW = 1_000
"""After how many states it may be that there is work somewhere."""


def lasso(
    system: System, topologies: Sequence[Topology], claim: Property, *, max_states: int
) -> Witness | None:
    """A lasso along which the work of an *ends* property is never done; None without one.

    It is looked for first with the actions that help, those on a shortest way to work, and
    one more: a run that makes the work anew needs no other.  Then with all.  The machine is
    cut down as in `localise`, with the actions that help whole.

    Args:
        system: the specification.
        topologies: the machines to look at.
        claim: an *ends* property.
        max_states: of all machines together, after which a search with some actions gives up.
    """
    assert claim.ending
    helping = frozenset(claim.ending.by)
    about = reads(system, claim.ending.left) | _switches(system, claim)
    makers = [action.name for action in system.actions if action.written & about]
    trace = shortest(system, topologies, unfinished(claim), max_states=_MAX_TO_BEGIN)
    steps = frozenset(name for name, _ in trace.steps) if trace else frozenset[str]()
    base = helping | steps
    few = [base | {name} for name in _undoing_first(system, makers, steps) if name not in base]
    missed = set[str]()
    for most in (max_states // _LITTLE, max_states):
        for names in (*few, frozenset(system.action_by_name)):
            actions = tuple(action for action in system.actions if action.name in names)
            fewer = replace(system, actions=actions)
            if witness := _search(system, fewer, topologies, claim, missed, most):
                return witness
    return None


def _undoing_first(system: System, names: Sequence[str], steps: frozenset[str]) -> list[str]:
    """The actions, those first that write little but what the steps wrote."""
    wrote = frozenset[str]().union(*(system.action_by_name[name].written for name in steps))

    def foreign(name: str) -> float:
        written = system.action_by_name[name].written
        return len(written - wrote) / len(written)

    return sorted(names, key=foreign)


def endless(
    system: System, topology: Topology, claim: Property, *, max_states: int
) -> Witness | None:
    """A lasso along which the work is never done; None only if the machine has none.

    Args:
        system: the specification.
        topology: the machine, all of whose states are looked at.
        claim: an *ends* property.
        max_states: of the machine, at most.

    Raises:
        Spent: the machine has more states.
    """
    assert claim.ending
    watched = replace(system, properties=(unfinished(claim),))
    graph = _Graph(watched, topology, claim, max_states, everywhere=True)
    witness = graph.lasso()
    if witness is None and not graph.whole:
        raise Spent(claim.name)
    return witness


def _switches(system: System, claim: Property) -> frozenset[str]:
    """The variables that ``during`` reads at its parameters themselves."""
    assert claim.ending
    state = {variable.symbol for variable in system.variables}
    return frozenset(
        part.symbol.name
        for part in subterms(claim.ending.during)
        if isinstance(part, App) and part.symbol in state and set(part.args) <= set(claim.params)
    )


def _search(
    system: System,
    fewer: System,
    topologies: Sequence[Topology],
    claim: Property,
    missed: set[str],
    max_states: int,
) -> Witness | None:
    """A lasso with fewer actions; a cut keeps the variables ``missed``, here and before, too."""
    assert claim.ending
    helping = [action for action in fewer.actions if action.name in claim.ending.by]
    guards = (guard.condition for action in helping for guard in action.guards)
    watch = unfinished(claim)
    about = reads(system, watch.formula, *guards)
    while True:
        variables = closed(fewer, about | missed)
        smaller = cut(fewer, variables, watch, helping)
        machines = _with_work(system, smaller, different(smaller, topologies), watch)
        witness = _on_one(smaller, machines, claim, max_states)
        if witness is None:
            return None
        missing = _missing(system, witness) - variables
        if not missing:
            return witness
        missed |= missing


def _on_one(
    system: System, topologies: Iterable[Topology], claim: Property, max_states: int
) -> Witness | None:
    """A lasso on the first machine that has one, among so many states of all of them."""
    for topology in topologies:
        graph = _Graph(system, topology, claim, max_states)
        if witness := graph.lasso():
            return witness
        max_states -= len(graph.edges)
        if max_states <= 0:
            return None
    return None


def _with_work(
    system: System, smaller: System, topologies: Sequence[Topology], watch: Property
) -> Iterator[Topology]:
    """The machines without those where the compiled search finds that there never is any work."""
    begin = beginning(system)
    for topology in topologies:
        with suppress(Leaves, NoMemory, TooLarge):
            if begin:
                result = search(smaller, [topology], [watch], max_states=_FEW, begin=begin)
                if result.complete and not result.witnesses:
                    continue
        yield topology


def _missing(system: System, witness: Witness) -> frozenset[str]:
    """The variables missing from the cut: a guard refuses the run, or it does not restore them."""
    if refused := refusal(system, witness):
        return refused
    assert witness.loop is not None
    machines = witness.replay(system)
    return frozenset(change.variable for change in diff(machines[witness.loop], machines[-1]))


class _Graph:
    """The reachable states of a machine, and those in which the work is not done."""

    def __init__(
        self,
        system: System,
        topology: Topology,
        claim: Property,
        max_states: int,
        *,
        everywhere: bool = False,
    ) -> None:
        assert claim.ending
        self.claim = claim
        self.topology = topology
        self.program = Program(system, topology)
        self.outer = [claim.params.index(var) for var in claim.of_work]
        self.parents: dict[bytes, tuple[bytes, Choice] | None] = {}
        self.edges: dict[bytes, list[Edge]] = {}
        self.open: dict[tuple[int, ...], set[bytes]] = {}
        self._cases = self.program.cases(claim.name)
        self._points_in: dict[bytes, list[tuple[int, ...]]] = {}
        self.whole = False
        self._explore(max_states, everywhere)

    def _explore(self, max_states: int, everywhere: bool) -> None:
        """The nearest states with unfinished work, and from there all that leaves it so.

        With ``everywhere``, all states; `whole` if they were not too many.
        """
        program = self.program
        boot = program.pack(list(program.initial))
        self.parents[boot] = None
        queue = [boot]
        assert self.claim.ending
        unless = self.claim.ending.unless
        actions = [
            (name, program.enabled(name), program.action(name).apply)
            for name in program.system.action_by_name
        ]
        for key in queue:
            state = program.unpack(key)
            works = self._unfinished(key)
            if self.open and not works and not everywhere:
                continue
            for outer in works:
                self.open.setdefault(outer, set()).add(key)
            edges = self.edges[key] = []
            for name, enabled, take in actions:
                for point in enabled(state):
                    after = state.copy()
                    take(after, *point)
                    new = program.pack(after)
                    if name not in unless:
                        edges.append(((name, tuple(point)), new))
                    if new not in self.parents and (
                        everywhere or not works or works & self._unfinished(new)
                    ):
                        self.parents[new] = (key, (name, tuple(point)))
                        queue.append(new)
            if len(queue) > max_states:
                return
        self.whole = everywhere

    def _unfinished(self, key: bytes) -> set[tuple[int, ...]]:
        return {tuple(point[at] for at in self.outer) for point in self._points(key)}

    def _points(self, key: bytes) -> list[tuple[int, ...]]:
        """The elements of the work in a state, computed once."""
        if key not in self._points_in:
            self._points_in[key] = self._cases(self.program.unpack(key))
        return self._points_in[key]

    def lasso(self) -> Witness | None:
        """The shortest lasso: a run into a cycle of unfinished work, or to a state of it."""
        best: Witness | None = None
        for outer, nodes in self.open.items():
            inside = [node for node in self.edges if node in nodes]
            group = self._groups(inside)
            for node, begin in self._turns(outer, inside, group):
                prefix = self._prefix(node)
                if best and len(prefix) >= len(best.steps):
                    break  # the states after this one are no nearer
                most = len(best.steps) - len(prefix) if best else len(self.edges) + 2
                cycle = self._cycle(node, begin, group, most)
                if cycle is not None:
                    steps, at = (*prefix, *cycle), self._point(outer)
                    best = Witness(self.claim, self.topology, steps, at, loop=len(prefix))
        return best

    def _groups(self, nodes: Sequence[bytes]) -> dict[bytes, int]:
        """The number of the strongly connected component of each."""
        import networkx as nx  # it takes longer to import than all the rest

        graph: nx.DiGraph[bytes] = nx.DiGraph()
        inside = set(nodes)
        graph.add_edges_from((n, new) for n in nodes for _, new in self.edges[n] if new in inside)
        return {
            node: number
            for number, component in enumerate(nx.strongly_connected_components(graph))
            for node in component
        }

    def _turns(
        self, outer: tuple[int, ...], nodes: Sequence[bytes], group: Mapping[bytes, int]
    ) -> Iterator[tuple[bytes, Edge | None]]:
        """Each step that helps and can be undone; a state alone, if there none does."""
        assert self.claim.ending
        for node in nodes:
            work = self._work(outer, node)
            mine = [edge for edge in self.edges[node] if edge[0][0] in self.claim.ending.by]
            helps = [edge for edge in mine if work - self._work(outer, edge[1])]
            round_trips = [
                edge for edge in helps or mine if group.get(edge[1], -1) == group.get(node)
            ]
            yield from ((node, edge) for edge in round_trips)
            if not helps and not round_trips:
                yield node, None

    def _work(self, outer: tuple[int, ...], key: bytes) -> set[tuple[int, ...]]:
        """The elements of the work that have those parameters of ``during``."""
        points = self._points(key)
        return {point for point in points if tuple(point[at] for at in self.outer) == outer}

    def _point(self, outer: tuple[int, ...]) -> tuple[int, ...]:
        params = iter(outer)
        return tuple(
            next(params) if at in self.outer else -1 for at in range(len(self.claim.params))
        )

    def _prefix(self, key: bytes) -> list[Choice]:
        return [choice for choice, _ in way(self.parents, key)]

    def _cycle(
        self, node: bytes, begin: Edge | None, group: Mapping[bytes, int], most: int
    ) -> list[Choice] | None:
        """The shortest cycle that begins so; None if it has ``most`` steps or more."""
        if begin is None:
            return []
        choice, here = begin
        back: dict[bytes, tuple[bytes, Choice] | None] = {here: None}
        layer = [here]
        for _ in range(most - 1):
            if node in back:
                return [choice, *(choice for choice, _ in way(back, node))]
            reached: list[bytes] = []
            for at in layer:
                for taken, new in self.edges[at]:
                    if new not in back and group.get(new) == group[node]:
                        back[new] = (at, taken)
                        reached.append(new)
            layer = reached
        return None
