"""What an obligation says, found by taking the steps and looking: no term is rewritten here.

An obligation's goal speaks of the state before a step.  Whether what it means is
true is judged here with `Machine.step` and `Machine.violations` alone, which know
nothing of obligations; `agreements` compares the two on machines that are drawn
at random, in states that need not be reachable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from random import Random
from typing import Any

from memhp.checks.proof.obligations import Obligation
from memhp.reference import Machine, Program, Topology
from memhp.reference.topology import readable
from memhp.spec.language.rewrite import substitute
from memhp.spec.language.system import Ending, Property, System, Way
from memhp.spec.language.terms import INT, Term, Var

Point = tuple[int, ...]
Verdicts = Counter[bool]
"""How often what was compared was true, and how often it was false."""


class Interpreter:
    """The plain interpreter on one topology, asked what an obligation is about."""

    def __init__(self, system: System, topology: Topology) -> None:
        self.system = system
        self.topology = topology
        self.program = Program(system, topology)
        self._violations: dict[tuple[Point, Point | None], set[tuple[str, tuple[object, ...]]]] = {}
        self._terms: dict[int, tuple[Term, Callable[..., Any]]] = {}

    def points(self, variables: Sequence[Var]) -> list[Point]:
        """Every choice of one element for each variable."""
        return self.topology.points(var.sort for var in variables)

    def goal(self, obligation: Obligation, goal: Term) -> Callable[..., Any]:
        """A function of the state and the obligation's constants: what the goal says there."""
        names = [Var(f"c{at}", var.sort) for at, var in enumerate(obligation.constants)]
        renamed = dict(zip(obligation.constants, names, strict=True))
        return self.program.term(substitute(goal, renamed), names)

    def is_true(self, obligation: Obligation, before: Machine, point: Point) -> bool:
        """What the obligation means, for these constants in this state, by looking."""
        claim, action = obligation.claim, obligation.action
        assert claim
        if obligation.kind == "initiation":
            return self._holds(claim, point, Machine(self.system, self.topology))
        if action is None:
            return self._ends(obligation, claim, before, point)
        mine, its = point[: len(action.params)], point[len(action.params) :]
        after = self.step(before, action.name, mine)
        if after is None:
            return True
        if claim.ending:
            return self._does_not_grow(claim, claim.ending, its, before, after)
        return self._holds(claim, its, after, before if obligation.kind == "step" else None)

    def step(self, before: Machine, action: str, point: Point) -> Machine | None:
        """The machine after the step, None if a guard refuses it."""
        after = before.copy()
        return after if after.step(action, *point) else None

    def writes(self, before: Machine, action: str, point: Point) -> list[int]:
        """The places that a step writes, whatever the guards say: each as often as it does."""
        state = _Recorded(before.values)
        self.program.action(action).apply(state, *point)
        return state.written

    def _holds(
        self, claim: Property, point: Point, now: Machine, before: Machine | None = None
    ) -> bool:
        key = (now.values, before.values if before else None)
        if key not in self._violations:
            violations = now.step_violations(before) if before else now.violations()
            self._violations[key] = {(v.property, tuple(v.params.values())) for v in violations}
        shown = tuple(readable(v.sort, at) for v, at in zip(claim.params, point, strict=True))
        return (claim.name, shown) not in self._violations[key]

    # --- what ends ----------------------------------------------------------------------------

    def _is(self, term: Term, params: Sequence[Var], point: Point, at: Machine) -> Any:
        if id(term) not in self._terms:
            self._terms[id(term)] = (term, self.program.term(term, params))
        return self._terms[id(term)][1](list(at.values), *point)

    def _does_not_grow(
        self, claim: Property, ending: Ending, point: Point, before: Machine, after: Machine
    ) -> bool:
        def now(term: Term, machine: Machine) -> bool:
            return bool(self._is(term, claim.params, point, machine))

        lasts = now(ending.during, before) and now(ending.during, after)
        grows = now(ending.left, after) and not now(ending.left, before)
        if not lasts or ending.budget is None:
            return not (lasts and grows)
        var, unspent = ending.budget
        was, is_still = (
            {
                at
                for (at,) in self.points((var,))
                if self._is(unspent, (*claim.params, var), (*point, at), machine)
            }
            for machine in (before, after)
        )
        return is_still <= was and (is_still < was or not grows)

    def _ends(self, obligation: Obligation, claim: Property, before: Machine, point: Point) -> bool:
        """What is said about work that is left: a way is open, or a step there takes it out."""
        ending = claim.ending
        assert ending

        def now(term: Term) -> bool:
            return bool(self._is(term, claim.params, point, before))

        if not (now(ending.during) and now(ending.left)):
            return True
        if ending.ways:
            if obligation.kind == "enabled":
                return any(now(way.condition) for way in ending.ways)
            way = ending.ways[obligation.number - 1]
            return not now(way.condition) or self._goes_on(claim, ending, way, before, point)
        arguments = {var.name: at for var, at in zip(claim.params, point, strict=True)}
        action = self.system.action_by_name[ending.by[0]]
        after = self.step(before, action.name, tuple(arguments[var.name] for var in action.params))
        if obligation.kind == "enabled":
            return after is not None
        return after is None or not self._is(ending.left, claim.params, point, after)

    def _goes_on(
        self, claim: Property, ending: Ending, way: Way, before: Machine, point: Point
    ) -> bool:
        """Some step of the way takes an element out: all parameters are tried."""
        outer = {var.name for var in claim.of_work}
        fixed = {
            var.name: at for var, at in zip(claim.params, point, strict=True) if var.name in outer
        }
        fixed |= {n: int(self._is(t, claim.params, point, before)) for n, t in way.given}
        for name, member in way.actions:
            action = self.system.action_by_name[name]
            for mine in self.points(action.params):
                chosen = {var.name: at for var, at in zip(action.params, mine, strict=True)}
                if any(fixed.get(n, at) != at for n, at in chosen.items()):
                    continue
                element = _element(claim, point, outer, fixed, chosen, member)
                after = self.step(before, name, mine)
                if after and self._takes_out(claim, ending, element, before, after):
                    return True
        return False

    def _takes_out(
        self, claim: Property, ending: Ending, element: Point, before: Machine, after: Machine
    ) -> bool:
        there, still = (
            self._is(ending.left, claim.params, element, machine) for machine in (before, after)
        )
        return bool(there and not still)


