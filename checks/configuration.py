"""What a kernel configuration has, and the smallest set of changes that gives the rest (U6).

z3 finds the set; `settle` then works the changed configuration out with plain
integers, as Kconfig does, so that no answer rests on the solver alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from memhp.spec.configuration import (
    ARCHITECTURE_SYMBOLS,
    CAPABILITIES,
    OPTIONS,
    Capability,
    every_range,
    rules,
)
from memhp.spec.kconfig_language import (
    Expression,
    Option,
    Wish,
    chosen,
    evaluate,
    names,
    settled,
)
from memhp.spec.kernel_releases import Release, dots, full, ranges_shown

__all__ = [
    "Encoding",
    "Kernel",
    "Plan",
    "cone",
    "impossible",
    "kernel",
    "missing",
    "plan",
    "settle",
    "works",
]


@dataclass(frozen=True)
class Kernel:
    """A configuration on its architecture: what the file says, and what options' rules say."""

    rules: Mapping[str, Option]
    file: Mapping[str, int]
    facts: Mapping[str, Any]
    """Options without a rule, which stay as they are: integers, or a solver's terms."""
    floors: Mapping[str, Any] = field(default_factory=dict)
    """Options that something without a rule selects."""
    architecture: str = ""
    version: Release = ()
    foreign: tuple[str, ...] = ()
    """What the file sets although this architecture or version has no such option."""


@dataclass(frozen=True)
class Plan:
    """The answer for the capabilities that were wanted.

    ``changes`` is a smallest set, None if there is none, and then ``because``
    says why; ``follow`` is what else changes with it; ``lost``, capabilities that
    no set of changes can keep; ``others``, the equally small sets that differ in one
    option: what is left out, what is set instead, and its value.
    """

    changes: Mapping[str, int] | None
    follow: Mapping[str, int]
    because: str = ""
    lost: tuple[str, ...] = ()
    others: tuple[tuple[str, str, int], ...] = ()


def choose(condition: Any, a: Any, b: Any) -> Any:
    """For plain integers."""
    return a if condition else b


def kernel(architecture: str, version: Release, file: Mapping[str, int]) -> Kernel:
    """The configuration of a file.

    An option that this architecture or version does not have is not set, whatever the
    file says; nor is m a value for an option that is y or n.

    Args:
        architecture: one of `ARCHITECTURE_SYMBOLS`.
        version: whose rules hold.
        file: values of 0, 1 and 2, in the order in which they were given.

    Raises:
        ValueError: for what has no rules, such as a 32-bit kernel.

    >>> works(kernel("x86", (6, 1), {"SMP": 2, "MEMORY_HOTPLUG": 2}), "hot-add")
    True
    """
    known = rules(architecture, version)
    if file.get("64BIT", 2) != 2 or any(file.get(n) == 2 for n in ("X86_32", "PPC32", "32BIT")):
        raise ValueError("this is a 32-bit kernel: MEMORY_HOTPLUG needs 64BIT (mm/Kconfig)")
    anywhere = {option.name for option in OPTIONS} | _SYMBOLS
    foreign = tuple(n for n in file if file[n] and n in anywhere - _SYMBOLS and n not in known)
    terms = [term for o in known.values() for term in (o.depends, o.default, o.prompt)]
    read = {"MODULES", *(name for term in terms for name in names(term))} - anywhere
    facts = {name: file[name] for name in sorted(read) if name in file}
    if 1 in file.values():
        facts.setdefault("MODULES", 2)
    facts |= dict.fromkeys(ARCHITECTURE_SYMBOLS[architecture], 2)
    taken = {n: v for n, v in file.items() if n in known and (v != 1 or known[n].tristate)}
    file = _one_of_each_choice(taken, known)
    found = Kernel(known, file, facts, {}, architecture, version, foreign)
    for _ in known:
        values = settle(found)
        raised = next(
            (n for n, o in known.items() if o.selected_elsewhere and values[n] < file.get(n, 0)),
            None,
        )
        if raised is None:
            break
        found = replace(found, floors={**found.floors, raised: file[raised]})
    return found


_SYMBOLS = {symbol for group in ARCHITECTURE_SYMBOLS.values() for symbol in group}


