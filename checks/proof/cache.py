"""Answers that are known already: one file for each solver, in a folder that the caller names.

A damaged answer is as good as none.  Writing merges with what another process
wrote meanwhile, and replaces the file in one move.
"""

from __future__ import annotations

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

_FORMAT = "1"
_MOST = 50_000
"""So many answers of a solver are kept, the latest."""
_STATUSES = ("unsat", "sat", "unknown")


def default_folder() -> Path | None:
    """Where what memhp knows from before lives, in the user's cache; None if there is none."""
    home = cache_home()
    return home / "memhp" if home else None


class Cache:
    """Answers by query; without a folder, only for as long as the object lives."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._known: dict[str, dict[str, Answer]] = {}
        self._new: dict[str, dict[str, Answer]] = {}

    def get(self, query: Query) -> Answer | None:
        """The answer, marked as cached, if it is known."""
        if query.solver not in self._known:
            self._known[query.solver] = self._read(query.solver)
        found = self._known[query.solver].get(_key(query))
        return replace(found, cached=True) if found else None

    def put(self, query: Query, answer: Answer) -> None:
        """Remember an answer; errors are not worth it."""
        if answer.status in _STATUSES:
            key = _key(query)
            self._known.setdefault(query.solver, {})[key] = answer
            self._new.setdefault(query.solver, {})[key] = answer

    def save(self) -> None:
        """Write what is new.  A folder that cannot be written is no reason to fail."""
        tidy(self._folder)
        for solver, answers in self._new.items():
            latest = list((self._read(solver) | answers).items())[-_MOST:]
            entries = {key: sealed(asdict(answer) | {"cached": False}) for key, answer in latest}
            keep(self._path(solver), entries)
        self._new = {}

    def _read(self, solver: str) -> dict[str, Answer]:
        entries = kept(self._path(solver))
        answers = entries.items() if isinstance(entries, dict) else ()
        return {key: answer for key, value in answers if (answer := _answer(value))}

    def _path(self, solver: str) -> Path | None:
        return self._folder / f"{solver}.json" if self._folder else None


def _key(query: Query) -> str:
    parts = (_FORMAT, query.solver, solver_version(query.solver), str(query.limit), query.text)
    return digest_of(*parts)


def _answer(value: Any) -> Answer | None:
    """What was sealed; None if that is damaged, or of another version of memhp."""
    try:
        entry = unsealed(value)
        model = {name: tuple(row) for name, row in entry["model"].items()}
        return Answer(**entry | {"core": tuple(entry["core"]), "model": model})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
