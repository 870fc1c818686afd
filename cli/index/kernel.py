"""Names of Linux: the functions that rules cite, and the errnos that users see."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from memhp.spec.language import System
from memhp.spec.language.errnos import errorcode
from memhp.spec.linux import CHOICES

from .declared import guard_line
from .entry import Entry, Subject, Told, wrapped

__all__ = ["cited_in", "errnos", "functions"]

_WORD = r"_*[a-z][a-z0-9]*(?:_[a-z0-9]+)+"
_CITED = re.compile(rf"\(([^()]*)\)|\bSources?:((?:(?!\n\n).)*)|\b({_WORD})\(\)", re.DOTALL)
"""Where names of Linux stand: in parentheses, after *Source*, or as ``name()``."""
_NAME = re.compile(rf"(?<![\w/.-]){_WORD}(?![\w/]|\.[a-z])")
_NO_FUNCTIONS = ("mem_map", "x86_64")


def cited_in(text: str) -> list[str]:
    """The names of Linux that a text cites.

    >>> cited_in("Isolate it (offline_pages). Source: mm/migrate.c, migrate_pages.")
    ['offline_pages', 'migrate_pages']
    """
    found = ["".join(match.groups("")) for match in _CITED.finditer(text)]
    names = [name for part in found for name in _NAME.findall(part)]
    return [name for name in dict.fromkeys(names) if name not in _NO_FUNCTIONS]


_RELATIONS = {
    "action": "actions",
    "property": "properties",
    "axiom": "axioms",
    "definition": "definitions",
    "variable": "variables",
    "topology": "topology",
    "sort": "sorts",
    "enumeration": "enumerations",
    "module": "modules",
    "operation": "operations",
    "scenario": "scenarios on real kernels",
    "choice": "choices of Linux",
    "variant": "wrong designs",
}
"""The kinds whose words may cite Linux, and in which relation they then stand to it."""


def functions(subject: Subject, others: Sequence[Entry]) -> Iterator[Entry]:
    """The functions of Linux, its structures and locks, that something cites.

    Args:
        subject: the specification.
        others: the entries of all other kinds; their names are none of Linux's.
    """
    own = {name for entry in others for name in (entry.name, *entry.others)}
    cited: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for kind, owner, text in _texts(subject, others):
        for name in cited_in(text):
            if name not in own and owner not in cited[name][_RELATIONS[kind]]:
                cited[name][_RELATIONS[kind]].append(owner)
    for name in sorted(cited):
        owners = sum(map(len, cited[name].values()))
        doc = f"Of Linux; cited in {owners} place{'s' if owners > 1 else ''}."
        yield Entry("function", name, doc, partial(_function, name, cited[name], subject))


def _texts(subject: Subject, others: Iterable[Entry]) -> Iterator[tuple[str, str, str]]:
    """All texts that may cite Linux, each with its owner's kind and name."""
    for entry in others:
        if entry.kind in _RELATIONS:
            yield entry.kind, entry.name, entry.doc
    for variant in subject.variants:
        yield "variant", variant.name, f"Source: {variant.source}"
    for choice in CHOICES if subject.of_hotplug else ():
        for _, why in choice.gives_up:
            yield "choice", choice.name, why


def _function(name: str, cited: Mapping[str, Sequence[str]], subject: Subject) -> Told:
    """Who cites it; of the actions that do, the guards and what goes wrong when they are edited."""
    actions = cited.get("actions", ())
    edited = [
        variant
        for variant in subject.variants
        if variant.name in cited.get("wrong designs", ())
        or any(getattr(edit, "action", None) in actions for edit in variant.edits)
    ]
    lines = [
        line
        for action in subject.system.actions
        if action.name in actions
        for guard in action.guards
        for line in wrapped(guard_line(guard, f"{action.name}.{guard.name}"), "")
    ]
    related = {relation: tuple(cited.get(relation, ())) for relation in _RELATIONS.values()}
    related["wrong designs"] = tuple(variant.name for variant in edited)
    related["properties that these break"] = tuple(
        dict.fromkeys(variant.breaks for variant in edited)
    )
    return Told(f"function {name}", "", tuple(lines), related)


def errnos(system: System) -> Iterator[Entry]:
    """The errnos with which guards refuse."""
    codes = {guard.errno for action in system.actions for guard in action.guards if guard.errno}
    for code in sorted(codes):
        name = errorcode[code]
        meaning = os.strerror(code)
        yield Entry("errno", name, f"{meaning}.", partial(_errno, code, system), (str(code),))


def _errno(code: int, system: System) -> Told:
    lines = [
        line
        for action in system.actions
        for guard in action.guards
        if guard.errno == code
        for line in wrapped(guard_line(guard, f"{action.name}.{guard.name}"), "")
    ]
    return Told(f"errno {errorcode[code]} ({code})", "", ("answered by", *lines))
