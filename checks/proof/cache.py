"""Solvers' answers from before: one file for each solver, in a folder that the caller names.

A damaged answer is as good as none.  Writing merges with what another process
wrote meanwhile, and replaces the file in one move.
"""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..support.files import cache_home
from ..support.store import (
    digest_of,
    keep,
    kept,
    sealed,
    tidy,
    unsealed,
)
from .solvers import Answer, Query, solver_version

__all__ = ["Cache", "default_folder"]

_FORMAT = "2"
_MOST = 50_000
"""So many answers of a solver are kept, the latest."""
_STATUSES = ("unsat", "sat", "unknown")
_OF_THE_MACHINE = re.compile("mem", re.IGNORECASE)
"""In the reason of an answer: it gave up for want of memory (z3: *max. memory exceeded*, cvc5:
*MEMOUT*), and might not the next time."""


def default_folder() -> Path | None:
    """The folder of kept answers and traces in the user's cache; None if the user has no cache."""
    home = cache_home()
    return home / "memhp" if home else None


class Cache:
    """Answers by query, kept in a folder; without one, for as long as the object lives."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._entries: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, Answer] = {}
        self._read_as: dict[str, Answer | None] = {}
        self._new: dict[str, dict[str, Any]] = {}

    def get(self, query: Query) -> Answer | None:
        """The answer to the query, marked as cached; None if it is not known."""
        key = _key(query)
        if key not in self._answers:
            if query.solver not in self._entries:
                self._entries[query.solver] = self._read(query.solver)
            answer = self._kept(self._entries[query.solver].get(key))
            if answer is None:
                return None
            self._answers[key] = answer
        return self._answers[key]

    def _kept(self, entry: Any) -> Answer | None:
        """The answer of an entry; those that say the same, as most do, are looked at once."""
        if entry is None:
            return None
        said = repr(entry)
        if said not in self._read_as:
            self._read_as[said] = _answer(entry)
        return self._read_as[said]

    def put(self, query: Query, answer: Answer) -> None:
        """Remember an answer that would be the same again, which an error need not be."""
        if answer.status in _STATUSES and not _OF_THE_MACHINE.search(answer.reason):
            key = _key(query)
            self._answers[key] = replace(answer, cached=True)
            entry = sealed(asdict(answer) | {"cached": False}) if self._folder else None
            self._new.setdefault(query.solver, {})[key] = entry

    def save(self) -> None:
        """Write the new answers.  A folder that cannot be written is no reason to fail."""
        tidy(self._folder)
        for solver, entries in self._new.items():
            latest = list((self._read(solver) | entries).items())[-_MOST:]
            keep(self._path(solver), dict(latest))
        self._new = {}

    def _read(self, solver: str) -> dict[str, Any]:
        entries = kept(self._path(solver))
        return entries if isinstance(entries, dict) else {}

    def _path(self, solver: str) -> Path | None:
        return self._folder / f"{solver}.json" if self._folder else None


def _key(query: Query) -> str:
    parts = (_FORMAT, query.solver, solver_version(query.solver), str(query.limit), query.text)
    return digest_of(*parts)


def _answer(value: Any) -> Answer | None:
    """The answer that was sealed; None if it is damaged, or of another version of memhp."""
    try:
        entry = unsealed(value)
        model = {name: tuple(row) for name, row in entry["model"].items()}
        return Answer(**entry | {"core": tuple(entry["core"]), "model": model, "cached": True})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
