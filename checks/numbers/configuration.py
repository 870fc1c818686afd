"""The options and capabilities of a kernel configuration, settled as Kconfig does (U6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from memhp.spec.numbers.kconfig import (
    ARCHITECTURE_SYMBOLS,
    CAPABILITIES,
    OPTIONS,
    Capability,
    every_range,
    rules,
)
from memhp.spec.numbers.kconfig_language import (
    Expression,
    Option,
    Wish,
    chosen,
    evaluate,
    names,
    settled,
)
from memhp.spec.numbers.kernel_releases import Release, full

__all__ = [
    "Kernel",
    "absent",
    "capability",
    "choices",
    "choose",
    "comes_later",
    "cone",
    "kernel",
    "missing",
    "outside",
    "selectors",
    "settle",
    "works",
]


@dataclass(frozen=True)
class Kernel:
    """A configuration of a kernel: the options' rules on an architecture, and the file's values."""

    rules: Mapping[str, Option]
    file: Mapping[str, int]
    """The value of each option that the file sets (0: n, 1: m, 2: y)."""
    facts: Mapping[str, Any]
    """Options without a rule, which stay as they are: integers, or a solver's terms."""
    floors: Mapping[str, Any] = field(default_factory=dict)
    """The least value of each option that something without a rule selects."""
    architecture: str = ""
    version: Release = ()
    foreign: tuple[str, ...] = ()
    """What the file sets although this architecture or version has no such option."""


def choose(condition: Any, a: Any, b: Any) -> Any:
    """``a`` if the condition is true, else ``b``: for plain integers, where a solver has terms."""
    return a if condition else b


def kernel(architecture: str, version: Release, file: Mapping[str, int]) -> Kernel:
    """The configuration that a file sets on an architecture, by the rules of a release.

    An option that this architecture or version does not have is not set, whatever the
    file has; nor is m a value for an option that is y or n.

    Args:
        architecture: one of `ARCHITECTURE_SYMBOLS`.
        version: whose rules hold.
        file: the options' values (0: n, 1: m, 2: y), in the file's order.

    Raises:
        ValueError: the kernel is a 32-bit one, or its options depend on each other in a circle.

    >>> works(kernel("x86", (6, 1), {"SMP": 2, "MEMORY_HOTPLUG": 2}), "hot-add")
    True
    """
    options = rules(architecture, version)
    if file.get("64BIT", 2) != 2 or any(file.get(n) == 2 for n in ("X86_32", "PPC32", "32BIT")):
        raise ValueError("this is a 32-bit kernel: MEMORY_HOTPLUG needs 64BIT (mm/Kconfig)")
    anywhere = {option.name for option in OPTIONS} | _SYMBOLS
    foreign = tuple(n for n in file if file[n] and n in anywhere - _SYMBOLS and n not in options)
    terms = [term for o in options.values() for term in (o.depends, o.default, o.prompt)]
    read = {"MODULES", *(name for term in terms for name in names(term))} - anywhere
    facts = {name: file[name] for name in sorted(read) if name in file}
    if 1 in file.values():
        facts.setdefault("MODULES", 2)
    facts |= dict.fromkeys(ARCHITECTURE_SYMBOLS[architecture], 2)
    taken = {n: v for n, v in file.items() if n in options and (v != 1 or options[n].tristate)}
    file = _one_of_each_choice(taken, options)
    result = Kernel(options, file, facts, {}, architecture, version, foreign)
    for _ in options:
        values = settle(result)
        raised = next(
            (n for n, o in options.items() if o.selected_elsewhere and values[n] < file.get(n, 0)),
            None,
        )
        if raised is None:
            break
        result = replace(result, floors={**result.floors, raised: file[raised]})
    return result


_SYMBOLS = {symbol for group in ARCHITECTURE_SYMBOLS.values() for symbol in group}


def _one_of_each_choice(file: Mapping[str, int], options: Mapping[str, Option]) -> dict[str, int]:
    """Of a choice's members that a file sets, the last one counts (confdata.c)."""
    values = dict(file)
    last: dict[str, str] = {}
    for name, value in file.items():
        title = options[name].choice
        if title and value == 2:
            values[last.get(title, name)] = 0
            values[name], last[title] = 2, name
    return values


