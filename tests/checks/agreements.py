"""Each kind of obligation is compared with what the plain interpreter finds (see `interpreter`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product

from memhp.checks.proof.obligations import Obligation, Obligations
from memhp.reference import Machine
from memhp.spec.language.system import Property, System
from memhp.spec.language.terms import Op, Quantified, Term

from .altered import at_boot, spoilt, unguarded
from .interpreter import Interpreter, Point, Verdicts, drawn


def overlapping(system: System, action: str) -> Verdicts:
    """Compare the consecution of one action, whose updates meet: the later of them counts."""
    return _obligations(unguarded(system), "consecution", only=action)


def agreements(system: System, kind: str) -> Verdicts:
    """Compare all obligations of a kind with the interpreter: how often they hold, and do not.

    Args:
        system: the specification.
        kind: one of an obligation, or *counting*.

    Raises:
        AssertionError: they differ; it names the obligation.
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
    verdicts: Verdicts = Counter()
    for each in at_boot(system):
        verdicts += _obligations(each, "initiation", states=1)
    return verdicts


def _endings(system: System, kind: str) -> Verdicts:
    verdicts: Verdicts = Counter()
    for each in spoilt(system):
        verdicts += _obligations(each, kind, machines=3)
    return verdicts


def _obligations(
    system: System, kind: str, *, machines: int = 6, states: int = 14, only: str = ""
) -> Verdicts:
    obligations = Obligations(system)
    wanted = [
        each
        for claim in system.of_kind("always", "step", "ends")
        for each in obligations.of_property(claim.name)
        if each.kind == kind and (not only or (each.action and each.action.name == only))
    ]
    verdicts: Verdicts = Counter()
    for interpreter, sample in drawn(system, machines=machines, states=states):
        for obligation in wanted:
            goal = interpreter.goal(obligation, obligation.small_goal)
            for machine, point in product(sample, interpreter.points(obligation.constants)):
                expected = interpreter.is_true(obligation, machine, point)
                holds = bool(goal(list(machine.values), *point))
                assert holds == expected, f"{obligation.name} at {point}: {holds} in {machine}"
                verdicts[expected] += 1
    return verdicts


def _counting(system: System) -> Verdicts:
    """The goal by which a counter is proved exact: at most one in, at most one out, and as many."""
    obligations = Obligations(system)
    verdicts: Verdicts = Counter()
    for interpreter, machines in drawn(system):
        for claim in system.of_kind("always"):
            counter, counted = counting(claim)
            if counted is None:
                continue
            for each in obligations.of_property(claim.name):
                if each.kind == "consecution" and not each.unchanged:
                    verdicts += _one_by_one(interpreter, machines, each, counter, counted)
    return verdicts


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

    verdicts: Verdicts = Counter()
    for machine, point in product(machines, interpreter.points(obligation.constants)):
        its = point[len(action.params) :]
        after = interpreter.step(machine, action.name, point[: len(action.params)])
        assert after
        before_it, after_it = members(machine, its), members(after, its)
        came, went = len(after_it - before_it), len(before_it - after_it)
        moved = value(list(after.values), *its) - value(list(machine.values), *its)
        expected = came <= 1 and went <= 1 and moved == came - went
        holds = bool(goal(list(machine.values), *point))
        assert holds == expected, f"{obligation.name} at {point}: {holds} in {machine}"
        verdicts[expected] += 1
    return verdicts


def _disjoint(system: System) -> Verdicts:
    obligations = Obligations(system)
    verdicts: Verdicts = Counter()
    for interpreter, machines in drawn(system):
        for action in system.actions:
            pairs = [
                (each, interpreter.goal(each, each.goal))
                for each in obligations.of_action(action.name)
            ]
            for machine, point in product(machines, interpreter.points(action.params)):
                written = interpreter.writes(machine, action.name, point)
                holds = all(
                    goal(list(machine.values), *point, *rest)
                    for each, goal in pairs
                    for rest in interpreter.points(each.constants[len(point) :])
                )
                apart = len(set(written)) == len(written)
                assert holds == apart, f"{action.name} at {point}: {holds} in {machine}"
                verdicts[apart] += 1
    return verdicts
