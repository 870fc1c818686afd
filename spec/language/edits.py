"""Small edits of a system: what a variant or a profile is made of.

An edit names what it changes; naming something that is not there is an error,
so that a variant cannot silently become the specification itself.  What the edits
leave is held to all that `load` holds a specification to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .additions import DropProperty, ExtendAction, MakeVariable, ReplaceErrno
from .declare import Declared
from .editing import Change, action_named, has_guard, retrace, unhinted, with_action
from .joining import AddModule
from .syntax import Expr, complain, place_of
from .system import SpecificationError, System
from .terms import BOOL
from .tracing import trace_property
from .wellformed import well_formed

__all__ = [
    "AddModule",
    "AddProperty",
    "DropAction",
    "DropAxiom",
    "DropGuard",
    "DropProperty",
    "DropUpdate",
    "Edit",
    "ExtendAction",
    "MakeVariable",
    "Profile",
    "ReplaceDefinition",
    "ReplaceErrno",
    "ReplaceGuard",
    "ReplaceInitial",
    "ReplaceUpdate",
    "Variant",
    "apply",
    "edited",
]


@dataclass(frozen=True)
class DropGuard(Change):
    """The action is taken without looking."""

    action: str
    guard: str

    def __str__(self) -> str:
        return f"{self.action} does without guard {self.guard}"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names.
        """
        action = action_named(system, self.action, self.where)
        has_guard(action, self.guard, self.where)
        guards = tuple(guard for guard in action.guards if guard.name != self.guard)
        return with_action(system, replace(action, guards=guards))


@dataclass(frozen=True)
class ReplaceGuard(Change):
    """The guard asks for something else: ``condition`` takes the action's parameters."""

    action: str
    guard: str
    condition: Callable[..., Expr]

    def __str__(self) -> str:
        return f"{self.action} has another guard {self.guard}"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names.
        """
        action = action_named(system, self.action, self.where)
        has_guard(action, self.guard, self.where)
        term = retrace(f"{self.action}_{self.guard}", self.condition, action.params, BOOL)
        guards = tuple(
            replace(guard, condition=term, where=place_of(self.condition))
            if guard.name == self.guard
            else guard
            for guard in action.guards
        )
        return with_action(system, replace(action, guards=guards))


@dataclass(frozen=True)
class DropUpdate(Change):
    """The action forgets to change a variable."""

    action: str
    variable: str

    def __str__(self) -> str:
        return f"{self.action} leaves {self.variable} as it is"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names.
        """
        action = action_named(system, self.action, self.where)
        updates = tuple(update for update in action.updates if update.symbol.name != self.variable)
        if len(updates) == len(action.updates):
            complain(f"{self.action} does not change {self.variable}", self.where)
        return with_action(system, replace(action, updates=updates))


@dataclass(frozen=True)
class ReplaceUpdate(Change):
    """The action writes another value at the point; ``value`` takes its parameters."""

    action: str
    variable: str
    value: Callable[..., Expr]

    def __str__(self) -> str:
        return f"{self.action} writes something else to {self.variable}"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names.
        """
        action = action_named(system, self.action, self.where)
        matching = [update for update in action.updates if update.symbol.name == self.variable]
        if len(matching) != 1 or matching[0].point is None:
            complain(f"{self.action} has no single point update of {self.variable}", self.where)
        (old,) = matching
        name = f"{self.action}_{self.variable}"
        value = retrace(name, self.value, action.params, old.symbol.range)
        changed = replace(old, value=value, where=place_of(self.value))
        updates = tuple(changed if update is old else update for update in action.updates)
        return with_action(system, replace(action, updates=updates))


@dataclass(frozen=True)
class ReplaceDefinition(Change):
    """A definition says something else, everywhere it is used."""

    name: str
    body: Callable[..., Expr]

    def __str__(self) -> str:
        return f"definition {self.name} says something else"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names.
        """
        if self.name not in system.definitions:
            complain(f"there is no definition {self.name!r}", self.where)
        old = system.definitions[self.name]
        body = retrace(f"{self.name}_edit", self.body, old.params, old.body.sort)
        changed = replace(old, body=body, where=place_of(self.body))
        return replace(system, definitions=dict(system.definitions) | {self.name: changed})


