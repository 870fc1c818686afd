"""The book: the specification as a site of files, each name with one permanent address.

A page for each module, with its introduction and what it declares; a page for each kind of name
that no module declares.  Names are linked wherever they stand.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any
from urllib.parse import quote

from .diagram import Diagram
from .document import page

__all__ = ["Book"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*")
_IN_MODULES = ("action", "guard", "property", "axiom", "definition", "variable", "topology", "sort")
"""Kinds that a module declares, in the order in which its page has them."""


@dataclass(frozen=True)
class Book:
    """A site: its pages by their paths, relative to its root.

    Args:
        title: of the site.
        entries: everything that has a name, as `memhp explain --json` tells it: kind, name, head,
            where, doc, logic, related.
        kinds: of each kind what it is, in the order of the index.
        diagrams: by the names of variables.
        runs: the pages of runs, by the names of wrong designs.
    """

    title: str
    entries: Sequence[Mapping[str, Any]]
    kinds: Mapping[str, str]
    diagrams: Mapping[str, Diagram] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)

    def pages(self) -> Iterator[tuple[str, str]]:
        """The path and the text of each file."""
        yield "index.html", self._index()
        for module, entries in self._declared.items():
            yield f"{module}.html", self._module(module, entries)
        for kind, entries in self._others.items():
            yield f"{_plural(kind)}.html", self._kind(kind, entries)
        for name, text in self.runs.items():
            yield f"runs/{name}.html", text

    # --- where a name stands ---------------------------------------------------------------------

    @cached_property
    def _modules(self) -> Mapping[str, Mapping[str, Any]]:
        """The entries of modules, by the full names of these."""
        return {entry["where"]: entry for entry in self.entries if entry["kind"] == "module"}

    def _home(self, entry: Mapping[str, Any]) -> str:
        """The page that has the entry, without its ending."""
        if entry["kind"] == "module":
            return str(entry["name"])
        module = self._modules.get(str(entry["where"]).partition(":")[0])
        if entry["kind"] in _IN_MODULES and module:
            return str(module["name"])
        return _plural(entry["kind"])

    @cached_property
    def _declared(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """What each module declares, by the module's short name."""
        found: dict[str, list[Mapping[str, Any]]] = {
            str(entry["name"]): [] for entry in self._modules.values()
        }
        for kind in _IN_MODULES:
            for entry in self.entries:
                if entry["kind"] == kind and (home := self._home(entry)) in found:
                    found[home].append(entry)
        return found

    @cached_property
    def _others(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """What no module declares, by kind."""
        found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for entry in self.entries:
            if entry["kind"] != "module" and self._home(entry) not in self._declared:
                found[entry["kind"]].append(entry)
        return found

    @cached_property
    def _addresses(self) -> Mapping[str, str]:
        """The address of each name; of one that several have, of the first."""
        found: dict[str, str] = {}
        for entry in self.entries:
            anchor = "" if entry["kind"] == "module" else f"#{anchor_of(entry)}"
            found.setdefault(str(entry["name"]), f"{self._home(entry)}.html{anchor}")
        return found

    # --- pages ------------------------------------------------------------------------------------

    def _index(self) -> str:
        rooms: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for entry in self._modules.values():
            rooms[
                str(entry["name"]).rpartition("/")[0] or str(entry["where"]).split(".")[-2]
            ].append(entry)
        names = [[n, a] for n, a in self._addresses.items()]
        return page(
            "book_index",
            self.title,
            data=names,
            rooms=rooms,
            kinds={kind: self.kinds.get(kind, "") for kind in self._others},
            counts={kind: len(entries) for kind, entries in self._others.items()},
            file=_plural,
            linked=self._linked,
            rows=[entry for entry in self.entries if entry["kind"] == "row"],
        )

    def _module(self, module: str, entries: Sequence[Mapping[str, Any]]) -> str:
        (about,) = (each for each in self._modules.values() if each["name"] == module)
        return self._page(f"{module}: {self.title}", module, about["doc"], entries)

    def _kind(self, kind: str, entries: Sequence[Mapping[str, Any]]) -> str:
        title = f"{_plural(kind)}: {self.title}"
        return self._page(title, _plural(kind), self.kinds.get(kind, ""), entries)

    def _page(self, title: str, name: str, doc: str, entries: Sequence[Mapping[str, Any]]) -> str:
        names = {entry["name"] for entry in entries}
        diagrams = {v: each for v, each in self.diagrams.items() if v in names}
        return page(
            "book_page",
            title,
            name=name,
            doc=doc,
            entries=entries,
            diagrams=diagrams,
            runs=self.runs,
            anchor=anchor_of,
            linked=self._linked,
        )

    def _linked(self, text: str) -> str:
        """The text as HTML, with each name that has an address as a link."""
        parts, at = [], 0
        for match in _NAME.finditer(text):
            parts.append(escape(text[at : match.start()]))
            name, at = match[0], match.end()
            # A word of plain English is a name only where it is used as one.
            is_word = name.isalpha() and name.islower() and text[at : at + 1] not in ("[", "(")
            address = None if is_word and name != text else self._addresses.get(name)
            shown = escape(name)
            parts.append(f'<a href="{escape(address)}">{shown}</a>' if address else shown)
        return "".join((*parts, escape(text[at:])))


def anchor_of(entry: Mapping[str, Any]) -> str:
    """The name of the entry's place on its page."""
    return quote(str(entry["name"]), safe=".-_")


def _plural(kind: str) -> str:
    if kind == "capability":
        return "capabilities"
    return kind if kind == "topology" else f"{kind}s"