def _one_of_each_choice(file: Mapping[str, int], known: Mapping[str, Option]) -> dict[str, int]:
    """Of a choice's members that a file sets, the last one counts (confdata.c)."""
    found = dict(file)
    last: dict[str, str] = {}
    for name, value in file.items():
        title = known[name].choice
        if title and value == 2:
            found[last.get(title, name)] = 0
            found[name], last[title] = 2, name
    return found


def settle(it: Kernel, changes: Mapping[str, int] | None = None) -> dict[str, int]:
    """Every option's value once the changes are made, as `make olddefconfig` leaves them."""
    made = changes or {}
    wishes = {
        name: Wish(name in made, made.get(name, 0), it.file.get(name), it.floors.get(name, 0))
        for name in it.rules
    }
    selected, choices = _selectors(it), _choices(it)
    values = {**it.facts, **dict.fromkeys(it.rules, 0)}
    for _ in range(len(it.rules) + 1):
        before = dict(values)
        for name, option in it.rules.items():
            if not option.choice:
                values[name] = settled(option, values, wishes[name], selected[name], choose)
        for members in choices:
            values |= chosen(members, values, wishes, choose)
        if values == before:
            return values
    raise ValueError("the options depend on each other in a circle")


def _selectors(it: Kernel) -> dict[str, list[tuple[str, Expression]]]:
    found: dict[str, list[tuple[str, Expression]]] = {name: [] for name in it.rules}
    for option in it.rules.values():
        for selection in option.selects:
            if selection.option in found:
                found[selection.option].append((option.name, selection.condition))
    return found


def _choices(it: Kernel) -> list[list[Option]]:
    titles = dict.fromkeys(option.choice for option in it.rules.values() if option.choice)
    return [[o for o in it.rules.values() if o.choice == title] for title in titles]


def cone(known: Mapping[str, Option], wanted: Iterable[str]) -> dict[str, Option]:
    """The rules on which the values of the wanted options depend, in their order."""
    by: dict[str, list[str]] = {}
    for option in known.values():
        for selection in option.selects:
            by.setdefault(selection.option, []).append(option.name)
        if option.choice:
            by.setdefault(option.choice, []).append(option.name)
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        rule = known.get(name)
        if rule is None or name in found:
            continue
        found.add(name)
        terms = [rule.depends, rule.default, rule.prompt]
        terms += [selection.condition for o in by.get(name, ()) for selection in known[o].selects]
        waiting += [*by.get(name, ()), *by.get(rule.choice, ())]
        waiting += [other for term in terms for other in names(term)]
    return {name: option for name, option in known.items() if name in found}


def _needing(it: Kernel, wanted: Iterable[str]) -> Kernel:
    """The kernel with the rules alone that decide the wanted capabilities."""
    needed = [name for each in wanted for name in names(capability(each).needs)]
    return replace(it, rules=cone(it.rules, needed))


def capability(name: str) -> Capability:
    """The capability of that name; KeyError if there is none."""
    return {c.name: c for c in CAPABILITIES}[name]


def works(it: Kernel, name: str) -> bool:
    """The settled configuration gives the capability."""
    return bool(evaluate(capability(name).needs, settle(it), choose) > 0)


def missing(it: Kernel, name: str) -> tuple[str, ...]:
    """The options that stand between the configuration and the capability, deepest last."""
    between = _between(it, name)
    return tuple([option for option in between if option in it.rules] or between)


def _between(it: Kernel, name: str) -> tuple[str, ...]:
    """The same, with options that have no rule here."""
    values = settle(it)
    found: dict[str, None] = {}
    waiting = [capability(name).needs]
    while waiting:
        for option in _blocking(waiting.pop(0), values):
            if option not in found:
                found[option] = None
                if rule := it.rules.get(option):
                    waiting.append(rule.depends if rule.asked else rule.default)
    return tuple(found)


def _blocking(term: Expression, values: Mapping[str, int]) -> list[str]:
    """The names in a term that is n, of which some would have to change."""
    if evaluate(term, values, choose):
        return []
    if term.operator == "!" or not term.parts:
        return [] if term.operator in "ymn" else list(names(term))
    return [name for part in term.parts for name in _blocking(part, values)]


# --- the smallest set of changes ------------------------------------------------------------------


