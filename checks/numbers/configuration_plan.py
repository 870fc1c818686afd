"""The smallest set of changes that gives a kernel configuration what it lacks (U6).

z3 finds the set; `settle` then works the changed configuration out with plain
integers, as Kconfig does, so that no answer rests on the solver alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from memhp.spec.numbers.kconfig import CAPABILITIES, every_range
from memhp.spec.numbers.kconfig_language import (
    Wish,
    chosen,
    evaluate,
    names,
    settled,
)
from memhp.spec.numbers.kernel_releases import dots, ranges_shown

from ..proof.solvers import interruptible, satisfiable
from .configuration import (
    Kernel,
    absent,
    capability,
    choices,
    choose,
    cone,
    outside,
    selectors,
    settle,
    works,
)

__all__ = ["Encoding", "Plan", "impossible", "plan"]


@dataclass(frozen=True)
class Plan:
    """A smallest set of changes to a configuration that gives the wanted capabilities.

    ``changes`` has the new value (0: n, 1: m, 2: y) of each option to set, None if no set
    will do, and then ``because`` is the reason; ``follow`` has the other options whose values
    change with them; ``lost`` names the capabilities that no set of changes can keep;
    ``others`` has the equally small sets that differ in one option: which one is left out,
    which is set instead, and to which value.
    """

    changes: Mapping[str, int] | None
    follow: Mapping[str, int]
    because: str = ""
    lost: tuple[str, ...] = ()
    others: tuple[tuple[str, str, int], ...] = ()


class Encoding:
    """The configurations that changes to a kernel's options lead to, as terms of z3.

    ``prompts`` names the options with a prompt, which a user can change; ``new`` has of each
    whether it is changed, ``to`` its new value, ``values`` the value that each option has then
    (0: n, 1: m, 2: y); ``count`` is the number of changes.
    """

    def __init__(self, kernel: Kernel) -> None:
        import z3

        self.kernel, self.z3 = kernel, z3
        self.prompts = [name for name, option in kernel.rules.items() if option.asked]
        self.new = {name: z3.Bool(f"new {name}") for name in self.prompts}
        self.to = {name: z3.Int(f"to {name}") for name in self.prompts}
        self.values: dict[str, Any] = {
            **kernel.facts,
            **{name: z3.Int(name) for name in kernel.rules},
        }
        self.count = z3.Sum([z3.IntVal(0), *(z3.If(new, 1, 0) for new in self.new.values())])

    def choose(self, condition: Any, a: Any, b: Any) -> Any:
        """``a`` where the condition holds, else ``b``: terms of z3, or plain values."""
        if isinstance(condition, bool):
            return a if condition else b
        return self.z3.If(condition, a, b)

    @cached_property
    def constraints(self) -> list[Any]:
        """The terms that say that every option has the value that its rule gives it."""
        kernel, selected, terms = self.kernel, selectors(self.kernel), []
        wishes = {
            name: Wish(
                self.new.get(name, False),
                self.to.get(name, 0),
                kernel.file.get(name),
                kernel.floors.get(name, 0),
            )
            for name in kernel.rules
        }
        for name, option in kernel.rules.items():
            if not option.choice:
                rule = settled(option, self.values, wishes[name], selected[name], self.choose)
                terms.append(self.values[name] == rule)
        for members in choices(kernel):
            for name, value in chosen(members, self.values, wishes, self.choose).items():
                terms.append(self.values[name] == value)
        return terms

    @cached_property
    def changes(self) -> list[Any]:
        """The terms that say that each option is changed to a value that it can have, and keeps."""
        return [limit for name in self.prompts for limit in self._allowed(name)]

    def _allowed(self, name: str) -> list[Any]:
        """A change is one that `make olddefconfig` keeps, to a value that the option can have."""
        option, new, to = self.kernel.rules[name], self.new[name], self.to[name]
        possible = [2] if option.choice else [0, 2]
        if option.tristate and self.kernel.facts.get("MODULES", 0):
            possible = [0, 1, 2]
        stays = self.values[name] == to
        return [
            self.z3.Or([to == value for value in possible]),
            self.z3.Implies(new, stays),
        ]

    def gives(self, name: str) -> Any:
        """The term that says that the capability works.

        Raises:
            KeyError: there is no such capability.
        """
        term = evaluate(capability(name).needs, self.values, self.choose)
        return self.z3.BoolVal(term > 0) if isinstance(term, int) else term > 0


def _needing(kernel: Kernel, wanted: Iterable[str]) -> Kernel:
    """The kernel with the rules alone that decide the wanted capabilities."""
    needed = [name for each in wanted for name in names(capability(each).needs)]
    return replace(kernel, rules=cone(kernel.rules, needed))


def plan(kernel: Kernel, wanted: Sequence[str]) -> Plan:
    """A smallest set of changes that gives the wanted capabilities, the same one each time.

    Of equally small ones it is that of least risk; `Plan.others` has the rest.  Capabilities
    that work already keep working, if any set of changes can do that.

    Raises:
        KeyError: there is no such capability.
        Undecided: z3 gave up.
    """
    before = settle(kernel)
    working = [c.name for c in CAPABILITIES if not c.policy and works(kernel, c.name)]
    for keep in (working, []):
        encoding = Encoding(_needing(kernel, [*wanted, *keep]))
        changes = _smallest(encoding, [*wanted, *keep])
        if changes is not None:
            after = settle(kernel, changes)
            _recheck(after, changes, [*wanted, *keep])
            follow = {
                name: after[name]
                for name in kernel.rules
                if after[name] != before[name] and name not in changes
            }
            lost = [name for name in working if not evaluate(capability(name).needs, after, choose)]
            others = _others(encoding, changes, [*wanted, *keep])
            return Plan(changes, follow, lost=tuple(lost), others=others)
    return Plan(None, {}, because=_why_not(kernel, wanted))


def _recheck(after: Mapping[str, int], changes: Mapping[str, int], wanted: Sequence[str]) -> None:
    """Check that the changed configuration, settled without the solver, gives what is wanted."""
    gone = [name for name, value in changes.items() if after[name] != value]
    absent = [n for n in wanted if not evaluate(capability(n).needs, after, choose)]
    if gone or absent:
        raise AssertionError(f"the solver's answer is wrong: {gone} {absent}")


def _smallest(encoding: Encoding, wanted: Sequence[str]) -> dict[str, int] | None:
    z3 = encoding.z3
    optimizer = interruptible(z3.Optimize())
    optimizer.add(*encoding.constraints, *encoding.changes)
    optimizer.add(*(encoding.gives(name) for name in wanted))
    least = optimizer.minimize(encoding.count)
    if not satisfiable(optimizer):
        return None
    size = least.value().as_long()
    solver = interruptible(z3.Solver())
    solver.add(*optimizer.assertions(), encoding.count == size)
    changed = []
    for name in sorted(encoding.prompts, key=lambda name: -encoding.kernel.rules[name].risk):
        if not _settle_for(solver, z3.Not(encoding.new[name])):
            changed.append(name)
    result = {}
    for name in (n for n in encoding.prompts if n in changed):
        for value in (1, 2, 0):
            if _settle_for(solver, encoding.to[name] == value):
                result[name] = value
                break
    return result


def _others(
    encoding: Encoding, changes: Mapping[str, int], wanted: Sequence[str]
) -> tuple[tuple[str, str, int], ...]:
    """The sets of the same size that have another option in the place of one, by z3."""
    z3, others = encoding.z3, []
    solver = interruptible(z3.Solver())
    solver.add(*encoding.constraints, *encoding.changes)
    solver.add(*(encoding.gives(name) for name in wanted), encoding.count == len(changes))
    free = [name for name in encoding.prompts if name not in changes]
    for dropped in changes:
        solver.push()
        solver.add(z3.Not(encoding.new[dropped]))
        for name, value in changes.items():
            if name != dropped:
                solver.add(encoding.new[name], encoding.to[name] == value)
        while satisfiable(solver):
            model = solver.model()
            taken = next(name for name in free if z3.is_true(model[encoding.new[name]]))
            new, to = encoding.new[taken], encoding.to[taken]
            value = next(v for v in (1, 2, 0) if satisfiable(solver, new, to == v))
            others.append((dropped, taken, value))
            solver.add(z3.Not(encoding.new[taken]))
        solver.pop()
    return tuple(sorted(others))


def _can(kernel: Kernel, name: str) -> bool:
    """Some set of changes gives the capability."""
    encoding = Encoding(_needing(kernel, [name]))
    solver = interruptible(encoding.z3.Solver())
    solver.add(*encoding.constraints, *encoding.changes, encoding.gives(name))
    return satisfiable(solver)


def _settle_for(solver: Any, term: Any) -> bool:
    """Add the term if that leaves an answer."""
    if not satisfiable(solver, term):
        return False
    solver.add(term)
    return True


def _why_not(kernel: Kernel, wanted: Sequence[str]) -> str:
    """In one line: options that do not exist there, or facts that stand in the way."""
    alone = [name for name in wanted if not _can(kernel, name)]
    if not alone:
        return "these exclude each other: " + ", ".join(wanted)
    return "; ".join(f"{name}: {impossible(kernel, name)}" for name in alone)


def impossible(kernel: Kernel, name: str) -> str:
    """The reason why no change gives the capability, for a reader; empty if one does.

    Raises:
        KeyError: there is no such capability.
        Undecided: z3 gave up.
    """
    if _can(kernel, name):
        return ""
    fixed = [n for n in outside(kernel, name) if kernel.facts.get(n)]
    freed = replace(kernel, facts={n: v for n, v in kernel.facts.items() if n not in fixed})
    if fixed and _can(freed, name):
        return "it is kept out by " + ", ".join(f"CONFIG_{n}" for n in fixed)
    if lacking := absent(kernel, name):
        shown = ", ".join(f"CONFIG_{option}{_elsewhen(kernel, option)}" for option in lacking)
        return f"there is no {shown} on {kernel.architecture} in {dots(kernel.version)}"
    return "its options exclude each other"


def _elsewhen(kernel: Kernel, option: str) -> str:
    """The releases in which the architecture has the option, for a reader."""
    where = every_range(option, kernel.architecture)
    return f" ({ranges_shown(where)})" if where else ""
