"""A plan made of the arguments of a command: which goal, of which machine."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .inspect import architecture_named
from .inspect_document import design_in_names
from .inspect_time import read_costs, reboot_of
from .names import find_profile
from .output.streams import UsageError

if TYPE_CHECKING:
    from memhp.machines.planning.goals import Goal
    from memhp.machines.planning.plan import Plan
    from memhp.machines.reading.sysfs import MachineReading
    from memhp.spec.language import System

__all__ = ["defaults", "machine_of", "plan_for"]

_MOST_NODES = 1024


def defaults(machine: str) -> argparse.Namespace:
    """The arguments of a plan for a machine, with nothing asked for yet."""
    options = dict.fromkeys(("size", "node", "blocks", "device", "to", "costs", "log", "arch"))
    more = {"profile": None, "no_page_flags": False, "reboot": "estimate", "keep": ()}
    return argparse.Namespace(machine=machine, **options, **more)


def machine_of(args: argparse.Namespace) -> tuple[MachineReading, System, dict[str, Any]]:
    """The machine, the design that it is judged by, and the same in names.

    Raises:
        UsageError: an option is not one.
        MachineError: there is no machine.
    """
    from memhp.machines.judging.page_work import LEAST_PAGE
    from memhp.machines.reading.any_machine import read_any
    from memhp.machines.reading.errors import text_in

    log = None if args.log is None else text_in(args.log)
    reading = read_any(args.machine, page_flags=not args.no_page_flags, log=log)
    page = reading.page_size or architecture_named(reading, args.arch).page_size or LEAST_PAGE
    reading = replace(reading, page_size=page)
    return reading, *_design(reading, args.profile)


def plan_for(args: argparse.Namespace) -> tuple[MachineReading, Plan, dict[str, Any]]:
    """The machine, the plan and its document.

    Raises:
        UsageError: the words are no goal.
        GoalError: the goal makes no sense on the machine.
        MachineError: there is no machine.
    """
    from memhp.machines.judging.forecast import memory_of
    from memhp.machines.judging.measured_costs import costs_here
    from memhp.machines.judging.offline import judge
    from memhp.machines.planning.document import plan_document
    from memhp.machines.planning.plan import make_plan

    goal = goal_of(args)
    read_costs(args.costs)  # what is wrong with it is told before a machine is read
    reading, design, names = machine_of(args)
    costs = read_costs(args.costs, costs_here(reading))
    stays = architecture_named(reading, args.arch).boot_memory_stays
    judgements = judge(reading, design, boot_memory_stays=stays)
    memory = memory_of(reading)
    reboot = None
    if args.reboot != "estimate" or memory is not None:
        reboot = reboot_of(args.reboot, memory)
    plan = make_plan(goal, reading, judgements, design, costs=costs, reboot=reboot)
    return reading, plan, plan_document(plan, reading, names)


def _design(reading: MachineReading, profile: str | None) -> tuple[System, dict[str, Any]]:
    """The design to plan by, and the same in names."""
    from memhp.machines.judging.offline import design_of
    from memhp.spec.profiles import system_of

    names = design_in_names(reading)
    if profile is None:
        return design_of(reading), names
    return system_of(find_profile(profile).name), {**names, "profile": profile, "otherwise": []}


def goal_of(args: argparse.Namespace) -> Goal:
    """What is to go.

    Raises:
        UsageError: nothing is to go, or several things are.
    """
    from memhp.machines.planning.goals import Goal

    named: Mapping[str, object] = {
        "a size": args.size,
        "--blocks": args.blocks,
        "--device": args.device,
        "--node": args.node,
    }
    given = [name for name, value in named.items() if value is not None]
    if not given:
        raise UsageError("what is to go? a size such as 8GiB, --node, --blocks or --device")
    if len(given) > 1 and given != ["a size", "--node"]:
        raise UsageError(f"{' and '.join(given)} are several goals: a size may be --node N's")
    to = None if args.to is None else tuple(node for each in args.to for node in each[:_MOST_NODES])
    return Goal(args.size, args.node, args.blocks or (), args.device, tuple(args.keep), to)
