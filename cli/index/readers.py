"""Who reads and who writes each symbol of a specification, and who uses each definition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from memhp.spec.language import System
from memhp.spec.language.terms import App, Call, Const, Term, subterms

__all__ = ["Readers"]


@dataclass(frozen=True)
class Readers:
    """For each name (a symbol, a definition, or MEMBER of an enumeration) who names it, by kind.

    Kinds are those of `RELATIONS`; a guard is ACTION.GUARD.  What is read through a definition is
    told of that definition alone.
    """

    by_name: dict[str, dict[str, dict[str, None]]]

    @classmethod
    def of(cls, system: System) -> Readers:
        """Those of a specification."""
        by_name: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
        for relation, reader, term in _terms(system):
            for part in subterms(term):
                if (name := _named(part)) is not None:
                    by_name[name][relation][reader] = None
        for action in system.actions:
            for update in action.updates:
                for part in subterms(update.value):
                    if isinstance(part, Const) and (name := _named(part)):
                        by_name[name]["set by"][action.name] = None
        for action in system.actions:
            for name in action.written:
                by_name[name]["written by"][action.name] = None
        return cls(dict(by_name))

    def related(self, name: str) -> dict[str, tuple[str, ...]]:
        """The relations in which others stand to that name."""
        relations = self.by_name.get(name, {})
        return {each: tuple(relations[each]) for each in RELATIONS if each in relations}


RELATIONS = (
    "written by",
    "set by",
    "asked for by guards",
    "read by updates of",
    "in definitions",
    "in axioms",
    "in properties",
    "at boot of",
)
"""From the left: who writes a symbol, who gives a variable that value, and who reads it."""


def _terms(system: System) -> Iterator[tuple[str, str, Term]]:
    """Every term, with the relation in which its owner stands to what it names."""
    for action in system.actions:
        for guard in action.guards:
            yield "asked for by guards", f"{action.name}.{guard.name}", guard.condition
        for update in action.updates:
            for term in update.terms:
                yield "read by updates of", action.name, term
    for definition in system.definitions.values():
        yield "in definitions", definition.name, definition.body
    for axiom in system.axioms:
        yield "in axioms", axiom.name, axiom.formula
    for claim in system.properties:
        yield "in properties", claim.name, claim.formula
    for variable in system.variables:
        yield "at boot of", variable.symbol.name, variable.initial


def _named(part: Term) -> str | None:
    if isinstance(part, App):
        return part.symbol.name
    if isinstance(part, Call):
        return part.name
    return f"{part.sort.name}.{part.name}" if isinstance(part, Const) else None