class Encoding:
    """The configurations that changes lead to, in a solver's terms."""

    def __init__(self, it: Kernel) -> None:
        import z3

        self.it, self.z3 = it, z3
        self.asked = [name for name, option in it.rules.items() if option.asked]
        self.new = {name: z3.Bool(f"new {name}") for name in self.asked}
        self.to = {name: z3.Int(f"to {name}") for name in self.asked}
        self.values: dict[str, Any] = {**it.facts, **{name: z3.Int(name) for name in it.rules}}
        self.count = z3.Sum([z3.IntVal(0), *(z3.If(new, 1, 0) for new in self.new.values())])

    def choose(self, condition: Any, a: Any, b: Any) -> Any:
        """For terms, and for what is known already."""
        if isinstance(condition, bool):
            return a if condition else b
        return self.z3.If(condition, a, b)

    def constraints(self) -> list[Any]:
        """Every option has the value that its rule gives it."""
        it, selected, found = self.it, _selectors(self.it), []
        wishes = {
            name: Wish(
                self.new.get(name, False),
                self.to.get(name, 0),
                it.file.get(name),
                it.floors.get(name, 0),
            )
            for name in it.rules
        }
        for name, option in it.rules.items():
            if not option.choice:
                rule = settled(option, self.values, wishes[name], selected[name], self.choose)
                found.append(self.values[name] == rule)
        for members in _choices(it):
            for name, value in chosen(members, self.values, wishes, self.choose).items():
                found.append(self.values[name] == value)
        return found

    def changes(self) -> list[Any]:
        """Every change is to a value that the option can have, and keeps."""
        return [limit for name in self.asked for limit in self._allowed(name)]

    def _allowed(self, name: str) -> list[Any]:
        """A change is one that `make olddefconfig` keeps, to a value that the option can have."""
        option, new, to = self.it.rules[name], self.new[name], self.to[name]
        possible = [2] if option.choice else [0, 2]
        if option.tristate and self.it.facts.get("MODULES", 0):
            possible = [0, 1, 2]
        kept = self.values[name] == to
        return [
            self.z3.Or([to == value for value in possible]),
            self.z3.Implies(new, kept),
        ]

    def gives(self, name: str) -> Any:
        """The capability works."""
        term = evaluate(capability(name).needs, self.values, self.choose)
        return self.z3.BoolVal(term > 0) if isinstance(term, int) else term > 0


def plan(it: Kernel, wanted: Sequence[str]) -> Plan:
    """A smallest set of changes for all that is wanted, the same one each time.

    Of equally small ones it is that of least risk; `Plan.others` has the rest.  What works
    already keeps working, if any set of changes can do that.
    """
    before = settle(it)
    kept = [c.name for c in CAPABILITIES if not c.policy and works(it, c.name)]
    for keep in (kept, []):
        encoding = Encoding(_needing(it, [*wanted, *keep]))
        changes = _smallest(encoding, [*wanted, *keep])
        if changes is not None:
            after = settle(it, changes)
            _recheck(after, changes, [*wanted, *keep])
            follow = {
                name: after[name]
                for name in it.rules
                if after[name] != before[name] and name not in changes
            }
            lost = [name for name in kept if not evaluate(capability(name).needs, after, choose)]
            others = _others(encoding, changes, [*wanted, *keep])
            return Plan(changes, follow, lost=tuple(lost), others=others)
    return Plan(None, {}, because=_why_not(it, wanted))


def _recheck(after: Mapping[str, int], changes: Mapping[str, int], wanted: Sequence[str]) -> None:
    """The changed configuration, worked out without the solver, has what was asked."""
    gone = [name for name, value in changes.items() if after[name] != value]
    absent = [n for n in wanted if not evaluate(capability(n).needs, after, choose)]
    if gone or absent:
        raise AssertionError(f"the solver's answer is wrong: {gone} {absent}")


def _smallest(encoding: Encoding, wanted: Sequence[str]) -> dict[str, int] | None:
    z3 = encoding.z3
    optimizer = z3.Optimize()
    optimizer.add(*encoding.constraints(), *encoding.changes())
    optimizer.add(*(encoding.gives(name) for name in wanted))
    least = optimizer.minimize(encoding.count)
    if optimizer.check() != z3.sat:
        return None
    size = least.value().as_long()
    solver = z3.Solver()
    solver.add(*optimizer.assertions(), encoding.count == size)
    changed = []
    for name in sorted(encoding.asked, key=lambda name: -encoding.it.rules[name].risk):
        if not _settle_for(solver, z3.Not(encoding.new[name])):
            changed.append(name)
    result = {}
    for name in (n for n in encoding.asked if n in changed):
        for value in (1, 2, 0):
            if _settle_for(solver, encoding.to[name] == value):
                result[name] = value
                break
    return result


