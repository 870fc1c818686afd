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

from memhp.spec.language import System

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
    from memhp.spec.system import SYSTEM

    _kept(random, folder, _lock_steps())
    _seal_some(random, folder / "cache" / "lock-step.json")

    def work() -> None:
        with mock.patch("memhp.checks.fuzz.agreement.reached", return_value=Reached(SYSTEM)):
            found = agreement(SYSTEM, _STEPS, folder=folder / "cache")
        for claim in SYSTEM.properties:
            found.lacking(claim)
            f"{found.steps:,} {found.left_untold(claim):,}"
        f"{found.missed} {found.never_told} {found.of:,}"

    names = frozenset({"cache", "cache/lock-step.json"})
    return Case("cache of lock steps", said(work), writes=names)


@cache
def _system() -> System:
    from memhp.examples import last_block
    from memhp.spec.language import load

    return load("last-block", (last_block,))


@cache
def _verdicts() -> Mapping[str, str]:
    from memhp.checks.run import check
    from memhp.spec.profiles import PROFILES
    from memhp.spec.system import SYSTEM

    names = _of_row()
    written = _written(lambda folder: check(SYSTEM, PROFILES[0], only=names, jobs=1, folder=folder))
    return {name: text for name, text in written.items() if name.startswith("verdicts-")}


def _of_row() -> list[str]:
    from memhp.spec.system import SYSTEM

    return [claim.name for claim in SYSTEM.properties if "N2" in claim.covers]


def _of_verdicts(random: Random, folder: Path) -> Case:
    """What an earlier run decided, damaged, or wrong under a seal that is right."""
    from memhp.checks.earlier import Earlier
    from memhp.spec.system import SYSTEM

    _kept(random, folder, _verdicts())
    _seal_some(random, folder / "cache" / next(iter(_verdicts())))

    def work() -> None:
        earlier = Earlier(folder / "cache", SYSTEM, {})
        for decision in earlier.decisions(_of_row(), updates=False) or ():
            if not decision.counts_as.passes:
                raise AssertionError("what did not pass is taken from an earlier run")

    return Case("cache of verdicts", said(work))


@cache
def _coverage() -> Mapping[str, str]:
    from memhp.checks import coverage
    from memhp.checks.evidence import Evidence
    from memhp.checks.support.verdicts import Verdict

    evidence = [Evidence("U1", "use", "inspect", Verdict.holds, "a command")]
    return _written(
        lambda folder: coverage._store(folder / "coverage.json", "key", {coverage.sizes: evidence})
    )


def _of_coverage(random: Random, folder: Path) -> Case:
    from memhp.checks import coverage

    _kept(random, folder, _coverage())
    path = folder / "cache" / "coverage.json"
    _seal_some(random, path)
    return Case("cache of coverage", said(lambda: coverage._stored(path, "key", [coverage.sizes])))


@cache
def _proofs() -> Mapping[str, bytes]:
    import tempfile

    from memhp.checks.proof.proofs import archive
    from memhp.checks.proof.prove import prove

    with tempfile.TemporaryDirectory() as name:
        place = Path(name, "proofs")
        with archive(place) as proofs:
            prove(_system(), jobs=1, certify=True, take=proofs.take)
            proofs.finish(_system(), [_PROVED])
        return {path.name: path.read_bytes() for path in place.iterdir()}


_PROVED = "some_block_is_online"


def _of_proofs(random: Random, folder: Path) -> Case:
    """A folder of certificates, of which one file is damaged: what was certified is missed."""
    from memhp.checks.proof.proofs import MANIFEST, verify

    damaged = random.choice(list(_proofs()))
    for name, data in _proofs().items():
        if name == damaged and name == MANIFEST:
            data = mutate.json_text(data.decode(), random)
        elif name == damaged:
            data = mutate.packed(data, random)
        (folder / name).write_bytes(data)

    return Case("proofs", said(lambda: verify(_system(), folder, [_PROVED]), OSError, ValueError))


def _seal_some(random: Random, path: Path) -> None:
    """Half of the documents get a seal that is right for what they say now."""
    from memhp.checks.support.store import sealed

    if path.is_file() and random.random() < 0.5:
        with suppress(ValueError, RecursionError):
            document = json.loads(path.read_bytes())
            if isinstance(document, dict):
                document.pop("seal", None)
                path.write_text(json.dumps(sealed(document)))


READERS: Mapping[str, Reader] = {
    "cache of answers": _of_answers,
    "cache of traces": _of_traces,
    "cache of lock steps": _of_lock_steps,
    "cache of verdicts": _of_verdicts,
    "cache of coverage": _of_coverage,
    "proofs": _of_proofs,
}


def prepare() -> None:
    """Make the sound inputs once."""
    for make in (_answers, _traces, _lock_steps, _verdicts, _coverage, _proofs):
        make()
