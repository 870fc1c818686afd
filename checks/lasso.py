"""Work that never ends: a run that comes back to where it was, with the work still to do.

A run of a finite machine that never reaches its goal ends in a cycle; one
without a step is a run that is stuck.  The search looks for a cycle that is
fair: whatever is assumed to be taken, and is possible somewhere on the cycle,
is taken on it (strong fairness, for each choice of parameters on its own;
E. A. Emerson and C.-L. Lei, "Modalities for model checking", 1987).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import networkx as nx

from memhp.reference import Topology, diff
from memhp.reference.compile import Program
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import App, Var, subterms

from .localise import Spent, closed, cut, different, reads, refusal
from .search import Choice, Edge, Found, unfinished, way

__all__ = ["endless", "lasso"]


def lasso(
    system: System, topologies: Sequence[Topology], claim: Property, *, max_states: int
) -> Found | None:
    """A fair run along which the work of an *ends* property is never done, if one is found.

    First with the fair actions and those that make or unmake work alone, where a
    run is found sooner; then with all.  The machine is cut down as in
    `localise`, with the fair actions whole.

    Parameters: ``max_states``, after how many states of a machine the search gives up.
    """
    assert claim.ending
    fair = {claim.ending.by, *claim.ending.fair}
    about = reads(system, claim.ending.left) | _switches(system, claim)
    few = fair | {action.name for action in system.actions if action.written & about}
    for names in (few, set(system.action_by_name)):
        actions = tuple(action for action in system.actions if action.name in names)
        fewer = replace(system, actions=actions)
        if found := _search(system, fewer, topologies, claim, fair, max_states):
            return found
    return None


def endless(
    system: System, topology: Topology, claim: Property, *, max_states: int
) -> Found | None:
    """A fair run along which the work is never done; None only if the machine has none.

    Raises `Spent` if the machine has more than ``max_states`` states.
    """
    assert claim.ending
    watched = replace(system, properties=(unfinished(claim),))
    graph = _Graph(watched, topology, claim, max_states, everywhere=True)
    found = graph.lasso({claim.ending.by, *claim.ending.fair})
    if found is None and not graph.whole:
        raise Spent(claim.name)
    return found


def _switches(system: System, claim: Property) -> frozenset[str]:
    """The state that is read at the parameters of ``during`` themselves."""
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
    fair: Collection[str],
    max_states: int,
) -> Found | None:
    guards = (g.condition for name in fair for g in system.action_by_name[name].guards)
    watch = unfinished(claim)
    kept = closed(fewer, reads(system, watch.formula, *guards))
    while True:
        smaller = cut(fewer, kept, watch, [a for a in fewer.actions if a.name in fair])
        graphs = (_Graph(smaller, t, claim, max_states) for t in different(smaller, topologies))
        found = next((run for graph in graphs if (run := graph.lasso(fair))), None)
        if found is None:
            return None
        missing = _missing(system, found) - kept
        if not missing:
            return found
        kept = closed(fewer, kept | missing)


def _missing(system: System, found: Found) -> frozenset[str]:
    """Variables whose guards refuse the run on the whole machine, or that it does not restore."""
    if refused := refusal(system, found):
        return refused
    assert found.loop is not None
    machines = found.replay(system)
    return frozenset(change.variable for change in diff(machines[found.loop], machines[-1]))


class _Graph:
    """Every reachable state of the cut machine, and where the work is not done."""

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
        during = {part for part in subterms(claim.ending.during) if isinstance(part, Var)}
        self.outer = [at for at, var in enumerate(claim.params) if var in during]
        self.parents: dict[bytes, tuple[bytes, Choice] | None] = {}
        self.edges: dict[bytes, list[Edge]] = {}
        self.open: dict[tuple[int, ...], set[bytes]] = {}
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
        actions = [
            (name, program.enabled(name), program.action(name).apply)
            for name in program.system.action_by_name
        ]
        for key in queue:
            state = program.unpack(key)
            works = self._unfinished(state)
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
                    edges.append(((name, tuple(point)), new))
                    if new not in self.parents and (
                        everywhere or not works or works & self._unfinished(after)
                    ):
                        self.parents[new] = (key, (name, tuple(point)))
                        queue.append(new)
            if len(queue) > max_states:
                return
        self.whole = everywhere

    def _unfinished(self, state: list[int]) -> set[tuple[int, ...]]:
        points = self.program.cases(self.claim.name)(state)
        return {tuple(point[at] for at in self.outer) for point in points}

    def lasso(self, fair: Collection[str]) -> Found | None:
        """A run into a fair cycle of unfinished work: the nearest cycle, kept short."""
        best: Found | None = None
        for outer, nodes in self.open.items():
            for component in self._fair_components(nodes & self.edges.keys(), fair):
                found = self._run(outer, component, fair)
                if best is None or len(found.steps) < len(best.steps):
                    best = found
        return best

    def _fair_components(
        self, nodes: Collection[bytes], fair: Collection[str]
    ) -> Iterator[set[bytes]]:
        graph: nx.DiGraph[bytes] = nx.DiGraph()
        graph.add_nodes_from(nodes)
        inside = set(nodes)
        for node in inside:
            graph.add_edges_from((node, new) for _, new in self.edges[node] if new in inside)
        for component in nx.strongly_connected_components(graph):
            taken = {c for node in component for c, new in self.edges[node] if new in component}
            starved = {
                node
                for node in component
                for choice, _ in self.edges[node]
                if choice[0] in fair and choice not in taken
            }
            if not starved:
                yield component
            elif component - starved:
                yield from self._fair_components(component - starved, fair)

    def _run(self, outer: tuple[int, ...], component: set[bytes], fair: Collection[str]) -> Found:
        cycles = (self._cycle(node, component, fair) for node in sorted(component)[:200])
        start, cycle = min(cycles, key=lambda c: len(self._prefix(c[0])) + len(c[1]))
        prefix = self._prefix(start)
        params = iter(outer)
        point = tuple(
            next(params) if at in self.outer else -1 for at in range(len(self.claim.params))
        )
        return Found(self.claim, self.topology, (*prefix, *cycle), point, loop=len(prefix))

    def _prefix(self, key: bytes) -> list[Choice]:
        return [choice for choice, _ in way(self.parents, key)]

    def _cycle(
        self, start: bytes, component: set[bytes], fair: Collection[str]
    ) -> tuple[bytes, list[Choice]]:
        """A cycle from ``start`` that takes every fair choice which it makes possible."""
        cycle: list[Choice] = []
        here, seen = start, {start}
        while True:
            due = {
                choice for node in seen for choice, _ in self.edges[node] if choice[0] in fair
            } - set(cycle)
            if not due and here == start and (cycle or not self._may_return(start, component)):
                return start, cycle
            for choice, new in self._path(here, due, start, component):
                cycle.append(choice)
                here = new
                seen.add(new)

    def _may_return(self, node: bytes, component: set[bytes]) -> bool:
        return any(new in component for _, new in self.edges[node])

    def _path(
        self, here: bytes, due: set[Choice], goal: bytes, component: set[bytes]
    ) -> list[Edge]:
        """The shortest way to take a choice that is due; with none due, to the goal."""
        back: dict[bytes, tuple[bytes, Choice] | None] = {here: None}
        queue = [here]
        for node in queue:
            for choice, new in self.edges[node]:
                if new not in component:
                    continue
                if choice in due or (not due and new == goal):
                    return [*way(back, node), (choice, new)]
                if new not in back:
                    back[new] = (node, choice)
                    queue.append(new)
        raise AssertionError("a strongly connected component is connected")