def settle(kernel: Kernel, changes: Mapping[str, int] | None = None) -> dict[str, int]:
    """Every option's value (0: n, 1: m, 2: y) after the changes, as `make olddefconfig` leaves it.

    Raises:
        ValueError: the options depend on each other in a circle.

    Source: scripts/kconfig/symbol.c, sym_calc_value.
    """
    new = changes or {}
    wishes = {
        name: Wish(name in new, new.get(name, 0), kernel.file.get(name), kernel.floors.get(name, 0))
        for name in kernel.rules
    }
    selected, groups = selectors(kernel), choices(kernel)
    values = {**kernel.facts, **dict.fromkeys(kernel.rules, 0)}
    for _ in range(len(kernel.rules) + 1):
        before = dict(values)
        for name, option in kernel.rules.items():
            if not option.choice:
                values[name] = settled(option, values, wishes[name], selected[name], choose)
        for members in groups:
            values |= chosen(members, values, wishes, choose)
        if values == before:
            return values
    raise ValueError("the options depend on each other in a circle")


def selectors(kernel: Kernel) -> dict[str, list[tuple[str, Expression]]]:
    """The options that select each option, by its name: their names, each with the condition."""
    selecting: dict[str, list[tuple[str, Expression]]] = {name: [] for name in kernel.rules}
    for option in kernel.rules.values():
        for selection in option.selects:
            if selection.option in selecting:
                selecting[selection.option].append((option.name, selection.condition))
    return selecting


def choices(kernel: Kernel) -> list[list[Option]]:
    """The members of each of Kconfig's choices."""
    titles = dict.fromkeys(option.choice for option in kernel.rules.values() if option.choice)
    return [[o for o in kernel.rules.values() if o.choice == title] for title in titles]


def cone(options: Mapping[str, Option], wanted: Iterable[str]) -> dict[str, Option]:
    """The rules on which the values of the wanted options depend (their cone), in their order."""
    by: dict[str, list[str]] = {}
    for option in options.values():
        for selection in option.selects:
            by.setdefault(selection.option, []).append(option.name)
        if option.choice:
            by.setdefault(option.choice, []).append(option.name)
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        rule = options.get(name)
        if rule is None or name in needed:
            continue
        needed.add(name)
        terms = [rule.depends, rule.default, rule.prompt]
        terms += [selection.condition for o in by.get(name, ()) for selection in options[o].selects]
        waiting += [*by.get(name, ()), *by.get(rule.choice, ())]
        waiting += [other for term in terms for other in names(term)]
    return {name: option for name, option in options.items() if name in needed}


def capability(name: str) -> Capability:
    """The capability of that name.

    Raises:
        KeyError: there is none.
    """
    return {c.name: c for c in CAPABILITIES}[name]


def works(kernel: Kernel, name: str) -> bool:
    """Whether the settled configuration gives the capability of that name.

    Raises:
        KeyError: there is no such capability.
    """
    return bool(evaluate(capability(name).needs, settle(kernel), choose) > 0)


def missing(kernel: Kernel, name: str) -> tuple[str, ...]:
    """The names of the options that keep the capability off, each before those it waits for."""
    between = _between(kernel, name)
    return tuple([option for option in between if option in kernel.rules] or between)


def _between(kernel: Kernel, name: str) -> tuple[str, ...]:
    """The names of `missing`, with those of options that have no rule here."""
    values = settle(kernel)
    between: dict[str, None] = {}
    waiting = [capability(name).needs]
    while waiting:
        for option in _blocking(waiting.pop(0), values):
            if option not in between:
                between[option] = None
                if rule := kernel.rules.get(option):
                    waiting.append(rule.depends if rule.asked else rule.default)
    return tuple(between)


def _blocking(term: Expression, values: Mapping[str, int]) -> list[str]:
    """The names in a term that is n, of which some would have to change."""
    if evaluate(term, values, choose):
        return []
    if term.operator == "!" or not term.parts:
        return [] if term.operator in "ymn" else list(names(term))
    return [name for part in term.parts for name in _blocking(part, values)]


def absent(kernel: Kernel, name: str) -> tuple[str, ...]:
    """The names of options that the capability lacks, and that the architecture does not have."""
    existing = _SYMBOLS | {option.name for option in OPTIONS}
    return tuple(n for n in _between(kernel, name) if n in existing and n not in kernel.rules)


def comes_later(kernel: Kernel, option: str) -> bool:
    """Whether the architecture has the option in a release after this one."""
    return any(
        first > full(kernel.version) for first, _ in every_range(option, kernel.architecture)
    )


def outside(kernel: Kernel, name: str) -> list[str]:
    """The names of all options without a rule that the capability's depend on, sorted."""
    reached: dict[str, None] = {}
    waiting = list(names(capability(name).needs))
    while waiting:
        option = waiting.pop()
        if option in reached:
            continue
        reached[option] = None
        if rule := kernel.rules.get(option):
            waiting += [*names(rule.depends), *names(rule.default)]
    return sorted(n for n in reached if n not in kernel.rules and n not in _SYMBOLS)
