"""How long somebody waits for a proof: the commands, each in a process of its own.

    python tests/bench/proof.py

What was edited is a guard of ``begin_offline`` in a copy of the package.  `z3` is asked for the
goals as they are, without what memhp decides by rewriting, one context an action, one process.
"""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from memhp.checks.proof.case import Limits, near, own
from memhp.checks.proof.obligations import Obligation, Obligations
from memhp.checks.proof.smt import GOAL, unnamed_script
from memhp.checks.proof.solvers import Session
from memhp.spec.language.terms import negate
from memhp.spec.system import SYSTEM
from memhp.spec.variants import VARIANTS

PACKAGE = Path(__file__).parents[2]
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
"""Not said to the commands: they start as a user's do."""
EDITED = (
    "spec/blocks/blocks.py",
    "~exists(Frame, lambda f: (block_of(f) == b) & hole[f])",
    "~false",
)
"""A file, a condition in it, and another that lets more pass."""


def results(*, quick: bool = False) -> Iterator[tuple[str, str]]:
    """What was measured, and the result with its unit."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        cached = {"XDG_CACHE_HOME": str(place / "cache")}
        if quick:
            yield timed("memhp check --only N2, no cache", "check --only N2 --no-cache", {})
            return
        whole, line = timed("memhp check, no cache", "check", cached)
        yield whole, line
        yield timed("memhp check, nothing changed", "check", cached)
        yield timed("memhp check, a guard edited", "check", {**cached, **_edited(place)})
        yield timed("memhp check --only N2, no cache", "check --only N2 --no-cache", {})
        yield timed("memhp check --certify, no cache", "check --certify --no-cache", {})
        proofs = f"check --no-cache --proofs {place / 'proofs'}"
        yield timed("memhp check --proofs, no cache", proofs, {})
        fresh = {"XDG_CACHE_HOME": str(place / "fresh")}
        yield timed("memhp coverage, no cache", "coverage", fresh)
        yield timed("memhp coverage, nothing changed", "coverage", fresh)
        yield _slowest_variant()
    yield "z3 alone, the same goals", _alone()


def timed(what: str, words: str, variables: dict[str, str]) -> tuple[str, str]:
    """How long the command took with these variables of the environment, and what it said."""
    seconds, said = run(words.split(), variables)
    return what, f"{seconds:.1f} s; {said}"


def run(words: list[str], variables: dict[str, str]) -> tuple[float, str]:
    """How long the command took, and the last line that it printed."""
    started = perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "memhp", *words],
        env={k: v for k, v in os.environ.items() if k != _NO_BYTECODE} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines() or done.stderr.splitlines() or [""]
    return perf_counter() - started, re.sub(r" in [\d.]+ s.*", "", lines[-1])


def _edited(place: Path) -> dict[str, str]:
    """A copy of the package, with one guard that lets more pass, is what Python finds."""
    copy = place / "edited" / "memhp"
    unwanted = shutil.ignore_patterns(".*", "tests", "docs", "*.egg-info", "__pycache__")
    shutil.copytree(PACKAGE, copy, ignore=unwanted)
    name, old, new = EDITED
    text = (copy / name).read_text()
    if text.count(old) != 1:
        raise ValueError(f"{name} does not have {old!r} once")
    compileall.compile_dir(copy, quiet=1)  # all but what is edited
    (copy / name).write_text(text.replace(old, new))
    return {"PYTHONPATH": str(copy.parent)}


def _slowest_variant() -> tuple[str, str]:
    times = {
        variant.name: run(["check", "--variant", variant.name, "--no-cache"], {})[0]
        for variant in VARIANTS
    }
    slowest = max(times, key=lambda name: times[name])
    return "memhp check --variant, the slowest", f"{times[slowest]:.1f} s ({slowest})"


def _alone() -> str:
    """The seconds of the processor that z3 takes for the goals that are not *unchanged*."""
    known, limit, seconds, proved, asked = Obligations(SYSTEM), Limits().z3, 0.0, 0, 0
    claims = [claim.name for claim in SYSTEM.of_kind("always", "step")]
    for action in SYSTEM.actions:
        goals = [each for each in known.of_steps(claims, action) if not each.unchanged]
        started = process_time()
        proved += sum(_answers(goals, limit))
        seconds += process_time() - started
        asked += len(goals)
    return f"{seconds:.1f} s of the processor; {proved:,} of {asked:,} goals proved at first"


def _answers(goals: list[Obligation], limit: int) -> Iterator[bool]:
    terms = dict.fromkeys(
        term
        for each in goals
        for term in (*(part.general for part in (*near(each), *own(each))), negate(each.goal))
    )
    number = {term: at for at, term in enumerate(terms)}
    constants = dict.fromkeys(var for each in goals for var in each.constants)
    session = Session(unnamed_script(SYSTEM, tuple(terms), tuple(constants)))
    for each in goals:
        goal = number[negate(each.goal)]
        asked = (
            {**{part.label: number[part.general] for part in used}, GOAL: goal}
            for used in (near(each), own(each))
        )
        yield any(session.ask(chosen, limit).status == "unsat" for chosen in asked)


if __name__ == "__main__":
    for what, result in results():
        print(f"{what}: {result}", flush=True)
