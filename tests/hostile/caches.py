"""What memhp keeps for itself, and reads again at the next run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random
from unittest import mock

from . import mutate
from .bounded import Case
from .cases import Reader, said
from .documents import sometimes

__all__ = ["READERS", "prepare"]


def _kept(random: Random, folder: Path, files: Mapping[str, str]) -> None:
    """A cache with one file damaged."""
    damaged = random.choice(list(files))
    (folder / "cache").mkdir()
    for name, text in files.items():
        data = mutate.json_text(text, random) if name == damaged else text.encode()
        (folder / "cache" / name).write_bytes(data)
    if random.random() < 0.01:
        (folder / "cache" / damaged).unlink()
        random.choice((os.mkfifo, os.mkdir))(folder / "cache" / damaged)


def _written(fill: Callable[[Path], object]) -> Mapping[str, str]:
    """The files that are written to an empty cache."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        fill(Path(name))
        return {path.name: path.read_text() for path in Path(name).iterdir() if path.is_file()}


def _query() -> object:
    from memhp.checks.proof.solvers import Query

    return Query("z3", "(check-sat)", 1)


@cache
def _answers() -> Mapping[str, str]:
    from memhp.checks.proof.cache import Cache
    from memhp.checks.proof.solvers import Answer

    def fill(folder: Path) -> None:
        kept = Cache(folder)
        kept.put(_query(), Answer("unsat", 0.1, ("a", "b"), {"x": ("1", "2")}, ""))  # type: ignore[arg-type]
        kept.save()

    return _written(fill)


def _of_answers(random: Random, folder: Path) -> Case:
    from memhp.checks.proof.cache import Cache
    from memhp.checks.proof.solvers import Answer

    _kept(random, folder, _answers())

    def work() -> None:
        kept = Cache(folder / "cache")
        kept.get(_query())  # type: ignore[arg-type]
        kept.put(_query(), Answer("sat", 0.1, (), {}, ""))  # type: ignore[arg-type]
        kept.save()

    names = frozenset({"cache", *(f"cache/{name}" for name in _answers())})
    return Case("cache of answers", said(work), writes=names)


@cache
def _traces() -> Mapping[str, str]:
    from memhp.checks.search.usual import first_violation
    from memhp.spec.system import SYSTEM

    return _written(lambda folder: first_violation(SYSTEM, sometimes(), folder=folder))


def _of_traces(random: Random, folder: Path) -> Case:
    from memhp.checks.search.usual import first_violation
    from memhp.spec.system import SYSTEM

    _kept(random, folder, _traces())

    def work() -> None:
        found = first_violation(SYSTEM, sometimes(), folder=folder / "cache")
        if found is None or not found.is_shown_by(found.replay(SYSTEM)):
            raise AssertionError("a trace is shown that is none")

    names = frozenset({"cache", *(f"cache/{name}" for name in _traces())})
    return Case("cache of traces", said(work), writes=names)


@cache
def _lock_steps() -> Mapping[str, str]:
    from memhp.checks.fuzz.agreement import agreement
    from memhp.spec.system import SYSTEM

    return _written(lambda folder: agreement(SYSTEM, _STEPS, folder=folder))


_STEPS = 400
"""Enough for every machine."""


def _of_lock_steps(random: Random, folder: Path) -> Case:
    """Damaged, or wrong under a seal that is right; what was counted is used as `coverage` does."""
    from memhp.checks.fuzz.agreement import agreement
    from memhp.checks.fuzz.reached import Reached
    from memhp.checks.support.store import sealed
    from memhp.spec.system import SYSTEM

    _kept(random, folder, _lock_steps())
    path = folder / "cache" / "lock-step.json"
    if path.is_file() and random.random() < 0.5:
        with suppress(ValueError, RecursionError):
            document = json.loads(path.read_bytes())
            if isinstance(document, dict):
                document.pop("seal", None)
                path.write_text(json.dumps(sealed(document)))

    def work() -> None:
        with mock.patch("memhp.checks.fuzz.agreement.reached", return_value=Reached(SYSTEM)):
            found = agreement(SYSTEM, _STEPS, folder=folder / "cache")
        for claim in SYSTEM.properties:
            found.lacking(claim)
            f"{found.steps:,} {found.left_untold(claim):,}"
        f"{found.missed} {found.never_told} {found.of:,}"

    names = frozenset({"cache", "cache/lock-step.json"})
    return Case("cache of lock steps", said(work), writes=names)


READERS: Mapping[str, Reader] = {
    "cache of answers": _of_answers,
    "cache of traces": _of_traces,
    "cache of lock steps": _of_lock_steps,
}


def prepare() -> None:
    """Make the sound inputs once."""
    for make in (_answers, _traces, _lock_steps):
        make()
