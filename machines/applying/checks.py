"""Whether a machine is the one that a plan was made for, and is still as it was then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..reading.procfs import LEAST_AVAILABLE
from .planned import Planned, Step
from .states import Machine

__all__ = ["Limits", "changes", "why_stop", "why_wait"]

_MOST_CHANGES = 8


@dataclass(frozen=True)
class Limits:
    """When to stop: ``pressure`` in percent of stalled time, ``available`` in bytes.

    ``patience``: seconds that the next step waits for pressure to fall.
    """

    pressure: float = 20.0
    available: int = LEAST_AVAILABLE
    patience: float = 60.0


def changes(
    plan: Planned, steps: Iterable[Step], machine: Machine, *, begun: bool = False
) -> list[str]:
    """What is not as it was when the plan was made, where that matters; [] if all is.

    Args:
        plan: what is to be done.
        steps: those of it that are still to be done.
        machine: where it is to be done.
        begun: some of it is done, perhaps before the machine was booted.
    """
    found = [*_other_machine(plan, machine, begun)]
    for step in steps:
        if len(found) >= _MOST_CHANGES:
            found.append("and more")
            break
        found += _other_block(step, machine)
    return found


def _other_machine(plan: Planned, machine: Machine, begun: bool) -> Iterator[str]:
    if not plan.live:
        yield f"the plan is of a record ({plan.source}), not of the machine that it was made on"
    size = machine.block_size
    if size != plan.block_size:
        yield f"blocks are of {size} bytes here, not of {plan.block_size}"
    if not begun and plan.boot is not None and machine.boot not in (None, plan.boot):
        yield "the machine was booted since the plan was made"


def _other_block(step: Step, machine: Machine) -> Iterator[str]:
    now = machine.now(step.block)
    if now.state != "online":
        yield f"block {step.block} is {now.state or 'not there'}, not online"
    elif now.zone not in (None, step.zone) and step.zone != "?":
        yield f"block {step.block} is in zone {now.zone}, not {step.zone}"
    elif not machine.on_node(step.block, step.node):
        yield f"block {step.block} is not on node {step.node}"


def why_stop(machine: Machine, limits: Limits) -> str:
    """Why not to go on now, before the kernel has to end processes; empty if there is no reason."""
    return why_wait(machine, limits) or _too_little(machine, limits)


def why_wait(machine: Machine, limits: Limits) -> str:
    """What passes if nothing is written for a while: pressure on memory; empty without any."""
    pressure = machine.pressure
    if pressure is None or pressure < limits.pressure:
        return ""
    return (
        f"all tasks waited for memory in {pressure:g} % of the last ten seconds"
        " (/proc/pressure/memory)"
    )


def _too_little(machine: Machine, limits: Limits) -> str:
    available = machine.available
    if available is not None and available < limits.available:
        return f"{available >> 20} MiB of memory are available, less than {limits.available >> 20}"
    return ""
