"""The search as a program: generated, compiled with the machine's C compiler, run.

Sources and program live in a temporary folder that is gone as soon as the
program runs, so nothing is left however the search ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from .code import header, steps
from .layout import Layout
from .model import Model
from .results import Progress

__all__ = ["NativeError", "Outcome", "compiler", "run"]

SOURCES = ("search.c", "table.h")


class NativeError(Exception):
    """The program could not be made, or failed; the message says what to do."""


@dataclass
class Outcome:
    """What the program printed.

    ``end`` is one of *complete*, *depth*, *memory*, *refuted* and *overflow*;
    ``depth``, the steps within which every state was seen; ``layers``, the new
    states at each depth, and all transitions up to there; ``ways``, for the
    number of a claim (one more: a deadlock) the numbers of the steps to it.
    """

    end: str = ""
    depth: int = 0
    states: int = 0
    transitions: int = 0
    deadlocks: int = 0
    layers: list[tuple[int, int]] = field(default_factory=list)
    boot: list[int] = field(default_factory=list)
    ways: dict[int, list[list[int]]] = field(default_factory=dict)


def compiler() -> str | None:
    """The C compiler: ``$CC`` or the first of cc, gcc and clang; None if there is none."""
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    return next((path for name in names if (path := shutil.which(name))), None)


def run(
    model: Model,
    layout: Layout,
    cc: str,
    *,
    jobs: int,
    memory: int,
    depth: int | None,
    stop: bool,
    progress: Callable[[Progress], None] | None,
) -> Outcome:
    """Search.  Parameters: see `memhp.checks.explore.run.explore`.

    Raises `NativeError` if the compiler or the program fails.
    """
    with TemporaryDirectory(prefix="memhp-explore-") as folder:
        program = _compiled(model, layout, cc, Path(folder))
        arguments = [str(program), str(jobs), str(memory), str(depth or 0), str(int(stop))]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        outcome = _read(process.stdout, progress)
    finally:
        process.kill()
        process.wait()
    if not outcome.end:
        raise NativeError("the search program ended early; is there less memory than --memory?")
    return outcome


def _compiled(model: Model, layout: Layout, cc: str, folder: Path) -> Path:
    (folder / "model.h").write_text(header(model, layout))
    (folder / "steps.h").write_text(steps(model, layout))
    for name in SOURCES:
        (folder / name).write_text((files("memhp.checks.explore") / name).read_text())
    program = folder / "search"
    level = "-O1" if model.watches else "-O2"  # watches are much code, and seldom run
    command = [cc, level, "-pthread", "-o", str(program), str(folder / SOURCES[0])]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        first = next((line for line in made.stderr.splitlines() if "error" in line), made.stderr)
        raise NativeError(f"{cc} cannot compile the search: {first.strip()}")
    return program


def _read(lines: Iterator[str], progress: Callable[[Progress], None] | None) -> Outcome:
    outcome = Outcome()
    way: list[list[int]] = []
    for line in lines:
        word, *rest = line.split()
        match word:
            case "progress" if progress:
                at, states, transitions, seconds = rest
                progress(Progress(int(at), int(states), int(transitions), float(seconds)))
            case "layer":
                outcome.layers.append((int(rest[1]), int(rest[2])))
            case "way":
                way = outcome.ways[int(rest[0])] = []
            case "step":
                way.append(list(map(int, rest)))
            case "boot":
                outcome.boot = list(map(int, rest))
            case "failed":
                raise NativeError(" ".join(rest))
            case "done":
                outcome.end = rest[0]
                numbers = map(int, rest[1:])
                outcome.depth, outcome.states = next(numbers), next(numbers)
                outcome.transitions, outcome.deadlocks = next(numbers), next(numbers)
    return outcome
