"""A specification as data: what the declarations of all modules add up to.

Everything that proves, runs, searches or prints the specification reads a
`System`.  It is immutable; a variant is another `System` (see `edits`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Literal

from .terms import (
    App,
    Call,
    Next,
    SortRef,
    Symbol,
    Term,
    Var,
    conj,
    inside,
)

__all__ = [
    "ENABLED",
    "Action",
    "Axiom",
    "Definition",
    "Ending",
    "Guard",
    "Kind",
    "Property",
    "SpecificationError",
    "System",
    "Update",
    "Variable",
    "Way",
    "Where",
]


ENABLED = "enabled."
"""What the name of an implied definition begins with: the guards of the action after it."""


class SpecificationError(Exception):
    """A mistake in a specification, found while it is loaded: what, and where."""


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a declaration, as an editor can jump to it."""

    module: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line}"

    @property
    def room(self) -> str:
        """The last part of the module's name; of a file its name without ``.py``."""
        return self.module.removesuffix(".py").replace("/", ".").rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Guard:
    """One named condition of an action.

    ``errno`` is what a user sees when it fails, or None for a step that no
    user asks for; ``why`` is one line that says what stands in the way.
    """

    name: str
    condition: Term
    errno: int | None
    why: str
    where: Where


@dataclass(frozen=True, slots=True)
class Update:
    """``symbol[variables] := value`` wherever ``condition`` holds.

    An update of one point has ``point`` set and no variables; ``condition``
    and ``value`` speak of the state before the step.
    """

    symbol: Symbol
    point: tuple[Term, ...] | None
    variables: tuple[Var, ...]
    condition: Term
    value: Term
    where: Where

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms that the update reads."""
        return (self.condition, self.value, *(self.point or ()))


@dataclass(frozen=True)
class Action:
    """A step: parameters, guards in the order in which the kernel looks, updates.

    ``using`` names invariants and axioms that proofs about it need and would not think of.
    """

    name: str
    module: str
    doc: str
    params: tuple[Var, ...]
    guards: tuple[Guard, ...]
    updates: tuple[Update, ...]
    where: Where
    using: tuple[str, ...] = ()

    @cached_property
    def written(self) -> frozenset[str]:
        """The names of the state symbols that the action may change."""
        return frozenset(update.symbol.name for update in self.updates)

    def guard(self, name: str) -> Guard:
        """The guard of that name.

        Raises:
            KeyError: if there is none.
        """
        for guard in self.guards:
            if guard.name == name:
                return guard
        raise KeyError(name)


Kind = Literal["always", "step", "sometimes", "ends"]


@dataclass(frozen=True, slots=True)
class Way:
    """While ``condition`` holds, one of the actions takes out an element.

    With each action the member of an enumeration that this element has, or "";
    ``given`` says what some parameters of the actions are, by name.
    """

    condition: Term
    actions: tuple[tuple[str, str], ...]
    given: tuple[tuple[str, Term], ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """Why an *ends* property holds: see `endings.ends`; ``budget`` is what adding spends."""

    during: Term
    left: Term
    by: tuple[str, ...]
    unless: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()
    budget: tuple[Var, Term] | None = None


@dataclass(frozen=True)
class Property:
    """A claim.  ``params`` are existential in *sometimes*, universal otherwise.

    The formula of *step* and *ends* speaks of two states (`Next`), and that of
    *sometimes* may.  ``using`` names invariants and axioms that its proof needs and would
    not think of.
    """

    name: str
    module: str
    kind: Kind
    doc: str
    params: tuple[Var, ...]
    formula: Term
    covers: tuple[str, ...]
    where: Where
    ending: Ending | None = None
    using: tuple[str, ...] = ()

    @property
    def of_work(self) -> tuple[Var, ...]:
        """The parameters of an *ends* property that say which work; the others are elements."""
        assert self.ending
        return tuple(var for var in self.params if var in inside(self.ending.during))

    @cached_property
    def of_step(self) -> bool:
        """Whether it is judged by a step, the states before and after it, or by one state."""
        return self.kind == "step" or (
            self.kind == "sometimes" and any(isinstance(t, Next) for t in inside(self.formula))
        )


@dataclass(frozen=True, slots=True)
class Axiom:
    """A fact about every topology."""

    name: str
    module: str
    doc: str
    params: tuple[Var, ...]
    formula: Term
    where: Where


@dataclass(frozen=True, slots=True)
class Definition:
    """A named term: expanded where it is used, printed by its name."""

    name: str
    module: str
    doc: str
    params: tuple[Var, ...]
    body: Term
    where: Where


@dataclass(frozen=True, slots=True)
class Variable:
    """A state symbol, and its value at boot for each point."""

    symbol: Symbol
    module: str
    doc: str
    params: tuple[Var, ...]
    initial: Term


@dataclass(frozen=True)
class System:
    """The whole specification."""

    name: str
    sorts: tuple[SortRef, ...]
    sort_docs: Mapping[str, str]
    topology: tuple[Symbol, ...]
    variables: tuple[Variable, ...]
    axioms: tuple[Axiom, ...]
    definitions: Mapping[str, Definition]
    actions: tuple[Action, ...]
    properties: tuple[Property, ...]
    given_up: frozenset[str] = frozenset()
    """The properties that a profile gives up: nobody expects them of this design."""
    is_own: bool = field(default=False, repr=False, compare=False)
    """A design of one's own: of a *sometimes* is asked whether it is reached, not how soon."""
    places: Mapping[str, Where] = field(default_factory=dict, repr=False, compare=False)
    """Where each symbol of topology and state is declared."""
    topology_docs: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """What each symbol of topology says, in words."""

    @cached_property
    def action_by_name(self) -> Mapping[str, Action]:
        """The actions by their names, in declaration order."""
        return {action.name: action for action in self.actions}

    @cached_property
    def property_by_name(self) -> Mapping[str, Property]:
        """The properties by their names, in declaration order."""
        return {claim.name: claim for claim in self.properties}

    @cached_property
    def state(self) -> frozenset[str]:
        """The names of the variables."""
        return frozenset(variable.symbol.name for variable in self.variables)

    @cached_property
    def unbounded_sorts(self) -> tuple[SortRef, ...]:
        """The sorts that are no enumerations: each machine has its own number of their elements."""
        return tuple(sort for sort in self.sorts if sort.members is None)

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """The rows that the properties cover, sorted."""
        return tuple(sorted({row for claim in self.properties for row in claim.covers}))

    def definition(self, name: str) -> Definition:
        """The definition of that name, declared or implied by an action (`ENABLED`).

        Raises:
            KeyError: if there is none.
        """
        if name in self.definitions or not name.startswith(ENABLED):
            return self.definitions[name]
        action = self.action_by_name[name.removeprefix(ENABLED)]
        body = conj(*(guard.condition for guard in action.guards))
        doc = f"Every guard of {action.name} holds."
        return Definition(name, action.module, doc, action.params, body, action.where)

    def of_kind(self, *kinds: Kind) -> Iterator[Property]:
        """The properties of those kinds, in declaration order."""
        return (claim for claim in self.properties if claim.kind in kinds)

    def symbols_in(self, term: Term) -> frozenset[str]:
        """The names of the symbols that ``term`` reads, through definitions."""
        return self._names_in(term)[0]

    def definitions_in(self, term: Term) -> frozenset[str]:
        """The names of the definitions that ``term`` uses, directly or through others."""
        return self._names_in(term)[1]

    def _names_in(self, term: Term) -> tuple[frozenset[str], frozenset[str]]:
        """The names of its symbols and its definitions, found once."""
        if (names := self._names.get(term)) is None:
            symbols, definitions = set[str](), set[str]()
            for part in inside(term):
                if isinstance(part, App):
                    symbols.add(part.symbol.name)
                elif isinstance(part, Call):
                    inner = self._names_in(self.definition(part.name).body)
                    symbols |= inner[0]
                    definitions |= {part.name} | inner[1]
            names = self._names[term] = frozenset(symbols), frozenset(definitions)
        return names

    @cached_property
    def _names(self) -> dict[Term, tuple[frozenset[str], frozenset[str]]]:
        return {}

    @cached_property
    def expanded(self) -> dict[Term, Term]:
        """Terms that were expanded (`rewrite.expand`), so that none is a second time."""
        return {}

    def __getstate__(self) -> dict[str, object]:
        """What another process is sent: it finds out by itself what follows from that."""
        return {each.name: getattr(self, each.name) for each in fields(self)}
