"""Edits that designs need beside those of variants: more in an action, another errno, and so on.

What a design declares itself, in its own file, is no edit: `designs` joins it to the system.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .declare import Map, parameters, tracing
from .editing import Change, action_named, check_parameters, has_guard, unhinted, with_action
from .errnos import errorcode
from .rewrite import expand, rebuild, substitute
from .syntax import complain, place_of
from .system import Action, Ending, Guard, System, Update
from .terms import App, Symbol, Term, Var
from .tracing import trace_variable

__all__ = ["DropProperty", "ExtendAction", "MakeVariable", "ReplaceErrno"]


@dataclass(frozen=True)
class ExtendAction(Change):
    """The action also asks the guards, after its own, and makes the updates of ``more``.

    That is a function of the action's parameters.
    """

    action: str
    more: Callable[..., None]

    def __str__(self) -> str:
        return f"{self.action} asks or does more ({self.more.__name__})"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names, or for a mistake in ``more``.
        """
        action = action_named(system, self.action, self.where)
        with tracing(f"{self.action}_{self.more.__name__}", in_action=True) as trace:
            own, args = parameters(self.more)
            check_parameters(self.action, self.more, own, action.params)
            self.more(*args)
        if not (trace.guards or trace.updates):
            complain(f"{self.more.__name__} adds nothing", place_of(self.more))
        here: dict[Var, Term] = dict(zip(own, action.params, strict=True))
        extended = replace(
            action,
            guards=(*action.guards, *(_new_guard(action, guard, here) for guard in trace.guards)),
            updates=(*action.updates, *(_new_update(action, each, here) for each in trace.updates)),
        )
        return with_action(system, extended)


def _new_guard(action: Action, new: Guard, here: dict[Var, Term]) -> Guard:
    if any(guard.name == new.name for guard in action.guards):
        complain(f"{action.name} has a guard {new.name!r} already", new.where)
    return replace(new, condition=substitute(new.condition, here))


def _new_update(action: Action, new: Update, here: dict[Var, Term]) -> Update:
    point = new.point and tuple(substitute(term, here) for term in new.point)
    for other in action.updates:
        if other.symbol == new.symbol and (point is None or other.point in (None, point)):
            complain(
                f"{action.name} updates {new.symbol} at that point already (see {other.where}):"
                " use ReplaceUpdate, or DropUpdate first",
                new.where,
            )
    condition, value = substitute(new.condition, here), substitute(new.value, here)
    return replace(new, point=point, condition=condition, value=value)


@dataclass(frozen=True)
class ReplaceErrno(Change):
    """The guard asks the same, and refuses with another errno."""

    action: str
    guard: str
    errno: int

    def __str__(self) -> str:
        answer = errorcode.get(self.errno, self.errno)
        return f"{self.action} answers {answer} at guard {self.guard}"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names.
        """
        if self.errno not in errorcode:
            complain(f"there is no errno {self.errno!r}", self.where)
        action = action_named(system, self.action, self.where)
        has_guard(action, self.guard, self.where)
        guards = tuple(
            replace(guard, errno=self.errno) if guard.name == self.guard else guard
            for guard in action.guards
        )
        return with_action(system, replace(action, guards=guards))


@dataclass(frozen=True)
class DropProperty(Change):
    """Nobody says this of the design; what a design gives up is looked at, this is not."""

    claim: str

    def __str__(self) -> str:
        return f"nothing is said of {self.claim}"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names.
        """
        if self.claim not in system.property_by_name:
            complain(f"there is no property {self.claim!r}", self.where)
        properties = tuple(each for each in system.properties if each.name != self.claim)
        return unhinted(replace(system, properties=properties), self.claim)


@dataclass(frozen=True)
class MakeVariable(Change):
    """A symbol of the topology is state: ``variable``, declared under its name, takes its place.

    What is said before boot, axioms and initial values, is said of its initial value.
    """

    variable: Map[Any, Any]

    def __str__(self) -> str:
        return f"{self.variable.name} may change"

    def apply(self, system: System) -> System:
        """The system with this edit made, and the variable in it; it need not be well formed.

        Raises:
            SpecificationError: if the topology has no such symbol.
        """
        if not isinstance(self.variable, Map) or not self.variable.is_state:
            complain(f"{self.variable!r} is no variable: declare one", self.where)
        new = self.variable.symbol
        old = next((each for each in system.topology if each.name == new.name), None)
        if old is None:
            complain(f"the topology has no symbol {new.name!r}", self.where)
        if (old.domain, old.range) != (new.domain, new.range):
            domain = ", ".join(map(str, (*old.domain, old.range)))
            complain(f"{new.name} must be declared as variable({domain}, …)", self.variable.where)
        variable = trace_variable(self.variable)

        def at_boot(term: Term) -> Term:
            return _with_value(expand(term, system), old, variable.params, variable.initial)

        others = tuple(replace(v, initial=at_boot(v.initial)) for v in system.variables)
        axioms = tuple(replace(axiom, formula=at_boot(axiom.formula)) for axiom in system.axioms)
        changed = replace(
            system,
            topology=tuple(symbol for symbol in system.topology if symbol is not old),
            variables=(*others, variable),
            axioms=axioms,
            places={**system.places, new.name: self.variable.where},
        )
        return _mapped(changed, lambda term: _with_symbol(term, old, new))


def _with_value(term: Term, symbol: Symbol, params: tuple[Var, ...], value: Term) -> Term:
    """The term with a value instead of each application of the symbol."""
    changed = rebuild(term, lambda part: _with_value(part, symbol, params, value))
    if isinstance(changed, App) and changed.symbol is symbol:
        return substitute(value, dict(zip(params, changed.args, strict=True)))
    return changed


def _with_symbol(term: Term, old: Symbol, new: Symbol) -> Term:
    """The term with one symbol instead of another."""
    changed = rebuild(term, lambda part: _with_symbol(part, old, new))
    if isinstance(changed, App) and changed.symbol is old:
        return App(new, changed.args)
    return changed


def _mapped(system: System, change: Callable[[Term], Term]) -> System:
    """The system with the terms of its definitions, actions and properties changed."""
    return replace(
        system,
        definitions={
            name: replace(each, body=change(each.body)) for name, each in system.definitions.items()
        },
        actions=tuple(_changed_action(action, change) for action in system.actions),
        properties=tuple(
            replace(
                claim,
                formula=change(claim.formula),
                ending=claim.ending and _changed_ending(claim.ending, change),
            )
            for claim in system.properties
        ),
    )


def _changed_action(action: Action, change: Callable[[Term], Term]) -> Action:
    guards = tuple(replace(g, condition=change(g.condition)) for g in action.guards)
    updates = tuple(
        replace(
            each,
            point=each.point and tuple(map(change, each.point)),
            condition=change(each.condition),
            value=change(each.value),
        )
        for each in action.updates
    )
    return replace(action, guards=guards, updates=updates)


def _changed_ending(ending: Ending, change: Callable[[Term], Term]) -> Ending:
    ways = tuple(
        replace(
            way,
            condition=change(way.condition),
            given=tuple((name, change(term)) for name, term in way.given),
        )
        for way in ending.ways
    )
    during, left = change(ending.during), change(ending.left)
    budget = ending.budget and (ending.budget[0], change(ending.budget[1]))
    return replace(ending, during=during, left=left, ways=ways, budget=budget)
