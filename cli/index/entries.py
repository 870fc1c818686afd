"""All names, by kind, and those that a user means."""

from __future__ import annotations

from collections.abc import Iterable

from .declared import claims, definitions, modules, of_actions
from .designs import claims_on_numbers, designs, rows, variants
from .entry import Entry, Subject
from .kernel import errnos, functions
from .readers import Readers
from .symbols import sorts, symbols
from .words import configurations, glossary, operations, scenarios

__all__ = ["KINDS", "entries", "named"]

KINDS = {
    "row": "the concerns of the list",
    "action": "steps that a machine can take",
    "guard": "conditions of an action, as ACTION.GUARD",
    "property": "claims",
    "axiom": "facts about every machine",
    "definition": "conditions and values with a name",
    "variable": "the state of a machine",
    "topology": "what a machine is, and no action changes",
    "sort": "kinds of things of which a machine has any number",
    "enumeration": "kinds of values",
    "member": "their values, as ENUMERATION.MEMBER",
    "module": "where it is declared",
    "claim": "claims on sizes and on configurations",
    "profile": "designs that are in use",
    "choice": "what Linux does otherwise than the list asks",
    "variant": "wrong designs",
    "operation": "what a user does with a machine",
    "errno": "what a user is told",
    "function": "functions, structures and locks of Linux that something cites",
    "scenario": "what is played on real kernels",
    "capability": "what a kernel's configuration can have",
    "architecture": "sizes of pages and sections",
    "word": "words in the output",
}
"""The kinds of names, in the order in which they are listed, and what each is."""


def entries(subject: Subject) -> list[Entry]:
    """Everything that has a name, by kind, in the order of `KINDS`."""
    system = subject.system
    readers = Readers.of(system)
    found = [
        *rows(subject),
        *of_actions(subject),
        *claims(subject),
        *definitions(system, readers),
        *symbols(system, readers),
        *sorts(system, readers),
        *modules(system),
        *variants(subject),
        *errnos(system),
        *glossary(),
    ]
    if subject.of_hotplug:
        found += [*claims_on_numbers(), *designs(), *operations(), *scenarios(), *configurations()]
    found += functions(subject, found)
    order = {kind: number for number, kind in enumerate(KINDS)}
    return sorted(found, key=lambda entry: order[entry.kind])


def named(name: str, every: Iterable[Entry]) -> list[Entry]:
    """The entries of that name; where there are none, those that have it in other letter case."""
    by_name: dict[str, list[Entry]] = {}
    for entry in every:
        for each in (entry.name, *entry.others):
            by_name.setdefault(each, []).append(entry)
    if name in by_name:
        return by_name[name]
    folded = [each for each in by_name if each.casefold() == name.casefold()]
    return [entry for each in folded for entry in by_name[each]]