@dataclass(frozen=True)
class DropAction(Change):
    """Nobody ever does this."""

    action: str

    def __str__(self) -> str:
        return f"there is no {self.action}"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names.
        """
        dropped = action_named(system, self.action, self.where)
        return replace(system, actions=tuple(a for a in system.actions if a is not dropped))


@dataclass(frozen=True)
class DropAxiom(Change):
    """Machines need not be so."""

    axiom: str

    def __str__(self) -> str:
        return f"a machine need not satisfy {self.axiom}"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names.
        """
        axioms = tuple(axiom for axiom in system.axioms if axiom.name != self.axiom)
        if len(axioms) == len(system.axioms):
            complain(f"there is no axiom {self.axiom!r}", self.where)
        return unhinted(replace(system, axioms=axioms), self.axiom)


@dataclass(frozen=True)
class ReplaceInitial(Change):
    """A variable has another value at boot; ``value`` takes the variable's point."""

    variable: str
    value: Callable[..., Expr]

    def __str__(self) -> str:
        return f"{self.variable} is something else at boot"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names.
        """
        old = next((v for v in system.variables if v.symbol.name == self.variable), None)
        if old is None:
            complain(f"there is no variable {self.variable!r}", self.where)
        name = f"initial_{self.variable}"
        initial = retrace(name, self.value, old.params, old.symbol.range)
        changed = replace(old, initial=initial)
        return replace(
            system,
            variables=tuple(changed if v is old else v for v in system.variables),
            places={**system.places, self.variable: place_of(self.value)},
        )


@dataclass(frozen=True)
class AddProperty(Change):
    """What is true of this design alone; ``claim`` is declared with `always` or `step`."""

    claim: Declared

    def __str__(self) -> str:
        return f"{self.claim.name}: {self.claim.doc}"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: if there is not what the edit names.
        """
        if self.claim.name in system.property_by_name:
            complain(f"there is a property {self.claim.name!r} already", self.where)
        return replace(system, properties=(*system.properties, trace_property(self.claim)))


Edit = (
    DropGuard
    | ReplaceGuard
    | DropUpdate
    | ReplaceUpdate
    | ReplaceDefinition
    | ReplaceInitial
    | DropAction
    | DropAxiom
    | AddModule
    | AddProperty
    | ExtendAction
    | DropProperty
    | MakeVariable
    | ReplaceErrno
)


@dataclass(frozen=True)
class Variant:
    """A design that is wrong on purpose, and the property that it must break."""

    name: str
    doc: str
    covers: tuple[str, ...]
    source: str
    breaks: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Profile:
    """A design that gives up some properties, each with its reason and source."""

    name: str
    doc: str
    edits: tuple[Edit, ...]
    gives_up: tuple[tuple[str, str], ...]


def apply(system: System, change: Variant | Profile) -> System:
    """The system with all edits of a variant or profile made, under a name of its own.

    Raises:
        SpecificationError: if an edit does not fit, or a property that is said to break does
            not exist, or what the edits leave is not well formed.
    """
    if isinstance(change, Variant):
        broken, given_up = frozenset([change.breaks]), system.given_up - {change.breaks}
    else:
        broken = frozenset(name for name, _ in change.gives_up)
        given_up = system.given_up | broken
    if not isinstance(change.edits, tuple):
        raise SpecificationError(f"{change.name}: its edits are no tuple: write edits=(edit,)")
    changed = edited(system, change.edits)
    for name in sorted(broken):
        if name not in changed.property_by_name:
            raise SpecificationError(f"{change.name}: there is no property {name!r}")
    return replace(changed, name=f"{system.name}+{change.name}", given_up=given_up)


def edited(system: System, edits: Iterable[Edit]) -> System:
    """The system with the edits made, one after the other.

    Raises:
        SpecificationError: if one does not fit, or what they leave is not well formed.
    """
    changed = system
    for edit in edits:
        changed = edit.apply(changed)
    if changed is not system:
        well_formed(changed)
    return changed
