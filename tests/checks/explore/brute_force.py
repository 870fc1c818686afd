"""What a ground query asks, found by trying every machine of the size in every state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
from math import prod

from memhp.checks.proof.case import Case, Limits
from memhp.checks.proof.obligations import Obligation, Obligations
from memhp.checks.proof.solvers import answer
from memhp.reference import Machine, violated_axioms
from memhp.spec.language.system import System
from memhp.spec.language.terms import INT

from ..interpreter import Interpreter, Verdicts, topologies

Allowed = tuple[Interpreter, Machine, list[Machine]]
"""A machine, its boot state, and the states in which every invariant holds."""


def compare(system: System, sizes: Mapping[str, int]) -> Verdicts:
    """Ask for each obligation on machines of at most that size; how often it can fail.

    Raises AssertionError, with the obligation, where the solver says otherwise than
    the machines show.
    """
    allowed = [*_allowed(system, sizes)]
    verdicts: Verdicts = Counter()
    for obligation in _obligations(system):
        case = Case(system, obligation, Limits())
        status = answer(case.ground(dict(sizes))).status
        fails = _fails(obligation, allowed)
        assert status == ("sat" if fails else "unsat"), f"{obligation.name}: {status}"
        verdicts[fails] += 1
    return verdicts


def _obligations(system: System) -> Iterator[Obligation]:
    known = Obligations(system)
    for claim in system.of_kind("always", "step", "ends"):
        yield from known.of_property(claim.name)
    for action in system.actions:
        yield from known.of_action(action.name)


def _allowed(system: System, sizes: Mapping[str, int]) -> Iterator[Allowed]:
    """Every machine that the axioms allow."""
    for some in product(*(range(1, size + 1) for size in sizes.values())):
        for topology in topologies(system, dict(zip(sizes, some, strict=True))):
            if not violated_axioms(system, topology):
                interpreter = Interpreter(system, topology)
                boot = Machine(system, topology)
                states = (boot.at(values) for values in product(*_values(interpreter)))
                yield interpreter, boot, [state for state in states if not state.violations()]


def _values(interpreter: Interpreter) -> Iterator[range]:
    """What each place of the state can be: a counter counts no more than there is."""
    most = max(interpreter.topology.sizes.values())
    for variable in interpreter.system.variables:
        sort = variable.symbol.range
        size = most + 1 if sort == INT else interpreter.topology.size(sort)
        for _ in range(prod(map(interpreter.topology.size, variable.symbol.domain))):
            yield range(size)


def _fails(obligation: Obligation, allowed: list[Allowed]) -> bool:
    return any(
        not _holds(interpreter, obligation, state, point)
        for interpreter, boot, states in allowed
        for state in ([boot] if obligation.kind == "initiation" else states)
        for point in interpreter.points(obligation.constants)
    )


def _holds(
    interpreter: Interpreter, obligation: Obligation, state: Machine, point: tuple[int, ...]
) -> bool:
    if obligation.kind != "disjoint":
        return interpreter.is_true(obligation, state, point)
    assert obligation.action
    name, mine = obligation.action.name, point[: len(obligation.action.params)]
    written = interpreter.writes(state, name, mine)
    return state.why_not(name, *mine) is not None or len(set(written)) == len(written)
