"""A design of one's own: a file of declarations, and edits of the system that it begins with.

`designed` joins the two, and holds what comes of it to all that `load` holds a specification to.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from types import ModuleType

from .declare import Map
from .editing import Change
from .edits import Edit
from .joining import joined, nothing_twice
from .load import covers_rows, declared_in, traced
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
    nothing_twice(edited, module, own)
    system = joined(edited, traced(name, own))
    for claim, _ in design.gives_up:
        if claim not in system.property_by_name:
            complain(f"there is no property {claim!r} to give up", design.where)
    well_formed(system)
    covers_rows(system.properties, rows)
    given_up = system.given_up & system.property_by_name.keys()
    given_up |= {claim for claim, _ in design.gives_up}
    return replace(system, given_up=given_up, is_own=True)


def _is_made(edited: System, value: object) -> bool:
    """An edit has put the variable there already."""
    if not (isinstance(value, Map) and value.is_state):
        return False
    return any(variable.symbol is value.symbol for variable in edited.variables)
