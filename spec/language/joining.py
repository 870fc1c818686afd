"""A module's own declarations joined to a system that is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from .declare import Defined
from .editing import Change
from .load import declared_in, place_in, traced
from .syntax import complain
from .system import System

__all__ = ["AddModule", "joined", "nothing_twice"]


@dataclass(frozen=True)
class AddModule(Change):
    """All that a module declares: state that this design alone has, with its steps and claims."""

    module: ModuleType

    def __str__(self) -> str:
        return f"{self.module.__name__}: {(self.module.__doc__ or '').splitlines()[0]}"

    def apply(self, system: System) -> System:
        """The system with this edit made; it need not be well formed.

        Raises:
            SpecificationError: for a mistake in a declaration, or a name that is taken.
        """
        own = declared_in((self.module,))
        nothing_twice(system, self.module, own)
        return replace(joined(system, traced(system.name, own)), given_up=system.given_up)


def nothing_twice(edited: System, module: ModuleType, own: Sequence[Any]) -> None:
    """Return if the system has nothing that has the name of a declaration of the module's.

    Raises:
        SpecificationError: it has; with the declaration's place.
    """
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


def joined(base: System, own: System) -> System:
    """Both together, under the name of the second; it need not be well formed."""
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
        topology_docs={**base.topology_docs, **own.topology_docs},
    )