def _others(
    encoding: Encoding, changes: Mapping[str, int], wanted: Sequence[str]
) -> tuple[tuple[str, str, int], ...]:
    """The sets of the same size that have another option in the place of one, by z3."""
    z3, found = encoding.z3, []
    solver = z3.Solver()
    solver.add(*encoding.constraints(), *encoding.changes())
    solver.add(*(encoding.gives(name) for name in wanted), encoding.count == len(changes))
    free = [name for name in encoding.asked if name not in changes]
    for left in changes:
        solver.push()
        solver.add(z3.Not(encoding.new[left]))
        for name, value in changes.items():
            if name != left:
                solver.add(encoding.new[name], encoding.to[name] == value)
        while str(solver.check()) == "sat":
            model = solver.model()
            taken = next(name for name in free if z3.is_true(model[encoding.new[name]]))
            value = next(v for v in (1, 2, 0) if _allows(solver, encoding, taken, v))
            found.append((left, taken, value))
            solver.add(z3.Not(encoding.new[taken]))
        solver.pop()
    return tuple(sorted(found))


def _allows(solver: Any, encoding: Encoding, name: str, value: int) -> bool:
    return str(solver.check(encoding.new[name], encoding.to[name] == value)) == "sat"


def _can(it: Kernel, name: str) -> bool:
    """Some set of changes gives the capability."""
    encoding = Encoding(_needing(it, [name]))
    solver = encoding.z3.Solver()
    solver.add(*encoding.constraints(), *encoding.changes(), encoding.gives(name))
    return str(solver.check()) == "sat"


def _settle_for(solver: Any, term: Any) -> bool:
    """Add the term if that leaves an answer."""
    if str(solver.check(term)) != "sat":
        return False
    solver.add(term)
    return True


def _why_not(it: Kernel, wanted: Sequence[str]) -> str:
    """In one line: options that do not exist there, or facts that stand in the way."""
    alone = [name for name in wanted if not _can(it, name)]
    if not alone:
        return "these exclude each other: " + ", ".join(wanted)
    return "; ".join(f"{name}: {impossible(it, name)}" for name in alone)


def impossible(it: Kernel, name: str) -> str:
    """Why no change gives the capability; empty if one does."""
    if _can(it, name):
        return ""
    fixed = [n for n in _reach(it, name) if it.facts.get(n)]
    freed = replace(it, facts={n: v for n, v in it.facts.items() if n not in fixed})
    if fixed and _can(freed, name):
        return "it is kept out by " + ", ".join(f"CONFIG_{n}" for n in fixed)
    if lacking := absent(it, name):
        shown = ", ".join(f"CONFIG_{option}{_elsewhen(it, option)}" for option in lacking)
        return f"there is no {shown} on {it.architecture} in {dots(it.version)}"
    return "its options exclude each other"


def absent(it: Kernel, name: str) -> tuple[str, ...]:
    """The options without which the capability does not work, and that are not there."""
    known = _SYMBOLS | {option.name for option in OPTIONS}
    return tuple(n for n in _between(it, name) if n in known and n not in it.rules)


def comes_later(it: Kernel, option: str) -> bool:
    """The architecture has the option in a release after this one."""
    return any(first > full(it.version) for first, _ in every_range(option, it.architecture))


def _elsewhen(it: Kernel, option: str) -> str:
    """When the architecture has it, for a reader."""
    where = every_range(option, it.architecture)
    return f" ({ranges_shown(where)})" if where else ""


def _reach(it: Kernel, name: str) -> list[str]:
    """Every option without a rule that the capability's options depend on."""
    found: dict[str, None] = {}
    waiting = list(names(capability(name).needs))
    while waiting:
        option = waiting.pop()
        if option in found:
            continue
        found[option] = None
        if rule := it.rules.get(option):
            waiting += [*names(rule.depends), *names(rule.default)]
    return sorted(n for n in found if n not in it.rules and n not in _SYMBOLS)
