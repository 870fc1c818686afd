"""Answers that are known already: one file for each solver, in a folder that the caller names.

A damaged file is as good as none.  Writing merges with what another process
wrote meanwhile, and replaces the file in one move.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

from .files import write_whole
from .solvers import Answer, Query, solver_version

__all__ = ["Cache", "default_folder"]

_FORMAT = "1"
_LARGEST = 100_000
_STATUSES = ("unsat", "sat", "unknown")


def default_folder() -> Path:
    """Where a user's caches live: ``$XDG_CACHE_HOME/memhp``, or ``~/.cache/memhp``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "memhp"


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
        if self._folder is None:
            return
        for solver, answers in self._new.items():
            merged = self._read(solver) | answers
            kept = dict(list(merged.items())[-_LARGEST:])
            try:
                _write(self._folder / f"{solver}.json", kept)
            except OSError:
                return
        self._new = {}

    def _read(self, solver: str) -> dict[str, Answer]:
        if self._folder is None:
            return {}
        try:
            entries = json.loads((self._folder / f"{solver}.json").read_text())
            return {key: _answer(value) for key, value in entries.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}


def _key(query: Query) -> str:
    parts = (_FORMAT, query.solver, solver_version(query.solver), str(query.limit), query.text)
    return sha256("\0".join(parts).encode()).hexdigest()


def _answer(value: dict[str, object]) -> Answer:
    status, core, model = value["status"], value["core"], value["model"]
    if status not in _STATUSES or not isinstance(core, list) or not isinstance(model, dict):
        raise ValueError("no answer")
    return Answer(
        status,  # type: ignore[arg-type]  # it is one of _STATUSES
        float(str(value["seconds"])),
        tuple(map(str, core)),
        {str(name): tuple(map(str, row)) for name, row in model.items()},
        str(value["reason"]),
    )


def _write(path: Path, answers: Mapping[str, Answer]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = {key: asdict(answer) | {"cached": False} for key, answer in answers.items()}
    write_whole(path, json.dumps(entries, separators=(",", ":")))
