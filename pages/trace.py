"""The page of a run: the machine drawn at each step, what changed, and which properties hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memhp.reference import Machine, Refusal, Step, Trace, Violation, diff
from memhp.reference.outcome import shown
from memhp.spec.language import System
from memhp.spec.language.system import Property
from memhp.spec.rows import ROWS

from .document import page
from .drawing import Drawing, Picture

__all__ = ["Heading", "trace_page"]


@dataclass(frozen=True)
class Heading:
    """What stands above a run: a title, a sentence, and facts, each with its name."""

    title: str
    sentence: str = ""
    facts: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class _State:
    """A state of the run, and the step that led to it."""

    step: str
    doc: str
    changes: Sequence[str]
    picture: Picture
    lights: Mapping[str, bool]
    """For each row of properties whether all that it has hold."""
    violated: Sequence[tuple[str, str]]
    refusal: str
    again: bool
    """A run without end comes back to this state."""


def trace_page(
    system: System,
    trace: Trace,
    heading: Heading,
    *,
    claim: Property | None = None,
    right: System | None = None,
    machines: Sequence[Machine] | None = None,
) -> str:
    """The page of a run, as an HTML file that loads nothing.

    Args:
        system: the specification that takes the steps.
        trace: the run.
        heading: what stands above it.
        claim: the property that the run is about; its variables are shown throughout.
        right: the specification that a wrong design was made from: where it would have refused a
            step, its guard is told.
        machines: the states of the run, from who has replayed it already.

    Raises:
        TraceError: the system does not take a step.
    """
    machines = list(trace.replay(system)) if machines is None else machines
    about = system.symbols_in(claim.formula) & system.state if claim else frozenset[str]()
    drawing = Drawing(system, machines, trace.steps, about)
    judge = _judge(right, machines[0])
    states = [_at_boot(system, trace, machines[0], drawing, claim)]
    for number, step in enumerate(trace.steps, 1):
        before, after = machines[number - 1 : number + 1]
        states.append(_after(system, trace, number, step, before, after, drawing, judge))
    return page(
        "trace",
        heading.title,
        data=trace.to_itf(system),
        heading=heading,
        states=states,
        drawing=drawing,
        concerns={row.id: row.concern for row in ROWS},
        system=system.name,
        loop=trace.loop,
    )


def _at_boot(
    system: System, trace: Trace, machine: Machine, drawing: Drawing, claim: Property | None
) -> _State:
    violated = machine.violations()
    doc = claim.doc if claim and not trace.steps else "As the machine boots."
    return _State(
        step="boot" if trace.start is None else "start",
        doc=doc,
        changes=(),
        picture=drawing.at(0),
        lights=_lights(system, violated),
        violated=_told(violated),
        refusal="",
        again=trace.loop == 0,
    )


def _after(
    system: System,
    trace: Trace,
    number: int,
    step: Step,
    before: Machine,
    after: Machine,
    drawing: Drawing,
    judge: Machine | None,
) -> _State:
    action = system.action_by_name[step.action]
    violated = [*after.step_violations(before), *after.violations()]
    return _State(
        step=shown(step.action, action.params, step.params),
        doc=action.doc,
        changes=[str(change) for change in diff(before, after)],
        picture=drawing.at(number),
        lights=_lights(system, violated),
        violated=_told(violated),
        refusal=_refusal(judge, before, step),
        again=trace.loop == number,
    )


def _told(violations: Sequence[Violation]) -> list[tuple[str, str]]:
    """Each violation with the sentence that is not true."""
    return [(str(each), each.claim.doc) for each in violations]


def _lights(system: System, violations: Sequence[Violation]) -> dict[str, bool]:
    claims = list(system.of_kind("always", "step"))
    rows = sorted({row for claim in claims for row in claim.covers})
    order = {row.id: at for at, row in enumerate(ROWS)}
    rows.sort(key=lambda row: order.get(row, len(order)))
    out = {row for each in violations for row in each.claim.covers}
    return {row: row not in out for row in rows}


def _judge(right: System | None, machine: Machine) -> Machine | None:
    """A machine of the other specification, if it has the same states: its code is made once."""
    system = machine.system
    if right is None or right.topology != system.topology:
        return None
    if [v.symbol for v in right.variables] != [v.symbol for v in system.variables]:
        return None
    return Machine(right, machine.topology)


def _refusal(judge: Machine | None, before: Machine, step: Step) -> str:
    """Why the other specification refuses the step, if it knows it and does."""
    if judge is None or step.action not in judge.system.action_by_name:
        return ""
    outcome = judge.at(before.values).why_not(step.action, **step.params)
    return str(outcome) if isinstance(outcome, Refusal) else ""
