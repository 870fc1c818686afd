"""What an obligation says, found by taking the steps and looking: no term is rewritten here.

An obligation's goal speaks of the state before a step.  Whether what it means is
true is judged here with `Machine.step` and `Machine.violations` alone, which know
nothing of obligations; `agreements` compares the two on machines that are drawn
at random, in states that need not be reachable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from random import Random
from typing import Any

from memhp.checks.obligations import Obligation, Obligations
from memhp.reference import Machine, Program, Topology
from memhp.reference.topology import readable
from memhp.spec.language.rewrite import substitute
from memhp.spec.language.system import Action, Ending, Property, System, Way
from memhp.spec.language.terms import (
    INT,
    TRUE,
    Op,
    Quantified,
    Term,
    Var,
    negate,
    number,
)

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
            found = now.step_violations(before) if before else now.violations()
            self._violations[key] = {(v.property, tuple(v.params.values())) for v in found}
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
        return not lasts or now(ending.left, before) or not now(ending.left, after)

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
        given = {var.name: at for var, at in zip(claim.params, point, strict=True)}
        action = self.system.action_by_name[ending.by[0]]
        after = self.step(before, action.name, tuple(given[var.name] for var in action.params))
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
        found = Interpreter(system, Topology(sizes, tables))
        yield found, [_drawn_state(found, random) for _ in range(states)]


def _drawn_state(found: Interpreter, random: Random) -> Machine:
    values = []
    for variable in found.system.variables:
        sort = variable.symbol.range
        low, high = (-1, 3) if sort == INT else (0, found.topology.size(sort) - 1)
        for _ in range(prod(map(found.topology.size, variable.symbol.domain))):
            values.append(random.randint(low, high))
    return Machine(found.system, found.topology, values)


# --- systems --------------------------------------------------------------------------------------


def unguarded(system: System) -> System:
    """The system whose actions are taken whatever their guards say: more steps to compare."""
    return replace(system, actions=tuple(replace(a, guards=()) for a in system.actions))


def joined(system: System, first: str, second: str) -> System:
    """The system with one more action, which does what the two do in one step.

    `load` refuses most updates that could meet; here they are, for the checker to find.
    """
    mine, other = (system.action_by_name[name] for name in (first, second))
    apart: dict[Var, Term] = {v: Var(f"{v.name}_too", v.sort, v.scope) for v in other.params}
    both = replace(
        mine,
        name=f"{first}_and_{second}",
        params=(*mine.params, *(Var(f"{v.name}_too", v.sort, v.scope) for v in other.params)),
        updates=(
            *mine.updates,
            *(
                replace(
                    update,
                    point=update.point and tuple(substitute(t, apart) for t in update.point),
                    condition=substitute(update.condition, apart),
                    value=substitute(update.value, apart),
                )
                for update in other.updates
            ),
        ),
    )
    return replace(system, actions=(*system.actions, both))


def with_action(system: System, action: Action) -> System:
    """The system with that action in the place of the one of its name."""
    actions = tuple(action if a.name == action.name else a for a in system.actions)
    return replace(system, actions=actions)


def at_boot(system: System) -> Iterator[System]:
    """The system, and what it is when one of its variables begins with another value."""
    yield system
    for at, variable in enumerate(system.variables):
        sort = variable.symbol.range
        if sort == INT or sort.members:
            other = number(1) if sort == INT else _second(variable.initial)
            variables = list(system.variables)
            variables[at] = replace(variable, initial=other)
            yield replace(system, variables=tuple(variables))


def spoilt(system: System) -> Iterator[System]:
    """The system, and what it is when an action that ends something misses its guards or updates.

    Each guard is turned round, each update is left out, and each list of ways lacks one.
    """
    yield system
    for name in {name: 0 for c in system.of_kind("ends") if c.ending for name in c.ending.by}:
        action = system.action_by_name[name]
        for guard in action.guards:
            other = replace(guard, condition=negate(guard.condition))
            guards = tuple(other if each is guard else each for each in action.guards)
            yield with_action(system, replace(action, guards=guards))
        for update in action.updates:
            updates = tuple(each for each in action.updates if each is not update)
            yield with_action(system, replace(action, updates=updates))
    for claim in system.of_kind("ends"):
        assert claim.ending
        for way in claim.ending.ways:
            ways = tuple(each for each in claim.ending.ways if each is not way)
            fewer = replace(claim, ending=replace(claim.ending, ways=ways))
            claims = (fewer if each is claim else each for each in system.properties)
            yield replace(system, properties=tuple(claims))


def _second(initial: Term) -> Term:
    members = initial.sort.members
    assert members
    return replace(TRUE, name=members[1], sort=initial.sort)


# --- comparisons ----------------------------------------------------------------------------------


def overlapping(system: System, action: str) -> Verdicts:
    """Compare the consecution of one action, whose updates meet: the later of them counts."""
    return _obligations(unguarded(system), "consecution", only=action)


def agreements(system: System, kind: str) -> Verdicts:
    """Compare all obligations of a kind with what the interpreter finds; how often each way.

    Parameters: ``kind``, one of an obligation, or *counting*.  Raises
    AssertionError, with the obligation, where they differ.
    """
    compare: dict[str, Callable[[System], Verdicts]] = {
        "initiation": _initiation,
        "consecution": lambda system: _obligations(unguarded(system), "consecution"),
        "step": lambda system: _obligations(unguarded(system), "step"),
        "counting": lambda system: _counting(unguarded(system)),
        "enabled": lambda system: _endings(system, "enabled"),
        "progress": lambda system: _endings(system, "progress"),
        "disjoint": _disjoint,
    }
    return compare[kind](system)


def _initiation(system: System) -> Verdicts:
    found: Verdicts = Counter()
    for each in at_boot(system):
        found += _obligations(each, "initiation", states=1)
    return found


def _endings(system: System, kind: str) -> Verdicts:
    found: Verdicts = Counter()
    for each in spoilt(system):
        found += _obligations(each, kind, machines=3)
    return found


def _obligations(
    system: System, kind: str, *, machines: int = 6, states: int = 14, only: str = ""
) -> Verdicts:
    known = Obligations(system)
    wanted = [
        each
        for claim in system.of_kind("always", "step", "ends")
        for each in known.of_property(claim.name)
        if each.kind == kind and (not only or (each.action and each.action.name == only))
    ]
    found: Verdicts = Counter()
    for interpreter, sample in drawn(system, machines=machines, states=states):
        for obligation in wanted:
            goal = interpreter.goal(obligation, obligation.small_goal)
            for machine, point in product(sample, interpreter.points(obligation.constants)):
                expected = interpreter.is_true(obligation, machine, point)
                said = bool(goal(list(machine.values), *point))
                assert said == expected, f"{obligation.name} at {point}: {said} in {machine}"
                found[expected] += 1
    return found


def _counting(system: System) -> Verdicts:
    """The goal by which a counter is proved exact: at most one in, at most one out, and as many."""
    known = Obligations(system)
    found: Verdicts = Counter()
    for interpreter, machines in drawn(system):
        for claim in system.of_kind("always"):
            counter, counted = counting(claim)
            if counted is None:
                continue
            for each in known.of_property(claim.name):
                if each.kind == "consecution" and not each.unchanged:
                    found += _one_by_one(interpreter, machines, each, counter, counted)
    return found


def counting(claim: Property) -> tuple[Term, Quantified | None]:
    """The counter, and what it counts; None if the property counts nothing."""
    match claim.formula:
        case Op(kind="eq", args=(counter, Quantified(kind="count") as counted)):
            return counter, counted
    return claim.formula, None


def _one_by_one(
    interpreter: Interpreter,
    machines: Sequence[Machine],
    obligation: Obligation,
    counter: Term,
    counted: Quantified,
) -> Verdicts:
    action, claim = obligation.action, obligation.claim
    assert action
    assert claim
    goal = interpreter.goal(obligation, obligation.goal)
    value = interpreter.program.term(counter, claim.params)
    body = interpreter.program.term(counted.body, (*claim.params, counted.var))
    elements = range(interpreter.topology.size(counted.var.sort))

    def members(at: Machine, point: Point) -> set[int]:
        return {element for element in elements if body(list(at.values), *point, element)}

    found: Verdicts = Counter()
    for machine, point in product(machines, interpreter.points(obligation.constants)):
        its = point[len(action.params) :]
        after = interpreter.step(machine, action.name, point[: len(action.params)])
        assert after
        before_it, after_it = members(machine, its), members(after, its)
        came, went = len(after_it - before_it), len(before_it - after_it)
        moved = value(list(after.values), *its) - value(list(machine.values), *its)
        expected = came <= 1 and went <= 1 and moved == came - went
        said = bool(goal(list(machine.values), *point))
        assert said == expected, f"{obligation.name} at {point}: {said} in {machine}"
        found[expected] += 1
    return found


def _disjoint(system: System) -> Verdicts:
    known = Obligations(system)
    found: Verdicts = Counter()
    for interpreter, machines in drawn(system):
        for action in system.actions:
            pairs = [
                (each, interpreter.goal(each, each.goal)) for each in known.of_action(action.name)
            ]
            for machine, point in product(machines, interpreter.points(action.params)):
                written = interpreter.writes(machine, action.name, point)
                said = all(
                    goal(list(machine.values), *point, *rest)
                    for each, goal in pairs
                    for rest in interpreter.points(each.constants[len(point) :])
                )
                apart = len(set(written)) == len(written)
                assert said == apart, f"{action.name} at {point}: {said} in {machine}"
                found[apart] += 1
    return found
