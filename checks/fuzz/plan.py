"""What a target is asked, and on which machines: what it says itself, unless the caller does.

>>> from memhp.reference.shapes import Shape
>>> from memhp.spec.system import SYSTEM
>>> class Small:
...     operations = {"drain", "undrain"}
...     rules = (Rule("drain", ("Block",), weight=9),)
...     topologies = {"small": Shape(blocks=2)}
>>> small = plan(Small(), SYSTEM)
>>> [(rule.name, rule.weight) for rule in small.rules], list(small.machines)
([('drain', 9), ('undrain', 5)], ['small'])
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from memhp.reference.shapes import AnyShape
from memhp.reference.topology import Topology, cut
from memhp.spec.language.system import System

from .protocol import TargetError, guess
from .rules import Rule, every, rules_for
from .topologies import MORE_SHAPES, SHAPES, built_for, machines_for

__all__ = ["Machines", "Plan", "plan"]

Machines = Collection[str] | Mapping[str, Topology | AnyShape]
"""Names of memhp's own machines (`topologies.SHAPES`), or machines of one's own by name."""


@dataclass(frozen=True)
class Plan:
    """The operations that a target is asked, and the machines that it boots, by name."""

    rules: tuple[Rule, ...]
    machines: Mapping[str, Topology]


def plan(
    target: object,
    system: System,
    *,
    rules: Collection[Rule] | None = None,
    topologies: Machines | None = None,
) -> Plan:
    """What is asked of the target, and where.

    A rule of one's own says how an operation is drawn; one that names no steps of its own begins as
    memhp's does.  The operations that have none are drawn as memhp draws them.

    Args:
        target: its ``operations``, ``rules`` and ``topologies`` are looked at.
        system: the design to compare with.
        rules: instead of the target's.
        topologies: instead of the target's.

    Raises:
        TargetError: something of that is no such thing.
    """
    names = getattr(target, "operations", None)
    own = _own_rules(getattr(target, "rules", None) if rules is None else rules, system)
    if own and names is None:
        chosen = own
    else:
        by_name = {rule.name: rule for rule in own}
        chosen = tuple(by_name.pop(rule.name, rule) for rule in rules_for(names, system))
        if by_name:
            raise TargetError(f"it has a rule for {next(iter(by_name))}, no operation of its own")
    where = getattr(target, "topologies", None) if topologies is None else topologies
    machines = _machines(where, chosen, system)
    _check_numbers(own, machines, system)
    return Plan(chosen, machines)


def _own_rules(rules: Any, system: System) -> tuple[Rule, ...]:
    """The rules, each with what it leaves to memhp's of the same name."""
    if rules is None:
        return ()
    if not isinstance(rules, Collection) or not all(isinstance(each, Rule) for each in rules):
        raise TargetError(f"its rules are {cut(rules)}: a tuple of Rule is needed")
    known = every(system)
    return tuple(_completed(each, known) for each in rules)


def _completed(rule: Rule, known: Mapping[str, Rule]) -> Rule:
    if rule.name not in known:
        name = rule.name
        raise TargetError(f"there is no operation {cut(name)}{guess(name, known)}, for a rule")
    its = known[rule.name]
    kinds = [(choice, mine) for choice, mine in zip(its.params, rule.params, strict=False)]
    if len(rule.params) != len(its.params) or not all(_may_be(*pair) for pair in kinds):
        what = ", ".join(c if isinstance(c, str) else "text" for c in its.params)
        raise TargetError(f"its rule for {rule.name} draws {cut(rule.params)}: ({what}) is needed")
    if type(rule.weight) is not int or rule.weight < 1:
        raise TargetError(f"its rule for {rule.name} has weight {cut(rule.weight)}: 1 or more")
    return replace(rule, opening=its.opening) if rule.opening is None else rule


def _may_be(choice: str | tuple[object, ...], mine: object) -> bool:
    """A parameter may be drawn so: of the same sort, or from some values of it."""
    if isinstance(choice, str):
        return mine == choice or (
            isinstance(mine, tuple) and bool(mine) and all(type(each) is int for each in mine)
        )
    return isinstance(mine, tuple) and bool(mine) and all(isinstance(each, str) for each in mine)


def _check_numbers(
    rules: Collection[Rule], machines: Mapping[str, Topology], system: System
) -> None:
    """What a rule of one's own draws must be there on each machine."""
    known = every(system)
    for name, machine in machines.items():
        for rule in rules:
            for sort, mine in zip(known[rule.name].params, rule.params, strict=True):
                if isinstance(sort, str) and isinstance(mine, tuple):
                    for number in mine:
                        if not 0 <= int(number) < machine.sizes[sort]:
                            raise TargetError(
                                f"its rule for {rule.name} draws {sort} {number}, which is not on"
                                f" {name}: a number from 0 to {machine.sizes[sort] - 1}"
                            )


def _machines(machines: Any, rules: Collection[Rule], system: System) -> Mapping[str, Topology]:
    if machines is None:
        return {name: built_for(name, system) for name in machines_for(rules)}
    if isinstance(machines, str) or not isinstance(machines, Collection) or not machines:
        raise TargetError(f"its topologies are {cut(machines)}: names, or machines by name")
    if isinstance(machines, Mapping):
        return {str(name): _built(name, each, system) for name, each in machines.items()}
    known = (*SHAPES, *MORE_SHAPES)
    for name in machines:
        if name not in known:
            raise TargetError(f"there is no machine {cut(name)}{guess(name, known)}")
    return {name: built_for(name, system) for name in machines}


def _built(name: object, machine: Any, system: System) -> Topology:
    """The topology; a TargetError if it cannot be one of the system."""
    try:
        if isinstance(machine, Topology):
            machine.check(system)
            return machine
        topology: Topology = machine.build(system)
    except (AttributeError, ValueError) as error:
        raise TargetError(f"its machine {cut(name)}: {error}") from None
    return topology
