"""A design of one's own: a file of declarations, and edits of the system that it begins with.

`designed` joins the two, and holds what comes of it to all that `load` holds a specification to.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from .declare import Defined, Map
from .editing import Change
from .edits import Edit
from .load import covers_rows, declared_in, place_in, traced
from .syntax import complain
from .system import System
from .wellformed import well_formed

__all__ = ["Design", "designed"]


@dataclass(frozen=True)
class Design(Change):
    """What a file changes, beside what it declares.

    Args:
        edits: made in this order, before the file's own declarations are joined.
        gives_up: the properties that are not expected of it, each with the reason.
        profile: the design that it begins with, by name.
    """

    edits: tuple[Edit, ...] = ()
    gives_up: tuple[tuple[str, str], ...] = ()
    profile: str = "list-2004"

    def check(self) -> None:
        """Return if the fields are of the kinds that they must be.

        Raises:
            SpecificationError: one is not.
        """
        if not isinstance(self.edits, tuple):
            complain("its edits are no tuple: write edits=(edit,)", self.where)
        for edit in self.edits:
            if not (isinstance(edit, Change) and hasattr(edit, "apply")):
                complain(f"{edit!r} is no edit: see memhp.spec.language.edits", self.where)
        pairs = self.gives_up if isinstance(self.gives_up, tuple) else (self.gives_up,)
        for pair in pairs:
            if not (isinstance(pair, tuple) and [*map(type, pair)] == [str, str] and pair[1]):
                complain(f"{pair!r} gives nothing up: write (property, reason)", self.where)


def designed(
    base: System, module: ModuleType, design: Design, *, name: str, rows: Collection[str]
) -> System:
    """The system of the design: ``base`` with its edits, and what its module declares.

    Args:
        base: what the design begins with.
        module: the file, imported.
        design: what the file calls ``DESIGN``.
        name: of the system that comes of it.
        rows: what properties may cover.

    Raises:
        SpecificationError: for the first mistake, with file and line.
    """
    design.check()
    values = declared_in((module,))
    edited = base
    for edit in design.edits:
        edited = edit.apply(edited)
    own = [value for value in values if not _is_made(edited, value)]
    _nothing_twice(edited, module, own)
    system = _joined(edited, traced(name, own))
    for claim, _ in design.gives_up:
        if claim not in system.property_by_name:
            complain(f"there is no property {claim!r} to give up", design.where)
    well_formed(system)
    covers_rows(system.properties, rows)
    given_up = system.given_up & system.property_by_name.keys()
    return replace(system, given_up=given_up | {claim for claim, _ in design.gives_up})


def _is_made(edited: System, value: object) -> bool:
    """An edit has put the variable there already."""
    if not (isinstance(value, Map) and value.is_state):
        return False
    return any(variable.symbol is value.symbol for variable in edited.variables)


def _nothing_twice(edited: System, module: ModuleType, own: Sequence[Any]) -> None:
    symbols = (*edited.topology, *(variable.symbol for variable in edited.variables))
    taken = {*edited.action_by_name, *edited.property_by_name, *edited.definitions}
    taken |= {sort.name for sort in edited.sorts} | {symbol.name for symbol in symbols}
    taken |= {axiom.name for axiom in edited.axioms}
    for value in own:
        name = _name_of(value)
        if name in taken:
            message = f"{name!r} is declared already: take another name, or drop that by an edit"
            complain(message, place_in(module, value))


def _name_of(value: Any) -> str:
    if isinstance(value, Defined):
        return value.declared.name
    name: str = value.__name__ if isinstance(value, type) else value.name
    return name


def _joined(base: System, own: System) -> System:
    return System(
        name=own.name,
        sorts=(*base.sorts, *own.sorts),
        sort_docs={**base.sort_docs, **own.sort_docs},
        topology=(*base.topology, *own.topology),
        variables=(*base.variables, *own.variables),
        axioms=(*base.axioms, *own.axioms),
        definitions={**base.definitions, **own.definitions},
        actions=(*base.actions, *own.actions),
        properties=(*base.properties, *own.properties),
        given_up=base.given_up,
        places={**base.places, **own.places},
    )
