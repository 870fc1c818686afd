"""What a specification speaks of: sorts, enumerations and their members, topology, variables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from memhp.spec.language import System, Variable
from memhp.spec.language.terms import SortRef, Symbol

from .entry import Entry, Told
from .readers import Readers

__all__ = ["sorts", "symbols"]


def symbols(system: System, readers: Readers) -> Iterator[Entry]:
    """The variables, and the topology, which no action changes."""
    for each in system.variables:
        tell = partial(_variable, each, system, readers)
        yield Entry("variable", each.symbol.name, each.doc, tell)
    for symbol in system.topology:
        doc = system.topology_docs.get(symbol.name, "")
        tell = partial(_topology, symbol, system, readers)
        yield Entry("topology", symbol.name, doc, tell)


def _typed(symbol: Symbol) -> str:
    return f"{symbol.name}[{', '.join(map(str, symbol.domain))}]: {symbol.range}"


def _variable(variable: Variable, system: System, readers: Readers) -> Told:
    name = variable.symbol.name
    return Told(
        f"variable {_typed(variable.symbol)}",
        str(system.places.get(name, "")),
        (f"at boot: {variable.initial}",),
        readers.related(name),
    )


def _topology(symbol: Symbol, system: System, readers: Readers) -> Told:
    return Told(
        f"topology {_typed(symbol)}",
        str(system.places.get(symbol.name, "")),
        (),
        readers.related(symbol.name),
    )


def sorts(system: System, readers: Readers) -> Iterator[Entry]:
    """The sorts, the enumerations, and each member by its own name and as ENUMERATION.MEMBER."""
    for sort in system.sorts:
        kind = "sort" if sort.members is None else "enumeration"
        doc = system.sort_docs.get(sort.name, "")
        tell = partial(_sort, kind, sort, system)
        yield Entry(kind, sort.name, doc, tell)
    for sort in system.sorts:
        for member in sort.members or ():
            name, doc = f"{sort.name}.{member}", system.sort_docs.get(sort.name, "")
            tell = partial(_member, name, sort, readers)
            yield Entry("member", name, doc, tell, (member,))


def _sort(kind: str, sort: SortRef, system: System) -> Told:
    every = (*system.topology, *(variable.symbol for variable in system.variables))
    return Told(
        f"{kind} {sort.name}",
        "",
        (f"one of {', '.join(sort.members)}",) if sort.members else (),
        {
            "what each has": tuple(each.name for each in every if sort in each.domain),
            "values of": tuple(each.name for each in every if sort == each.range),
            "actions on it": tuple(
                action.name
                for action in system.actions
                if any(var.sort == sort for var in action.params)
            ),
        },
    )


def _member(name: str, sort: SortRef, readers: Readers) -> Told:
    members = ", ".join(sort.members or ())
    return Told(f"member {name}", "", (f"one of {members}",), readers.related(name))