def _element(
    claim: Property,
    point: Point,
    outer: set[str],
    fixed: dict[str, int],
    chosen: dict[str, int],
    member: str,
) -> Point:
    """The element that the step takes out: its own parameters are those of the same names."""

    def of(var: Var, at: int) -> int:
        if var.name in outer:
            return at
        if var.sort.members and member in var.sort.members:
            return var.sort.members.index(member)
        return at if var.name in fixed else chosen.get(var.name, at)

    return tuple(of(var, at) for var, at in zip(claim.params, point, strict=True))


class _Recorded(list[int]):
    """A state that remembers which places were written."""

    def __init__(self, values: Sequence[int]) -> None:
        super().__init__(values)
        self.written: list[int] = []

    def __setitem__(self, place: Any, value: Any) -> None:
        self.written.append(place)
        super().__setitem__(place, value)


# --- machines -------------------------------------------------------------------------------------


def topologies(system: System, sizes: dict[str, int]) -> Iterator[Topology]:
    """Every topology of these sizes, whether or not it satisfies the axioms."""
    plain = Topology(sizes, {})
    tables = [
        product(range(plain.size(symbol.range)), repeat=prod(map(plain.size, symbol.domain)))
        for symbol in system.topology
    ]
    names = [symbol.name for symbol in system.topology]
    for values in product(*tables):
        yield Topology(sizes, dict(zip(names, values, strict=True)))


def drawn(
    system: System, *, machines: int = 6, states: int = 14
) -> Iterator[tuple[Interpreter, list[Machine]]]:
    """Machines of one to three elements a sort, each in some states: the same ones every time."""
    random = Random(f"{system.name} {machines} {states}")
    for _ in range(machines):
        sizes = {sort.name: random.choice((1, 2, 2, 3, 3)) for sort in system.unbounded_sorts}
        plain = Topology(sizes, {})
        tables = {
            symbol.name: tuple(
                random.randrange(plain.size(symbol.range))
                for _ in range(prod(map(plain.size, symbol.domain)))
            )
            for symbol in system.topology
        }
        interpreter = Interpreter(system, Topology(sizes, tables))
        yield interpreter, [_drawn_state(interpreter, random) for _ in range(states)]


def _drawn_state(interpreter: Interpreter, random: Random) -> Machine:
    values = []
    for variable in interpreter.system.variables:
        sort = variable.symbol.range
        low, high = (-1, 3) if sort == INT else (0, interpreter.topology.size(sort) - 1)
        for _ in range(prod(map(interpreter.topology.size, variable.symbol.domain))):
            values.append(random.randint(low, high))
    return Machine(interpreter.system, interpreter.topology, values)
